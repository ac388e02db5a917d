/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via plugins --watch`: what comes, goes, is replaced and is refused, as it happens.
 *
 * Owns: how a change looks. Runs no plugin's code; ends when it is asked to, or when nobody reads any more.
 */
#include "plugins_watch.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>

#include "json.h"
#include "session.h"
#include "stop.h"

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {"changed", "came", "went", "replaced", "refused", "lost"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : names[0];
}

static const char *subject_name(uint32_t subject)
{
    static const char *const names[] = {"", "plugin", "endpoints"};
    return subject < sizeof names / sizeof names[0] ? names[subject] : names[0];
}

/* ---- one change --------------------------------------------------------------------------------------------- */

static bool print_json(const via_change *change)
{
    const bool is_refused = change->error.status != VIA_OK;
    json_t *object =
        json_pack("{ss ss so so so sb ss so so}", "change", kind_name(change->kind), "subject",
                  subject_name(change->subject), "name", via_cli_json_text(change->name), "version",
                  via_cli_json_text(change->version), "file", via_cli_json_text(change->file), "serves",
                  (int)(change->serves != 0), "stage", is_refused ? via_cli_stage_name(change->error.stage) : "",
                  "reason", via_cli_json_text(change->error.what), "mend", via_cli_json_text(change->error.mend));
    if (!object)
        return false;
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(object);
    return true;
}

static void put_place(const via_change *change)
{
    via_cli_put_text(stdout, change->file);
    if (change->error.line)
        (void)printf(":%u:%u", change->error.line, change->error.column);
}

static bool print_line(const via_change *change)
{
    (void)printf("%-9s ", kind_name(change->kind));
    if (change->kind == VIA_CHANGE_LOST) {
        (void)puts("changes came faster than they were taken; via plugins lists what is there");
        return true;
    }
    via_cli_put_text(stdout, change->name[0] ? change->name : subject_name(change->subject));
    if (change->version[0] && change->kind != VIA_CHANGE_REFUSED) {
        (void)putchar(' ');
        via_cli_put_text(stdout, change->version);
    }
    (void)fputs("  ", stdout);
    put_place(change);
    if (change->error.status != VIA_OK) {
        (void)printf("\n          %s: ", via_cli_stage_name(change->error.stage));
        via_cli_put_text(stdout, change->error.what);
        (void)fputs("\n          mend: ", stdout);
        via_cli_put_text(stdout, change->error.mend);
        if (change->serves)
            (void)fputs("\n          the last good one serves on", stdout);
    }
    (void)putchar('\n');
    return true;
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */

static int print_all(const via_cli_args *args, via_host *host)
{
    via_change change = {.size = sizeof change};
    for (; via_change_next(host, &change) == VIA_OK; change.size = sizeof change)
        if (!(args->json ? print_json(&change) : print_line(&change)))
            return via_cli_out_of_memory();
    if (fflush(stdout) == 0)
        return VIA_EXIT_OK;
    if (errno != EPIPE)
        return via_cli_os_error("standard output", errno, "make room where it goes");
    via_cli_stdout_lost();
    via_cli_stop_now();
    return VIA_EXIT_OK;
}

/* A critical plugin that is refused is among the changes; nothing else goes wrong in a look but memory. */
static int look(const via_cli_args *args, via_host *host)
{
    via_error error;
    if (via_host_scan(host, &error) == VIA_ENOMEM)
        return via_cli_out_of_memory();
    return print_all(args, host);
}

/* A file that is just being copied is nothing to tell anybody of. Ends at once when the command is to stop. */
static void let_copies_finish(struct pollfd *stop)
{
    enum { PAUSE_MS = 50 };
    (void)poll(stop, 1, PAUSE_MS);
}

static int wait_and_look(const via_cli_args *args, via_host *host, int descriptor)
{
    struct pollfd set[2] = {{.fd = descriptor, .events = POLLIN}, {.fd = via_cli_stop_descriptor(), .events = POLLIN}};
    if (poll(set, 2, -1) < 0 && errno != EINTR)
        return via_cli_os_error("waiting", errno, "free some memory");
    if (!set[0].revents)
        return VIA_EXIT_OK;
    let_copies_finish(&set[1]);
    return via_cli_stopped() ? VIA_EXIT_OK : look(args, host);
}

int via_cli_plugins_watch(const via_cli_args *args, via_host *host)
{
    via_poll_handle handle = {.size = sizeof handle};
    via_error error;
    via_cli_stop_gently();
    if (via_host_watch(host, &handle, &error) != VIA_OK)
        return via_cli_error("plugins", &error);
    int result = VIA_EXIT_OK;
    while (result == VIA_EXIT_OK && !via_cli_stopped())
        result = wait_and_look(args, host, (int)handle.handle);
    return via_cli_stop_result(result);
}
