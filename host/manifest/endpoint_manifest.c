/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading endpoint manifests.
 *
 * Owns: the JSON tree, in which every text of the records stands.
 */
#include "manifest/endpoint_manifest.h"

#include "kit/error.h"
#include "load/address.h"
#include "manifest/plugin_manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- addresses ---------------------------------------------------------------------------------------------- */

static via_status check_address(via_check *check, json_t *value, const char **out)
{
    via_address address;
    via_error reason;
    via_status status = via_check_text(check, value, 1, VIA_ADDRESS_BYTES, out);

    if (status != VIA_OK)
        return status;
    via_error_init(&reason);
    status = via_address_parse(*out, &address, &reason);
    if (status == VIA_ENOMEM)
        return status;
    if (status != VIA_OK)
        return via_check_fail(check, reason.mend, "%s", reason.what);
    bool is_name = !address.scheme;
    via_address_fini(&address);
    if (is_name)
        return via_check_fail(check, "write the other endpoint's address here",
                              "\"%.80s\" has no scheme; expected scheme:rest, since endpoints do not name endpoints",
                              *out);
    return VIA_OK;
}

static via_status read_address(via_check *check, json_t *value, void *target)
{
    return check_address(check, value, &((via_endpoint_manifest *)target)->address);
}

static via_status check_any_of_element(via_check *check, json_t *array, size_t index)
{
    const char *address = NULL;
    json_t *value = json_array_get(array, index);
    via_status status = check_address(check, value, &address);

    for (size_t i = 0; i < index && status == VIA_OK; i++) {
        if (json_equal(json_array_get(array, i), value))
            return via_check_fail(check, "take it out", "\"%.80s\" is there twice", address);
    }
    return status;
}

