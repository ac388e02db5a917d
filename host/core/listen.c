/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_listen(): one listener in one place, or in all places that an endpoint names.
 *
 * Owns: which candidates have to be there.
 */
#include "core/fan.h"
#include "core/listener.h"
#include "core/routes.h"
#include "kit/error.h"
#include <string.h>

typedef struct places {
    via_routes routes;
    via_listener *parts[VIA_CANDIDATES];
    size_t count;
} places;

static void warn_left_out(const places *now, size_t index)
{
    const via_candidate *candidate = &now->routes.all.list[index];
    via_log_line(&now->routes.host->log, VIA_LOG_WARNING, NULL, "%s: %s is left out: %s", now->routes.all.name,
                 candidate->address, candidate->error.what);
}

/*
 * A candidate whose plugin cannot be used here is left out, with a warning: the others serve. A name that cannot be taken is
 * an error: whoever dials it would find somebody else, or nobody.
 */
static via_status take_place(places *now, size_t index, via_error *error)
{
    const bool is_choice = now->routes.all.is_choice;
    if (via_routes_load(&now->routes, index) != VIA_OK) {
        if (is_choice)
            warn_left_out(now, index);
        return VIA_OK;
    }
    via_error_init(error);
    now->parts[now->count] = via_listener_open(now->routes.list[index], error);
    if (now->parts[now->count] != NULL) {
        now->count++;
        return VIA_OK;
    }
    if (is_choice)
        via_error_more(error, "it is a candidate of \"%s\": %s", now->routes.all.name,
                       now->routes.all.list[index].address);
    return error->status;
}

/* Of what is ranked the best alone: more than it would be open than anybody has asked for. */
static via_status take_places(places *now, via_error *error)
{
    const via_candidates *all = &now->routes.all;
    for (size_t i = 0; i < all->count && !(all->is_ranked && now->count > 0); i++) {
        if (now->routes.list[i] == NULL)
            continue;
        const via_status status = take_place(now, i, error);
        if (status != VIA_OK)
            return status;
    }
    return now->count > 0 ? VIA_OK : via_routes_fail(&now->routes, error);
}

static void give_places_up(places *now)
{
    for (size_t i = 0; i < now->count; i++)
        via_listener_end(now->parts[i], VIA_CLOSE_FLUSH);
    now->count = 0;
}

/* One listener of all parts, which are its own from then on. */
static via_listener *join_parts(places *now, via_error *error)
{
    via_listener *whole = via_listener_create(now->parts[0]->context.route, error);
    const size_t count = now->count;
    if (whole == NULL)
        return NULL;
    now->count = 0;
    if (via_fan_create(whole, now->parts, count, &whole->fan, error) != VIA_OK) {
        via_listener_free(whole);
        return NULL;
    }
    memcpy(&whole->ops, &via_fan_ops, sizeof(whole->ops));
    whole->self = whole->fan;
    return whole;
}

static via_listener *make_whole(places *now, via_error *error)
{
    via_listener *whole = now->count > 1 ? join_parts(now, error) : now->parts[0];
    if (now->count == 1)
        now->count = 0;
    if (whole == NULL || via_listener_finish(whole, error) == VIA_OK)
        return whole;
    via_listener_end(whole, VIA_CLOSE_FLUSH);
    return NULL;
}

via_status via_listen(via_host *host, const char *address, const via_open_options *options, via_listener **out,
                      via_error *given)
{
    via_error scratch;
    via_error *error = given != NULL ? given : &scratch;
    places now = {.count = 0};
    via_error_init(error);
    *out = NULL;
    via_status status = via_routes_open(host, address, VIA_PAIR, false, options, &now.routes, error);
    if (status != VIA_OK)
        return status;
    status = take_places(&now, error);
    if (status == VIA_OK) {
        *out = make_whole(&now, error);
        status = *out != NULL ? VIA_OK : error->status;
    }
    give_places_up(&now);
    via_routes_fini(&now.routes);
    if (status == VIA_OK)
        via_error_init(error);
    return status;
}
