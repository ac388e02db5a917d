/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explaining how an address resolves. The format: sdk/docs/explain.md.
 *
 * Owns: the JSON of via_explain(). Must never show the value of a secret option, nor run code of a plugin.
 */
#include "load/explain.h"

#include "kit/error.h"
#include "load/settings.h"
#include "manifest/value.h"

#include <stdlib.h>
#include <string.h>

/* ---- small parts -------------------------------------------------------------------------------------------- */

/* Values may hold any byte; JSON holds UTF-8. */
json_t *via_explain_text(const char *text)
{
    json_t *string = text ? json_string(text) : json_null();

    if (string || !text)
        return string;
    char *copy = strdup(text);
    for (char *c = copy; c && *c; c++)
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    string = copy ? json_string(copy) : NULL;
    free(copy);
    return string;
}

static void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value ? value : json_null());
}

static void put_text(json_t *object, const char *key, const char *text)
{
    put(object, key, via_explain_text(text));
}

json_t *via_explain_words(const via_word *words, uint32_t mask)
{
    json_t *list = json_array();

    for (; words->name; words++) {
        if (mask & words->value)
            (void)json_array_append_new(list, json_string(words->name));
    }
    return list;
}

static json_t *list_of(json_t *texts)
{
    return texts ? json_copy(texts) : json_array();
}

/* ---- the endpoint ------------------------------------------------------------------------------------------- */

static json_t *endpoint_part(const via_request *request)
{
    json_t *part = json_object();
    const via_endpoint_manifest *endpoint = request->endpoint;

    put_text(part, "name", request->given.rest);
    put_text(part, "file", request->file ? request->file->path : NULL);
    put(part, "line", json_integer(endpoint ? endpoint->line : 0));
    put(part, "column", json_integer(endpoint ? endpoint->column : 0));
    put_text(part, "summary", endpoint ? endpoint->summary : "");
    return part;
}

static json_t *override_part(const via_request *request)
{
    json_t *part = json_object();
    size_t size = strcspn(request->override, "?");
    char *address = strndup(request->override, size); /* its options may hold secrets, and are listed below */

    put_text(part, "variable", request->variable);
    put_text(part, "address", address);
    free(address);
    return part;
}

static uint32_t pattern_of(const via_request *request)
{
    if (!request->endpoint)
        return 0;
    return request->need ? request->need->pattern : request->endpoint->pattern;
}

static void put_request(json_t *out, const via_request *request)
{
    uint32_t pattern = pattern_of(request);

    put(out, "endpoint", request->given.scheme ? NULL : endpoint_part(request));
    put(out, "override", request->override ? override_part(request) : NULL);
    for (const via_word *word = via_pattern_words; word->name; word++) {
        if (pattern && word->value == pattern)
            put_text(out, "pattern", word->name);
    }
    if (request->target)
        put(out, "address", json_sprintf("%s:%s", request->target->scheme, request->target->rest));
}

/* ---- the chosen scheme ---------------------------------------------------------------------------------------- */

static json_t *plugin_part(const via_choice *choice)
{
    const via_plugin_manifest *manifest = &choice->entry->manifest;
    json_t *part = json_object();

    put_text(part, "name", manifest->name);
    put_text(part, "version", manifest->version);
    put_text(part, "summary", manifest->summary);
    put_text(part, "manifest", choice->entry->path);
    put_text(part, "library", choice->entry->library);
    return part;
}

static const char *scope_name(uint32_t scope)
{
    const via_word *word = via_scope_words;

    while (word->name && word->value != scope)
        word++;
    return word->name;
}

static json_t *scheme_part(const via_scheme_manifest *scheme)
{
    json_t *part = json_object();

    put_text(part, "name", scheme->name);
    put(part, "aliases", list_of(scheme->aliases));
    put(part, "patterns", via_explain_words(via_pattern_words, scheme->patterns));
    put_text(part, "scope", scope_name(scheme->scope));
    put(part, "features", list_of(scheme->features));
    put(part, "listens", json_boolean(scheme->listens));
    put(part, "max_message", json_integer((json_int_t)scheme->max_message));
    return part;
}

