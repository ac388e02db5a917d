/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_dial() and via_join().
 *
 * Owns: trying again while nobody serves the address, so that no transport has to; and which of an endpoint's candidates
 * is taken: the first that somebody serves.
 */
#include "core/channel.h"
#include "core/routes.h"
#include "kit/error.h"
#include "platform/clock.h"
#include <stdlib.h>
#include <string.h>

static const uint64_t shortest_pause_ns = UINT64_C(1000000);
static const uint64_t longest_pause_ns = UINT64_C(50000000);
/* Each round allows twice as much, so that a way which is slow, but leads there, is found in the end. */
static const uint64_t shortest_patience_ns = UINT64_C(50000000);
static const uint64_t longest_patience_ns = UINT64_C(2000000000);

typedef via_status (*open_fn)(void *state, const via_open *open, void **channel, via_error *error);

static open_fn find_slot(const via_route *route)
{
    return route->resolved.pattern == VIA_PATTERN_PAIR ? route->transport->dial : route->transport->join;
}

/* Ways that a dialer tries in turn, each with the channel that it would become. */
typedef struct dialing {
    via_routes routes;
    via_channel *channels[VIA_CANDIDATES];
    via_deadline deadline;
    uint64_t patience_ns; /* for one attempt, while there are others */
} dialing;

static via_status try_once(via_channel *channel, via_deadline deadline, void **self, via_error *error)
{
    const via_route *route = channel->context.route;
    const open_fn slot = find_slot(route);
    via_open open;
    if (slot == NULL)
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_OPEN, "see `via plugins` for the patterns of each scheme",
                             "%s: the plugin does not offer this pattern", route->resolved.address);
    via_route_describe(route, &channel->context, &channel->slot->counters, deadline, &open);
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

/* ---- one candidate ------------------------------------------------------------------------------------------ */

static size_t count_live(const dialing *now, size_t from)
{
    size_t count = 0;
    for (size_t i = from; i < now->routes.all.count; i++)
        count += now->routes.list[i] != NULL;
    return count;
}

/* A slow one must not eat the time of the others: it has its share of what is left, and at most `patience_ns`. */
static via_deadline share_of_time(const dialing *now, size_t index)
{
    const size_t sharers = count_live(now, index);
    if (count_live(now, 0) == 1 || now->deadline == VIA_NOW)
        return now->deadline;
    const uint64_t time = via_clock_now();
    const uint64_t left = now->deadline > time ? (now->deadline - time) / sharers : 0;
    return time + (left < now->patience_ns ? left : now->patience_ns);
}

static void give_up(dialing *now, size_t index)
{
    if (now->channels[index] != NULL)
        via_channel_free(now->channels[index]);
    now->channels[index] = NULL;
    via_routes_leave(&now->routes, index);
}

static via_status prepare(dialing *now, size_t index)
{
    via_error *error = &now->routes.all.list[index].error;
    if (now->channels[index] != NULL) {
        via_context_reset(&now->channels[index]->context);
        via_error_init(error);
        return VIA_OK;
    }
    const via_status status = via_routes_load(&now->routes, index);
    if (status != VIA_OK)
        return status;
    now->channels[index] = via_channel_create(now->routes.list[index]);
    if (now->channels[index] != NULL)
        return VIA_OK;
    return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPEN, "free some memory", "out of memory for a channel");
}

/* VIA_OK, and the channel is open; VIA_ENOPEER: again later; else this one is out. */
static via_status attempt(dialing *now, size_t index)
{
    void *self = NULL;
    via_error *error = &now->routes.all.list[index].error;
    via_status status = prepare(now, index);
    if (status != VIA_OK) {
        if (now->routes.list[index] != NULL)
            give_up(now, index);
        return status;
    }
    const via_deadline deadline = share_of_time(now, index);
    status = try_once(now->channels[index], deadline, &self, error);
    if (status == VIA_ETIMEDOUT && deadline != now->deadline)
        status = VIA_ENOPEER;
    if (status != VIA_OK)
        (void)via_route_fail(now->routes.list[index], status, error);
    if (status == VIA_ENOPEER)
        return status;
    if (status == VIA_OK)
        status = via_channel_start(now->channels[index], self, error);
    if (status != VIA_OK)
        give_up(now, index);
    return status;
}

