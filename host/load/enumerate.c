/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling what was found.
 *
 * Owns: the enumerations of plugins and endpoints. A plugin is checked here as far as is possible without running it.
 */
#include "kit/error.h"
#include "load/collect.h"
#include "load/registry_state.h"

#include <stdio.h>
#include <string.h>

static void put(char *out, size_t capacity, const char *text)
{
    (void)snprintf(out, capacity, "%s", text ? text : "");
}

/* An older program's record is shorter. */
static void copy_out(void *out, const void *full, size_t full_size)
{
    uint32_t size = *(uint32_t *)out;

    memcpy(out, full, size < full_size ? size : full_size);
    *(uint32_t *)out = size;
}

/* One more name in a list of them. Answers where the next one goes. */
static size_t add_name(char *out, size_t capacity, size_t at, const char *name)
{
    if (at >= capacity)
        return at;
    return at + (size_t)snprintf(out + at, capacity - at, "%s%s", at ? " " : "", name);
}

static void describe_manifest(const via_plugin_entry *entry, via_plugin_info *info)
{
    const via_plugin_manifest *manifest = &entry->manifest;
    size_t at = 0;

    put(info->name, sizeof(info->name), entry->name);
    put(info->version, sizeof(info->version), manifest->version);
    put(info->kind, sizeof(info->kind), manifest->kind);
    put(info->summary, sizeof(info->summary), manifest->summary);
    put(info->manifest, sizeof(info->manifest), entry->path);
    put(info->library, sizeof(info->library), entry->library);
    info->priority = manifest->priority;
    for (size_t i = 0; i < manifest->scheme_count; i++)
        at = add_name(info->schemes, sizeof(info->schemes), at, manifest->schemes[i].name);
    for (size_t i = 0; i < manifest->layer_count; i++)
        at = add_name(info->schemes, sizeof(info->schemes), at, manifest->layers[i].name);
}

static void describe_shadow(const via_plugin_entry *entry, via_plugin_info *info)
{
    info->status = VIA_PLUGIN_SHADOWED;
    (void)via_error_set(&info->error, VIA_EBUSY, VIA_STAGE_DISCOVER, "remove or rename one of the two",
                        "%s comes first in the search", entry->shadowed_by);
    via_plugin_entry_sign(entry, &info->error);
}

static void describe_verdict(const via_registry *registry, via_plugin_entry *entry, via_plugin_info *info)
{
    via_error_init(&info->error);
    if (entry->shadowed_by) {
        describe_shadow(entry, info);
        return;
    }
    if (!entry->manifest.enabled) {
        info->status = VIA_PLUGIN_DISABLED;
        return;
    }
    (void)via_registry_complete(registry, entry); /* what fails for want of memory is told by the check */
    via_mutex_take(&entry->lock);
    if (entry->loading)
        info->status = VIA_PLUGIN_LOADED;
    else if (via_plugin_entry_check(entry) == VIA_OK)
        info->status = VIA_PLUGIN_READY;
    else
        info->status = VIA_PLUGIN_REFUSED;
    if (info->status == VIA_PLUGIN_REFUSED)
        info->error = entry->error;
    else if (entry->update.status != VIA_OK)
        info->error = entry->update;
    via_mutex_give(&entry->lock);
}

via_status via_registry_plugin_next(via_registry *registry, size_t *cursor, via_plugin_info *info)
{
    via_plugin_info full = {.size = info->size};

    if (info->size < sizeof(uint32_t))
        return VIA_EINVAL;
    via_mutex_take(&registry->lock);
    bool found = *cursor < registry->plugin_count;
    if (found) {
        via_plugin_entry *entry = registry->plugins[(*cursor)++];
        describe_manifest(entry, &full);
        describe_verdict(registry, entry, &full);
    }
    via_mutex_give(&registry->lock);
    if (!found)
        return VIA_ENOENT;
    copy_out(info, &full, sizeof(full));
    return VIA_OK;
}

via_status via_registry_endpoint_next(via_registry *registry, size_t *cursor, via_endpoint_info *info)
{
    via_endpoint_info full = {.size = info->size};

    if (info->size < sizeof(uint32_t))
        return VIA_EINVAL;
    via_error_init(&full.error);
    via_mutex_take(&registry->lock);
    bool found = via_endpoint_files_at(&registry->endpoints, *cursor, &full);
    via_mutex_give(&registry->lock);
    if (!found)
        return VIA_ENOENT;
    ++*cursor;
    copy_out(info, &full, sizeof(full));
    return VIA_OK;
}
