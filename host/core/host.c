/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_host_*() and the enumerations: the host object in front of the registry.
 */
#include "core/host.h"

#include "core/routes.h"

#include "core/record.h"
#include "kit/error.h"
#include "platform/fork_word.h"
#include "stats/own.h"
#include <stddef.h>
#include <stdlib.h>

void via_host_hold(via_host *host)
{
    (void)atomic_fetch_add(&host->users, 1);
}

/* In a child this frees memory and descriptors; plugins that the parent has loaded stay mapped and are not called. */
static void free_host(via_host *host)
{
    if (!via_fork_word_is_foreign(host->generation))
        via_stats_leave();
    via_registry_close(host->registry);
    via_log_fini(&host->log);
    free(host);
}

void via_host_drop(via_host *host)
{
    if (atomic_fetch_sub(&host->users, 1) == 1)
        free_host(host);
}

via_status via_host_borrow(via_host *host, via_host **borrowed, via_error *error)
{
    if (host == NULL)
        return via_host_open_private(borrowed, error);
    if (via_fork_word_is_foreign(host->generation))
        return via_error_set(error, VIA_EFORK, VIA_STAGE_RESOLVE, "open a host of its own in the child",
                             "this host belongs to the parent process");
    via_host_hold(host);
    *borrowed = host;
    return VIA_OK;
}

static via_status read_options(const via_host_options *given, via_host_options *options, via_error *error)
{
    via_host_options_init(options);
    if (given == NULL ||
        via_record_read(options, sizeof(*options), given, offsetof(via_host_options, plugin_paths)) == VIA_OK)
        return VIA_OK;
    return via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "call via_host_options_init() first",
                         "via_host_options.size is %u; expected %zu", given->size, sizeof(*given));
}

static via_status open_host(const via_host_options *given, bool is_private, via_host **out, via_error *error)
{
    via_host_options options;
    if (error != NULL)
        via_error_init(error);
    *out = NULL;
    via_status status = read_options(given, &options, error);
    if (status != VIA_OK)
        return status;
    via_host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_DISCOVER, "free some memory", "out of memory for a host");
    host->generation = via_fork_word_enter();
    atomic_init(&host->users, 1);
    via_log_init(&host->log, options.log, options.log_user, options.log_level,
                 (options.flags & VIA_HOST_NO_ENVIRONMENT) != 0);
    status = (is_private ? via_registry_open_once : via_registry_open)(&options, &host->log, &host->registry, error);
    if (status != VIA_OK) {
        via_log_fini(&host->log);
        free(host);
        return status;
    }
    via_stats_enter();
    *out = host;
    return VIA_OK;
}

via_status via_host_open(const via_host_options *options, via_host **host, via_error *error)
{
    return open_host(options, false, host, error);
}

via_status via_host_open_private(via_host **host, via_error *error)
{
    return open_host(NULL, true, host, error);
}

void via_host_close(via_host *host)
{
    if (host != NULL)
        via_host_drop(host);
}

/* What every call on a host begins with. */
static via_status enter(const via_host *host, via_error *error)
{
    if (error != NULL)
        via_error_init(error);
    if (host == NULL)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_NONE, "open one with via_host_open()", "the host is NULL");
    if (via_fork_word_is_foreign(host->generation))
        return via_error_set(error, VIA_EFORK, VIA_STAGE_NONE, "open a host of its own in the child",
                             "this host belongs to the parent process");
    return VIA_OK;
}

via_status via_host_scan(via_host *host, via_error *error)
{
    const via_status status = enter(host, error);
    return status == VIA_OK ? via_registry_scan(host->registry, error) : status;
}

via_status via_host_watch(via_host *host, via_poll_handle *handle, via_error *error)
{
    const via_status status = enter(host, error);
    return status == VIA_OK ? via_registry_watch(host->registry, handle, error) : status;
}

via_status via_change_next(via_host *host, via_change *change)
{
    const via_status status = enter(host, NULL);
    return status == VIA_OK ? via_registry_change_next(host->registry, change) : status;
}

via_status via_plugin_next(via_host *host, size_t *cursor, via_plugin_info *info)
{
    const via_status status = enter(host, NULL);
    return status == VIA_OK ? via_registry_plugin_next(host->registry, cursor, info) : status;
}

via_status via_endpoint_next(via_host *host, size_t *cursor, via_endpoint_info *info)
{
    const via_status status = enter(host, NULL);
    return status == VIA_OK ? via_registry_endpoint_next(host->registry, cursor, info) : status;
}

via_status via_explain(via_host *given, const char *address, const via_open_options *options, char **json,
                       via_error *error)
{
    via_host *host = given;
    via_open_options full;
    *json = NULL;
    via_status status = via_routes_read_options(options, &full, error);
    if (status != VIA_OK)
        return status;
    status = given != NULL ? enter(given, error) : via_host_open_private(&host, error);
    if (status != VIA_OK)
        return status;
    if (error != NULL)
        via_error_init(error);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): via_host_open_private() is VIA_OK with a host only */
    status = via_registry_explain(host->registry, address, &full, json, error);
    if (given == NULL)
        via_host_close(host);
    return status;
}
