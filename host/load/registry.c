/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching, and searching again.
 *
 * Owns: the order of the steps, and what is told once of them all.
 */
#include "load/registry.h"

#include "kit/error.h"
#include "load/collect.h"
#include "load/registry_state.h"

#include <stdlib.h>

static via_status fail_memory(via_error *error)
{
    return via_error_set(error, VIA_ENOMEM, VIA_STAGE_DISCOVER, NULL, "out of memory");
}

/* ---- what the list means ---------------------------------------------------------------------------------------- */

/* A program that cannot do without a plugin wants to know at once. */
static via_status check_critical(const via_registry *registry, via_error *error)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        if (!entry->manifest.critical || !entry->manifest.enabled || entry->shadowed_by)
            continue;
        (void)via_registry_complete(registry, entry);
        via_mutex_take(&entry->lock);
        via_status status = via_plugin_entry_check(entry);
        if (status != VIA_OK && error) {
            *error = entry->error;
            via_error_more(error, "the plugin is critical: its manifest says that nothing may run without it");
        }
        via_mutex_give(&entry->lock);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

static void check_variables(const via_registry *registry)
{
    const char *names[256];
    size_t count = 0;

    for (size_t i = 0; i < registry->endpoints.count; i++) {
        const via_endpoints *endpoints = &registry->endpoints.files[i].endpoints;
        for (size_t j = 0; j < endpoints->count && count < 256; j++)
            names[count++] = endpoints->list[j].name;
    }
    via_variables_check(registry->log, names, count);
}

/* ---- looking ------------------------------------------------------------------------------------------------ */

static via_status search(via_registry *registry)
{
    via_status status = via_search_resolve(&registry->search);

    via_registry_observe(registry); /* before looking: what changes from now on is told */
    if (status == VIA_OK)
        status = via_registry_collect(registry);
    if (status == VIA_OK)
        status = via_endpoint_files_look(&registry->endpoints, &registry->search, registry->log, &registry->changes);
    if (status == VIA_ELIMIT) { /* it passes, and what was found before serves on */
        registry->again = true;
        status = VIA_OK;
    }
    via_registry_observe_end(registry);
    return status;
}

via_status via_registry_look(via_registry *registry, via_error *error)
{
    registry->again = false;
    via_status status = search(registry);
    bool is_first = !registry->has_looked;
    registry->has_looked = true;
    if (status != VIA_OK) {
        registry->again = true;
        return fail_memory(error);
    }
    if (is_first)
        check_variables(registry);
    return check_critical(registry, error);
}

via_status via_registry_scan(via_registry *registry, via_error *error)
{
    via_mutex_take(&registry->lock);
    via_registry_hush(registry);
    via_status status = via_registry_look(registry, error);
    via_mutex_give(&registry->lock);
    return status;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static via_status open_registry(const via_host_options *options, const via_log *log, bool is_private,
                                via_registry **out, via_error *error)
{
    via_registry *registry = calloc(1, sizeof(*registry));

    *out = NULL;
    if (!registry)
        return fail_memory(error);
    registry->log = log;
    registry->is_private = is_private;
    registry->told = VIA_EVENT_NONE;
    registry->both = VIA_POLLER_NONE;
    via_mutex_init(&registry->lock);
    via_status status = via_search_init(&registry->search, options, log, error);
    if (status == VIA_OK)
        status = via_registry_scan(registry, error);
    if (status == VIA_OK)
        *out = registry;
    else
        via_registry_close(registry);
    return status;
}

via_status via_registry_open(const via_host_options *options, const via_log *log, via_registry **registry,
                             via_error *error)
{
    return open_registry(options, log, false, registry, error);
}

via_status via_registry_open_once(const via_host_options *options, const via_log *log, via_registry **registry,
                                  via_error *error)
{
    return open_registry(options, log, true, registry, error);
}

void via_registry_close(via_registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->plugin_count; i++)
        via_plugin_entry_drop(registry->plugins[i]);
    free(registry->plugins);
    via_endpoint_files_fini(&registry->endpoints);
    via_search_fini(&registry->search);
    via_registry_unobserve(registry);
    via_changes_fini(&registry->changes);
    via_mutex_fini(&registry->lock);
    free(registry);
}
