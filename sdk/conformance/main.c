/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command via-conformance: runs the suite against one scheme and pattern of a plugin.
 *
 * Owns: the command line, the order of the tests, and what is skipped.
 */
#include "runner.h"
#include "show.h"

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
    &via_conform_value_tests,     &via_conform_value_death_tests, &via_conform_region_tests,
    &via_conform_faults_tests};

static const char usage[] =
    "usage: via-conformance --manifest FILE --scheme NAME --pattern NAME [--test NAME] [--list] [--seed N]\n"
    "                       [--address TEMPLATE] [--dial TEMPLATE] [--peer self|echo|loopback] [--setup COMMAND]\n"
    "                       [--lacks names|keeping|ending|owners]... [--option NAME=VALUE]... [--timeout SECONDS]\n"
    "                       [--layers NAME[,NAME]... [--layer-folder DIR]] [--json]\n"
    "       via-conformance --echo-terminal PATH\n"
    "Proves that a plugin keeps the rules of every transport. FILE is its sealed manifest, beside its library.\n"
    "Exit status: 0 all passed, 1 a rule is broken, 2 wrong usage or an unusable manifest.\n";

/* Runs one test. Returns whether its rule holds. */
static bool run_one(const via_conform_command *command, const via_conform_claims *claims, const via_conform_test *test,
                    via_conform_report *report)
{
    uint64_t began = via_now_ns();
    bool held = via_conform_run(test, claims, command->seed, command->timeout_s, report);

    via_conform_show_result(command, test, report, held, (via_now_ns() - began) / 1000000);
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
        via_conform_show_listed(command, test);
        tally->passed++;
    } else if (test->needs & ~claims->has) {
        via_conform_show_skipped(command, test, test->needs & ~claims->has);
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
    if (tally.passed + tally.failed + tally.skipped == 0 && !command->json) { /* a program counts them itself */
        fprintf(stderr, "via-conformance: no test is called '%s' for this pattern; --list names them\n", command->only);
        return 2;
    }
    if (!command->json)
        printf("%s:%s  %u passed, %u failed, %u skipped\n", command->scheme, command->pattern, tally.passed,
               tally.failed, tally.skipped);
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
    case 'j':
        command->json = true;
        return true;
    case 'e':
        exit(via_conform_echo_terminal(optarg));
    case 'd':
        command->dial = optarg;
        return true;
    case 'P':
        command->peer = optarg;
        return true;
    case 'u':
        command->setup = optarg;
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
    static const struct option options[] = {{"manifest", required_argument, NULL, 'm'},
                                            {"scheme", required_argument, NULL, 's'},
                                            {"pattern", required_argument, NULL, 'p'},
                                            {"test", required_argument, NULL, 't'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {"option", required_argument, NULL, 'o'},
                                            {"timeout", required_argument, NULL, 'w'},
                                            {"layers", required_argument, NULL, 'y'},
                                            {"layer-folder", required_argument, NULL, 'f'},
                                            {"address", required_argument, NULL, 'a'},
                                            {"lacks", required_argument, NULL, 'k'},
                                            {"dial", required_argument, NULL, 'd'},
                                            {"peer", required_argument, NULL, 'P'},
                                            {"setup", required_argument, NULL, 'u'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"echo-terminal", required_argument, NULL, 'e'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
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

/* What the command line says otherwise than the manifest. False: it is told what is wrong. */
static bool adapt(const via_conform_command *command, via_conform_claims *claims)
{
    bool good = (!command->address || via_conform_set_address(claims, command->address)) &&
                (!command->dial || via_conform_set_dial(claims, command->dial)) &&
                (!command->peer || via_conform_set_peer(claims, command->peer)) &&
                (!command->setup || via_conform_set_setup(claims, command->setup));

    for (size_t i = 0; good && i < command->lack_count; i++)
        good = via_conform_lacks(claims, command->lacks[i]);
    for (size_t i = 0; good && i < command->extra_count; i++) {
        good = via_conform_add_extra(claims, command->extras[i]);
        if (!good)
            fprintf(stderr, "via-conformance: --option %s: expected NAME=VALUE\n", command->extras[i]);
    }
    return good && (!command->layers || via_conform_add_layers(claims, command->layers, command->layer_folder));
}

int main(int argc, char **argv)
{
    static via_conform_claims claims;
    via_conform_command command = {.seed = via_now_ns() % 1000000, .timeout_s = 60};

    if (!read_command(argc, argv, &command)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (!via_conform_read_claims(command.manifest, command.scheme, command.pattern, &claims) ||
        !adapt(&command, &claims))
        return 2;
    return run_all(&command, &claims);
}
