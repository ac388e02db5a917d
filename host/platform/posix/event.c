/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events by eventfd(2), waiting by ppoll(2).
 */
#include "platform/event.h"

#include "platform/clock.h"
#include "platform/os.h"
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

via_status via_event_open(via_event *event, int32_t *os_code)
{
    *event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *os_code = *event < 0 ? errno : 0;
    return via_os_error_status(*os_code);
}

void via_event_close(via_event event)
{
    if (event >= 0)
        (void)close((int)event);
}

void via_event_raise(via_event event)
{
    const int kept = errno;
    const uint64_t one = 1;
    while (write((int)event, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    errno = kept;
}

void via_event_clear(via_event event)
{
    uint64_t count;
    while (read((int)event, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
}

static const struct timespec *time_left(via_deadline deadline, struct timespec *storage)
{
    if (deadline == VIA_FOREVER)
        return NULL;
    const uint64_t now = deadline == VIA_NOW ? 0 : via_clock_now();
    const uint64_t left = deadline > now ? deadline - now : 0;
    storage->tv_sec = (time_t)(left / UINT64_C(1000000000));
    storage->tv_nsec = (long)(left % UINT64_C(1000000000));
    return storage;
}

via_status via_event_wait(via_event event, const via_poll_handle *handles, size_t count, via_deadline deadline,
                          bool *is_raised)
{
    struct pollfd places[1 + VIA_EVENT_HANDLES] = {{(int)event, POLLIN, 0}};
    for (size_t i = 0; i < count; i++) {
        places[1 + i].fd = (int)handles[i].handle;
        places[1 + i].events = (short)(((handles[i].wait & VIA_WAIT_READABLE) != 0 ? POLLIN : 0) |
                                       ((handles[i].wait & VIA_WAIT_WRITABLE) != 0 ? POLLOUT : 0));
    }
    int shown;
    do {
        struct timespec storage;
        shown = ppoll(places, 1 + count, time_left(deadline, &storage), NULL);
    } while (shown < 0 && errno == EINTR);
    *is_raised = shown > 0 && places[0].revents != 0;
    if (shown < 0)
        return VIA_EIO;
    return shown > 0 ? VIA_OK : VIA_ETIMEDOUT;
}
