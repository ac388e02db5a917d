/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint manifest held against the best practices. The numbers are those of sdk/docs/practices.md; the format:
 * sdk/docs/explain.md.
 *
 * Owns: what of them a manifest can show. Must never show the value of an option, nor run code of a plugin.
 */
#include "kit/error.h"
#include "load/explain.h"
#include "manifest/value.h"
#include "platform/folder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a finding is. */
typedef struct lint_place {
    const char *key; /* below the endpoint: "address", "any_of/1", "options/mode" */
    uint32_t line;
    uint32_t column;
} lint_place;

typedef struct linting {
    const via_registry *registry;
    const char *file;
    const via_endpoint_manifest *endpoint;
    json_t *findings;
} linting;

/* One address of an endpoint. `scheme` NULL = nobody serves it here: what its manifest would tell is not known. */
typedef struct lint_target {
    via_address address;
    const via_scheme_manifest *scheme;
    const via_plugin_entry *entry;
    lint_place place;
} lint_target;

/* ---- findings ----------------------------------------------------------------------------------------------- */

enum { REACH = 1, SECRET = 2, MODE = 3, PUBLIC = 4, SHARED_FOLDER = 5, PATTERN = 6, BLOCK = 7, FOREVER = 8, ORDER = 9 };

static const char *const rule_names[] = {[REACH] = "reach",     [SECRET] = "secret",        [MODE] = "mode",
                                         [PUBLIC] = "public",   [PATTERN] = "pattern",      [BLOCK] = "block",
                                         [FOREVER] = "forever", [SHARED_FOLDER] = "folder", [ORDER] = "order"};

__attribute__((format(printf, 5, 6))) static void find(linting *now, int rule, const lint_place *place,
                                                       const char *mend, const char *format, ...)
{
    char reason[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    json_t *finding =
        json_pack("{si ss ss ss si si}", "practice", rule, "name", rule_names[rule], "endpoint", now->endpoint->name,
                  "file", now->file, "line", (int)place->line, "column", (int)place->column);
    (void)json_object_set_new(
        finding, "pointer", json_sprintf("/endpoints/%s%s%s", now->endpoint->name, *place->key ? "/" : "", place->key));
    (void)json_object_set_new(finding, "reason", via_explain_text(reason));
    (void)json_object_set_new(finding, "mend", via_explain_text(mend));
    (void)json_array_append_new(now->findings, finding);
}

/* ---- addresses ---------------------------------------------------------------------------------------------- */

static bool is_network(const lint_target *target)
{
    return target->scheme && target->scheme->scope == VIA_SCOPE_NETWORK;
}

/* The host of "//user@host:port/...", "" = there is none. */
static void read_host(const char *rest, char *host, size_t capacity)
{
    const char *begin = strncmp(rest, "//", 2) == 0 ? rest + 2 : "";
    const char *end = begin + strcspn(begin, "/");
    const char *user = memchr(begin, '@', (size_t)(end - begin));

    begin = user ? user + 1 : begin;
    const size_t size = *begin == '[' ? strcspn(begin, "]") + 1 : strcspn(begin, ":/");
    (void)snprintf(host, capacity, "%.*s", (int)size, begin);
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

/* A scheme of this machine that could do the same: of the same plugin, whose options still mean something, or the best. */
static const char *find_nearer(const linting *now, const lint_target *target)
{
    const uint32_t pattern = now->endpoint->pattern ? now->endpoint->pattern : VIA_PATTERN_PAIR;
    const via_endpoint_need need = {.pattern = pattern, .max_message = 0};
    via_ranking ranking;
    const char *best = NULL;

    if (via_rank(now->registry, &need, NULL, &ranking, NULL) != VIA_OK)
        return NULL;
    for (size_t i = 0; i < ranking.count && ranking.list[i].fits; i++) {
        const via_ranked *ranked = &ranking.list[i];
        if (!ranked->is_named || ranked->scheme->scope >= target->scheme->scope)
            continue;
        if (!best || ranked->entry == target->entry)
            best = ranked->scheme->name;
        if (ranked->entry == target->entry)
            break;
    }
    via_ranking_fini(&ranking);
    return best;
}

static void check_reach(linting *now, const lint_target *target)
{
    char host[256], mend[160];
    const char *nearer;

    read_host(target->address.rest, host, sizeof(host));
    if (!is_network(target) || !is_loopback(host) || json_array_size(now->endpoint->any_of) > 1)
        return;
    nearer = find_nearer(now, target);
    if (!nearer)
        return;
    (void)snprintf(mend, sizeof(mend), "write \"%s:%s\"", nearer, now->endpoint->name);
    find(now, REACH, &target->place, mend,
         "%s: reaches other machines, but %s is this one; %s: is nearer, keeps other users out and needs no port",
         target->scheme->name, host, nearer);
}

static void check_public(linting *now, const lint_target *target)
{
    char host[256];

    read_host(target->address.rest, host, sizeof(host));
    if (!is_network(target) || (strcmp(host, "0.0.0.0") != 0 && strcmp(host, "[::]") != 0 && strcmp(host, "*") != 0))
        return;
    find(now, PUBLIC, &target->place, "name the one address that the others come from, or 127.0.0.1 behind a tunnel",
         "%s is every address of this machine: whoever reaches one of them can connect", host);
}

/* What stands between the two slashes and the first "@" with a colon in it. */
static void check_user(linting *now, const lint_target *target)
{
    const char *rest = target->address.rest;
    const char *at = strchr(rest, '@'), *begin = strncmp(rest, "//", 2) == 0 ? rest + 2 : NULL;

    if (begin && at && memchr(begin, ':', (size_t)(at - begin)))
        find(now, SECRET, &target->place,
             "take it out: VIADUCT_ADDRESS_<NAME> or an option of the call can hold it, or a file that only its user "
             "reads",
             "the address holds a password; manifests are copied, logged and shown");
}

static void check_folder(linting *now, const lint_target *target)
{
    static const char *const shared[] = {"/tmp/", "/var/tmp/", "/dev/shm/"};

    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        if (strncmp(target->address.rest, shared[i], strlen(shared[i])) != 0)
            continue;
        find(now, SHARED_FOLDER, &target->place,
             "write a plain name, which is in the user's own runtime folder, or a folder of its own such as /run/shop",
             "everybody can write in %s, so another user can take the name first", shared[i]);
    }
}

/* ---- options ------------------------------------------------------------------------------------------------ */

static bool sounds_secret(const char *name)
{
    static const char *const words[] = {"password", "passwd", "passphrase", "secret", "token", "apikey", "api_key"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(name, words[i]))
            return true;
    }
    return strcmp(name, "key") == 0;
}

