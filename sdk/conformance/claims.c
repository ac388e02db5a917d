/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a manifest claims for one scheme and pattern.
 *
 * Owns: reading it. The host has checked the file's form by then (via_validate), so only what is missing is said here.
 */
#include "claims.h"

#include "faults.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t pattern;
} patterns[] = {{"pair", VIA_PATTERN_PAIR},
                {"queue", VIA_PATTERN_QUEUE},
                {"topic", VIA_PATTERN_TOPIC},
                {"value", VIA_PATTERN_VALUE},
                {"region", VIA_PATTERN_REGION}};

/* A claim and what follows from it: of `guarantees`, of `carries`. */
static const struct {
    const char *name;
    uint32_t needs;
    uint32_t info;
} guarantees[] = {{"attach", NEEDS_ATTACH, VIA_INFO_ATTACH},
                  {"lossless", NEEDS_LOSSLESS, VIA_INFO_LOSSLESS},
                  {"ordered", NEEDS_ORDERED, VIA_INFO_ORDERED},
                  {"death", NEEDS_DEATH, VIA_INFO_DEATH}},
  carried[] = {{"key", 0, VIA_INFO_CARRIES_KEY},
               {"type", 0, VIA_INFO_CARRIES_TYPE},
               {"priority", 0, VIA_INFO_CARRIES_PRIORITY},
               {"sequence", NEEDS_SEQUENCE, VIA_INFO_CARRIES_SEQUENCE},
               {"boundaries", NEEDS_BOUNDARIES, VIA_INFO_KEEPS_BOUNDARIES}};

static const char *text_of(const json_t *object, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : fallback;
}

