/* SPDX-License-Identifier: Apache-2.0 */
/* Results for people and for programs; see show.h. */
#include "show.h"

#include <jansson.h>

static const struct {
    uint32_t needs;
    const char *name;
} needs[] = {{NEEDS_ATTACH, "guarantee attach"},
             {NEEDS_LOSSLESS, "guarantee lossless"},
             {NEEDS_ORDERED, "guarantee ordered"},
             {NEEDS_DEATH, "guarantee death"},
             {NEEDS_BOUNDARIES, "boundaries carried"},
             {NEEDS_LINGER, "linger native"},
             {NEEDS_TWO_ENDS, "peer self"},
             {NEEDS_OVERFLOW, "option overflow"},
             {NEEDS_FILTER, "option filter"},
             {NEEDS_SEQUENCE, "sequence carried"},
             {NEEDS_NAMES, "names of its own"},
             {NEEDS_KEEPING, "a value that others keep"},
             {NEEDS_ENDING, "an end that is told"},
             {NEEDS_OWNERS, "an end that owns the address"},
             {NEEDS_FAULTS, "a build without sanitizers"}};

/* ---- the command that repeats a test ------------------------------------------------------------------------ */

static void add(json_t *words, const char *option, const char *value)
{
    if (!value)
        return;
    (void)json_array_append_new(words, json_string(option));
    (void)json_array_append_new(words, json_string(value));
}

static json_t *words_again(const via_conform_command *command, const via_conform_test *test)
{
    json_t *words = json_pack("[s]", "via-conformance");
    char seed[24];

    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)command->seed);
    add(words, "--manifest", command->manifest);
    add(words, "--scheme", command->scheme);
    add(words, "--pattern", command->pattern);
    add(words, "--test", test->name);
    add(words, "--seed", seed);
    for (size_t i = 0; i < command->extra_count; i++)
        add(words, "--option", command->extras[i]);
    add(words, "--address", command->address);
    add(words, "--dial", command->dial);
    add(words, "--peer", command->peer);
    add(words, "--setup", command->setup);
    for (size_t i = 0; i < command->lack_count; i++)
        add(words, "--lacks", command->lacks[i]);
    add(words, "--layers", command->layers);
    add(words, "--layer-folder", command->layer_folder);
    return words;
}

/* As a shell reads it: quoted where it has to be. */
static void print_word(const char *word)
{
    bool is_plain = word[0] != '\0';

    for (const char *c = word; *c; c++)
        is_plain = is_plain && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '+' && *c <= ':') ||
                                *c == '=' || *c == '_' || *c == '@');
    if (is_plain) {
        printf(" %s", word);
        return;
    }
    printf(" '");
    for (const char *c = word; *c; c++)
        printf(*c == '\'' ? "'\\''" : "%c", *c);
    printf("'");
}

static void print_again(const via_conform_command *command, const via_conform_test *test)
{
    json_t *words = words_again(command, test), *word;
    size_t i;

    printf("  seed       %llu\n  again     ", (unsigned long long)command->seed);
    json_array_foreach(words, i, word) print_word(json_string_value(word));
    printf("\n");
    json_decref(words);
}

/* ---- for programs ------------------------------------------------------------------------------------------- */

static json_t *list_needs(uint32_t set)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (set & needs[i].needs)
            (void)json_array_append_new(list, json_string(needs[i].name));
    }
    return list;
}

static json_t *describe(const via_conform_test *test, const char *result, uint32_t set)
{
    return json_pack("{ss ss ss so}", "test", test->name, "rule", test->rule, "result", result, "needs",
                     list_needs(set));
}

static void print_object(json_t *object)
{
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    printf("\n");
    json_decref(object);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_t *value = text[0] ? json_string(text) : NULL;
    if (text[0])
        (void)json_object_set_new(object, key, value ? value : json_string("(not UTF-8)"));
}

static void print_result(const via_conform_command *command, const via_conform_test *test,
                         const via_conform_finding *finding, bool held, uint64_t took_ms)
{
    json_t *object = describe(test, held ? "passed" : "failed", test->needs);
    char place[192];

    (void)json_object_set_new(object, "ms", json_integer((json_int_t)took_ms));
    if (!held) {
        set_text(object, "expected", finding->expected);
        set_text(object, "found", finding->found);
        (void)snprintf(place, sizeof(place), "%s:%d", finding->file, finding->line);
        set_text(object, "at", finding->file[0] ? place : "");
        set_text(object, "last_step", finding->step);
        (void)json_object_set_new(object, "seed", json_integer((json_int_t)command->seed));
        (void)json_object_set_new(object, "again", words_again(command, test));
    }
    print_object(object);
}

/* ---- for people --------------------------------------------------------------------------------------------- */

static void print_needs(uint32_t set)
{
    const char *before = "  (needs ";

    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (set & needs[i].needs) {
            printf("%s%s", before, needs[i].name);
            before = ", ";
        }
    }
    printf("%s\n", set ? ")" : "");
}

static void print_finding(const via_conform_finding *finding)
{
    if (finding->expected[0])
        printf("  expected   %s\n  found      %s\n", finding->expected, finding->found);
    if (finding->file[0])
        printf("  at         %s:%d\n", finding->file, finding->line);
    if (finding->step[0])
        printf("  last step  %s\n", finding->step);
}

void via_conform_show_result(const via_conform_command *command, const via_conform_test *test,
                             const via_conform_report *report, bool held, uint64_t took_ms)
{
    via_conform_finding finding;

    via_conform_report_read(report, &finding);
    if (command->json) {
        print_result(command, test, &finding, held, took_ms);
        return;
    }
    printf("%s  %s  %llu ms\n", held ? "ok    " : "FAILED", test->name, (unsigned long long)took_ms);
    if (!held) {
        printf("  rule       %s\n", test->rule);
        print_finding(&finding);
        print_again(command, test);
    }
}

void via_conform_show_skipped(const via_conform_command *command, const via_conform_test *test, uint32_t missing)
{
    if (command->json) {
        print_object(describe(test, "skipped", missing));
        return;
    }
    printf("skipped  %s", test->name);
    print_needs(missing);
}

void via_conform_show_listed(const via_conform_command *command, const via_conform_test *test)
{
    if (command->json) {
        print_object(describe(test, "listed", test->needs));
        return;
    }
    printf("%-28s %s", test->name, test->rule);
    print_needs(test->needs);
}
