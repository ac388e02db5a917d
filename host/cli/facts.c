/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about addresses; see facts.h. Owns: nothing. */
#include "facts.h"

#include <string.h>

#include "session.h"

static json_t *find_in(const json_t *list, const char *name)
{
    size_t index;
    json_t *option;
    json_array_foreach(list, index, option)
    {
        const char *found = json_string_value(json_object_get(option, "name"));
        if (found && strcmp(found, name) == 0)
            return option;
    }
    return NULL;
}

/* The caller's reference; NULL = it does not resolve. */
static json_t *explain(const via_cli_args *args, via_host *host, const char *address)
{
    via_error error;
    via_open_options options;
    char *text = NULL;
    via_error_init(&error);
    via_cli_open_options(args, &options);
    via_status status = via_explain(host, address, &options, &text, &error);
    json_t *root = status == VIA_OK && text ? json_loads(text, 0, NULL) : NULL;
    via_free(text);
    return root;
}

json_t *via_cli_option_of(const via_cli_args *args, via_host *host, const char *address, const char *name)
{
    json_t *root = explain(args, host, address);
    json_t *option = find_in(json_object_get(root, "options"), name);
    if (!option)
        option = find_in(json_object_get(root, "host_options"), name);
    json_incref(option);
    json_decref(root);
    return option;
}

uint64_t via_cli_max_message_of(const via_cli_args *args, via_host *host, const char *address)
{
    uint64_t bytes = UINT64_MAX;
    json_t *option = via_cli_option_of(args, host, address, "max_message");
    const char *value = json_string_value(json_object_get(option, "value"));
    if (!value || !via_cli_parse_size(value, &bytes))
        bytes = UINT64_MAX;
    json_decref(option);
    return bytes;
}

uint64_t via_cli_max_message_of_scheme(const via_cli_args *args, via_host *host, const char *address)
{
    json_t *root = explain(args, host, address);
    const json_t *bound = json_object_get(json_object_get(root, "scheme"), "max_message");
    uint64_t bytes = json_is_integer(bound) ? (uint64_t)json_integer_value(bound) : UINT64_MAX;
    json_decref(root);
    return bytes;
}

/* ---- schemes ------------------------------------------------------------------------------------------------ */

static bool has_text(const json_t *list, const char *text)
{
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item)
    {
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

static bool carries(via_host *host, const char *address, const char *what)
{
    static const via_cli_args plain;
    json_t *root = explain(&plain, host, address);
    bool does = has_text(json_object_get(json_object_get(root, "guarantees"), "carries"), what);
    json_decref(root);
    return does;
}

void via_cli_list_carriers(via_host *host, const char *what, char *list, size_t capacity)
{
    size_t cursor = 0, used = 0;
    via_plugin_info info = {.size = sizeof info};
    list[0] = '\0';
    for (; via_plugin_next(host, &cursor, &info) == VIA_OK; info.size = sizeof info) {
        char *rest = NULL, address[64];
        for (char *scheme = strtok_r(info.schemes, " ", &rest); scheme; scheme = strtok_r(NULL, " ", &rest)) {
            (void)snprintf(address, sizeof address, "%s:x", scheme);
            if (used < capacity && carries(host, address, what))
                used += (size_t)snprintf(list + used, capacity - used, "%s%s:", used ? ", " : "", scheme);
        }
    }
}

bool via_cli_scheme_for(via_host *host, const char *need, char *scheme, size_t capacity)
{
    char *text = NULL;
    size_t index;
    const json_t *candidate;
    json_t *root = via_advise(host, need, &text, NULL) == VIA_OK && text ? json_loads(text, 0, NULL) : NULL;
    const char *chosen = NULL;
    via_free(text);
    json_array_foreach(json_object_get(root, "candidates"), index, candidate)
    {
        if (!chosen && strcmp(json_string_value(json_object_get(candidate, "verdict")), "chosen") == 0)
            chosen = json_string_value(json_object_get(candidate, "scheme"));
    }
    if (chosen)
        (void)snprintf(scheme, capacity, "%s", chosen);
    json_decref(root);
    return chosen != NULL;
}

/* ---- places ------------------------------------------------------------------------------------------------- */

/* What follows the scheme, which may have another name: "orders" of unix:orders and ipc://orders. Not the options. */
static const char *rest_of(const char *address, size_t *length)
{
    const char *colon = strchr(address, ':');
    const char *rest = colon ? colon + 1 : address;
    rest += strncmp(rest, "//", 2) == 0 ? 2 : 0;
    *length = strcspn(rest, "?");
    return rest;
}

static bool is_same_rest(const char *one, const char *other)
{
    size_t length, other_length;
    one = rest_of(one, &length);
    other = rest_of(other, &other_length);
    return length == other_length && strncmp(one, other, length) == 0;
}

static const char *scheme_of(const json_t *root)
{
    return json_string_value(json_object_get(json_object_get(root, "scheme"), "name"));
}

static bool is_same(const json_t *root, const json_t *other)
{
    const char *schemes[] = {scheme_of(root), scheme_of(other)};
    const char *addresses[] = {json_string_value(json_object_get(root, "address")),
                               json_string_value(json_object_get(other, "address"))};
    return schemes[0] && schemes[1] && strcmp(schemes[0], schemes[1]) == 0 && addresses[0] && addresses[1] &&
           is_same_rest(addresses[0], addresses[1]);
}

bool via_cli_is_same_address(const via_cli_args *args, via_host *host, const char *one, const char *other)
{
    json_t *roots[] = {explain(args, host, one), explain(args, host, other)};
    bool same = strcmp(one, other) == 0 || is_same(roots[0], roots[1]);
    json_decref(roots[0]);
    json_decref(roots[1]);
    return same;
}

bool via_cli_is_listened_on(const via_cli_args *args, via_host *host, const char *address)
{
    json_t *root = explain(args, host, address);
    bool made_by_dialing = json_is_false(json_object_get(json_object_get(root, "scheme"), "listens"));
    json_decref(root);
    return !made_by_dialing;
}