static bool lists(const json_t *array, const char *text)
{
    size_t i;
    json_t *item;

    json_array_foreach(array, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

uint64_t via_conform_read_size(const json_t *value)
{
    if (json_is_integer(value))
        return (uint64_t)json_integer_value(value);
    const char *text = json_is_string(value) ? json_string_value(value) : "0";
    char *unit = NULL;
    uint64_t number = strtoull(text, &unit, 10);
    switch (*unit) {
    case 'K':
        return number << 10;
    case 'M':
        return number << 20;
    case 'G':
        return number << 30;
    case 'T':
        return number << 40;
    default:
        return number;
    }
}

/* ---- options ------------------------------------------------------------------------------------------------ */

static void read_fallback(const json_t *value, via_conform_option *option)
{
    option->has_fallback = value != NULL;
    if (json_is_string(value))
        (void)snprintf(option->fallback, sizeof(option->fallback), "%s", json_string_value(value));
    else if (json_is_integer(value))
        (void)snprintf(option->fallback, sizeof(option->fallback), "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        (void)snprintf(option->fallback, sizeof(option->fallback), "%s", json_is_true(value) ? "true" : "false");
}

static void read_values(const json_t *values, via_conform_option *option)
{
    size_t i, at = 0;
    json_t *value;

    json_array_foreach(values, i, value)
    {
        if (at < sizeof(option->values))
            at += (size_t)snprintf(option->values + at, sizeof(option->values) - at, i ? " %s" : "%s",
                                   json_string_value(value));
    }
}

static void read_options(json_t *options, const char *pattern, via_conform_claims *claims)
{
    const char *name;
    json_t *entry;

    json_object_foreach(options, name, entry)
    {
        const json_t *only = json_object_get(entry, "patterns");
        if ((only && !lists(only, pattern)) || claims->option_count == CONFORM_OPTIONS)
            continue;
        via_conform_option *option = &claims->options[claims->option_count++];
        (void)snprintf(option->name, sizeof(option->name), "%s", name);
        (void)snprintf(option->type, sizeof(option->type), "%s", text_of(entry, "type", ""));
        read_fallback(json_object_get(entry, "default"), option);
        read_values(json_object_get(entry, "values"), option);
    }
}

const via_conform_option *via_conform_find_option(const via_conform_claims *claims, const char *name)
{
    for (size_t i = 0; i < claims->option_count; i++) {
        if (strcmp(claims->options[i].name, name) == 0)
            return &claims->options[i];
    }
    return NULL;
}

/* Where it is already set, or the next free place; NULL = there is none. */
static char *extra_place(via_conform_claims *claims, const char *assignment, size_t name_length)
{
    for (size_t i = 0; i < claims->extra_count; i++)
        if (strncmp(claims->extras[i], assignment, name_length + 1) == 0)
            return claims->extras[i];
    return claims->extra_count < CONFORM_EXTRAS ? claims->extras[claims->extra_count++] : NULL;
}

bool via_conform_add_extra(via_conform_claims *claims, const char *assignment)
{
    char name[64];
    size_t length = strcspn(assignment, "=");

    if (!assignment[length] || length >= sizeof(name))
        return false;
    (void)snprintf(name, sizeof(name), "%.*s", (int)length, assignment);
    if (!via_conform_find_option(claims, name))
        return true;
    char *place = extra_place(claims, assignment, length);
    if (place)
        (void)snprintf(place, sizeof(claims->extras[0]), "%s", assignment);
    return place != NULL;
}

/* ---- one scheme --------------------------------------------------------------------------------------------- */

void via_conform_read_guarantees(const json_t *entry, via_conform_claims *claims)
{
    const json_t *promised = json_object_get(entry, "guarantees");
    const json_t *carries = json_object_get(entry, "carries");

    claims->has &= ~(uint32_t)(NEEDS_WHOLE | NEEDS_DEATH | NEEDS_LINGER | NEEDS_SEQUENCE);
    claims->info = 0;
    for (size_t i = 0; i < sizeof(guarantees) / sizeof(guarantees[0]); i++) {
        if (json_is_true(json_object_get(promised, guarantees[i].name))) {
            claims->has |= guarantees[i].needs;
            claims->info |= guarantees[i].info;
        }
    }
    for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
        if (lists(carries, carried[i].name)) {
            claims->has |= carried[i].needs;
            claims->info |= carried[i].info;
        }
    }
    if (strcmp(text_of(entry, "linger", "none"), "native") == 0) {
        claims->has |= NEEDS_LINGER;
        claims->info |= VIA_INFO_LINGER_NATIVE;
    }
    if (strcmp(text_of(entry, "loan", "emulated"), "native") == 0)
        claims->info |= VIA_INFO_LOAN_NATIVE;
}

static const struct {
    const char *name;
    uint32_t needs;
} lacking[] = {{"names", NEEDS_NAMES}, {"keeping", NEEDS_KEEPING}, {"ending", NEEDS_ENDING}, {"owners", NEEDS_OWNERS}};

bool via_conform_lacks(via_conform_claims *claims, const char *what)
{
    for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
        if (strcmp(lacking[i].name, what) == 0) {
            claims->has &= ~lacking[i].needs;
            return true;
        }
    }
    fprintf(stderr, "lacks: expected \"names\", \"keeping\", \"ending\" or \"owners\", not \"%s\"\n", what);
    return false;
}

static bool set_text(char *place, size_t capacity, const char *what, const char *text)
{
    if (strlen(text) >= capacity) {
        fprintf(stderr, "the %s is longer than %zu bytes\n", what, capacity - 1);
        return false;
    }
    (void)snprintf(place, capacity, "%s", text);
    return true;
}

bool via_conform_set_address(via_conform_claims *claims, const char *address)
{
    return set_text(claims->address, sizeof(claims->address), "address", address);
}

bool via_conform_set_dial(via_conform_claims *claims, const char *address)
{
    claims->has &= ~(uint32_t)NEEDS_NAMES;
    return set_text(claims->dial, sizeof(claims->dial), "address to dial", address);
}

bool via_conform_set_setup(via_conform_claims *claims, const char *command)
{
    return set_text(claims->setup, sizeof(claims->setup), "setup", command);
}

bool via_conform_set_peer(via_conform_claims *claims, const char *peer)
{
    static const char *const words[] = {[PEER_SELF] = "self", [PEER_ECHO] = "echo", [PEER_LOOPBACK] = "loopback"};

    for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], peer) == 0) {
            claims->peer = i;
            if (i == PEER_LOOPBACK) /* one channel at a time */
                claims->has &= ~(uint32_t)NEEDS_FAULTS;
            claims->has = i == PEER_SELF ? claims->has | NEEDS_TWO_ENDS : claims->has & ~(uint32_t)NEEDS_TWO_ENDS;
            return true;
        }
    }
    fprintf(stderr, "peer: expected \"self\", \"echo\" or \"loopback\", not \"%s\"\n", peer);
    return false;
}