static void check_secret(linting *now, const via_option_spec *spec, const char *name, const lint_place *place)
{
    if (spec ? spec->secret : sounds_secret(name))
        find(now, SECRET, place,
             "take it out: VIADUCT_ADDRESS_<NAME> or an option of the call can hold it, or a file that only its user "
             "reads",
             "the option %s holds a secret; manifests are copied, logged and shown", name);
}

static void check_value(linting *now, const via_option_spec *spec, const char *value, const lint_place *place)
{
    int64_t number = 0;

    if (!via_value_read(spec->type, value, &number))
        return;
    if (spec->type == VIA_OPTION_MODE && (number & 7) != 0)
        find(now, MODE, place, "write 0600, or 0660 with a group that its users share",
             "%s %s lets every user of this machine in", spec->name, value);
    if (spec->type == VIA_OPTION_DURATION && number < 0)
        find(now, FOREVER, place, "write how long it may take at most",
             "%s has no bound: one peer that stops is enough to wait for ever", spec->name);
}

static void check_option(linting *now, const lint_target *target, const char *name, const char *value,
                         const lint_place *place)
{
    size_t index;
    const via_option_spec *spec = target->scheme ? via_option_list_find(&target->scheme->options, name, &index) : NULL;

    check_secret(now, spec, name, place);
    if (spec && (spec->type == VIA_OPTION_MODE || spec->type == VIA_OPTION_DURATION))
        check_value(now, spec, value, place);
}

static void check_queries(linting *now, const lint_target *target)
{
    for (size_t i = 0; i < target->address.option_count; i++)
        check_option(now, target, target->address.options[i].name, target->address.options[i].value, &target->place);
}

/* An option of the endpoint counts for the candidates that have it; one finding is enough. */
static void check_options(linting *now, const lint_target *targets, size_t count)
{
    for (size_t i = 0; i < now->endpoint->option_count; i++) {
        const via_endpoint_option *option = &now->endpoint->options[i];
        char key[64];
        size_t at = 0, index;
        while (at + 1 < count &&
               !(targets[at].scheme && via_option_list_find(&targets[at].scheme->options, option->name, &index)))
            at++;
        (void)snprintf(key, sizeof(key), "options/%s", option->name);
        const lint_place place = {key, option->line, option->column};
        if (count > 0)
            check_option(now, &targets[at], option->name, option->value, &place);
    }
}

/* ---- the endpoint ------------------------------------------------------------------------------------------- */

static const char *value_of(const linting *now, const lint_target *target, const char *name)
{
    for (size_t i = 0; i < target->address.option_count; i++) {
        if (strcmp(target->address.options[i].name, name) == 0)
            return target->address.options[i].value;
    }
    for (size_t i = 0; i < now->endpoint->option_count; i++) {
        if (strcmp(now->endpoint->options[i].name, name) == 0)
            return now->endpoint->options[i].value;
    }
    return NULL;
}

