/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command via-conformance: runs the suite against one scheme and pattern of a plugin.
 *
 * Owns: the command line, the order of the tests, what is skipped and the reports.
 */
#include "runner.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const via_conform_group *const groups[] = {
    &via_conform_info_tests,      &via_conform_delivery_tests,    &via_conform_receive_tests,
    &via_conform_loans_tests,     &via_conform_more_tests,        &via_conform_full_tests,
    &via_conform_attach_tests,    &via_conform_ending_tests,      &via_conform_death_tests,
    &via_conform_queue_tests,     &via_conform_topic_tests,       &via_conform_threads_tests,
    &via_conform_interrupt_tests, &via_conform_process_tests,     &via_conform_polling_tests,
    &via_conform_waitset_tests,   &via_conform_deadline_tests,    &via_conform_counters_tests,
    &via_conform_value_tests,     &via_conform_value_death_tests, &via_conform_region_tests};

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
             {NEEDS_KEEPING, "a value that others keep"}};

typedef struct via_conform_command {
    const char *manifest;
    const char *scheme;
    const char *pattern;
    const char *only;   /* a test's name, or NULL */
    const char *layers; /* or NULL */
    const char *layer_folder;
    const char *address; /* a template for addresses, or NULL */
    const char *lacks[4];
    size_t lack_count;
    const char *extras[CONFORM_EXTRAS];
    size_t extra_count;
    uint64_t seed;
    unsigned timeout_s;
    bool list;
} via_conform_command;

static const char usage[] =
    "usage: via-conformance --manifest FILE --scheme NAME --pattern NAME [--test NAME] [--list] [--seed N]\n"
    "                       [--address TEMPLATE] [--lacks names|keeping]... [--option NAME=VALUE]... [--timeout "
    "SECONDS] [--layers NAME[,NAME]... [--layer-folder "
    "DIR]]\n"
    "Proves that a plugin keeps the rules of every transport. FILE is its sealed manifest, beside its library.\n"
    "Exit status: 0 all passed, 1 a rule is broken, 2 wrong usage or an unusable manifest.\n";

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

static void print_again(const via_conform_command *command, const via_conform_test *test)
{
    printf(
        "  seed       %llu\n  again      via-conformance --manifest %s --scheme %s --pattern %s --test %s --seed %llu",
        (unsigned long long)command->seed, command->manifest, command->scheme, command->pattern, test->name,
        (unsigned long long)command->seed);
    for (size_t i = 0; i < command->extra_count; i++)
        printf(" --option %s", command->extras[i]);
    if (command->address)
        printf(" --address %s", command->address);
    for (size_t i = 0; i < command->lack_count; i++)
        printf(" --lacks %s", command->lacks[i]);
    if (command->layers)
        printf(" --layers %s", command->layers);
    if (command->layer_folder)
        printf(" --layer-folder %s", command->layer_folder);
    printf("\n");
}

/* Runs one test. Returns whether its rule holds. */
static bool run_one(const via_conform_command *command, const via_conform_claims *claims, const via_conform_test *test,
                    via_conform_report *report)
{
    uint64_t began = via_now_ns();
    bool held = via_conform_run(test, claims, command->seed, command->timeout_s, report);
    unsigned long long took_ms = (via_now_ns() - began) / 1000000;

    printf("%s  %s  %llu ms\n", held ? "ok    " : "FAILED", test->name, took_ms);
    if (!held) {
        printf("  rule       %s\n", test->rule);
        via_conform_report_print(report, stdout);
        print_again(command, test);
    }
    return held;
}

typedef struct via_conform_tally {
    unsigned passed, failed, skipped;
} via_conform_tally;

static void consider(const via_conform_command *command, const via_conform_claims *claims, const via_conform_test *test,
                     via_conform_report *report, via_conform_tally *tally)
{
    if (!(test->patterns & claims->pattern) || (command->only && strcmp(command->only, test->name) != 0))
        return;
    if (command->list) {
        printf("%-28s %s", test->name, test->rule);
        print_needs(test->needs);
        tally->passed++;
    } else if (test->needs & ~claims->has) {
        printf("skipped  %s", test->name);
        print_needs(test->needs & ~claims->has);
        tally->skipped++;
    } else if (run_one(command, claims, test, report)) {
        tally->passed++;
    } else {
        tally->failed++;
    }
    (void)fflush(stdout);
}

