/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which handle stands for which event.
 *
 * Owns: that a handle stays the same, and a handle, for the life of its channel. A descriptor that finish() has to
 * close (a pipe has no other end of file) is therefore shown through an epoll(7) of our own, which it can be taken out
 * of: what somebody else's epoll watches is the open file, which may live on in a forked child, so that its entry could
 * never be removed by a number that is something else by then.
 */
#include "kit/stream_internal.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/fail.h"

/* Keeps `made` unless another thread was faster. Returns what the handle is. */
static int publish(atomic_int *slot, int made)
{
    int present = -1;

    if (made < 0 || atomic_compare_exchange_strong(slot, &present, made))
        return made;
    close(made);
    return present;
}

static int ready_handle(via_stream *stream)
{
    int present = atomic_load(&stream->ready_fd);

    return present >= 0 ? present : publish(&stream->ready_fd, eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
}

static bool add(int set, int descriptor, uint32_t events)
{
    struct epoll_event event = {.events = events};

    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static int write_handle(via_stream *stream)
{
    int present = atomic_load(&stream->write_set);
    int made;

    if (present >= 0)
        return present;
    if (atomic_load(&stream->finished))
        return ready_handle(stream);
    made = epoll_create1(EPOLL_CLOEXEC);
    if (made >= 0 && !add(made, stream->config.write_fd, EPOLLOUT)) {
        close(made);
        made = -1;
    }
    return publish(&stream->write_set, made);
}

/* epoll(7) refuses regular files, which are always ready. */
static bool is_regular(int descriptor)
{
    struct stat status;

    return fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

via_status via_stream_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    via_stream *stream = self;
    const via_stream_config *config = &stream->config;
    int descriptor = event == VIA_READ ? config->read_fd : config->write_fd;
    bool goes = event != VIA_READ && config->write_fd != config->read_fd;

    if (descriptor < 0)
        return VIA_ENOTSUP;
    out->kind = VIA_POLL_DESCRIPTOR;
    out->wait = event == VIA_READ || goes ? VIA_WAIT_READABLE : VIA_WAIT_WRITABLE;
    if (atomic_load(&stream->write_set) < 0 && is_regular(descriptor))
        descriptor = ready_handle(stream);
    else if (goes)
        descriptor = write_handle(stream);
    out->handle = descriptor;
    return descriptor < 0 ? via_status_of_errno(errno) : VIA_OK;
}

/* An eventfd that is ready for ever; where no descriptor is left, what is read will do as well. */
static bool replace(int descriptor, int fallback)
{
    int ready = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    bool replaced = dup3(ready >= 0 ? ready : fallback, descriptor, O_CLOEXEC) >= 0;

    if (ready >= 0)
        close(ready);
    return replaced;
}

void via_stream_close_writer(via_stream *stream)
{
    int writer = stream->config.write_fd;
    int set = atomic_load(&stream->write_set);

    if (writer < 0 || writer == stream->config.read_fd)
        return;
    if (set >= 0)
        (void)epoll_ctl(set, EPOLL_CTL_DEL, writer, NULL);
    if (replace(writer, stream->config.read_fd)) {
        if (set >= 0)
            (void)add(set, writer, EPOLLIN);
        return;
    }
    stream->config.write_fd = -1;
    close(writer);
}

void via_stream_handles_fini(via_stream *stream)
{
    int ready = atomic_exchange(&stream->ready_fd, -1);
    int set = atomic_exchange(&stream->write_set, -1);

    if (ready >= 0)
        close(ready);
    if (set >= 0)
        close(set);
}
