/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via explain`: how an endpoint name or an address resolves, for people.
 *
 * Owns: the looks. What is shown comes from via_explain() (sdk/docs/explain.md); also a failure shows what could be
 * told, and then the error.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "commands.h"
#include "json.h"
#include "session.h"
#include "table.h"

/* The text of a member; "" where it is null, missing or no text. */
static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void put(const char *text)
{
    via_cli_put_text(stdout, text);
}

/* ---- the head ----------------------------------------------------------------------------------------------- */

static void put_override(const json_t *override)
{
    if (!json_is_object(override)) {
        put("  (override: none)");
        return;
    }
    put("  (override: ");
    put(text_of(override, "variable"));
    put("=");
    put(text_of(override, "address"));
    put(")");
}

/* Where the endpoint is defined: in a manifest, or in nothing but a variable. */
static void put_place(const json_t *endpoint, const json_t *override)
{
    if (!text_of(endpoint, "file")[0]) {
        put(text_of(override, "variable"));
        return;
    }
    put(text_of(endpoint, "file"));
    (void)printf(":%lld:%lld", (long long)json_integer_value(json_object_get(endpoint, "line")),
                 (long long)json_integer_value(json_object_get(endpoint, "column")));
}

/* "orders  pair  shop.json:4:5  (override: none)", or for an address just that. */
static void put_head(const json_t *root)
{
    const json_t *endpoint = json_object_get(root, "endpoint");
    put(json_is_object(endpoint) ? text_of(endpoint, "name") : text_of(root, "query"));
    if (text_of(root, "pattern")[0]) {
        put("  ");
        put(text_of(root, "pattern"));
    }
    if (json_is_object(endpoint)) {
        put("  ");
        put_place(endpoint, json_object_get(root, "override"));
        put_override(json_object_get(root, "override"));
    }
    (void)putchar('\n');
}

/* ---- the candidates ----------------------------------------------------------------------------------------- */

static const char *candidate_name(const json_t *candidate)
{
    static const char *const keys[] = {"address", "scheme", "plugin"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (text_of(candidate, keys[i])[0])
            return text_of(candidate, keys[i]);
    return "";
}

/* A row with the time that a message is expected to take, or without where none of them has one. */
static void add_row(via_table *table, bool has_times, const char *const cells[6])
{
    if (has_times)
        via_table_add(table, cells);
    else
        via_table_add(table, (const char *[]){cells[0], cells[1], cells[2], cells[5]});
}

static void add_candidate(via_table *table, size_t number, const json_t *candidate, bool has_times)
{
    char index[24], latency[32], mend[400];
    const char *verdict = text_of(candidate, "verdict");
    const char *reason = text_of(candidate, "live")[0] ? text_of(candidate, "live") : text_of(candidate, "reason");
    (void)snprintf(index, sizeof index, "  %zu", number);
    via_cli_format_latency(candidate, latency, sizeof latency);
    verdict = strcmp(verdict, "chosen") == 0 ? "CHOSEN" : verdict;
    add_row(
        table, has_times,
        (const char *[]){index, candidate_name(candidate), verdict, latency, text_of(candidate, "estimate"), reason});
    if (!text_of(candidate, "mend")[0])
        return;
    (void)snprintf(mend, sizeof mend, "mend: %s", text_of(candidate, "mend"));
    add_row(table, has_times, (const char *[]){"", "", "", "", "", mend});
}

static bool have_times(const json_t *candidates)
{
    size_t index;
    const json_t *candidate;
    json_array_foreach(candidates, index, candidate)
    {
        if (json_object_get(candidate, "latency_ns"))
            return true;
    }
    return false;
}

static bool put_candidates(const json_t *candidates)
{
    static const char *const head[] = {"  #", "CANDIDATE", "VERDICT", "REASON"};
    static const char *const wide_head[] = {"  #", "CANDIDATE", "VERDICT", ">ONE WAY", "FROM", "REASON"};
    const bool has_times = have_times(candidates);
    via_table table;
    size_t index;
    const json_t *candidate;
    if (json_array_size(candidates) == 0)
        return true;
    via_table_init(&table, has_times ? wide_head : head, has_times ? 6 : 4);
    json_array_foreach(candidates, index, candidate) add_candidate(&table, index + 1, candidate, has_times);
    bool printed = via_table_print(&table, stdout);
    via_table_fini(&table);
    return printed;
}

/* ---- what the chosen one is --------------------------------------------------------------------------------- */

static void put_words(const json_t *list)
{
    size_t index;
    const json_t *word;
    json_array_foreach(list, index, word)
    {
        (void)putchar(' ');
        put(json_string_value(word) ? json_string_value(word) : "?");
    }
}

static void put_expected(const json_t *expected)
{
    char latency[32], size[32];
    via_cli_format_latency(expected, latency, sizeof latency);
    if (!latency[0])
        return;
    via_cli_format_size((uint64_t)json_integer_value(json_object_get(expected, "size")), size, sizeof size);
    (void)printf("expected  %s one way for a message of %s (%s)\n", latency, size, text_of(expected, "estimate"));
}

static void put_scheme(const json_t *root)
{
    char limit[32];
    const json_t *scheme = json_object_get(root, "scheme"), *plugin = json_object_get(root, "plugin");
    if (!json_is_object(scheme))
        return;
    via_cli_format_size((uint64_t)json_integer_value(json_object_get(scheme, "max_message")), limit, sizeof limit);
    (void)fputs("address   ", stdout);
    put(text_of(root, "address"));
    (void)fputs("\nplugin    ", stdout);
    put(text_of(plugin, "name"));
    (void)putchar(' ');
    put(text_of(plugin, "version"));
    (void)fputs(": ", stdout);
    put(text_of(plugin, "summary"));
    (void)fputs("\npatterns ", stdout);
    put_words(json_object_get(scheme, "patterns"));
    (void)fputs("\nreach     ", stdout);
    put(text_of(scheme, "scope"));
    (void)printf(", messages of at most %s\n", limit);
    put_expected(json_object_get(root, "expected"));
    if (json_array_size(json_object_get(scheme, "features")) > 0) {
        (void)fputs("features ", stdout);
        put_words(json_object_get(scheme, "features"));
        (void)putchar('\n');
    }
}

static void put_promises(const json_t *guarantees)
{
    static const char *const keys[] = {"attach", "lossless", "ordered", "death"};
    if (!json_is_object(guarantees))
        return;
    (void)fputs("promises ", stdout);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        (void)printf(" %s%s", json_is_true(json_object_get(guarantees, keys[i])) ? "" : "no-", keys[i]);
    (void)fputs("\ncarries  ", stdout);
    put_words(json_object_get(guarantees, "carries"));
    (void)putchar('\n');
}

/* From the program to the transport; what becomes of the bytes is told where they do not stay as they are. */
static void put_layers(const json_t *layers)
{
    size_t index;
    const json_t *layer;
    json_array_foreach(layers, index, layer)
    {
        const char *bytes = text_of(layer, "bytes");
        (void)fputs(index ? "          " : "layers    ", stdout);
        put(text_of(layer, "name"));
        (void)putchar(' ');
        put(text_of(layer, "version"));
        (void)fputs(": ", stdout);
        put(text_of(layer, "summary"));
        if (strcmp(bytes, "kept") != 0)
            (void)printf(" (bytes %s)", strcmp(bytes, "changed") == 0 ? "changed" : "in a format of its own");
        (void)putchar('\n');
    }
}

/* ---- the options -------------------------------------------------------------------------------------------- */

static const char *shown_value(const json_t *option)
{
    if (json_is_true(json_object_get(option, "secret")))
        return "(secret)";
    return json_is_string(json_object_get(option, "value")) ? text_of(option, "value") : "open";
}

/* False: the option is for patterns that this endpoint does not have. */
static bool is_for(const json_t *option, const char *pattern)
{
    size_t index;
    const json_t *word, *patterns = json_object_get(option, "patterns");
    json_array_foreach(patterns, index, word)
    {
        if (json_string_value(word) && strcmp(json_string_value(word), pattern) == 0)
            return true;
    }
    return !pattern[0] || json_array_size(patterns) == 0;
}

/* The summary; where no pattern is stated also for which ones the option is, as "(queue, topic)". */
static void describe(const json_t *option, const char *pattern, char *text, size_t capacity)
{
    size_t index;
    const json_t *word;
    size_t used = (size_t)snprintf(text, capacity, "%s", text_of(option, "summary"));
    if (pattern[0] || json_array_size(json_object_get(option, "patterns")) == 0)
        return;
    json_array_foreach(json_object_get(option, "patterns"), index, word)
    {
        if (used < capacity)
            used +=
                (size_t)snprintf(text + used, capacity - used, "%s%s", index ? ", " : " (", json_string_value(word));
    }
    if (used < capacity)
        (void)snprintf(text + used, capacity - used, ")");
}

/* `owner` is the layer whose options they are, with a dot; "" = they are the scheme's or the host's. */
static void add_options(via_table *table, const json_t *list, const char *owner, const char *pattern)
{
    size_t index;
    const json_t *option;
    json_array_foreach(list, index, option)
    {
        char name[120], meaning[400];
        const char *place = text_of(option, "place");
        if (!is_for(option, pattern))
            continue;
        (void)snprintf(name, sizeof name, "  %s%s", owner, text_of(option, "name"));
        describe(option, pattern, meaning, sizeof meaning);
        via_table_add(
            table, (const char *[]){name, shown_value(option), place[0] ? place : text_of(option, "origin"), meaning});
    }
}

static void add_layer_options(via_table *table, const json_t *layers, const char *pattern)
{
    size_t index;
    const json_t *layer;
    json_array_foreach(layers, index, layer)
    {
        char owner[40];
        (void)snprintf(owner, sizeof owner, "%.38s.", text_of(layer, "name"));
        add_options(table, json_object_get(layer, "options"), owner, pattern);
    }
}

static bool put_options(const json_t *root)
{
    static const char *const head[] = {"  OPTION", "VALUE", "FROM", "MEANING"};
    const char *pattern = text_of(root, "pattern");
    via_table table;
    if (!json_is_object(json_object_get(root, "scheme")))
        return true;
    via_table_init(&table, head, 4);
    add_options(&table, json_object_get(root, "options"), "", pattern);
    add_layer_options(&table, json_object_get(root, "layers"), pattern);
    add_options(&table, json_object_get(root, "host_options"), "", pattern);
    bool printed = via_table_print(&table, stdout);
    via_table_fini(&table);
    return printed;
}

static void put_left_out(const json_t *list)
{
    size_t index;
    const json_t *option;
    json_array_foreach(list, index, option)
    {
        (void)fputs("left out  ", stdout);
        put(text_of(option, "name"));
        (void)fputs(strchr(text_of(option, "name"), '.') ? ": its layer has been replaced\n"
                                                         : ": this transport has no such option\n",
                    stdout);
    }
}

static int show(const json_t *root)
{
    put_head(root);
    bool printed = put_candidates(json_object_get(root, "candidates"));
    put_scheme(root);
    put_promises(json_object_get(root, "guarantees"));
    put_layers(json_object_get(root, "layers"));
    printed = printed && put_options(root);
    put_left_out(json_object_get(root, "left_out"));
    return printed ? VIA_EXIT_OK : via_cli_out_of_memory();
}

static int answer(const via_cli_args *args, via_host *host, const char *text)
{
    json_t *root = json_loads(text, 0, NULL);
    char *whole = NULL;
    if (!root)
        return via_cli_out_of_memory();
    if (args->live)
        via_cli_look_live(host, root);
    int result = VIA_EXIT_OK;
    if (!args->json)
        result = show(root);
    else if ((whole = json_dumps(root, JSON_INDENT(2))) != NULL)
        (void)puts(whole);
    free(whole);
    json_decref(root);
    return result;
}

int via_cli_run_explain(const via_cli_args *args)
{
    via_host *host;
    via_error error;
    via_open_options options;
    char *text = NULL;
    int result = via_cli_host_open(args, &host);
    if (result != VIA_EXIT_OK)
        return result;
    via_error_init(&error);
    via_cli_open_options(args, &options);
    via_status status = via_explain(host, args->operands.items[0], &options, &text, &error);
    if (text)
        result = answer(args, host, text);
    if (status != VIA_OK)
        result = via_cli_error(args->operands.items[0], &error);
    via_free(text);
    via_host_close(host);
    return result;
}