static bool read_lacks(json_t *list, via_conform_claims *claims)
{
    size_t i;
    json_t *item;

    claims->has |= NEEDS_NAMES | NEEDS_KEEPING | NEEDS_ENDING | NEEDS_OWNERS;
    if (via_conform_faults_possible())
        claims->has |= NEEDS_FAULTS;
    json_array_foreach(list, i, item)
    {
        if (!via_conform_lacks(claims, json_is_string(item) ? json_string_value(item) : ""))
            return false;
    }
    return true;
}

/* `x-conformance`: how to make addresses, who is at the other end, and what no claim says. */
static bool read_hints(const json_t *entry, via_conform_claims *claims)
{
    const json_t *hints = json_object_get(entry, "x-conformance");
    char usual[64];
    size_t i;
    json_t *item;

    (void)snprintf(usual, sizeof(usual), "%s:{name}", claims->scheme);
    (void)snprintf(claims->address, sizeof(claims->address), "%s", text_of(hints, "address", usual));
    claims->room = via_conform_read_size(json_object_get(hints, "room"));
    if (claims->room == 0)
        claims->room = UINT64_MAX;
    claims->shares_taken = strcmp(text_of(hints, "shares", "handed"), "taken") == 0;
    json_array_foreach(json_object_get(hints, "options"), i, item)
    {
        if (!json_is_string(item) || !via_conform_add_extra(claims, json_string_value(item))) {
            fprintf(stderr, "x-conformance: options: expected at most %d texts \"name=value\"\n", CONFORM_EXTRAS);
            return false;
        }
    }
    return read_lacks(json_object_get(hints, "lacks"), claims) &&
           via_conform_set_peer(claims, text_of(hints, "peer", "self")) &&
           via_conform_set_setup(claims, text_of(hints, "setup", "")) &&
           (!json_object_get(hints, "dial") || via_conform_set_dial(claims, text_of(hints, "dial", "")));
}

static bool read_scheme(const json_t *root, const char *scheme, const char *pattern, via_conform_claims *claims)
{
    const json_t *entry = json_object_get(json_object_get(root, "schemes"), scheme);

    if (!entry || !lists(json_object_get(entry, "patterns"), pattern)) {
        fprintf(stderr, "the manifest claims no scheme '%s' with the pattern '%s'\n", scheme, pattern);
        return false;
    }
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (strcmp(patterns[i].name, pattern) == 0)
            claims->pattern = patterns[i].pattern;
    }
    (void)snprintf(claims->plugin, sizeof(claims->plugin), "%s", text_of(root, "name", ""));
    (void)snprintf(claims->scheme, sizeof(claims->scheme), "%s", scheme);
    claims->max_message = via_conform_read_size(json_object_get(entry, "max_message"));
    read_options(json_object_get(entry, "options"), pattern, claims);
    via_conform_read_guarantees(entry, claims);
    if (via_conform_find_option(claims, "overflow"))
        claims->has |= NEEDS_OVERFLOW;
    if (via_conform_find_option(claims, "filter"))
        claims->has |= NEEDS_FILTER;
    return read_hints(entry, claims);
}

bool via_conform_read_claims(const char *manifest, const char *scheme, const char *pattern, via_conform_claims *claims)
{
    via_error error;
    via_error_init(&error);
    memset(claims, 0, sizeof(*claims));
    if (via_validate(manifest, NULL, &error) != VIA_OK) {
        fprintf(stderr, "%s:%u:%u: %s\n", manifest, error.line, error.column, error.what);
        return false;
    }
    char *path = realpath(manifest, NULL);
    json_t *root = json_load_file(manifest, 0, NULL);
    bool read = path && root && read_scheme(root, scheme, pattern, claims);
    if (read) {
        *strrchr(path, '/') = '\0';
        (void)snprintf(claims->folder, sizeof(claims->folder), "%s", *path ? path : "/");
    }
    json_decref(root);
    free(path);
    return read;
}
