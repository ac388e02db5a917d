/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching, and searching again.
 *
 * Owns: the list of plugins. Must never free an entry that somebody uses: it gives its own use back.
 */
#include "load/registry.h"

#include "kit/error.h"
#include "load/registry_state.h"
#include "platform/os.h"
#include "platform/watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry_list {
    via_plugin_entry **entries;
    size_t count;
} entry_list;

static via_status fail_memory(via_error *error)
{
    return via_error_set(error, VIA_ENOMEM, VIA_STAGE_DISCOVER, NULL, "out of memory");
}

/* ---- collecting --------------------------------------------------------------------------------------------- */

static bool append(entry_list *list, via_plugin_entry *entry)
{
    via_plugin_entry **grown = realloc(list->entries, (list->count + 1) * sizeof(*grown));

    if (!grown)
        return false;
    list->entries = grown;
    list->entries[list->count++] = entry;
    return true;
}

/* The entry of the scan before, if its files are the same and nothing was wrong with it. */
static via_plugin_entry *keep(via_registry *registry, const char *path)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        if (!entry || strcmp(entry->path, path) != 0)
            continue;
        via_mutex_take(&entry->lock);
        bool sound = !entry->refused;
        via_mutex_give(&entry->lock);
        if (!sound || !via_plugin_entry_is_current(entry))
            return NULL;
        registry->plugins[i] = NULL;
        return entry;
    }
    return NULL;
}

static via_status collect_file(via_registry *registry, entry_list *list, const char *path)
{
    via_plugin_entry *entry = keep(registry, path);

    if (!entry)
        entry = via_plugin_entry_create(&registry->search, path);
    if (!entry)
        return VIA_ENOMEM;
    if (append(list, entry))
        return VIA_OK;
    via_plugin_entry_drop(entry);
    return VIA_ENOMEM;
}

static via_status collect_folder(via_registry *registry, entry_list *list, const char *folder)
{
    char **names = NULL, path[PATH_MAX];
    size_t count = 0;
    via_error error;
    via_status status = via_folder_list(folder, ".json", &names, &count, &error);

    if (status != VIA_OK) {
        via_log_line(registry->log, VIA_LOG_WARNING, NULL, "%s", error.what);
        return status == VIA_ENOMEM ? VIA_ENOMEM : VIA_OK;
    }
    for (size_t i = 0; i < count && status == VIA_OK; i++) {
        if (snprintf(path, sizeof(path), "%s/%s", folder, names[i]) < (int)sizeof(path))
            status = collect_file(registry, list, path);
    }
    via_folder_free(names, count);
    return status;
}

static via_status collect(via_registry *registry, entry_list *list)
{
    via_status status = VIA_OK;

    for (size_t i = 0; i < registry->search.plugins.count && status == VIA_OK; i++) {
        const char *path = registry->search.plugins.paths[i];
        via_file_mark mark;
        via_file_mark_read(path, &mark);
        if (via_folder_exists(path))
            status = collect_folder(registry, list, path);
        else if (mark.node)
            status = collect_file(registry, list, path);
    }
    return status;
}

/* ---- what the list means ---------------------------------------------------------------------------------------- */

static via_status mark_shadows(const entry_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        via_plugin_entry *entry = list->entries[i];
        free(entry->shadowed_by);
        entry->shadowed_by = NULL;
        for (size_t j = 0; j < i && !entry->shadowed_by; j++) {
            if (strcmp(list->entries[j]->name, entry->name) != 0)
                continue;
            entry->shadowed_by = strdup(list->entries[j]->path);
            if (!entry->shadowed_by)
                return VIA_ENOMEM;
        }
    }
    return VIA_OK;
}

/* Under the entry's own lock: an opening call in another thread may be refusing it just now. */
static bool copy_refusal(via_plugin_entry *entry, via_error *error)
{
    via_mutex_take(&entry->lock);
    bool refused = entry->refused;
    if (refused)
        *error = entry->error;
    via_mutex_give(&entry->lock);
    return refused;
}

static void log_refusals(const via_registry *registry)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        via_error error;
        if (copy_refusal(entry, &error))
            via_log_line(registry->log, VIA_LOG_WARNING, entry->name, "%s:%u:%u: refused: %s", entry->path, error.line,
                         error.column, error.what);
    }
}

