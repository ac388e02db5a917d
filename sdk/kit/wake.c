/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the order of stores that makes a raise and a first sleep see each other: the sleeper publishes its eventfd
 * and then looks at the flag, the raiser sets the flag and then looks for an eventfd. Never uses a lock, since a raise
 * may come from a signal handler.
 */
#include "kit/wake.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/fail.h"

enum { SLICE_NS = 10 * 1000 * 1000 };

void via_wake_init(via_wake *wake)
{
    atomic_init(&wake->raised, 0);
    atomic_init(&wake->descriptor, -1);
    atomic_init(&wake->nudged, -1);
}

static void close_slot(atomic_int *slot)
{
    int descriptor = atomic_exchange(slot, -1);

    if (descriptor >= 0)
        close(descriptor);
}

void via_wake_fini(via_wake *wake)
{
    close_slot(&wake->descriptor);
    close_slot(&wake->nudged);
}

static void signal_descriptor(int descriptor)
{
    const uint64_t one = 1;
    ssize_t written;

    do
        written = write(descriptor, &one, sizeof(one));
    while (written < 0 && errno == EINTR);
}

static void signal_slot(const atomic_int *slot)
{
    int descriptor = atomic_load(slot);

    if (descriptor >= 0)
        signal_descriptor(descriptor);
}

void via_wake_raise(via_wake *wake)
{
    int saved_errno = errno;

    atomic_store(&wake->raised, 1);
    signal_slot(&wake->descriptor);
    signal_slot(&wake->nudged);
    errno = saved_errno;
}

void via_wake_nudge(via_wake *wake)
{
    signal_slot(&wake->nudged);
}

/* Whoever raises meanwhile sets the flag first, and the sleeper looks at the flag after this. */
void via_wake_take_nudge(via_wake *wake)
{
    uint64_t count;
    ssize_t size;

    do
        size = read(atomic_load(&wake->nudged), &count, sizeof(count));
    while (size < 0 && errno == EINTR);
}

static int obtain(const via_wake *wake, atomic_int *slot)
{
    int present = atomic_load(slot);
    int made;

    if (present >= 0)
        return present;
    made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made < 0)
        return -1;
    if (!atomic_compare_exchange_strong(slot, &present, made)) {
        close(made);
        made = present;
    }
    if (atomic_load(&wake->raised))
        signal_descriptor(made);
    return made;
}

int via_wake_descriptor(via_wake *wake)
{
    return obtain(wake, &wake->descriptor);
}

int via_wake_nudge_descriptor(via_wake *wake)
{
    return obtain(wake, &wake->nudged);
}

static via_status poll_once(struct pollfd *set, nfds_t count, via_deadline deadline)
{
    struct timespec storage;
    int ready = ppoll(set, count, via_deadline_timespec(deadline, &storage), NULL);

    if (ready < 0)
        return errno == EINTR ? VIA_OK : via_status_of_errno(errno);
    return ready == 0 ? VIA_ETIMEDOUT : VIA_OK;
}

/* Without a descriptor to be woken by (the limit of open files) the flag is looked at between short sleeps instead. */
static via_status poll_some(struct pollfd set[2], bool sleeps, via_deadline deadline)
{
    via_deadline slice = sleeps && set[1].fd < 0 ? via_deadline_after(SLICE_NS) : deadline;
    via_status status = poll_once(set, 2, via_deadline_min(slice, deadline));

    return status == VIA_ETIMEDOUT && slice < deadline ? VIA_OK : status;
}

via_status via_wake_poll(via_wake *wake, int descriptor, short events, via_deadline deadline)
{
    struct pollfd set[2] = {{.fd = descriptor, .events = events}, {.fd = -1, .events = POLLIN}};
    via_status status;

    if (deadline != VIA_NOW)
        set[1].fd = via_wake_descriptor(wake);
    do {
        if (atomic_load(&wake->raised))
            return VIA_ECANCELED;
        set[0].revents = 0;
        status = poll_some(set, deadline != VIA_NOW, deadline);
    } while (status == VIA_OK && set[0].revents == 0);
    return status;
}
