/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing a plugin.
 *
 * Owns: no state. Where only one plugin has a scheme it is not checked here: loading it will do so once.
 */
#include "load/choose.h"

#include "core/error.h"
#include "manifest/nearest.h"

#include <stdio.h>
#include <string.h>

static bool is_refused(via_plugin_entry *entry, bool check)
{
    via_mutex_take(&entry->lock);
    if (check && !entry->loading)
        (void)via_plugin_entry_check(entry);
    bool refused = entry->refused;
    via_mutex_give(&entry->lock);
    return refused;
}

static bool is_offered(const via_plugin_entry *entry)
{
    return entry->manifest.enabled && !entry->shadowed_by;
}

via_verdict via_choose_verdict(via_plugin_entry *entry, const via_choice *choice)
{
    if (entry->shadowed_by)
        return VIA_VERDICT_SHADOWED;
    if (!entry->manifest.enabled)
        return VIA_VERDICT_DISABLED;
    if (is_refused(entry, true))
        return VIA_VERDICT_REFUSED;
    return entry == choice->entry ? VIA_VERDICT_CHOSEN : VIA_VERDICT_OUTRANKED;
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

static void offer_names(via_nearest *nearest, const via_scheme_manifest *scheme)
{
    size_t index;
    json_t *alias;

    via_nearest_offer(nearest, scheme->name);
    json_array_foreach(scheme->aliases, index, alias)
    {
        via_nearest_offer(nearest, json_string_value(alias));
    }
}

static const char *nearest_scheme(const via_registry *registry, const char *scheme)
{
    via_nearest nearest;

    via_nearest_begin(&nearest, scheme);
    for (size_t i = 0; i < registry->plugin_count; i++) {
        for (size_t j = 0; j < registry->plugins[i]->manifest.scheme_count; j++)
            offer_names(&nearest, &registry->plugins[i]->manifest.schemes[j]);
    }
    return nearest.best;
}

static via_status fail_unknown(const via_registry *registry, const char *scheme, via_error *error)
{
    const char *nearest = nearest_scheme(registry, scheme);
    via_status status =
        via_error_set(error, VIA_ENOENT, VIA_STAGE_RESOLVE, "install a plugin for it; via plugins lists what is there",
                      "no plugin serves \"%s:\"%s%s%s", scheme, nearest ? "; did you mean \"" : "",
                      nearest ? nearest : "", nearest ? ":\"?" : "");

    if (nearest)
        via_error_mend(error, "write \"%s:\"", nearest);
    if (registry->plugin_count)
        return status;
    via_error_mend(error, "set VIADUCT_PLUGIN_PATH to the folder of the plugins");
    for (size_t i = 0; i < registry->search.plugins.count; i++)
        via_error_more(error, "no plugin is in %s", registry->search.plugins.paths[i]);
    return status;
}

static via_status fail_disabled(const via_plugin_entry *entry, const char *scheme, via_error *error)
{
    via_status status = via_error_set(error, VIA_ENOENT, VIA_STAGE_RESOLVE, "set \"enabled\" to true in its manifest",
                                      "the plugin \"%s\", which serves \"%s:\", is disabled", entry->name, scheme);

    via_plugin_entry_sign(entry, error);
    return status;
}

/* A mistake in a manifest is not one of the caller's arguments. */
static via_status fail_refused(via_plugin_entry *entry, const char *scheme, via_error *error)
{
    via_mutex_take(&entry->lock);
    via_error reason = entry->error;
    via_mutex_give(&entry->lock);
    if (reason.status == VIA_EINVAL)
        reason.status = VIA_EREFUSED;
    via_error_more(&reason, "the plugin \"%s\", which serves \"%s:\", was refused", entry->name, scheme);
    if (error)
        *error = reason;
    return reason.status;
}

via_status via_choice_check(const via_choice *choice, via_error *error)
{
    if (!is_refused(choice->entry, true))
        return VIA_OK;
    return fail_refused(choice->entry, choice->scheme->name, error);
}

/* ---- the choice --------------------------------------------------------------------------------------------- */

typedef struct tally {
    size_t offered;
    via_plugin_entry *refused; /* the first of each */
    const via_plugin_entry *disabled;
} tally;

static void count(via_plugin_entry *entry, tally *seen)
{
    if (!entry->manifest.enabled && !entry->shadowed_by && !seen->disabled)
        seen->disabled = entry;
    seen->offered += is_offered(entry);
}

static tally take_tally(const via_registry *registry, const char *scheme)
{
    tally seen = {0};

    for (size_t i = 0; i < registry->plugin_count; i++) {
        if (via_plugin_manifest_scheme(&registry->plugins[i]->manifest, scheme))
            count(registry->plugins[i], &seen);
    }
    return seen;
}

via_status via_choose(const via_registry *registry, const char *scheme, via_choice *choice, via_error *error)
{
    tally seen = take_tally(registry, scheme);

    *choice = (via_choice){NULL, NULL};
    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        const via_scheme_manifest *has = via_plugin_manifest_scheme(&entry->manifest, scheme);
        if (!has || !is_offered(entry))
            continue;
        if (is_refused(entry, seen.offered > 1)) {
            seen.refused = seen.refused ? seen.refused : entry;
            continue;
        }
        if (!choice->entry || entry->manifest.priority > choice->entry->manifest.priority)
            *choice = (via_choice){entry, has};
    }
    if (choice->entry)
        return VIA_OK;
    if (seen.refused)
        return fail_refused(seen.refused, scheme, error);
    return seen.disabled ? fail_disabled(seen.disabled, scheme, error) : fail_unknown(registry, scheme, error);
}
