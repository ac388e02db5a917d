/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers of an endpoint.
 *
 * Owns: their form. Whether there is such a layer, and what stands on what, is for the resolver to say.
 */
#include "manifest/endpoint_manifest.h"
#include "manifest/layer_manifest.h"

#include <stdlib.h>
#include <string.h>

static bool is_own(const char *key)
{
    return strcmp(key, "layer") == 0 || strncmp(key, "x-", 2) == 0;
}

static via_status read_options(via_check *check, json_t *value, via_endpoint_layer *layer)
{
    const char *name;
    json_t *part;

    layer->options = calloc(json_object_size(value), sizeof(*layer->options));
    if (!layer->options)
        return VIA_ENOMEM;
    json_object_foreach(value, name, part)
    {
        if (is_own(name))
            continue;
        via_check_enter(check, name, 0);
        via_status status = via_endpoint_option_read(check, name, part, &layer->options[layer->option_count++]);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

static via_status read_name(via_check *check, json_t *value, via_endpoint_layer *layer)
{
    via_check_enter(check, "layer", 0);
    via_status status = via_check_text(check, value, 1, VIA_LAYER_NAME_BYTES, &layer->name);
    if (status == VIA_OK && !via_layer_is_name(layer->name))
        status = via_check_fail(check, "via plugins lists the layers",
                                "\"%.40s\" is no layer's name; expected a lower-case letter, then lower-case letters, "
                                "digits, \"_\" and \"-\"",
                                layer->name);
    via_check_leave(check);
    return status;
}

static via_status read_layer(via_check *check, json_t *value, via_endpoint_layer *layer)
{
    json_t *name = json_object_get(value, "layer");

    if (!json_is_object(value))
        return via_check_fail_type(check, value, "an object such as {\"layer\": \"NAME\"}");
    if (!name)
        return via_check_fail(check, "add \"layer\" here", "a layer lacks its name, the key \"layer\"");
    via_status status = read_name(check, name, layer);
    return status == VIA_OK ? read_options(check, value, layer) : status;
}

static size_t count_options(const via_endpoint_manifest *endpoint)
{
    size_t count = 0;

    for (size_t i = 0; i < endpoint->layer_count; i++)
        count += endpoint->layers[i].option_count;
    return count;
}

via_status via_endpoint_layers_read(via_check *check, json_t *value, void *target)
{
    via_endpoint_manifest *endpoint = target;
    size_t index;
    json_t *part;

    if (!json_is_array(value) || json_array_size(value) == 0 || json_array_size(value) > VIA_LAYERS)
        return via_check_fail(check, NULL,
                              "\"layers\" is to be an array of 1 to %d layers, the one that the program sees first",
                              VIA_LAYERS);
    via_check_place(check, &endpoint->layers_line, &endpoint->layers_column);
    endpoint->layers = calloc(json_array_size(value), sizeof(*endpoint->layers));
    if (!endpoint->layers)
        return VIA_ENOMEM;
    json_array_foreach(value, index, part)
    {
        via_check_enter(check, NULL, index);
        via_status status = read_layer(check, part, &endpoint->layers[endpoint->layer_count++]);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    if (count_options(endpoint) > VIA_LAYER_OPTIONS)
        return via_check_fail(check, NULL, "more than %d options of layers", VIA_LAYER_OPTIONS);
    return VIA_OK;
}

void via_endpoint_layers_fini(via_endpoint_manifest *endpoint)
{
    for (size_t i = 0; i < endpoint->layer_count; i++)
        free(endpoint->layers[i].options);
    free(endpoint->layers);
    endpoint->layers = NULL;
    endpoint->layer_count = 0;
}
