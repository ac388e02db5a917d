/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping, as wait.h describes. Owns: the list of descriptors of one sleep. */
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "stop.h"

enum { MOST = 12 }; /* three events of two channels, three descriptors, the stop descriptor */

struct sleeper {
    struct pollfd descriptors[MOST];
    bool internal[MOST]; /* a channel's own work: no reason to return */
    nfds_t count;
};

static void add(struct sleeper *sleeper, int descriptor, short events)
{
    if (descriptor >= 0)
        sleeper->descriptors[sleeper->count++] = (struct pollfd){.fd = descriptor, .events = events};
}

static void add_handle(struct sleeper *sleeper, const via_poll_handle *handle)
{
    short events = 0;
    if (handle->wait & VIA_WAIT_READABLE)
        events |= POLLIN;
    if (handle->wait & VIA_WAIT_WRITABLE)
        events |= POLLOUT;
    add(sleeper, (int)handle->handle, events);
}

/* Adds one event of a channel. VIA_OK: it may sleep. VIA_EREADY: it must not. */
static via_status add_event(struct sleeper *sleeper, via_channel *channel, uint32_t event)
{
    via_poll_handle handle = {.size = sizeof handle};
    via_status status = via_pollable(channel, event, &handle);
    if (status == VIA_OK)
        status = via_arm(channel, event);
    if (status != VIA_OK)
        return status;
    sleeper->internal[sleeper->count] = event == VIA_WORK;
    add_handle(sleeper, &handle);
    return VIA_OK;
}

/* Is it the handle that cannot be had? The channel may be well, and would never say why. */
static bool is_lack(via_status status)
{
    return status == VIA_ENOTSUP || status == VIA_ELIMIT || status == VIA_ENOMEM;
}

/* VIA_OK, VIA_EREADY, or what is_lack() is about. A channel that has failed is ready: the next call on it says why. */
static via_status add_channel(struct sleeper *sleeper, via_channel *channel, uint32_t events)
{
    via_status result = VIA_OK;
    if (events & VIA_WORK)
        (void)add_event(sleeper, channel, VIA_WORK); /* ENOENT, ENOTSUP: nothing outstanding */
    for (uint32_t event = VIA_READ; event <= VIA_WRITE; event <<= 1) {
        if ((events & event) == 0)
            continue;
        via_status status = add_event(sleeper, channel, event);
        if (status != VIA_OK)
            result = is_lack(status) ? status : VIA_EREADY;
    }
    return result;
}

static via_status poll_until(struct sleeper *sleeper, via_deadline deadline)
{
    struct timespec left, *limit = NULL;
    add(sleeper, via_cli_stop_descriptor(), POLLIN);
    if (deadline != VIA_FOREVER) {
        uint64_t now = via_now_ns(), ns = deadline > now ? deadline - now : 0;
        left = (struct timespec){.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
        limit = &left;
    }
    int ready = ppoll(sleeper->descriptors, sleeper->count, limit, NULL);
    if (via_cli_stopped())
        return VIA_ECANCELED;
    if (ready < 0)
        return errno == EINTR ? VIA_OK : VIA_EIO;
    return ready == 0 ? VIA_ETIMEDOUT : VIA_OK;
}

static bool has_reason(const struct sleeper *sleeper, bool any_internal)
{
    for (nfds_t i = 0; i < sleeper->count; i++)
        if (sleeper->descriptors[i].revents != 0 && (any_internal || !sleeper->internal[i]))
            return true;
    return false;
}

/* One sleep. *woken = false: only internal work happened, sleep again. */
static via_status sleep_once(const via_cli_sleep *sleep, bool *woken)
{
    struct sleeper sleeper = {.count = 0};
    bool waits_for_work_only = true;
    *woken = true;
    for (size_t i = 0; i < 2; i++) {
        via_status status =
            sleep->on[i].channel ? add_channel(&sleeper, sleep->on[i].channel, sleep->on[i].events) : VIA_OK;
        if (status == VIA_EREADY)
            return via_cli_stopped() ? VIA_ECANCELED : VIA_OK;
        if (status != VIA_OK)
            return status;
        waits_for_work_only = waits_for_work_only && (sleep->on[i].events & (VIA_READ | VIA_WRITE)) == 0;
    }
    waits_for_work_only = waits_for_work_only && sleep->readable[0] < 0 && sleep->readable[1] < 0;
    add(&sleeper, sleep->readable[0], POLLIN);
    add(&sleeper, sleep->readable[1], POLLIN);
    nfds_t hangup = sleeper.count;
    add(&sleeper, sleep->hangup, 0);
    via_status status = poll_until(&sleeper, sleep->deadline);
    if (status == VIA_OK && sleep->hangup >= 0 && sleeper.descriptors[hangup].revents != 0)
        return VIA_ECLOSED;
    *woken = status != VIA_OK || has_reason(&sleeper, waits_for_work_only);
    return status;
}

void via_cli_sleep_init(via_cli_sleep *sleep, via_deadline deadline)
{
    *sleep = (via_cli_sleep){.readable = {-1, -1}, .hangup = -1, .deadline = deadline};
}

via_status via_cli_sleep_wait(const via_cli_sleep *sleep)
{
    bool woken = false;
    via_status status;
    do
        status = sleep_once(sleep, &woken);
    while (!woken);
    return status;
}

via_status via_cli_wait(via_channel *channel, uint32_t event, via_deadline deadline)
{
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, deadline);
    sleep.on[0].channel = channel;
    sleep.on[0].events = event | VIA_WORK;
    return via_cli_sleep_wait(&sleep);
}

via_status via_cli_wait_listener(via_listener *listener, via_channel *other, via_deadline deadline)
{
    struct sleeper sleeper = {.count = 0};
    via_poll_handle handle = {.size = sizeof handle};
    via_status status = via_listener_pollable(listener, &handle);
    if (status == VIA_OK)
        status = via_listener_arm(listener);
    add_handle(&sleeper, &handle);
    if (status == VIA_OK && other)
        status = add_channel(&sleeper, other, VIA_READ);
    if (status != VIA_OK)
        return status == VIA_EREADY ? VIA_OK : status;
    return poll_until(&sleeper, deadline);
}

bool via_cli_readable_now(int descriptor)
{
    struct pollfd one = {.fd = descriptor, .events = POLLIN};
    return poll(&one, 1, 0) > 0;
}

void via_cli_pause_until(via_deadline deadline)
{
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, deadline);
    (void)via_cli_sleep_wait(&sleep);
}