/* What a message is expected to take, one way. */
static json_t *expected_part(const via_choice *choice, const via_request *request)
{
    const via_endpoint_need any = {0};
    const uint64_t size = via_need_size(request->condition ? request->condition : &any);
    const uint32_t pattern = pattern_of(request) ? pattern_of(request) : VIA_PATTERN_PAIR;
    via_estimate_from from;
    char why[200];
    const double latency_ns = via_estimate(choice->entry, choice->scheme, pattern, size, &from, why, sizeof(why));
    json_t *part = json_object();

    put(part, "size", json_integer((json_int_t)size));
    put(part, "latency_ns", json_integer((json_int_t)(latency_ns + 0.5)));
    put_text(part, "estimate", via_estimate_word(from));
    if (why[0])
        put_text(part, "reason", why);
    return part;
}

static json_t *guarantees_part(uint32_t flags)
{
    json_t *part = json_object();

    put(part, "attach", json_boolean(flags & VIA_INFO_ATTACH));
    put(part, "lossless", json_boolean(flags & VIA_INFO_LOSSLESS));
    put(part, "ordered", json_boolean(flags & VIA_INFO_ORDERED));
    put(part, "death", json_boolean(flags & VIA_INFO_DEATH));
    put_text(part, "linger", flags & VIA_INFO_LINGER_NATIVE ? "native" : "none");
    put_text(part, "loan", flags & VIA_INFO_LOAN_NATIVE ? "native" : "emulated");
    put(part, "carries", via_explain_words(via_carry_words, flags));
    return part;
}

/* ---- options ------------------------------------------------------------------------------------------------ */

static via_status put_options(json_t *out, const via_request *request, const via_scheme_manifest *scheme,
                              const via_layers *layers, via_error *error)
{
    via_effective *effective = calloc(scheme->options.count + 1, sizeof(*effective));
    via_host_settings host;
    json_t *list = json_array();

    if (!effective) {
        json_decref(list);
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPTIONS, NULL, "out of memory");
    }
    via_status status =
        via_settings_apply(request, scheme, pattern_of(request), layers->overhead, effective, &host, error);
    via_settings_limit(&host, layers->max_message);
    for (size_t i = 0; i < scheme->options.count; i++)
        (void)json_array_append_new(list, via_explain_option(request, &scheme->options.specs[i], &effective[i]));
    put(out, "options", list);
    put(out, "host_options", via_explain_host(request, &host));
    put(out, "left_out", via_explain_left_out(request, scheme, layers));
    free(effective);
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static json_t *error_part(const via_error *error)
{
    static const char *const stages[] = {"none",      "discover", "parse",   "schema",  "trust", "preflight", "load",
                                         "negotiate", "init",     "resolve", "options", "open",  "data"};
    json_t *part = json_object();

    put_text(part, "status", via_status_name(error->status));
    put_text(part, "stage", stages[error->stage <= VIA_STAGE_DATA ? error->stage : 0]);
    put_text(part, "what", error->what);
    put_text(part, "mend", error->mend);
    put_text(part, "more", error->more);
    put_text(part, "plugin", error->plugin);
    put_text(part, "file", error->file);
    put(part, "line", json_integer(error->line));
    put(part, "column", json_integer(error->column));
    put_text(part, "pointer", error->pointer);
    return part;
}

/* Trust and preflight of each. */
static via_status check_layers(const via_layers *layers, via_error *error)
{
    via_status status = VIA_OK;

    for (size_t i = 0; i < layers->count && status == VIA_OK; i++)
        status = via_choice_check(&layers->list[i].choice, error);
    return status;
}

/* What the chosen scheme comes to with the layers on it. */
static via_status explain_stack(json_t *out, const via_registry *registry, const via_request *request,
                                const via_scheme_manifest *scheme, via_error *error)
{
    via_layers layers;
    via_error reason;

    via_error_init(&reason);
    via_status status = via_layers_choose(registry, request, pattern_of(request), &layers, error);
    if (status == VIA_OK)
        status = check_layers(&layers, error);
    put(out, "layers", via_explain_layers(request, &layers));
    put(out, "guarantees", guarantees_part(scheme->info_flags & ~layers.clears));
    via_status options = put_options(out, request, scheme, &layers, &reason);
    via_layers_fini(&layers);
    if (status == VIA_OK && options != VIA_OK)
        *error = reason;
    return status == VIA_OK ? options : status;
}