/* A program that cannot do without a plugin wants to know at once. */
static via_status check_critical(const via_registry *registry, via_error *error)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        if (!entry->manifest.critical || !entry->manifest.enabled || entry->shadowed_by)
            continue;
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

/* ---- replacing the list ----------------------------------------------------------------------------------------- */

/* What is still in use, by an opening call or as code, lives on until that ends. */
static void replace_plugins(via_registry *registry, entry_list *list)
{
    for (size_t i = 0; i < registry->plugin_count; i++)
        via_plugin_entry_drop(registry->plugins[i]);
    free(registry->plugins);
    registry->plugins = list->entries;
    registry->plugin_count = list->count;
}

static void add_watches(const via_registry *registry)
{
    if (registry->watch < 0)
        return;
    for (size_t i = 0; i < registry->search.plugins.count; i++)
        via_watch_add(registry->watch, registry->search.plugins.paths[i]);
    for (size_t i = 0; i < registry->search.endpoints.count; i++)
        via_watch_add(registry->watch, registry->search.endpoints.paths[i]);
}

static via_status search_plugins(via_registry *registry)
{
    entry_list list = {NULL, 0};

    via_status status = collect(registry, &list);
    if (status == VIA_OK)
        status = mark_shadows(&list);
    replace_plugins(registry, &list); /* what was found before memory ran out is better than nothing */
    return status;
}

static via_status search_endpoints(via_registry *registry)
{
    via_endpoint_files files;
    via_status status = via_endpoint_files_read(&files, &registry->search, registry->log);

    if (status != VIA_OK) {
        via_endpoint_files_fini(&files);
        return status;
    }
    via_endpoint_files_fini(&registry->endpoints);
    registry->endpoints = files;
    return VIA_OK;
}

static via_status scan_locked(via_registry *registry, via_error *error)
{
    if (registry->watch >= 0) {
        via_watch_drain(registry->watch); /* before looking: what changes from now on is a new event */
        add_watches(registry);
    }
    via_status status = search_plugins(registry);
    if (status == VIA_OK)
        status = search_endpoints(registry);
    if (status != VIA_OK)
        return fail_memory(error);
    log_refusals(registry);
    check_variables(registry);
    return check_critical(registry, error);
}

via_status via_registry_scan(via_registry *registry, via_error *error)
{
    via_mutex_take(&registry->lock);
    via_status status = scan_locked(registry, error);
    via_mutex_give(&registry->lock);
    return status;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

via_status via_registry_open(const via_host_options *options, const via_log *log, via_registry **out, via_error *error)
{
    via_registry *registry = calloc(1, sizeof(*registry));

    *out = NULL;
    if (!registry)
        return fail_memory(error);
    registry->log = log;
    registry->watch = -1;
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

void via_registry_close(via_registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->plugin_count; i++)
        via_plugin_entry_drop(registry->plugins[i]);
    free(registry->plugins);
    via_endpoint_files_fini(&registry->endpoints);
    via_search_fini(&registry->search);
    if (registry->watch >= 0)
        via_watch_close(registry->watch);
    via_mutex_fini(&registry->lock);
    free(registry);
}

via_status via_registry_watch(via_registry *registry, via_poll_handle *handle, via_error *error)
{
    int32_t code = 0;

    if (handle->size < sizeof(*handle))
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "set handle->size to sizeof(via_poll_handle)",
                             "the poll handle's size is %u; expected %zu", handle->size, sizeof(*handle));
    via_mutex_take(&registry->lock);
    if (registry->watch < 0) {
        registry->watch = via_watch_open(&code);
        add_watches(registry);
    }
    int watch = registry->watch;
    via_mutex_give(&registry->lock);
    if (watch < 0) {
        via_status status =
            via_error_set(error, via_os_error_status(code), VIA_STAGE_DISCOVER,
                          "raise the limit: sysctl fs.inotify.max_user_instances", "cannot watch folders");
        via_error_os(error, code);
        return status;
    }
    handle->kind = VIA_POLL_DESCRIPTOR;
    handle->handle = watch;
    handle->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}
