/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via copy`: text, or standard input, onto the clipboard.
 *
 * Owns: the small process that stays behind for as long as the content depends on it. It is made before anything is opened, has
 * nothing of the caller's (no descriptor, no folder, no terminal), and says when the content is there, so that whoever pastes after
 * this command has ended finds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <viaduct/ext/offers.h>

#include "clipboard.h"
#include "commands.h"
#include "messages.h"
#include "stop.h"

enum {
    INPUT_MOST = 1 << 30,  /* bytes: beyond it lies what never ends */
    TTL_LEAST_NS = 1000000 /* the transport's own bound */
};

struct copy {
    const via_cli_args *args;
    char *bytes;
    size_t size;
    int report; /* where the one who stays says that the content is there; -1 = nobody waits for that */
};

/* ---- what is copied ----------------------------------------------------------------------------------------- */

/* The command line of the process that stays is for everybody to read, and what is copied is not. */
static void hide(const char *word)
{
    explicit_bzero((char *)(uintptr_t)word, strlen(word));
}

/* As echo(1) puts words together, without the newline. */
static int take_words(struct copy *copy)
{
    const via_cli_list *words = &copy->args->operands;
    for (size_t i = 0; i < words->count; i++)
        copy->size += strlen(words->items[i]) + 1;
    char *at = copy->bytes = malloc(copy->size);
    if (!at)
        return via_cli_out_of_memory();
    for (size_t i = 0; i < words->count; i++) {
        at = stpcpy(at, words->items[i]);
        *at++ = ' ';
        hide(words->items[i]);
    }
    copy->size--;
    return VIA_EXIT_OK;
}

static int take_input(struct copy *copy)
{
    const via_meta none = {0, 0, 0, NULL, NULL};
    via_cli_source source;
    via_status status = VIA_OK;
    via_cli_source_init(&source, STDIN_FILENO, VIA_CLI_RAW, &none);
    if (!via_cli_has_input())
        return via_cli_os_error("standard input", EBADF,
                                "give the text as words, or let standard input be a file or pipe");
    while (status == VIA_OK && !source.ended && source.end <= INPUT_MOST)
        status = via_cli_source_fill(&source);
    if (source.end > INPUT_MOST) {
        via_cli_source_fini(&source);
        return via_cli_complain(VIA_EXIT_FAILED, "copy something smaller, or send it through another transport",
                                "standard input has more than %d MiB, which no clipboard takes", INPUT_MOST >> 20);
    }
    if (status == VIA_OK) {
        copy->bytes = source.buffer;
        copy->size = source.end;
        return VIA_EXIT_OK;
    }
    const int code = errno;
    via_cli_source_fini(&source);
    return status == VIA_ENOMEM ? via_cli_out_of_memory()
                                : via_cli_os_error("standard input", code, "see that it can be read");
}

static int take(struct copy *copy)
{
    const via_cli_args *args = copy->args;
    if (args->clear)
        return VIA_EXIT_OK;
    int result = args->operands.count ? take_words(copy) : take_input(copy);
    if (result == VIA_EXIT_OK && args->trim_newline && copy->size > 0 && copy->bytes[copy->size - 1] == '\n')
        copy->size--;
    return result;
}

/* ---- the one who stays -------------------------------------------------------------------------------------- */

static bool put_null(int descriptor)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool is_done = null >= 0 && dup2(null, descriptor) >= 0;
    if (null > STDERR_FILENO)
        (void)close(null);
    return is_done;
}

/* Nothing of the caller's but standard error, for as long as there may be something to say. */
static bool leave_caller(int report)
{
    const int kept = STDERR_FILENO + 1;
    if (report != kept && dup2(report, kept) < 0)
        return false;
    (void)close_range((unsigned)kept + 1, ~0u, 0);
    (void)fcntl(kept, F_SETFD, FD_CLOEXEC);
    return setsid() >= 0 && put_null(STDIN_FILENO) && put_null(STDOUT_FILENO);
}

/* False: who started us is gone, so the copy was called off. */
static bool say_done(struct copy *copy)
{
    if (copy->report < 0)
        return true;
    const bool is_heard = write(copy->report, "", 1) == 1;
    (void)close(copy->report);
    return is_heard && put_null(STDERR_FILENO) &&
           chdir("/") == 0; /* paths of the command line may have been relative */
}

/* ---- publishing --------------------------------------------------------------------------------------------- */

static via_status publish(const struct copy *copy, via_channel *channel, via_deadline deadline)
{
    const via_meta meta = {0, 0, 0, NULL, copy->args->type};
    if (copy->args->clear)
        return via_offers_clear(channel, deadline);
    return via_send(channel, copy->bytes, copy->size, &meta, deadline);
}

/* A signal that asks to stop is a good end: the content goes, or to a manager that keeps it. */
static int stay(struct copy *copy, const via_cli_clipboard *clipboard)
{
    if (!say_done(copy))
        return VIA_EXIT_FAILED;
    via_status status = via_drain(clipboard->channel, VIA_FOREVER, NULL);
    return status == VIA_ECANCELED ? via_cli_stop_result(VIA_EXIT_FAILED) : via_cli_clipboard_told(clipboard, status);
}

static size_t options_of(const via_cli_args *args, char ttl[48], const char *options[3])
{
    size_t count = 0;
    (void)snprintf(ttl, 48, "ttl=%lluns", (unsigned long long)args->ttl_ns);
    if (via_cli_given(args, VIA_CLI_TTL))
        options[count++] = args->ttl_ns == UINT64_MAX ? "ttl=forever" : ttl;
    if (args->sensitive)
        options[count++] = "sensitive=true";
    if (args->paste_once)
        options[count++] = "paste_once=true";
    return count;
}

static int serve(struct copy *copy)
{
    via_cli_clipboard clipboard;
    const char *options[3];
    char ttl[48];
    const size_t count = options_of(copy->args, ttl, options);
    int result = via_cli_clipboard_open(copy->args, options, count, &clipboard);
    clipboard.is_copying = true;
    if (result == VIA_EXIT_OK) {
        const via_deadline deadline = via_cli_deadline(copy->args, UINT64_C(1000000) * VIA_CLI_CLIPBOARD_MS);
        via_status status = publish(copy, clipboard.channel, deadline);
        if (status == VIA_OK)
            status = via_flush(clipboard.channel, deadline);
        result = via_cli_clipboard_told(&clipboard, status);
    }
    if (result == VIA_EXIT_OK)
        result = stay(copy, &clipboard);
    via_cli_clipboard_close(&clipboard);
    return result;
}

/* ---- who waits for it --------------------------------------------------------------------------------------- */

/* The content is there, or the one who tried has ended, and told why. */
static int await_report(int report, pid_t child)
{
    char done;
    ssize_t got;
    int how = 0;
    do
        got = read(report, &done, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        return VIA_EXIT_OK;
    while (waitpid(child, &how, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(how))
        return WEXITSTATUS(how) ? WEXITSTATUS(how) : VIA_EXIT_FAILED;
    return via_cli_complain(VIA_EXIT_FAILED, "try again with --foreground to see more",
                            "the process that was to serve the content was killed by signal %d", WTERMSIG(how));
}

static int serve_behind(struct copy *copy)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return via_cli_os_error("a pipe", errno, "raise the limit of open files (ulimit -n)");
    (void)fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return via_cli_os_error("a process to serve the content", errno, "raise the limit of processes (ulimit -u)");
    if (child == 0) {
        if (!leave_caller(ends[1]))
            _exit(via_cli_os_error("a process to serve the content", errno, "try again with --foreground"));
        copy->report = STDERR_FILENO + 1;
        return serve(copy);
    }
    (void)close(ends[1]);
    int result = await_report(ends[0], child);
    (void)close(ends[0]);
    return result;
}

static int check(const via_cli_args *args)
{
    if (args->clear && args->operands.count)
        return via_cli_usage(args->command, "leave out --clear, or the text",
                             "--clear empties the clipboard; there is no text to copy");
    if (args->clear && args->type)
        return via_cli_usage(args->command, "leave out --clear, or --type",
                             "--clear empties the clipboard; there is nothing that has a type");
    if (via_cli_given(args, VIA_CLI_TTL) && args->ttl_ns < TTL_LEAST_NS)
        return via_cli_usage(args->command, "give a longer one; --clear empties the clipboard at once",
                             "--ttl is shorter than 1ms, the shortest time that a content can have");
    return via_cli_clipboard_check_type(args, false);
}

int via_cli_run_copy(const via_cli_args *args)
{
    struct copy copy = {.args = args, .report = -1};
    int result = check(args);
    if (result == VIA_EXIT_OK)
        result = take(&copy);
    if (result == VIA_EXIT_OK)
        result = args->foreground || args->clear ? serve(&copy) : serve_behind(&copy);
    free(copy.bytes);
    return result;
}
