/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `via certify` prints: a line for each rule as it is proved, and the certificate.
 *
 * Owns: the form of the certificate (manifests/schema/certificate.schema.json).
 */
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "certify.h"
#include "json.h"

#ifndef VIA_CLI_VERSION
#error "the build defines VIA_CLI_VERSION"
#endif

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void line(const char *name, const char *text)
{
    if (!text[0])
        return;
    (void)printf("      %-10s ", name);
    via_cli_put_text(stdout, text);
    (void)putchar('\n');
}

/* ---- for people --------------------------------------------------------------------------------------------- */

void via_certify_show_plugin(const via_certify_plugin *plugin)
{
    (void)printf("%s %s, a %s: ", text_of(plugin->manifest, "name"), text_of(plugin->manifest, "version"),
                 text_of(plugin->manifest, "kind"));
    via_cli_put_text(stdout, plugin->file);
    (void)printf(", seed %llu\n", (unsigned long long)plugin->seed);
}

void via_certify_show_subject(const via_certify_plugin *plugin, const via_certify_subject *subject)
{
    (void)plugin;
    (void)printf("\n%s:  %s%s%s\n  %-28s %-11s %8s\n", subject->scheme, subject->pattern,
                 subject->layer[0] ? "  through the layer " : "", subject->layer, "RULE", "VERDICT", "TIME");
    (void)fflush(stdout);
}

static void join_needs(const json_t *test, char *buffer, size_t capacity)
{
    size_t i, used = 0;
    json_t *item;
    buffer[0] = '\0';
    json_array_foreach(json_object_get(test, "needs"), i, item)
    {
        if (used < capacity)
            used += (size_t)snprintf(buffer + used, capacity - used, "%s%s", i ? ", " : "", json_string_value(item));
    }
}

/* The words of the command, quoted where a shell needs it. */
static void show_again(const json_t *test)
{
    size_t i;
    json_t *word;
    (void)printf("      %-10s", "again");
    json_array_foreach(json_object_get(test, "again"), i, word)
    {
        const char *text = json_string_value(word);
        bool is_plain = text[0] && !text[strcspn(text, " '\"$`\\{}*?[]<>|&;()#~!")];
        (void)putchar(' ');
        if (!is_plain)
            (void)putchar('\'');
        for (; *text; text++)
            (void)printf(*text == '\'' ? "'\\''" : "%c", *text);
        if (!is_plain)
            (void)putchar('\'');
    }
    (void)putchar('\n');
}

static void show_broken(const json_t *test)
{
    line("rule", text_of(test, "rule"));
    line("expected", text_of(test, "expected"));
    line("found", text_of(test, "found"));
    line("at", text_of(test, "at"));
    line("last step", text_of(test, "last_step"));
    show_again(test);
}

void via_certify_show_test(const json_t *test)
{
    const char *result = text_of(test, "result");
    char needs[256];
    if (strcmp(result, "skipped") == 0) {
        join_needs(test, needs, sizeof needs);
        (void)printf("  %-28s %-11s %8s  %s\n", text_of(test, "test"), "not claimed", "", needs);
    } else {
        bool is_proved = strcmp(result, "passed") == 0;
        (void)printf("  %-28s %-11s %5lld ms\n", text_of(test, "test"), is_proved ? "proved" : "BROKEN",
                     (long long)json_integer_value(json_object_get(test, "ms")));
        if (!is_proved)
            show_broken(test);
    }
    (void)fflush(stdout);
}

static void show_row(const json_t *row)
{
    char size[32], middle[32] = "-", high[32] = "-", rate[32] = "-";
    const json_t *latency = json_object_get(row, "latency_ns");
    via_cli_format_size((uint64_t)json_integer_value(json_object_get(row, "size_bytes")), size, sizeof size);
    if (json_is_object(latency)) {
        via_cli_format_ns(json_number_value(json_object_get(latency, "p50")), middle, sizeof middle);
        via_cli_format_ns(json_number_value(json_object_get(latency, "p99")), high, sizeof high);
    } else {
        via_cli_format_rate(json_number_value(json_object_get(row, "messages_per_s")), rate, sizeof rate);
    }
    (void)printf("  %-10s %8s  %10s  %10s  %12s\n", text_of(row, "mode"), size, middle, high, rate);
}

