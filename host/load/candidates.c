/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The candidates of an explanation.
 *
 * Owns: the words for verdicts and reasons.
 */
#include "load/explain.h"

#include "kit/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_text(json_t *object, const char *key, const char *text)
{
    (void)json_object_set_new(object, key, via_explain_text(text));
}

static void put_verdict(json_t *part, const char *verdict, const char *reason, const char *mend)
{
    put_text(part, "verdict", verdict);
    put_text(part, "reason", reason);
    put_text(part, "mend", mend);
}

/* False: the scheme offers the pattern, or none is asked for. */
static bool put_unfit(json_t *part, const via_scheme_manifest *scheme, uint32_t pattern)
{
    char list[64], reason[160];

    if (!pattern || (scheme->patterns & pattern))
        return false;
    (void)snprintf(reason, sizeof(reason), "offers %s only", via_pattern_list(scheme->patterns, list, sizeof(list)));
    put_verdict(part, "unfit", reason, "");
    return true;
}

/* ---- one scheme ----------------------------------------------------------------------------------------------- */

static void put_refusal(json_t *part, via_plugin_entry *entry)
{
    static const char *const stages[] = {"",          "discover", "parse",     "schema", "trust",
                                         "preflight", "load",     "negotiate", "init"};
    char reason[600];

    via_mutex_take(&entry->lock);
    (void)snprintf(reason, sizeof(reason), "%s: %s",
                   stages[entry->error.stage <= VIA_STAGE_INIT ? entry->error.stage : 0], entry->error.what);
    put_verdict(part, "refused", reason, entry->error.mend);
    via_mutex_give(&entry->lock);
}

static void put_outranked(json_t *part, const via_plugin_entry *entry, const via_choice *choice)
{
    char reason[200];

    if (!choice->entry)
        put_verdict(part, "skipped", "no choice was made", "");
    else if (choice->entry->manifest.priority > entry->manifest.priority)
        (void)snprintf(reason, sizeof(reason), "priority %d; \"%s\" has %d", (int)entry->manifest.priority,
                       choice->entry->name, (int)choice->entry->manifest.priority);
    else
        (void)snprintf(reason, sizeof(reason), "\"%s\" has the same priority and comes first in the search",
                       choice->entry->name);
    if (choice->entry)
        put_verdict(part, "skipped", reason, "");
}

static json_t *plugin_candidate(via_plugin_entry *entry, const via_choice *choice, uint32_t pattern)
{
    json_t *part = json_object();
    char reason[600];

    put_text(part, "plugin", entry->name);
    put_text(part, "manifest", entry->path);
    (void)json_object_set_new(part, "priority", json_integer(entry->manifest.priority));
    switch (via_choose_verdict(entry, choice)) {
    case VIA_VERDICT_CHOSEN:
        if (!put_unfit(part, choice->scheme, pattern))
            put_verdict(part, "chosen", "", "");
        break;
    case VIA_VERDICT_OUTRANKED:
        put_outranked(part, entry, choice);
        break;
    case VIA_VERDICT_SHADOWED:
        (void)snprintf(reason, sizeof(reason), "%s comes first in the search", entry->shadowed_by);
        put_verdict(part, "shadowed", reason, "remove or rename one of the two");
        break;
    case VIA_VERDICT_DISABLED:
        put_verdict(part, "disabled", "its manifest says \"enabled\": false", "set \"enabled\" to true");
        break;
    default:
        put_refusal(part, entry);
    }
    return part;
}

json_t *via_candidates_of_scheme(const via_registry *registry, const char *scheme, const via_choice *choice,
                                 uint32_t pattern)
{
    json_t *list = json_array();

    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        if (via_plugin_manifest_scheme(&entry->manifest, scheme))
            (void)json_array_append_new(list, plugin_candidate(entry, choice, pattern));
    }
    return list;
}

/* ---- any_of ------------------------------------------------------------------------------------------------- */

static json_t *address_candidate(const via_registry *registry, const char *text, uint32_t pattern)
{
    json_t *part = json_object();
    via_address address;
    via_choice choice;
    via_error error;

    put_text(part, "address", text);
    via_error_init(&error);
    via_status status = via_address_parse(text, &address, &error);
    if (status == VIA_OK) {
        status = via_choose(registry, address.scheme, &choice, &error);
        if (status == VIA_OK)
            status = via_choice_check(&choice, &error);
        via_address_fini(&address);
    }
    if (status != VIA_OK) {
        put_verdict(part, "refused", error.what, error.mend);
        return part;
    }
    put_text(part, "plugin", choice.entry->name);
    if (!put_unfit(part, choice.scheme, pattern))
        put_verdict(part, "fits", "", "");
    return part;
}

/* ---- require ------------------------------------------------------------------------------------------------ */

static bool lacks_feature(const via_scheme_manifest *scheme, const via_endpoint_need *need, char *reason,
                          size_t capacity)
{
    size_t index;
    json_t *feature;

    json_array_foreach(need->features, index, feature)
    {
        if (via_scheme_manifest_has(scheme, json_string_value(feature)))
            continue;
        (void)snprintf(reason, capacity, "lacks the feature \"%.40s\"", json_string_value(feature));
        return true;
    }
    return false;
}

/* A wider reach serves a narrower need: a network scheme also reaches this machine. */
static bool lacks(const via_scheme_manifest *scheme, const via_endpoint_need *need, char *reason, size_t capacity)
{
    if (need->scope > scheme->scope)
        (void)snprintf(reason, capacity, "does not reach that far");
    else if (need->max_message > scheme->max_message)
        (void)snprintf(reason, capacity, "carries messages of at most %" PRIu64 " bytes", scheme->max_message);
    else
        return lacks_feature(scheme, need, reason, capacity);
    return true;
}

static json_t *need_candidate(via_plugin_entry *entry, const via_scheme_manifest *scheme, const via_endpoint_need *need)
{
    json_t *part = json_object();
    via_choice choice = {.entry = entry, .scheme = scheme};
    char reason[160];

    put_text(part, "scheme", scheme->name);
    put_text(part, "plugin", entry->name);
    if (via_choose_verdict(entry, &choice) == VIA_VERDICT_REFUSED)
        put_refusal(part, entry);
    else if (put_unfit(part, scheme, need->pattern))
        return part;
    else if (lacks(scheme, need, reason, sizeof(reason)))
        put_verdict(part, "unfit", reason, "");
    else
        put_verdict(part, "fits", "", "");
    return part;
}

static void add_schemes(json_t *list, via_plugin_entry *entry, const via_endpoint_need *need)
{
    if (entry->shadowed_by || !entry->manifest.enabled)
        return;
    for (size_t i = 0; i < entry->manifest.scheme_count; i++)
        (void)json_array_append_new(list, need_candidate(entry, &entry->manifest.schemes[i], need));
}

json_t *via_candidates_of_endpoint(const via_registry *registry, const via_request *request)
{
    const via_endpoint_manifest *endpoint = request->endpoint;
    json_t *list = json_array(), *address;
    size_t index;

    json_array_foreach(endpoint->any_of, index, address)
    {
        (void)json_array_append_new(list, address_candidate(registry, json_string_value(address), endpoint->pattern));
    }
    for (size_t i = 0; endpoint->need && i < registry->plugin_count; i++)
        add_schemes(list, registry->plugins[i], endpoint->need);
    return list;
}