/* ---- all of them -------------------------------------------------------------------------------------------- */

/* Whoever binds, or meets others as an equal, is found in one place: it must not move to the next by itself. */
static bool is_settled(const via_route *route)
{
    const uint32_t equals = VIA_PATTERN_VALUE | VIA_PATTERN_REGION;
    return route->resolved.side == VIA_SIDE_BIND || (route->resolved.pattern & equals) != 0;
}

/* Asks each once, the best first. VIA_OK: `*index` is open. VIA_ENOPEER: one of them may still come. */
static via_status ask_each(dialing *now, size_t *index)
{
    via_status all = VIA_EREFUSED;
    for (size_t i = 0; i < now->routes.all.count; i++) {
        if (now->routes.list[i] == NULL)
            continue;
        const bool is_final = is_settled(now->routes.list[i]);
        const via_status status = attempt(now, i);
        *index = i;
        if (status == VIA_OK)
            return VIA_OK;
        if (now->routes.list[i] != NULL)
            all = VIA_ENOPEER;
        else if (is_final && now->routes.all.list[i].error.stage >= VIA_STAGE_OPEN)
            return status;
    }
    return all;
}

static void note_wait(const dialing *now, size_t index)
{
    via_route_note(now->routes.list[index],
                   now->deadline == VIA_NOW ? "nobody is there" : "nobody is there yet, waiting");
}

static void note_all_waits(const dialing *now)
{
    for (size_t i = 0; i < now->routes.all.count; i++) {
        if (now->routes.list[i] != NULL)
            note_wait(now, i);
    }
}

static via_status try_until(dialing *now, size_t *index, via_error *error)
{
    uint64_t pause_ns = shortest_pause_ns;
    for (;;) {
        const via_status status = ask_each(now, index);
        if (status == VIA_OK)
            return VIA_OK;
        if (status == VIA_ENOPEER && pause_ns == shortest_pause_ns)
            note_all_waits(now);
        if (status != VIA_ENOPEER || !pause_before_retry(&pause_ns, now->deadline))
            return via_routes_fail(&now->routes, error);
        now->patience_ns = now->patience_ns * 2 < longest_patience_ns ? now->patience_ns * 2 : longest_patience_ns;
    }
}

/* One channel cannot be in two places, and who connects takes whichever it reaches. */
static via_status check_places(const via_routes *routes, via_error *error)
{
    const via_candidates *all = &routes->all;
    size_t first = 0;
    while (routes->list[first] == NULL)
        first++;
    const via_resolved *resolved = &routes->list[first]->resolved;
    if (!all->is_choice || all->is_ranked || all->count < 2 || resolved->side != VIA_SIDE_BIND)
        return VIA_OK;
    (void)via_error_set(error, VIA_ENOTSUP, VIA_STAGE_RESOLVE, NULL,
                        "\"%s\" has %zu candidates, and the side that binds a queue or a topic is in one place only",
                        all->name, all->count);
    via_error_mend(error, "name one: \"address\": \"%s\"; via bridge A B serves a second", all->list[0].address);
    via_error_at(error, all->file, NULL, all->line, all->column);
    return VIA_ENOTSUP;
}

static void finish(dialing *now)
{
    for (size_t i = 0; i < now->routes.all.count; i++) {
        if (now->channels[i] != NULL)
            via_channel_free(now->channels[i]);
    }
    via_routes_fini(&now->routes);
}

static via_status open_channel(via_host *host, const char *address, uint32_t role, const via_open_options *options,
                               via_deadline deadline, via_channel **out, via_error *error)
{
    dialing now = {.deadline = deadline, .patience_ns = shortest_patience_ns};
    size_t index = 0;
    via_status status = via_routes_open(host, address, role, true, options, &now.routes, error);
    if (status != VIA_OK)
        return status;
    status = check_places(&now.routes, error);
    if (status == VIA_OK)
        status = try_until(&now, &index, error);
    if (status == VIA_OK) {
        via_route_note(now.routes.list[index], "open");
        via_error_init(error);
        *out = now.channels[index];
        now.channels[index] = NULL;
    }
    finish(&now);
    return status;
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
