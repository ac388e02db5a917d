/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the suite and hearing what it says.
 *
 * Owns: the command line of via-conformance, its process, and the lines that it prints with --json.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beside.h"
#include "certify.h"

extern char **environ;

enum { WORDS_MOST = 32 };

struct suite {
    char program[VIA_CERTIFY_PATH], seed[24];
    const char *words[WORDS_MOST + 1];
    size_t count;
    pid_t process;
    FILE *lines;
};

/* ---- the process -------------------------------------------------------------------------------------------- */

static void add(struct suite *suite, const char *option, const char *value)
{
    if (!value || !value[0] || suite->count + 2 > WORDS_MOST)
        return;
    suite->words[suite->count++] = option;
    suite->words[suite->count++] = value;
}

/* With --dial alone, what is there sends everything back. */
static void add_places(struct suite *suite, const via_cli_args *args)
{
    if (args->listen_at) {
        add(suite, "--address", args->listen_at);
        add(suite, "--dial", args->dial_at);
        add(suite, "--peer", args->dial_at ? "self" : NULL);
    } else if (args->dial_at) {
        add(suite, "--address", args->dial_at);
        add(suite, "--peer", "echo");
    }
    add(suite, "--setup", args->setup);
}

static void make_words(struct suite *suite, const via_certify_plugin *plugin, const via_certify_subject *subject)
{
    suite->words[suite->count++] = "via-conformance";
    suite->words[suite->count++] = "--json";
    (void)snprintf(suite->seed, sizeof suite->seed, "%llu", (unsigned long long)plugin->seed);
    add(suite, "--manifest", subject->manifest);
    add(suite, "--scheme", subject->scheme);
    add(suite, "--pattern", subject->pattern);
    add(suite, "--seed", suite->seed);
    add(suite, "--test", plugin->args->test);
    add_places(suite, plugin->args);
    if (subject->layer[0]) {
        add(suite, "--layers", subject->layer);
        add(suite, "--layer-folder", plugin->folder);
    }
}

static int start(struct suite *suite)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (!via_cli_beside("bin/via-conformance", suite->program, sizeof suite->program) ||
        access(suite->program, X_OK) != 0)
        return via_cli_complain(VIA_EXIT_FAILED, "install Viaduct with its development files, or build it",
                                "the conformance suite is not at %s", suite->program);
    if (pipe(ends) != 0)
        return via_cli_os_error("a pipe", errno, "raise the limit of open files (ulimit -n)");
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    int code = posix_spawn(&suite->process, suite->program, &actions, NULL, (char **)(uintptr_t)suite->words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    suite->lines = code == 0 ? fdopen(ends[0], "r") : NULL;
    if (suite->lines)
        return VIA_EXIT_OK;
    (void)close(ends[0]);
    return via_cli_os_error(suite->program, code, "see that it can be run");
}

/* ---- its lines ---------------------------------------------------------------------------------------------- */

static void take(const via_certify_plugin *plugin, via_certify_subject *subject, json_t *test)
{
    const char *result = json_string_value(json_object_get(test, "result"));
    if (!result)
        return;
    subject->proved += strcmp(result, "passed") == 0;
    subject->broken += strcmp(result, "failed") == 0;
    subject->unclaimed += strcmp(result, "skipped") == 0;
    if (!plugin->args->json)
        via_certify_show_test(test);
    (void)json_array_append(subject->tests, test);
}

static void hear(struct suite *suite, const via_certify_plugin *plugin, via_certify_subject *subject)
{
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, suite->lines) > 0) {
        json_t *test = json_loads(line, 0, NULL);
        if (test)
            take(plugin, subject, test);
        json_decref(test);
    }
    free(line);
    (void)fclose(suite->lines);
}

int via_certify_prove(const via_certify_plugin *plugin, via_certify_subject *subject)
{
    struct suite suite = {.process = 0};
    int status = 0;
    make_words(&suite, plugin, subject);
    int result = start(&suite);
    if (result != VIA_EXIT_OK)
        return result;
    hear(&suite, plugin, subject);
    while (waitpid(suite.process, &status, 0) < 0 && errno == EINTR)
        continue;
    subject->is_complete = WIFEXITED(status) && WEXITSTATUS(status) <= 1;
    if (!subject->is_complete)
        return via_cli_complain(VIA_EXIT_FAILED, "see what it said, and 'via validate' about the manifest",
                                "%s: the suite could not be run on %s:%s", plugin->file, subject->scheme,
                                subject->pattern);
    return subject->broken > 0 ? VIA_EXIT_FAILED : VIA_EXIT_OK;
}
