/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via paste --watch CMD`: a command for each change of the clipboard.
 *
 * Owns: what the command is told: the content on its standard input, and in CLIPBOARD_STATE what it is (data, sensitive, or
 * nil: there is nothing, and the input is empty). One command at a time; what comes while it runs is the next one's, the newest only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <viaduct/ext/offers.h>

#include "paste.h"
#include "stop.h"

extern char **environ;

static const char hint[] = "x-kde-passwordManagerHint\n";

/* ---- the command -------------------------------------------------------------------------------------------- */

static const char *const *words_of(const via_cli_args *args)
{
    return args->operands.items; /* ended by a NULL: args.c makes room for it */
}

static int start(const via_cli_args *args, int input, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    int code = posix_spawnp(child, words_of(args)[0], &actions, NULL, (char **)(uintptr_t)words_of(args), environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return code;
}

/* A command that reads less than all of it is free to. SIGPIPE has a handler that does nothing (stop.c). */
static void feed(int output, const via_msg *message)
{
    const char *at = message->data;
    size_t left = message->size;
    while (left > 0 && !via_cli_stopped()) {
        struct pollfd set[2] = {{.fd = output, .events = POLLOUT}, {.fd = via_cli_stop_descriptor(), .events = POLLIN}};
        if (poll(set, 2, -1) < 0 && errno != EINTR)
            return;
        ssize_t written = set[0].revents ? write(output, at, left) : 0;
        if (written < 0 && errno != EAGAIN && errno != EINTR)
            return;
        at += written > 0 ? written : 0;
        left -= written > 0 ? (size_t)written : 0;
    }
}

/* Its end; a signal that asks us to stop has reached it as well if it came from the terminal. */
static void await_end(pid_t child)
{
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR && !via_cli_stopped())
        ;
}

static int run(const via_cli_args *args, const via_msg *message)
{
    int ends[2];
    pid_t child = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return via_cli_os_error("a pipe", errno, "raise the limit of open files (ulimit -n)");
    int code = start(args, ends[0], &child);
    (void)close(ends[0]);
    if (code == 0) {
        (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
        feed(ends[1], message);
    }
    (void)close(ends[1]);
    if (code != 0)
        return via_cli_os_error(words_of(args)[0], code, "name a program that can be run");
    await_end(child);
    return VIA_EXIT_OK;
}

/* ---- what it is told ---------------------------------------------------------------------------------------- */

static bool is_sensitive(via_channel *channel)
{
    char types[4096];
    size_t needed;
    via_status status = via_offers_types(channel, types, sizeof types, &needed, via_after_ms(2000));
    return (status == VIA_OK || status == VIA_EBUFFER) && strstr(types, hint) != NULL;
}

/* What cannot be had is told, and the next one waited for. */
static int handle_change(const via_cli_args *args, const via_cli_clipboard *clipboard)
{
    via_msg message = {0};
    via_status status = via_cli_paste_take(args, clipboard->channel, &message);
    if (status == VIA_ECANCELED)
        return via_cli_stop_result(VIA_EXIT_FAILED);
    if (status != VIA_OK && status != VIA_ENOENT) {
        (void)via_cli_clipboard_told(clipboard, status);
        return VIA_EXIT_OK;
    }
    const char *state = status == VIA_ENOENT ? "nil" : is_sensitive(clipboard->channel) ? "sensitive" : "data";
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread of ours reads variables */
    int result = setenv("CLIPBOARD_STATE", state, 1) == 0 ? run(args, &message) : via_cli_out_of_memory();
    if (status == VIA_OK)
        via_release(clipboard->channel, &message);
    return result;
}

int via_cli_paste_watch(const via_cli_args *args, const via_cli_clipboard *clipboard)
{
    uint64_t generation = 0;
    int result = VIA_EXIT_OK;
    while (result == VIA_EXIT_OK && !via_cli_stopped()) {
        via_status status = via_offers_wait(clipboard->channel, &generation, VIA_FOREVER);
        result = status == VIA_OK ? handle_change(args, clipboard) : via_cli_clipboard_told(clipboard, status);
    }
    return via_cli_stop_result(result);
}