static via_status explain_target(json_t *out, const via_registry *registry, const via_request *request,
                                 via_error *error)
{
    via_choice choice;
    via_error reason;
    via_status status = via_choose(registry, request->target->scheme, &choice, error);

    put(out, "candidates", via_candidates_of_scheme(registry, request->target->scheme, &choice, pattern_of(request)));
    if (status == VIA_OK)
        status = via_choice_check(&choice, error);
    if (!choice.entry)
        return status;
    put(out, "plugin", plugin_part(&choice));
    put(out, "scheme", scheme_part(choice.scheme));
    put(out, "expected", expected_part(&choice, request));
    via_error_init(&reason);
    via_status stack = explain_stack(out, registry, request, choice.scheme, &reason);
    if (status != VIA_OK)
        return status;
    *error = reason;
    if (stack == VIA_OK && pattern_of(request) && !(choice.scheme->patterns & pattern_of(request)))
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_RESOLVE,
                             "use another scheme: via explain SCHEME:x says what it offers",
                             "%s: does not offer the pattern of the endpoint", choice.scheme->name);
    return stack;
}

/* One that fits is enough. */
static via_status check_fits(const json_t *candidates, const via_request *request, via_error *error)
{
    size_t index;
    const json_t *candidate;

    json_array_foreach(candidates, index, candidate)
    {
        const char *verdict = json_string_value(json_object_get(candidate, "verdict"));
        if (verdict && (strcmp(verdict, "fits") == 0 || strcmp(verdict, "chosen") == 0))
            return VIA_OK;
    }
    via_status status =
        via_error_set(error, VIA_ENOTSUP, VIA_STAGE_RESOLVE, "install a plugin that has what it lacks, or ask for less",
                      "no candidate of \"%s\" can be used", request->given.rest);
    if (request->endpoint)
        via_error_at(error, request->file->path, NULL, request->endpoint->line, request->endpoint->column);
    return status;
}

static via_status explain(json_t *out, const via_registry *registry, const char *address,
                          const via_open_options *options, via_error *error)
{
    via_request *request = NULL;
    via_status status = via_request_create(registry, address, options, &request, error);

    if (status != VIA_OK)
        return status;
    put_request(out, request);
    if (request->target) {
        status = explain_target(out, registry, request, error);
    } else {
        put(out, "candidates", via_candidates_of_endpoint(registry, request));
        status = check_fits(json_object_get(out, "candidates"), request, error);
    }
    via_request_destroy(request);
    return status;
}

/* What the caller wrote, without the options: they may hold secrets. */
static json_t *query_part(const char *address)
{
    char *text = address ? strndup(address, strcspn(address, "?")) : NULL;
    json_t *part = via_explain_text(text);

    free(text);
    return part;
}

static json_t *empty_answer(const char *address)
{
    static const char *const keys[] = {"endpoint", "override", "pattern",    "address",
                                       "plugin",   "scheme",   "guarantees", "expected"};
    json_t *out = json_object();

    put(out, "query", query_part(address));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        put(out, keys[i], NULL);
    put(out, "candidates", json_array());
    put(out, "layers", json_array());
    put(out, "options", json_array());
    put(out, "host_options", json_array());
    put(out, "left_out", json_array());
    return out;
}

via_status via_registry_explain(via_registry *registry, const char *address, const via_open_options *options,
                                char **json, via_error *error)
{
    json_t *out = empty_answer(address);
    via_error reason;

    via_error_init(&reason);
    via_mutex_take(&registry->lock);
    via_registry_refresh(registry);
    via_status status = explain(out, registry, address, options, &reason);
    via_mutex_give(&registry->lock);
    put(out, "error", status == VIA_OK ? NULL : error_part(&reason));
    *json = json_dumps(out, JSON_INDENT(2));
    json_decref(out);
    if (!*json && status == VIA_OK)
        status = via_error_set(&reason, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    if (error)
        *error = reason;
    return status;
}
