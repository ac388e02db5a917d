/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a plugin is here: latency and throughput over the size of a message, by the code of `via bench`.
 *
 * Owns: where that is measured (the address that the suite uses), and the command that has to run meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "beside.h"
#include "certify.h"
#include "facts.h"
#include "session.h"

extern char **environ;

enum {
    ECHO_MOST = 4096,
    LATENCY_COUNT = 500,
    THROUGHPUT_MOST = 20000,
    THROUGHPUT_LEAST = 50,
    SETUP_MS = 20000,
    OPTIONS_MOST = 32
};
static const uint64_t throughput_bytes = UINT64_C(16) << 20;
static const uint64_t sizes[] = {64, 1024, 4096, 65536, UINT64_C(1) << 20};

struct place {
    via_cli_args args; /* those of a bench of this plugin */
    const char *plugins[2], *options[OPTIONS_MOST + 1];
    char address[VIA_CERTIFY_PATH], folder[32], below[VIA_CERTIFY_PATH];
    const char *setup;
    pid_t setup_process;
};

/* ---- where -------------------------------------------------------------------------------------------------- */

static const json_t *hints_of(const via_certify_subject *subject)
{
    return json_object_get(subject->transport, "x-conformance");
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void expand(struct place *place, const char *template)
{
    size_t at = 0;
    char name[48];
    (void)snprintf(name, sizeof name, "certify-%ld", (long)getpid());
    for (const char *c = template; *c && at + 64 < sizeof place->address; c++) {
        const char *instead = strncmp(c, "{name}", 6) == 0 ? name : strncmp(c, "{dir}", 5) == 0 ? place->folder : NULL;
        if (!instead) {
            place->address[at++] = *c;
            continue;
        }
        at += (size_t)snprintf(place->address + at, sizeof place->address - at, "%s", instead);
        c += instead == name ? 5 : 4;
    }
    place->address[at] = '\0';
}

/* Those that the suite opens everything with. */
static void add_options(struct place *place, const via_certify_subject *subject)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(hints_of(subject), "options"), i, item)
    {
        if (json_is_string(item) && place->args.options.count < OPTIONS_MOST)
            place->options[place->args.options.count++] = json_string_value(item);
    }
}

/* The plugin's own folder; of a layer also that of the transport below it. */
static void add_plugins(struct place *place, const via_certify_plugin *plugin, const via_certify_subject *subject)
{
    place->plugins[0] = plugin->folder;
    place->args.plugins = (via_cli_list){place->plugins, 1};
    if (!subject->layer[0])
        return;
    const char *slash = strrchr(subject->manifest, '/');
    (void)snprintf(place->below, sizeof place->below, "%.*s", slash ? (int)(slash - subject->manifest) : 1,
                   slash ? subject->manifest : ".");
    place->plugins[place->args.plugins.count++] = place->below;
}

static void add_layer(struct place *place, const via_certify_subject *subject)
{
    const size_t length = strlen(place->address);
    if (subject->layer[0])
        (void)snprintf(place->address + length, sizeof place->address - length, "%clayers=%s",
                       strchr(place->address, '?') ? '&' : '?', subject->layer);
}

static void choose_place(struct place *place, const via_certify_plugin *plugin, const via_certify_subject *subject)
{
    const via_cli_args *args = plugin->args;
    const json_t *hints = hints_of(subject);
    const char *peer = text_of(hints, "peer"), *setup = text_of(hints, "setup"), *template = text_of(hints, "address");
    char usual[VIA_CERTIFY_WORD + 8];
    (void)snprintf(usual, sizeof usual, "%s:{name}", subject->scheme);
    if (args->listen_at || args->dial_at)
        template = args->listen_at ? args->listen_at : args->dial_at;
    expand(place, template ? template : usual);
    add_layer(place, subject);
    place->args = (via_cli_args){.command = args->command};
    bool has_ends = strcmp(subject->pattern, "value") != 0; /* a value has members */
    place->args.echo = has_ends && !args->listen_at && (args->dial_at || (peer && strcmp(peer, "echo") == 0));
    add_plugins(place, plugin, subject);
    place->args.options = (via_cli_list){place->options, 0};
    place->setup = args->setup ? args->setup : setup;
    add_options(place, subject);
}

static const char *reason_not_to(const via_certify_plugin *plugin, const via_certify_subject *subject)
{
    const char *peer = text_of(hints_of(subject), "peer");
    if (strcmp(subject->pattern, "region") == 0)
        return "a region has no messages that a bench could measure";
    if (plugin->args->quick)
        return "--quick";
    if (plugin->args->test)
        return "--test";
    if (!subject->is_complete || subject->broken > 0)
        return "a rule is broken";
    if (plugin->args->listen_at && plugin->args->dial_at)
        return "a bench dials where the listener says it is";
    if (peer && strcmp(peer, "loopback") == 0 && !plugin->args->listen_at && !plugin->args->dial_at)
        return "a process that talks to itself has no latency";
    return NULL;
}

