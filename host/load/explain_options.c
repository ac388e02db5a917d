/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of an explanation, and the layers that have some.
 *
 * Owns: the words for origins. Must never show the value of a secret option.
 */
#include "load/explain.h"

#include "manifest/value.h"

#include <stdlib.h>
#include <string.h>

static void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value ? value : json_null());
}

static void put_text(json_t *object, const char *key, const char *text)
{
    put(object, key, via_explain_text(text));
}

/* ---- options ------------------------------------------------------------------------------------------------ */

static void put_origin(json_t *part, const via_request *request, const via_setting *setting)
{
    static const char *const names[] = {"default", "endpoint", "endpoint", "variable", "address", "call"};
    via_origin origin = setting ? setting->origin : VIA_ORIGIN_DEFAULT;

    put_text(part, "origin", names[origin]);
    if (origin == VIA_ORIGIN_ENDPOINT)
        put(part, "place", json_sprintf("%s:%u:%u", request->file->path, setting->line, setting->column));
    else if (origin == VIA_ORIGIN_ENDPOINT_ADDRESS)
        put(part, "place",
            json_sprintf("%s:%u:%u", request->file->path, request->endpoint->line, request->endpoint->column));
    else if (origin == VIA_ORIGIN_VARIABLE)
        put_text(part, "place", request->variable);
}

json_t *via_explain_option(const via_request *request, const via_option_spec *spec, const via_effective *effective)
{
    json_t *part = json_object();

    put_text(part, "name", spec->name);
    put_text(part, "value", spec->secret ? NULL : effective->option.text);
    put_origin(part, request, effective->origin);
    put_text(part, "type", via_value_type_name(spec->type));
    put_text(part, "default", spec->secret ? NULL : spec->default_text);
    if (spec->min_text)
        put_text(part, "min", spec->min_text);
    if (spec->max_text)
        put_text(part, "max", spec->max_text);
    if (spec->values)
        put(part, "values", json_copy(spec->values));
    if (spec->patterns)
        put(part, "patterns", via_explain_words(via_pattern_words, spec->patterns));
    if (spec->secret)
        put(part, "secret", json_true());
    put_text(part, "summary", spec->summary);
    return part;
}

static void add_host_option(json_t *list, const via_request *request, const char *name, const via_setting *setting,
                            json_t *value, const char *summary)
{
    json_t *part = json_object();

    put_text(part, "name", name);
    put(part, "value", setting ? via_explain_text(setting->value) : json_incref(value));
    put_origin(part, request, setting);
    put_text(part, "summary", summary);
    (void)json_array_append_new(list, part);
    json_decref(value);
}

json_t *via_explain_host(const via_request *request, const via_host_settings *host)
{
    json_t *list = json_array();
    char limit[32];

    via_value_write_size(host->limit, limit, sizeof(limit));
    add_host_option(
        list, request, "bind", host->bind, json_null(),
        "which end takes the name: true = this one, false = the other; open = who listens, pulls or publishes");
    add_host_option(list, request, "threads", host->threads, json_string("two"), "how many threads may use a channel");
    add_host_option(list, request, "max_message", host->max_message, json_string(limit), "the largest message");
    add_host_option(list, request, "layers", host->layers, json_string(""),
                    "what the channel goes through, from the program to the transport");
    return list;
}

json_t *via_explain_left_out(const via_request *request, const via_scheme_manifest *scheme, const via_layers *layers)
{
    json_t *list = json_array();

    for (size_t i = 0; i < request->setting_count; i++) {
        const via_setting *setting = &request->settings[i];
        if (!via_settings_is_left_out(request, scheme, setting) && !via_layers_is_left_out(layers, setting))
            continue;
        json_t *part = json_object();
        put_text(part, "name", setting->name);
        put_origin(part, request, setting);
        (void)json_array_append_new(list, part);
    }
    return list;
}

/* ---- layers ------------------------------------------------------------------------------------------------- */

static json_t *layer_part(const via_request *request, const via_stacked *stacked)
{
    const via_layer_manifest *layer = stacked->choice.layer;
    const via_plugin_manifest *manifest = &stacked->choice.entry->manifest;
    json_t *part = json_object(), *options = json_array();

    for (size_t i = 0; i < layer->options.count; i++)
        (void)json_array_append_new(options,
                                    via_explain_option(request, &layer->options.specs[i], &stacked->effective[i]));
    put_text(part, "name", layer->name);
    put_text(part, "plugin", manifest->name);
    put_text(part, "version", manifest->version);
    put_text(part, "summary", manifest->summary);
    put_text(part, "manifest", stacked->choice.entry->path);
    put(part, "patterns", via_explain_words(via_pattern_words, layer->patterns));
    put(part, "terminal", json_boolean(layer->is_terminal));
    put_text(part, "bytes", via_bytes_words[layer->bytes].name);
    put(part, "overhead", json_integer((json_int_t)layer->overhead));
    put(part, "passes", layer->passes ? json_copy(layer->passes) : json_array());
    put(part, "options", options);
    return part;
}

json_t *via_explain_layers(const via_request *request, const via_layers *layers)
{
    json_t *list = json_array();

    for (size_t i = 0; i < layers->count && layers->list[i].effective; i++)
        (void)json_array_append_new(list, layer_part(request, &layers->list[i]));
    return list;
}
