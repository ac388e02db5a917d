/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite on a stack: everything goes through layers.
 *
 * Owns: what is left of a transport's claims then, as the host explains it. Must never know a layer.
 */
#include "claims.h"

#include <string.h>

/* The host's answer has in one place what a manifest has in four. */
static bool read_stack(const char *text, via_conform_claims *claims)
{
    size_t i;
    json_t *root = json_loads(text, 0, NULL), *option;
    json_t *left = json_object_get(root, "guarantees");
    json_t *entry = json_pack("{sO sO sO sO}", "guarantees", left, "carries", json_object_get(left, "carries"),
                              "linger", json_object_get(left, "linger"), "loan", json_object_get(left, "loan"));

    if (entry)
        via_conform_read_guarantees(entry, claims);
    json_array_foreach(json_object_get(root, "host_options"), i, option)
    {
        if (strcmp(json_string_value(json_object_get(option, "name")), "max_message") == 0)
            claims->max_message = via_conform_read_size(json_object_get(option, "value"));
    }
    bool read = entry != NULL;
    json_decref(entry);
    json_decref(root);
    return read;
}

bool via_conform_add_layers(via_conform_claims *claims, const char *layers, const char *folder)
{
    via_host *host = NULL;
    via_error error;
    via_open_options options;
    char address[64], *text = NULL;

    (void)snprintf(claims->layers, sizeof(claims->layers), "%s", layers);
    (void)snprintf(claims->layer_folder, sizeof(claims->layer_folder), "%s", folder ? folder : claims->folder);
    (void)snprintf(address, sizeof(address), "%s:x", claims->scheme);
    via_open_options_init(&options);
    options.layers = claims->layers;
    via_status status = via_conform_host_open(claims, &host, &error);
    if (status == VIA_OK)
        status = via_explain(host, address, &options, &text, &error);
    bool read = status == VIA_OK && read_stack(text, claims);
    if (!read)
        fprintf(stderr, "via-conformance: --layers %s: %s\n", layers, error.what);
    via_free(text);
    via_host_close(host);
    return read;
}
