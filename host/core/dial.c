/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_dial() and via_join().
 *
 * Owns: trying again while nobody serves the address, so that no transport has to.
 */
#include "core/channel.h"
#include "kit/error.h"
#include "platform/clock.h"
#include <stdlib.h>
#include <string.h>

static const uint64_t shortest_pause_ns = UINT64_C(1000000);
static const uint64_t longest_pause_ns = UINT64_C(50000000);

typedef via_status (*open_fn)(void *state, const via_open *open, void **channel, via_error *error);

static open_fn find_slot(const via_route *route)
{
    return route->resolved.pattern == VIA_PATTERN_PAIR ? route->transport->dial : route->transport->join;
}

static via_status try_once(via_channel *channel, via_deadline deadline, void **self, via_error *error)
{
    const via_route *route = channel->context.route;
    const open_fn slot = find_slot(route);
    via_open open;
    if (slot == NULL)
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_OPEN, "see `via plugins` for the patterns of each scheme",
                             "%s: the plugin does not offer this pattern", route->resolved.address);
    via_route_describe(route, &channel->context, &channel->counters, deadline, &open);
    const via_log *outer = via_context_log_enter(route->log);
    const via_status status = slot(route->loaded->state, &open, self, error);
    (void)via_context_log_enter(outer);
    return status;
}

/* False if the deadline comes first. */
static bool pause_before_retry(uint64_t *pause_ns, via_deadline deadline)
{
    const uint64_t now = via_clock_now();
    if (deadline == VIA_NOW || now >= deadline)
        return false;
    via_clock_sleep_until(deadline - now > *pause_ns ? now + *pause_ns : deadline);
    *pause_ns = *pause_ns * 2 < longest_pause_ns ? *pause_ns * 2 : longest_pause_ns;
    return true;
}

static via_status try_until(via_channel *channel, via_deadline deadline, void **self, via_error *error)
{
    uint64_t pause_ns = shortest_pause_ns;
    const via_route *route = channel->context.route;
    via_status status;
    for (;;) {
        status = try_once(channel, deadline, self, error);
        if (status == VIA_ENOPEER && pause_ns == shortest_pause_ns)
            via_route_note(route, deadline == VIA_NOW ? "nobody is there" : "nobody is there yet, waiting");
        if (status != VIA_ENOPEER || !pause_before_retry(&pause_ns, deadline))
            break;
        via_context_reset(&channel->context);
        via_error_init(error);
    }
    return status == VIA_OK ? VIA_OK : via_route_fail(route, status, error);
}

static via_status open_channel(via_host *host, const char *address, uint32_t role, const via_open_options *options,
                               via_deadline deadline, via_channel **out, via_error *error)
{
    via_route *route = NULL;
    void *self = NULL;
    via_status status = via_route_open(host, address, role, true, options, &route, error);
    if (status != VIA_OK)
        return status;
    via_channel *channel = via_channel_create(route);
    via_route_drop(route); /* the channel's context holds it */
    if (channel == NULL)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPEN, "free some memory", "out of memory for a channel");
    status = try_until(channel, deadline, &self, error);
    if (status == VIA_OK)
        status = via_channel_start(channel, self, error);
    if (status != VIA_OK) {
        via_channel_free(channel);
        return status;
    }
    via_route_note(channel->context.route, "open");
    via_error_init(error);
    *out = channel;
    return VIA_OK;
}

via_status via_dial(via_host *host, const char *address, const via_open_options *options, via_deadline deadline,
                    via_channel **channel, via_error *error)
{
    via_error scratch;
    via_error *record = error != NULL ? error : &scratch;
    via_error_init(record);
    *channel = NULL;
    return open_channel(host, address, VIA_PAIR, options, deadline, channel, record);
}

via_status via_join(via_host *host, const char *address, uint32_t role, const via_open_options *options,
                    via_deadline deadline, via_channel **channel, via_error *error)
{
    via_error scratch;
    via_error *record = error != NULL ? error : &scratch;
    via_error_init(record);
    *channel = NULL;
    if (role == VIA_PAIR || role > VIA_REGION)
        return via_error_set(record, VIA_EINVAL, VIA_STAGE_OPEN, "a pair is made by via_listen() and via_dial()",
                             "role %u cannot be joined; expected VIA_PUSH, VIA_PULL, VIA_PUBLISH, VIA_SUBSCRIBE, "
                             "VIA_VALUE or VIA_REGION",
                             role);
    return open_channel(host, address, role, options, deadline, channel, record);
}
