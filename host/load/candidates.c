/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The candidates of an explanation.
 *
 * Owns: the words for verdicts and reasons.
 */
#include "load/explain.h"

#include "kit/error.h"

#include <stdio.h>
#include <stdlib.h>
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

/* ---- what they cost ----------------------------------------------------------------------------------------- */

static void put_estimate(json_t *part, double latency_ns, via_estimate_from from)
{
    (void)json_object_set_new(part, "latency_ns", json_integer((json_int_t)(latency_ns + 0.5)));
    put_text(part, "estimate", via_estimate_word(from));
}

/* ---- any_of ------------------------------------------------------------------------------------------------- */

/* What is held against every candidate of an endpoint. */
typedef struct held {
    const via_registry *registry;
    const via_request *request;
    uint32_t pattern; /* 0 = not stated */
} held;

static void judge_address(json_t *part, const held *against, const via_choice *choice)
{
    const via_endpoint_need *condition = against->request->condition;
    char reason[200];
    via_estimate_from from;

    put_text(part, "plugin", choice->entry->name);
    if (put_unfit(part, choice->scheme, against->pattern))
        return;
    if (condition && via_need_is_lacking(condition, choice->scheme, reason, sizeof(reason))) {
        put_verdict(part, "unfit", reason, "");
        return;
    }
    const via_endpoint_need any = {0};
    const double latency_ns =
        via_estimate(choice->entry, choice->scheme, against->pattern ? against->pattern : VIA_PATTERN_PAIR,
                     via_need_size(condition ? condition : &any), &from, reason, sizeof(reason));
    put_verdict(part, "fits", reason, "");
    put_estimate(part, latency_ns, from);
}

static json_t *address_candidate(const held *against, const char *text)
{
    json_t *part = json_object();
    char *shown = strndup(text, strcspn(text, "?")); /* its options may hold secrets */
    via_address address;
    via_choice choice;
    via_error error;

    put_text(part, "address", shown);
    free(shown);
    via_error_init(&error);
    via_status status = via_address_parse(text, &address, &error);
    if (status == VIA_OK) {
        status = via_choose(against->registry, address.scheme, &choice, &error);
        if (status == VIA_OK)
            status = via_choice_check(&choice, &error);
        via_address_fini(&address);
    }
    if (status != VIA_OK)
        put_verdict(part, "refused", error.what, error.mend);
    else
        judge_address(part, against, &choice);
    return part;
}

/* ---- require ------------------------------------------------------------------------------------------------ */

static bool is_refused(const via_ranked *ranked, via_error *error)
{
    const via_choice choice = {.entry = ranked->entry, .scheme = ranked->scheme};

    via_error_init(error);
    return ranked->fits && via_choice_check(&choice, error) != VIA_OK;
}

/*
 * The one that is opened by a name: the first that takes one, of which nothing keeps it from being used. Where a need is all that is
 * known, and none takes a name, the first.
 */
static const via_ranked *find_chosen(const via_ranking *ranking, bool is_by_name)
{
    const via_ranked *first = NULL;
    via_error error;

    for (size_t i = 0; i < ranking->count; i++) {
        const via_ranked *ranked = &ranking->list[i];
        if (!ranked->fits || is_refused(ranked, &error))
            continue;
        if (ranked->is_named)
            return ranked;
        first = first || is_by_name ? first : ranked;
    }
    return first;
}

static void judge_ranked(json_t *part, const via_ranked *ranked, bool is_by_name, bool is_chosen)
{
    char reason[400];
    via_error error;

    (void)snprintf(reason, sizeof(reason), "takes no plain name: its address is %s:%s", ranked->scheme->name,
                   ranked->scheme->rest[0] ? ranked->scheme->rest : "...");
    if (!ranked->fits)
        put_verdict(part, ranked->mend[0] ? "refused" : "unfit", ranked->reason, ranked->mend);
    else if (is_refused(ranked, &error))
        put_verdict(part, "refused", error.what, error.mend);
    else if (ranked->is_named)
        put_verdict(part, is_chosen ? "chosen" : "fits", ranked->reason, "");
    else if (is_by_name)
        put_verdict(part, "unfit", reason, "name it by \"address\" or \"any_of\"");
    else
        put_verdict(part, is_chosen ? "chosen" : "fits", reason, "");
    if (ranked->fits)
        put_estimate(part, ranked->latency_ns, ranked->from);
}

json_t *via_candidates_of_ranking(const via_ranking *ranking, const char *name)
{
    const via_ranked *chosen = find_chosen(ranking, name != NULL);
    json_t *list = json_array();

    for (size_t i = 0; i < ranking->count; i++) {
        const via_ranked *ranked = &ranking->list[i];
        json_t *part = json_object();
        char *address = name && ranked->fits && ranked->is_named ? via_ranked_address(ranked, name) : NULL;
        put_text(part, "scheme", ranked->scheme->name);
        if (address)
            put_text(part, "address", address);
        free(address);
        put_text(part, "plugin", ranked->entry->name);
        put_text(part, "rest", ranked->scheme->rest);
        judge_ranked(part, ranked, name != NULL, ranked == chosen);
        (void)json_array_append_new(list, part);
    }
    return list;
}

static json_t *need_candidates(const via_registry *registry, const via_request *request)
{
    via_ranking ranking;

    const via_status status = via_rank(registry, request->need, request->condition, &ranking, NULL);
    json_t *list = status == VIA_OK ? via_candidates_of_ranking(&ranking, request->given.rest) : json_array();
    via_ranking_fini(&ranking);
    return list;
}

json_t *via_candidates_of_endpoint(const via_registry *registry, const via_request *request)
{
    const held against = {registry, request, request->endpoint ? request->endpoint->pattern : 0};
    json_t *list, *address;
    size_t index;

    if (request->need)
        return need_candidates(registry, request);
    list = json_array();
    json_array_foreach(request->endpoint->any_of, index, address)
    {
        (void)json_array_append_new(list, address_candidate(&against, json_string_value(address)));
    }
    return list;
}