static via_status read_any_of(via_check *check, json_t *value, void *target)
{
    if (!json_is_array(value) || json_array_size(value) == 0 || json_array_size(value) > 16)
        return via_check_fail(check, NULL, "\"any_of\" is to be an array of 1 to 16 addresses, the best first");
    for (size_t i = 0; i < json_array_size(value); i++) {
        via_check_enter(check, NULL, i);
        via_status status = check_any_of_element(check, value, i);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    ((via_endpoint_manifest *)target)->any_of = value;
    return VIA_OK;
}

/* ---- require ------------------------------------------------------------------------------------------------ */

static via_status read_need_pattern(via_check *check, json_t *value, void *target)
{
    return via_check_word(check, value, via_pattern_words, &((via_endpoint_need *)target)->pattern);
}

static via_status read_need_scope(via_check *check, json_t *value, void *target)
{
    return via_check_word(check, value, via_scope_words, &((via_endpoint_need *)target)->scope);
}

static via_status read_need_features(via_check *check, json_t *value, void *target)
{
    return via_check_names(check, value, 0, via_feature_is_name, "lower-case letters, digits and \"-\"",
                           &((via_endpoint_need *)target)->features);
}

static via_status read_need_max_message(via_check *check, json_t *value, void *target)
{
    return via_manifest_size(check, value, &((via_endpoint_need *)target)->max_message);
}

static via_status read_need_message(via_check *check, json_t *value, void *target)
{
    return via_manifest_size(check, value, &((via_endpoint_need *)target)->message);
}

static const via_field need_fields[] = {
    {"pattern", read_need_pattern, true},    {"scope", read_need_scope, false},
    {"features", read_need_features, false}, {"max_message", read_need_max_message, false},
    {"message", read_need_message, false},
};

static via_status read_require(via_check *check, json_t *value, void *target)
{
    via_endpoint_manifest *endpoint = target;

    endpoint->need = &endpoint->need_room;
    return via_check_object(check, value, need_fields, sizeof(need_fields) / sizeof(need_fields[0]), endpoint->need);
}

/* ---- options ------------------------------------------------------------------------------------------------ */

via_status via_endpoint_option_read(via_check *check, const char *name, json_t *value, via_endpoint_option *option)
{
    option->name = name;
    via_check_place(check, &option->line, &option->column);
    if (!via_option_is_name(name))
        return via_check_fail_key(check, NULL,
                                  "\"%.80s\" is no option name; expected lower-case letters, digits and "
                                  "\"_\"",
                                  name);
    if (json_is_boolean(value)) {
        option->value = json_is_true(value) ? "true" : "false";
        return VIA_OK;
    }
    if (json_is_integer(value)) {
        (void)snprintf(option->room, sizeof(option->room), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        option->value = option->room;
        return VIA_OK;
    }
    if (!json_is_string(value))
        return via_check_fail_type(check, value, "a string, a whole number, true or false");
    if (strlen(json_string_value(value)) != json_string_length(value))
        return via_check_fail(check, "take it out", "\"%s\" holds a NUL character", name);
    option->value = json_string_value(value);
    return VIA_OK;
}

static via_status read_options(via_check *check, json_t *value, void *target)
{
    via_endpoint_manifest *endpoint = target;
    const char *name;
    json_t *part;

    if (!json_is_object(value))
        return via_check_fail_type(check, value, "an object of options");
    if (json_object_size(value) > VIA_ADDRESS_OPTIONS)
        return via_check_fail(check, NULL, "more than 64 options");
    endpoint->options = calloc(json_object_size(value) + 1, sizeof(*endpoint->options));
    if (!endpoint->options)
        return VIA_ENOMEM;
    json_object_foreach(value, name, part)
    {
        via_check_enter(check, name, 0);
        via_status status = via_endpoint_option_read(check, name, part, &endpoint->options[endpoint->option_count++]);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

/* ---- one endpoint --------------------------------------------------------------------------------------------- */

static via_status read_pattern(via_check *check, json_t *value, void *target)
{
    return via_check_word(check, value, via_pattern_words, &((via_endpoint_manifest *)target)->pattern);
}

static via_status read_summary(via_check *check, json_t *value, void *target)
{
    return via_check_text(check, value, 0, 127, &((via_endpoint_manifest *)target)->summary);
}

static const via_field endpoint_fields[] = {
    {"address", read_address, false},
    {"any_of", read_any_of, false},
    {"require", read_require, false},
    {"pattern", read_pattern, false},
    {"options", read_options, false},
    {"summary", read_summary, false},
    {"layers", via_endpoint_layers_read, false},
};

static via_status check_choice(via_check *check, via_endpoint_manifest *endpoint)
{
    int count = (endpoint->address ? 1 : 0) + (endpoint->any_of ? 1 : 0) + (endpoint->need ? 1 : 0);

    if (count == 0)
        return via_check_fail(check, "add \"address\" here",
                              "\"%s\" says nowhere to go; expected \"address\", \"any_of\" "
                              "or \"require\"",
                              endpoint->name);
    if (count > 1)
        return via_check_fail(check, "keep one of them",
                              "\"%s\" has more than one of \"address\", \"any_of\" and "
                              "\"require\"",
                              endpoint->name);
    if (!endpoint->need || !endpoint->pattern)
        return VIA_OK;
    via_check_enter(check, "pattern", 0);
    via_status status = via_check_fail_key(check, "move it into \"require\"", "\"pattern\" stands beside \"require\"");
    via_check_leave(check);
    return status;
}

static via_status read_endpoint(via_check *check, const char *name, json_t *value, via_endpoint_manifest *endpoint)
{
    endpoint->name = name;
    endpoint->summary = "";
    via_check_place(check, &endpoint->line, &endpoint->column);
    if (!via_endpoint_is_name(name))
        return via_check_fail_key(check, NULL,
                                  "\"%.80s\" is no endpoint name; expected 1 to 63 letters, digits, \"_\", "
                                  "\".\" and \"-\"",
                                  name);
    via_status status =
        via_check_object(check, value, endpoint_fields, sizeof(endpoint_fields) / sizeof(endpoint_fields[0]), endpoint);
    return status == VIA_OK ? check_choice(check, endpoint) : status;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static via_status read_endpoints(via_check *check, json_t *value, void *target)
{
    via_endpoints *endpoints = target;
    const char *name;
    json_t *part;

    if (!json_is_object(value))
        return via_check_fail_type(check, value, "an object of endpoints");
    endpoints->list = calloc(json_object_size(value) + 1, sizeof(*endpoints->list));
    if (!endpoints->list)
        return VIA_ENOMEM;
    json_object_foreach(value, name, part)
    {
        via_check_enter(check, name, 0);
        via_status status = read_endpoint(check, name, part, &endpoints->list[endpoints->count++]);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

static const via_field fields[] = {
    {"$schema", NULL, false},
    {"manifest", via_manifest_version_read, true},
    {"endpoints", read_endpoints, true},
};

via_status via_endpoints_read(via_endpoints *endpoints, const char *file, const char *text, size_t size,
                              via_error *error)
{
    via_check check;

    *endpoints = (via_endpoints){0};
    via_status status = via_manifest_parse(&check, file, text, size, &endpoints->root, error);
    if (status == VIA_OK)
        status = via_check_object(&check, endpoints->root, fields, sizeof(fields) / sizeof(fields[0]), endpoints);
    if (status == VIA_ENOMEM)
        return via_error_set(error, status, VIA_STAGE_SCHEMA, NULL, "out of memory");
    return status;
}

void via_endpoints_fini(via_endpoints *endpoints)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        free(endpoints->list[i].options);
        via_endpoint_layers_fini(&endpoints->list[i]);
    }
    free(endpoints->list);
    json_decref(endpoints->root);
    *endpoints = (via_endpoints){0};
}
