/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin offers: its schemes or its layers, by name.
 *
 * Owns: their names and aliases. What one is, is for scheme_manifest.c and layer_manifest.c to read.
 */
#include "manifest/plugin_manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OFFERS = 16 };

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* One kind of thing that a plugin can offer. */
typedef struct offer_kind {
    const char *noun;
    bool (*make_room)(via_plugin_manifest *manifest, size_t count);
    via_status (*read)(via_check *check, const char *name, json_t *value, via_plugin_manifest *manifest);
} offer_kind;

static bool make_scheme_room(via_plugin_manifest *manifest, size_t count)
{
    manifest->schemes = calloc(count, sizeof(*manifest->schemes));
    return manifest->schemes != NULL;
}

static bool make_layer_room(via_plugin_manifest *manifest, size_t count)
{
    manifest->layers = calloc(count, sizeof(*manifest->layers));
    return manifest->layers != NULL;
}

static via_status read_scheme(via_check *check, const char *name, json_t *value, via_plugin_manifest *manifest)
{
    via_scheme_manifest *scheme = &manifest->schemes[manifest->scheme_count++];

    scheme->name = name;
    if (via_scheme_is_name(name))
        return via_scheme_manifest_read(check, value, scheme);
    return via_check_fail_key(check, NULL,
                              "\"%.80s\" is no scheme; expected 2 to 31 lower-case letters, digits, \"+\", \".\" "
                              "and \"-\"",
                              name);
}

static via_status read_layer(via_check *check, const char *name, json_t *value, via_plugin_manifest *manifest)
{
    via_layer_manifest *layer = &manifest->layers[manifest->layer_count++];

    layer->name = name;
    if (via_layer_is_name(name))
        return via_layer_manifest_read(check, value, layer);
    return via_check_fail_key(check, NULL,
                              "\"%.80s\" is no layer; expected a lower-case letter, then lower-case letters, digits, "
                              "\"_\" and \"-\", at most 31",
                              name);
}

static const offer_kind schemes = {"scheme", make_scheme_room, read_scheme};
static const offer_kind layers = {"layer", make_layer_room, read_layer};

static via_status read_offers(via_check *check, json_t *value, via_plugin_manifest *manifest, const offer_kind *kind)
{
    char expected[64];
    const char *name;
    json_t *part;

    (void)snprintf(expected, sizeof(expected), "an object with at least one %s", kind->noun);
    if (!json_is_object(value) || json_object_size(value) == 0)
        return via_check_fail_type(check, value, expected);
    if (json_object_size(value) > MOST_OFFERS)
        return via_check_fail(check, NULL, "more than %d %ss", MOST_OFFERS, kind->noun);
    if (!kind->make_room(manifest, json_object_size(value)))
        return VIA_ENOMEM;
    json_object_foreach(value, name, part)
    {
        via_check_enter(check, name, 0);
        via_status status = kind->read(check, name, part, manifest);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

via_status via_schemes_read(via_check *check, json_t *value, void *target)
{
    return read_offers(check, value, target, &schemes);
}

via_status via_layers_read(via_check *check, json_t *value, void *target)
{
    return read_offers(check, value, target, &layers);
}

/* ---- aliases ------------------------------------------------------------------------------------------------ */

static via_status check_alias(via_check *check, const via_plugin_manifest *manifest, size_t at, size_t index)
{
    const via_scheme_manifest *scheme = &manifest->schemes[at];
    const char *alias = json_string_value(json_array_get(scheme->aliases, index));

    for (size_t i = 0; i < manifest->scheme_count; i++) {
        const via_scheme_manifest *other = &manifest->schemes[i];
        if (strcmp(other->name, alias) != 0 && !(i < at && via_names_hold(other->aliases, alias)))
            continue;
        via_check_enter(check, "aliases", 0);
        via_check_enter(check, NULL, index);
        via_status status = via_check_fail(check, "take it out", "the alias \"%s\" already means the scheme \"%s\"",
                                           alias, other->name);
        via_check_leave(check);
        via_check_leave(check);
        return status;
    }
    return VIA_OK;
}

/* No alias may mean two things. */
via_status via_aliases_check(via_check *check, const via_plugin_manifest *manifest)
{
    via_status status = VIA_OK;

    via_check_enter(check, "schemes", 0);
    for (size_t i = 0; i < manifest->scheme_count && status == VIA_OK; i++) {
        via_check_enter(check, manifest->schemes[i].name, 0);
        for (size_t j = 0; j < json_array_size(manifest->schemes[i].aliases) && status == VIA_OK; j++)
            status = check_alias(check, manifest, i, j);
        via_check_leave(check);
    }
    via_check_leave(check);
    return status;
}

/* ---- finding ------------------------------------------------------------------------------------------------ */

const via_scheme_manifest *via_plugin_manifest_scheme(const via_plugin_manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->scheme_count; i++) {
        if (strcmp(manifest->schemes[i].name, name) == 0 || via_names_hold(manifest->schemes[i].aliases, name))
            return &manifest->schemes[i];
    }
    return NULL;
}

const via_layer_manifest *via_plugin_manifest_layer(const via_plugin_manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->layer_count; i++) {
        if (strcmp(manifest->layers[i].name, name) == 0)
            return &manifest->layers[i];
    }
    return NULL;
}