void via_certify_show_sum(const via_certify_subject *subject)
{
    size_t i;
    json_t *row;
    (void)printf("  %u proved, %u broken, %u not claimed\n", subject->proved, subject->broken, subject->unclaimed);
    if (subject->measured)
        (void)printf("\n  %-10s %8s  %10s  %10s  %12s\n", "MEASURED", "SIZE", "P50", "P99", "MESSAGES/S");
    else if (subject->why_not)
        (void)printf("  not measured: %s\n", subject->why_not);
    json_array_foreach(subject->measured, i, row) show_row(row);
    (void)fflush(stdout);
}

/* ---- the certificate ---------------------------------------------------------------------------------------- */

static json_t *tests_that(const via_certify_subject *subject, const char *result)
{
    json_t *list = json_array(), *test;
    size_t i;
    json_array_foreach(subject->tests, i, test)
    {
        if (strcmp(text_of(test, "result"), result) != 0)
            continue;
        json_t *copy = json_copy(test);
        (void)json_object_del(copy, "result");
        (void)json_array_append_new(list, copy);
    }
    return list;
}

/* What it says of itself, without options and hints. */
static json_t *claims_of(const via_certify_subject *subject)
{
    static const char *const keys[] = {"scope",       "features", "guarantees", "carries",  "linger", "loan",
                                       "max_message", "listens",  "bytes",      "overhead", "clears", "passes"};
    json_t *claims = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(subject->claims, keys[i]);
        if (value)
            (void)json_object_set(claims, keys[i], value);
    }
    return claims;
}

static json_t *subject_as_json(const via_certify_subject *subject)
{
    json_t *object =
        json_pack("{ss ss so so so so sb}", "scheme", subject->scheme, "pattern", subject->pattern, "claimed",
                  claims_of(subject), "proved", tests_that(subject, "passed"), "broken", tests_that(subject, "failed"),
                  "not_claimed", tests_that(subject, "skipped"), "complete", subject->is_complete);
    if (subject->layer[0])
        (void)json_object_set_new(object, "layer", json_string(subject->layer));
    if (subject->measured)
        (void)json_object_set(object, "measured", subject->measured);
    else if (subject->why_not)
        (void)json_object_set_new(object, "not_measured", json_string(subject->why_not));
    return object;
}

/* "model name" of the first processor; "" where the system does not say. */
static void read_processor(char *name, size_t capacity)
{
    char text[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    name[0] = '\0';
    while (file && !name[0] && fgets(text, sizeof text, file)) {
        const char *colon = strncmp(text, "model name", 10) == 0 ? strchr(text, ':') : NULL;
        if (colon)
            (void)snprintf(name, capacity, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
    }
    if (file)
        (void)fclose(file);
}

static json_t *machine_as_json(void)
{
    struct utsname system;
    struct sysinfo memory;
    char processor[128];
    memset(&system, 0, sizeof system);
    memset(&memory, 0, sizeof memory);
    (void)uname(&system);
    (void)sysinfo(&memory);
    read_processor(processor, sizeof processor);
    return json_pack("{ss ss ss so si sI}", "system", system.sysname, "release", system.release, "architecture",
                     system.machine, "processor", via_cli_json_text(processor), "processors", get_nprocs(),
                     "memory_bytes", (json_int_t)(memory.totalram * (uint64_t)memory.mem_unit));
}

static json_t *plugin_as_json(const via_certify_plugin *plugin)
{
    static const char *const keys[] = {"name", "version", "kind", "library", "abi", "sha256"};
    json_t *object = json_pack("{so}", "manifest", via_cli_json_text(plugin->file));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(plugin->manifest, keys[i]);
        if (value)
            (void)json_object_set(object, keys[i], value);
    }
    return object;
}

static json_t *results_as_json(const via_certify_plugin *plugin, bool *passed)
{
    json_t *results = json_array();
    *passed = plugin->count > 0;
    for (size_t i = 0; i < plugin->count; i++) {
        *passed = *passed && plugin->subjects[i].is_complete && plugin->subjects[i].broken == 0;
        (void)json_array_append_new(results, subject_as_json(&plugin->subjects[i]));
    }
    return results;
}

json_t *via_certify_as_json(const via_certify_plugin *plugin)
{
    char when[32];
    bool passed;
    time_t now = time(NULL);
    struct tm utc;
    json_t *results = results_as_json(plugin, &passed);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return json_pack("{si sb ss sI so so s{ss ss} so}", "certificate", 1, "passed", passed, "made", when, "seed",
                     (json_int_t)plugin->seed, "plugin", plugin_as_json(plugin), "machine", machine_as_json(),
                     "versions", "via", VIA_CLI_VERSION, "libviaduct", via_version(), "results", results);
}