/* ---- what has to run meanwhile ------------------------------------------------------------------------------ */

static bool wait_for_line(int output)
{
    struct pollfd set = {.fd = output, .events = POLLIN};
    char byte = 0;
    while (byte != '\n')
        if (poll(&set, 1, SETUP_MS) <= 0 || read(output, &byte, 1) <= 0)
            return byte == '\n' || set.revents & POLLHUP;
    return true;
}

static const char wrapper[] = "cd \"$1\" && export VIA_CONFORMANCE=\"$2\" VIA_PLUGIN_FOLDER=\"$3\" && eval \"$4\"";

/* In a group of its own, so that all of it can be ended. */
static bool start_setup(struct place *place)
{
    char suite[VIA_CERTIFY_PATH];
    int ends[2];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (!via_cli_beside("bin/via-conformance", suite, sizeof suite) || pipe(ends) != 0)
        return false;
    const char *owner = place->plugins[place->args.plugins.count - 1]; /* of the transport */
    const char *words[] = {"sh", "-c", wrapper, "sh", place->folder, suite, owner, place->setup, NULL};
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    (void)posix_spawn_file_actions_addclose(&actions, ends[1]);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int code = posix_spawn(&place->setup_process, "/bin/sh", &actions, &attributes, (char **)(uintptr_t)words, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    bool is_ready = code == 0 && wait_for_line(ends[0]);
    (void)close(ends[0]);
    return is_ready;
}

static void end_setup(struct place *place)
{
    if (place->setup_process <= 0)
        return;
    (void)kill(-place->setup_process, SIGKILL);
    (void)waitpid(place->setup_process, NULL, 0);
}

/* ---- measuring ---------------------------------------------------------------------------------------------- */

static uint32_t pattern_of(const char *name)
{
    return strcmp(name, "queue") == 0   ? VIA_PATTERN_QUEUE
           : strcmp(name, "topic") == 0 ? VIA_PATTERN_TOPIC
           : strcmp(name, "value") == 0 ? VIA_PATTERN_VALUE
                                        : VIA_PATTERN_PAIR;
}

static via_bench_job make_job(const via_certify_subject *subject, uint64_t size, uint32_t mode)
{
    via_bench_job job = {.pattern = pattern_of(subject->pattern), .mode = mode, .size = size, .count = LATENCY_COUNT};
    if (mode == VIA_BENCH_THROUGHPUT) {
        job.count = throughput_bytes / size;
        job.count = job.count > THROUGHPUT_MOST ? THROUGHPUT_MOST : job.count;
        job.count = job.count < THROUGHPUT_LEAST ? THROUGHPUT_LEAST : job.count;
    }
    job.warmup = job.count / 10;
    return job;
}

static bool measure_sizes(struct place *place, via_host *host, via_certify_subject *subject, uint32_t mode)
{
    uint64_t most = via_cli_max_message_of(&place->args, host, place->address);
    if (place->args.echo && most > ECHO_MOST) /* an echo that must write before it reads on holds no more for sure */
        most = ECHO_MOST;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && sizes[i] <= most; i++) {
        via_bench_row row = {.address = place->address, .job = make_job(subject, sizes[i], mode)};
        if (via_bench_run(&place->args, host, place->address, &row.job, &row.result) != VIA_EXIT_OK)
            return false;
        (void)json_array_append_new(subject->measured, via_bench_row_as_json(&row));
    }
    return true;
}

static bool measure(struct place *place, via_certify_subject *subject)
{
    via_host *host = NULL;
    if (via_cli_host_open(&place->args, &host) != VIA_EXIT_OK)
        return false;
    subject->measured = json_array();
    bool is_done = measure_sizes(place, host, subject, VIA_BENCH_LATENCY);
    if (is_done && !place->args.echo)
        is_done = measure_sizes(place, host, subject, VIA_BENCH_THROUGHPUT);
    via_host_close(host);
    return is_done;
}

/* What a setup has left in it goes with it; nothing there is anybody else's. */
static void remove_folder(const char *folder)
{
    const char *words[] = {"rm", "-rf", folder, NULL};
    pid_t process;
    if (posix_spawnp(&process, "rm", NULL, NULL, (char **)(uintptr_t)words, environ) == 0)
        (void)waitpid(process, NULL, 0);
}

void via_certify_measure(const via_certify_plugin *plugin, via_certify_subject *subject)
{
    struct place place = {.folder = "/tmp/via-certify.XXXXXX"};
    subject->why_not = reason_not_to(plugin, subject);
    if (subject->why_not)
        return;
    if (!mkdtemp(place.folder)) {
        subject->why_not = "no folder can be made in /tmp";
        return;
    }
    choose_place(&place, plugin, subject);
    if (place.setup && !start_setup(&place))
        subject->why_not = "the setup failed";
    else if (!measure(&place, subject))
        subject->why_not = "a measurement failed";
    end_setup(&place);
    remove_folder(place.folder);
    if (subject->why_not) {
        json_decref(subject->measured);
        subject->measured = NULL;
    }
}
