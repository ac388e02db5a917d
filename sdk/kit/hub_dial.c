/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting, and connecting again.
 *
 * Owns: the pause between two attempts and the timerfd that ends it. Must never block but in the first attempt.
 */
#include "kit/hub_internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>

#include "kit/deadline.h"
#include "kit/fail.h"

enum { BACKOFF_STEPS = 20 }; /* the longest pause is so many times the first */

static void set_timer(const via_hub *hub)
{
    struct itimerspec when = {
        .it_value = {(time_t)(hub->redial_at / 1000000000U), (long)(hub->redial_at % 1000000000U)}};

    (void)timerfd_settime(hub->timer, TFD_TIMER_ABSTIME, &when, NULL); /* 0 stops it and makes it unreadable */
}

/* A connection that held for a while starts the pauses over; one that broke at once does not. */
void via_hub_dial_later(via_hub *hub)
{
    uint64_t first = hub->config.reconnect_ns;
    uint64_t now = via_deadline_clock();

    if (!hub->config.port->connect || hub->closing)
        return;
    if (via_hub_pair_is_over(hub)) {
        hub->redial_at = 1; /* long past, so the timer shows from now on, as a stream shows its end */
        set_timer(hub);
        return;
    }
    if (hub->backoff_ns == 0 || (hub->connected_at && now - hub->connected_at > 2 * hub->backoff_ns))
        hub->backoff_ns = first;
    else
        hub->backoff_ns = via_deadline_min(2 * hub->backoff_ns, BACKOFF_STEPS * first);
    hub->connected_at = 0;
    hub->redial_at = via_deadline_after((int64_t)hub->backoff_ns);
    set_timer(hub);
    hub->quiet.attention(hub->config.stream.context); /* heard of a pair only, which may have had no work so far */
}

/* One step. VIA_OK: connected; VIA_ETIMEDOUT: under way. */
static via_status step(via_hub *hub, via_error *error)
{
    via_stream_config config = hub->config.stream;
    via_status status;

    via_error_init(error);
    status = hub->config.port->connect(hub->config.user, &config, error);
    if (status != VIA_OK)
        return status;
    status = via_hub_peer_add(hub, &config);
    if (status != VIA_OK)
        return via_fail(hub->config.stream.host, error, status, 0, NULL, "cannot keep the connection");
    hub->connected_at = via_deadline_clock();
    hub->redial_at = 0;
    set_timer(hub);
    return VIA_OK;
}

void via_hub_dial_again(via_hub *hub)
{
    via_error error;
    via_status status;

    if (!hub->config.port->connect || hub->peer_count > 0 || hub->closing || via_hub_pair_is_over(hub) ||
        via_deadline_clock() < hub->redial_at)
        return;
    status = step(hub, &error);
    if (status == VIA_OK)
        return;
    if (status == VIA_ETIMEDOUT) { /* the port's descriptor will tell */
        hub->redial_at = 0;
        set_timer(hub);
        return;
    }
    if (status != VIA_ENOPEER)
        via_note(hub->config.stream.host, hub->config.stream.context, VIA_LOG_WARNING, "cannot connect again: %s",
                 error.what);
    via_hub_dial_later(hub);
}

via_status via_hub_dial_first(via_hub *hub, via_deadline deadline, via_error *error)
{
    for (;;) {
        via_status status = step(hub, error);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = via_wake_poll(&hub->wake, hub->set.main, POLLIN, deadline);
        if (status == VIA_OK)
            continue;
        return via_fail(hub->config.stream.host, error, status == VIA_ETIMEDOUT ? VIA_ENOPEER : status, ETIMEDOUT,
                        "check address and firewall, or allow more time", "no answer before the deadline");
    }
}
