/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing a plugin.
 *
 * Owns: no state. Where only one plugin has a scheme it is not checked here: loading it will do so once.
 */
#include "load/choose.h"

#include "kit/error.h"
#include "kit/json/nearest.h"
#include "load/collect.h"

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

/* ---- what is wanted ----------------------------------------------------------------------------------------- */

typedef enum what_for { A_SCHEME, A_LAYER, A_CHECK } what_for;

typedef struct wanted {
    const char *name;
    what_for what;
} wanted;

static const via_layer_manifest *find_check(const via_plugin_manifest *manifest, const char *key)
{
    for (size_t i = 0; i < manifest->layer_count; i++) {
        if (manifest->layers[i].checks && strcmp(manifest->layers[i].checks, key) == 0)
            return &manifest->layers[i];
    }
    return NULL;
}

static bool find(const via_plugin_entry *entry, const wanted *want, via_choice *found)
{
    const via_plugin_manifest *manifest = &entry->manifest;

    *found = (via_choice){0};
    if (want->what == A_SCHEME)
        found->scheme = via_plugin_manifest_scheme(manifest, want->name);
    else if (want->what == A_LAYER)
        found->layer = via_plugin_manifest_layer(manifest, want->name);
    else
        found->layer = find_check(manifest, want->name);
    return found->scheme || found->layer;
}

/* `serves "unix:"`, in `text`, which is returned. */
static const char *tell_service(const wanted *want, char *text, size_t capacity)
{
    static const char *const forms[] = {[A_SCHEME] = "serves \"%.80s:\"",
                                        [A_LAYER] = "has the layer \"%.80s\"",
                                        [A_CHECK] = "checks files with \"%.80s\""};

    (void)snprintf(text, capacity, forms[want->what], want->name);
    return text;
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

static void offer_scheme(via_nearest *nearest, const via_scheme_manifest *scheme)
{
    size_t index;
    json_t *alias;

    via_nearest_offer(nearest, scheme->name);
    json_array_foreach(scheme->aliases, index, alias)
    {
        via_nearest_offer(nearest, json_string_value(alias));
    }
}

static void offer_names(via_nearest *nearest, const via_plugin_manifest *manifest, what_for what)
{
    for (size_t i = 0; what != A_SCHEME && i < manifest->layer_count; i++) {
        const char *name = what == A_LAYER ? manifest->layers[i].name : manifest->layers[i].checks;
        if (name)
            via_nearest_offer(nearest, name);
    }
    for (size_t i = 0; what == A_SCHEME && i < manifest->scheme_count; i++)
        offer_scheme(nearest, &manifest->schemes[i]);
}

static const char *find_nearest(const via_registry *registry, const wanted *want)
{
    via_nearest nearest;

    via_nearest_begin(&nearest, want->name);
    for (size_t i = 0; i < registry->plugin_count; i++)
        offer_names(&nearest, &registry->plugins[i]->manifest, want->what);
    return nearest.best;
}

static via_status fail_unknown(const via_registry *registry, const wanted *want, via_error *error)
{
    const char *nearest = find_nearest(registry, want);
    const char *colon = want->what == A_SCHEME ? ":" : "";
    char service[128];
    via_status status = via_error_set(
        error, VIA_ENOENT, VIA_STAGE_RESOLVE, "install a plugin for it; via plugins lists what is there",
        "no plugin %s%s%s%s%s", tell_service(want, service, sizeof(service)), nearest ? "; did you mean \"" : "",
        nearest ? nearest : "", nearest ? colon : "", nearest ? "\"?" : "");

    if (nearest)
        via_error_mend(error, "write \"%s%s\"", nearest, colon);
    if (registry->plugin_count)
        return status;
    via_error_mend(error, "set VIADUCT_PLUGIN_PATH to the folder of the plugins");
    const via_path_list *searched = &registry->search.plugins;
    for (size_t i = 0; i < searched->count; i++) {
        if (!via_path_list_is_repeated(searched, i))
            via_error_more(error, "no plugin is in %s", searched->paths[i]);
    }
    return status;
}

static via_status fail_disabled(const via_plugin_entry *entry, const wanted *want, via_error *error)
{
    char service[128];
    via_status status = via_error_set(error, VIA_ENOENT, VIA_STAGE_RESOLVE, "set \"enabled\" to true in its manifest",
                                      "the plugin \"%s\", which %s, is disabled", entry->name,
                                      tell_service(want, service, sizeof(service)));

    via_plugin_entry_sign(entry, error);
    return status;
}

/* A mistake in a manifest is not one of the caller's arguments. */
static via_status fail_refused(via_plugin_entry *entry, const wanted *want, via_error *error)
{
    char service[128];

    via_mutex_take(&entry->lock);
    via_error reason = entry->error;
    via_mutex_give(&entry->lock);
    if (reason.status == VIA_EINVAL)
        reason.status = VIA_EREFUSED;
    via_error_more(&reason, "the plugin \"%s\", which %s, was refused", entry->name,
                   tell_service(want, service, sizeof(service)));
    if (error)
        *error = reason;
    return reason.status;
}

via_status via_choice_check(const via_choice *choice, via_error *error)
{
    const wanted want = {choice->layer ? choice->layer->name : choice->scheme->name,
                         choice->layer ? A_LAYER : A_SCHEME};

    if (!is_refused(choice->entry, true))
        return VIA_OK;
    return fail_refused(choice->entry, &want, error);
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

static tally take_tally(const via_registry *registry, const wanted *want)
{
    tally seen = {0};
    via_choice found;

    for (size_t i = 0; i < registry->plugin_count; i++) {
        if (find(registry->plugins[i], want, &found))
            count(registry->plugins[i], &seen);
    }
    return seen;
}

static via_status choose(const via_registry *registry, const wanted *want, via_choice *choice, via_error *error)
{
    tally seen = take_tally(registry, want);
    via_choice found;

    *choice = (via_choice){0};
    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        if (!find(entry, want, &found) || !is_offered(entry))
            continue;
        if (via_registry_complete(registry, entry) != VIA_OK)
            return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
        if (is_refused(entry, seen.offered > 1)) {
            seen.refused = seen.refused ? seen.refused : entry;
            continue;
        }
        found.entry = entry;
        if (!choice->entry || entry->manifest.priority > choice->entry->manifest.priority)
            *choice = found;
    }
    if (choice->entry)
        return VIA_OK;
    if (seen.refused)
        return fail_refused(seen.refused, want, error);
    return seen.disabled ? fail_disabled(seen.disabled, want, error) : fail_unknown(registry, want, error);
}

via_status via_choose(const via_registry *registry, const char *scheme, via_choice *choice, via_error *error)
{
    const wanted want = {scheme, A_SCHEME};

    return choose(registry, &want, choice, error);
}

via_status via_choose_layer(const via_registry *registry, const char *layer, via_choice *choice, via_error *error)
{
    const wanted want = {layer, A_LAYER};

    return choose(registry, &want, choice, error);
}

via_status via_choose_check(const via_registry *registry, const char *key, via_choice *choice, via_error *error)
{
    const wanted want = {key, A_CHECK};

    return choose(registry, &want, choice, error);
}