/* By default, too: a publisher of which nobody has said otherwise waits for its slowest subscriber. */
static void check_block(linting *now, const lint_target *target)
{
    size_t index;
    const via_option_spec *spec =
        target->scheme ? via_option_list_find(&target->scheme->options, "overflow", &index) : NULL;
    const char *value = value_of(now, target, "overflow");

    if (now->endpoint->pattern != VIA_PATTERN_TOPIC || !spec)
        return;
    value = value ? value : spec->default_text;
    if (strcmp(value, "block") == 0)
        find(now, BLOCK, &target->place,
             "write \"options\": {\"overflow\": \"drop-oldest\"}, and let subscribers look at gaps in the sequence",
             "overflow=block: one subscriber that stops, stops the publisher and all others");
}

static void check_pattern(linting *now)
{
    const lint_place place = {"", now->endpoint->line, now->endpoint->column};

    if (!now->endpoint->need && !now->endpoint->pattern)
        find(now, PATTERN, &place, "write \"pattern\": \"pair\", or what it is",
             "no pattern is stated, so a program that opens it as something else is not told");
}

static void check_order(linting *now, const lint_target *targets, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const via_scheme_manifest *before = targets[i - 1].scheme, *scheme = targets[i].scheme;
        if (before && scheme && before->scope > scheme->scope)
            find(now, ORDER, &targets[i].place, "put the nearer ones first",
                 "%s: is nearer than %s:, but comes after it, so nobody who reaches both ever takes it", scheme->name,
                 before->name);
    }
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static bool read_target(linting *now, const char *text, const char *key, lint_target *target)
{
    via_choice choice;
    via_error error;

    *target = (lint_target){.place = {key, now->endpoint->line, now->endpoint->column}};
    if (via_address_parse(text, &target->address, &error) != VIA_OK)
        return false; /* out of memory: the grammar was checked */
    (void)via_choose(now->registry, target->address.scheme, &choice, &error);
    target->scheme = choice.scheme;
    target->entry = choice.entry;
    return true;
}

static void check_targets(linting *now, const lint_target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_reach(now, &targets[i]);
        check_user(now, &targets[i]);
        check_public(now, &targets[i]);
        check_folder(now, &targets[i]);
        check_queries(now, &targets[i]);
        check_block(now, &targets[i]);
    }
    check_options(now, targets, count);
    check_order(now, targets, count);
    check_pattern(now);
}

static void check_endpoint(linting *now)
{
    static const lint_target unknown = {.scheme = NULL};
    const via_endpoint_manifest *endpoint = now->endpoint;
    lint_target targets[VIA_CANDIDATES];
    char keys[VIA_CANDIDATES][32];
    size_t count = 0;

    if (endpoint->address)
        count += read_target(now, endpoint->address, "address", &targets[count]);
    for (size_t i = 0; i < json_array_size(endpoint->any_of); i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "any_of/%zu", i);
        count += read_target(now, json_string_value(json_array_get(endpoint->any_of, i)), keys[i], &targets[count]);
    }
    if (endpoint->need)
        check_options(now, &unknown, 1);
    else
        check_targets(now, targets, count);
    for (size_t i = 0; i < count; i++)
        via_address_fini(&targets[i].address);
}

static via_status read_endpoints(const char *file, via_endpoints *endpoints, via_error *error)
{
    char *text = NULL;
    size_t size = 0;
    uint32_t kind = 0;

    via_status status = via_validate(file, &kind, error);
    if (status == VIA_OK && kind != VIA_MANIFEST_ENDPOINTS)
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_SCHEMA, "give an endpoint manifest",
                             "%s is no endpoint manifest, and practices are about those", file);
    if (status == VIA_OK)
        status = via_file_read(file, VIA_MANIFEST_BYTES, &text, &size, NULL, error);
    if (status == VIA_OK)
        status = via_endpoints_read(endpoints, file, text, size, error);
    free(text);
    return status;
}

via_status via_registry_lint(via_registry *registry, const char *file, char **json, via_error *error)
{
    via_endpoints endpoints = {0};
    linting now = {registry, file, NULL, NULL};

    *json = NULL;
    via_status status = read_endpoints(file, &endpoints, error);
    if (status == VIA_OK) {
        now.findings = json_array();
        via_mutex_take(&registry->lock);
        via_registry_refresh(registry);
        for (size_t i = 0; i < endpoints.count; i++) {
            now.endpoint = &endpoints.list[i];
            check_endpoint(&now);
        }
        via_mutex_give(&registry->lock);
        *json = json_dumps(now.findings, JSON_INDENT(2));
        json_decref(now.findings);
    }
    via_endpoints_fini(&endpoints);
    if (status == VIA_OK && !*json)
        status = via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    return status;
}
