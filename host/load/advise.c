/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice on which mechanism serves a need. The format: sdk/docs/explain.md.
 *
 * Owns: the JSON of via_advise(). Must never run code of a plugin.
 */
#include "kit/error.h"
#include "load/explain.h"
#include "manifest/value.h"

#include <string.h>

static void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void put_word(json_t *object, const char *key, const via_word *words, uint32_t value)
{
    for (; value && words->name; words++) {
        if (words->value == value)
            put(object, key, json_string(words->name));
    }
}

static void put_size(json_t *object, const char *key, uint64_t bytes)
{
    char text[32];

    if (!bytes)
        return;
    via_value_write_size(bytes, text, sizeof(text));
    put(object, key, json_string(text));
}

/* The need as an endpoint manifest writes it. */
static json_t *need_part(const via_endpoint_need *need)
{
    json_t *part = json_object();

    put_word(part, "pattern", via_pattern_words, need->pattern);
    put_word(part, "scope", via_scope_words, need->scope);
    if (json_array_size(need->features) > 0)
        put(part, "features", json_copy(need->features));
    put_size(part, "max_message", need->max_message);
    put_size(part, "message", need->message);
    return part;
}

static const via_ranked *find_first(const via_ranking *ranking, bool is_named)
{
    for (size_t i = 0; i < ranking->count && ranking->list[i].fits; i++) {
        if (ranking->list[i].is_named || !is_named)
            return &ranking->list[i];
    }
    return NULL;
}

/* What an endpoint manifest says for the need: the need itself, if a name will do; else the form of an address. */
static json_t *endpoint_part(const via_endpoint_need *need, const via_ranking *ranking)
{
    const via_ranked *first = find_first(ranking, true);
    json_t *part = json_object();

    if (first) {
        put(part, "require", need_part(need));
        return part;
    }
    first = find_first(ranking, false);
    if (!first) {
        json_decref(part);
        return json_null();
    }
    put_word(part, "pattern", via_pattern_words, need->pattern);
    put(part, "address",
        json_sprintf("%s:%s", first->scheme->name, first->scheme->rest[0] ? first->scheme->rest : "..."));
    return part;
}

static via_status check_pattern(const via_endpoint_need *need, via_error *error)
{
    if (need->pattern)
        return VIA_OK;
    return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "add pattern=pair, queue, topic, value or region",
                         "what is required: the pattern is missing");
}

static json_t *answer(const via_endpoint_need *need, const via_ranking *ranking)
{
    json_t *out = json_object();

    put(out, "need", need_part(need));
    put(out, "size", json_integer((json_int_t)via_need_size(need)));
    put(out, "candidates", via_candidates_of_ranking(ranking, NULL));
    put(out, "endpoint", endpoint_part(need, ranking));
    return out;
}

via_status via_registry_advise(via_registry *registry, const char *text, char **json, via_error *error)
{
    via_endpoint_need need;
    via_ranking ranking = {0};
    json_t *out = NULL;

    *json = NULL;
    via_status status = via_need_read(text ? text : "", true, &need, error);
    if (status == VIA_OK)
        status = check_pattern(&need, error);
    if (status == VIA_OK) {
        via_mutex_take(&registry->lock);
        via_registry_refresh(registry);
        status = via_rank(registry, &need, NULL, &ranking, error);
        if (status == VIA_OK)
            out = answer(&need, &ranking);
        via_mutex_give(&registry->lock);
        *json = out ? json_dumps(out, JSON_INDENT(2)) : NULL;
    }
    if (status == VIA_OK && !*json)
        status = via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    json_decref(out);
    via_ranking_fini(&ranking);
    via_need_fini(&need);
    return status;
}
