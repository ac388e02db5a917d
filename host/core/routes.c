/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address or endpoint to all the routes that it offers.
 */
#include "core/routes.h"

#include "core/record.h"
#include "kit/error.h"
#include <string.h>

via_status via_routes_read_options(const via_open_options *given, via_open_options *options, via_error *error)
{
    via_open_options_init(options);
    if (given == NULL)
        return VIA_OK;
    if (via_record_read(options, sizeof(*options), given, offsetof(via_open_options, options)) != VIA_OK)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "call via_open_options_init() first",
                             "via_open_options.size is %u; expected %zu", given->size, sizeof(*given));
    if (options->threads > VIA_MANY || options->side > VIA_SIDE_CONNECT)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "use VIA_TWO or VIA_MANY, and VIA_SIDE_...",
                             "via_open_options: threads %u, side %u; there is no such value", options->threads,
                             options->side);
    if (options->option_count > 0 && options->options == NULL)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "set `options`, or `option_count` to 0",
                             "via_open_options.options is NULL, but option_count is %zu", options->option_count);
    return VIA_OK;
}

/* Of listening it is a warning: a dialer elsewhere may rely on the one that is missing. */
static void tell_left_out(const via_routes *routes, size_t index, bool connects)
{
    const via_candidate *candidate = &routes->all.list[index];
    via_log_line(&routes->host->log, connects ? VIA_LOG_DEBUG : VIA_LOG_WARNING, NULL, "%s: %s is left out: %s",
                 routes->all.name, candidate->address, candidate->error.what);
}

static via_status make_routes(via_routes *routes, bool connects, const via_open_options *options, via_error *error)
{
    for (size_t i = 0; i < routes->all.count; i++) {
        via_candidate *candidate = &routes->all.list[i];
        if (candidate->error.status != VIA_OK) {
            tell_left_out(routes, i, connects);
            continue;
        }
        routes->list[i] = via_route_create(routes->host, &candidate->resolved, options);
        if (routes->list[i] == NULL)
            return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    }
    return VIA_OK;
}

via_status via_routes_open(via_host *host, const char *address, uint32_t role, bool connects,
                           const via_open_options *options, via_routes *routes, via_error *error)
{
    via_open_options full;
    memset(routes, 0, sizeof(*routes));
    via_status status = via_routes_read_options(options, &full, error);
    if (status != VIA_OK)
        return status;
    if (address == NULL)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, "give \"scheme:rest\" or the name of an endpoint",
                             "the address is NULL");
    status = via_host_borrow(host, &routes->host, error);
    if (status != VIA_OK)
        return status;
    status = via_resolve_all(routes->host->registry, address, role, connects, &full, &routes->all, error);
    if (status == VIA_OK)
        status = make_routes(routes, connects, &full, error);
    if (status != VIA_OK)
        via_routes_fini(routes);
    return status;
}

void via_routes_leave(via_routes *routes, size_t index)
{
    via_route_drop(routes->list[index]);
    routes->list[index] = NULL;
}

via_status via_routes_load(via_routes *routes, size_t index)
{
    via_error *error = &routes->all.list[index].error;
    via_error_init(error);
    const via_status status = via_route_load(routes->list[index], error);
    if (status == VIA_OK)
        return VIA_OK;
    error->status = status;
    via_routes_leave(routes, index);
    return status;
}

via_status via_routes_fail(const via_routes *routes, via_error *error)
{
    if (routes->all.is_choice)
        return via_candidates_fail(&routes->all, error);
    *error = routes->all.list[0].error;
    return error->status;
}

void via_routes_fini(via_routes *routes)
{
    for (size_t i = 0; i < routes->all.count; i++)
        via_route_drop(routes->list[i]);
    via_candidates_fini(&routes->all);
    if (routes->host != NULL)
        via_host_drop(routes->host);
    routes->host = NULL;
}
