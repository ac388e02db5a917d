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
}

void via_wake_fini(via_wake *wake)
{
    int descriptor = atomic_exchange(&wake->descriptor, -1);

    if (descriptor >= 0)
        close(descriptor);
}

static void signal_descriptor(int descriptor)
{
    const uint64_t one = 1;
    ssize_t written;

    do
        written = write(descriptor, &one, sizeof(one));
    while (written < 0 && errno == EINTR);
}

void via_wake_raise(via_wake *wake)
{
    int saved_errno = errno;
    int descriptor;

    atomic_store(&wake->raised, 1);
    descriptor = atomic_load(&wake->descriptor);
    if (descriptor >= 0)
        signal_descriptor(descriptor);
    errno = saved_errno;
}

int via_wake_descriptor(via_wake *wake)
{
    int present = atomic_load(&wake->descriptor);
    int made;

    if (present >= 0)
        return present;
    made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made < 0)
        return -1;
    if (!atomic_compare_exchange_strong(&wake->descriptor, &present, made)) {
        close(made);
        made = present;
    }
    if (atomic_load(&wake->raised))
        signal_descriptor(made);
    return made;
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