static int run_all(const via_conform_command *command, const via_conform_claims *claims)
{
    via_conform_tally tally = {0, 0, 0};
    via_conform_report *report = via_conform_report_create();

    if (!report) {
        fprintf(stderr, "via-conformance: no shared memory: %s\n", strerror(errno));
        return 2;
    }
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (size_t j = 0; j < groups[i]->count; j++)
            consider(command, claims, &groups[i]->tests[j], report, &tally);
    }
    if (command->list)
        return 0;
    if (tally.passed + tally.failed + tally.skipped == 0) {
        fprintf(stderr, "via-conformance: no test is called '%s' for this pattern; --list names them\n", command->only);
        return 2;
    }
    printf("%s:%s  %u passed, %u failed, %u skipped\n", command->scheme, command->pattern, tally.passed, tally.failed,
           tally.skipped);
    return tally.failed ? 1 : 0;
}

/* ---- the command line --------------------------------------------------------------------------------------- */

static bool take(via_conform_command *command, int letter)
{
    switch (letter) {
    case 'm':
        command->manifest = optarg;
        return true;
    case 's':
        command->scheme = optarg;
        return true;
    case 'p':
        command->pattern = optarg;
        return true;
    case 't':
        command->only = optarg;
        return true;
    case 'l':
        command->list = true;
        return true;
    case 'r':
        command->seed = strtoull(optarg, NULL, 10);
        return true;
    case 'o':
        if (command->extra_count == CONFORM_EXTRAS)
            return false;
        command->extras[command->extra_count++] = optarg;
        return true;
    case 'y':
        command->layers = optarg;
        return true;
    case 'f':
        command->layer_folder = optarg;
        return true;
    case 'a':
        command->address = optarg;
        return true;
    case 'k':
        if (command->lack_count == sizeof(command->lacks) / sizeof(command->lacks[0]))
            return false;
        command->lacks[command->lack_count++] = optarg;
        return true;
    case 'w':
        command->timeout_s = (unsigned)strtoul(optarg, NULL, 10);
        return command->timeout_s > 0;
    default:
        return false;
    }
}

static bool read_command(int argc, char **argv, via_conform_command *command)
{
    static const struct option options[] = {
        {"manifest", required_argument, NULL, 'm'}, {"scheme", required_argument, NULL, 's'},
        {"pattern", required_argument, NULL, 'p'},  {"test", required_argument, NULL, 't'},
        {"list", no_argument, NULL, 'l'},           {"seed", required_argument, NULL, 'r'},
        {"option", required_argument, NULL, 'o'},   {"timeout", required_argument, NULL, 'w'},
        {"layers", required_argument, NULL, 'y'},   {"layer-folder", required_argument, NULL, 'f'},
        {"address", required_argument, NULL, 'a'},  {"lacks", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    int letter;

    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == 'h') {
            (void)fputs(usage, stdout);
            exit(0);
        }
        if (!take(command, letter))
            return false;
    }
    return optind == argc && command->manifest && command->scheme && command->pattern;
}

int main(int argc, char **argv)
{
    static via_conform_claims claims;
    via_conform_command command = {.seed = via_now_ns() % 1000000, .timeout_s = 60};

    if (!read_command(argc, argv, &command)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (!via_conform_read_claims(command.manifest, command.scheme, command.pattern, &claims))
        return 2;
    if (command.address && !via_conform_set_address(&claims, command.address))
        return 2;
    for (size_t i = 0; i < command.lack_count; i++) {
        if (!via_conform_lacks(&claims, command.lacks[i]))
            return 2;
    }
    for (size_t i = 0; i < command.extra_count; i++) {
        if (!via_conform_add_extra(&claims, command.extras[i])) {
            fprintf(stderr, "via-conformance: --option %s: expected NAME=VALUE\n", command.extras[i]);
            return 2;
        }
    }
    if (command.layers && !via_conform_add_layers(&claims, command.layers, command.layer_folder))
        return 2;
    return run_all(&command, &claims);
}
