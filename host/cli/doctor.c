/* SPDX-License-Identifier: Apache-2.0 */
/* `via doctor`: what is wrong with this installation; see doctor.h. Runs no plugin's code. */
#include "doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "observe.h"
#include "session.h"
#include "table.h"

static const char *const verdicts[] = {"ok", "warning", "broken"};

void via_cli_find(json_t *findings, via_cli_verdict verdict, const char *topic, const char *mend, const char *what, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, what);
    (void)vsnprintf(text, sizeof text, what, arguments);
    va_end(arguments);
    (void)json_array_append_new(findings, json_pack("{ss ss so so}", "topic", topic, "verdict", verdicts[verdict],
                                                    "what", via_cli_json_text(text), "mend", via_cli_json_text(mend)));
}

/* ---- versions ----------------------------------------------------------------------------------------------- */

static void find_versions(json_t *findings)
{
    const char *library = via_version();
    if (strcmp(library, VIA_CLI_VERSION) == 0)
        via_cli_find(findings, VIA_CLI_WELL, "version", "", "via and libviaduct are %s", library);
    else
        via_cli_find(findings, VIA_CLI_BROKEN, "version",
                     "install both from one release; ldd $(command -v via) shows which is used",
                     "via is %s, but it runs with libviaduct %s", VIA_CLI_VERSION, library);
}

/* ---- the runtime folder ------------------------------------------------------------------------------------- */

static void find_room(json_t *findings, const char *base)
{
    struct statvfs room;
    if (statvfs(base, &room) != 0)
        return;
    uint64_t free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
    if (free_bytes < 1024 * 1024 || room.f_favail < 16)
        via_cli_find(findings, VIA_CLI_BROKEN, "folder", "remove files there, or set XDG_RUNTIME_DIR to another folder",
                     "%s is full: names, counters and clipboard contents find no room", base);
}

/* 0: all is well, or there is none yet. */
static bool is_private(json_t *findings, const char *path)
{
    struct stat status;
    char mend[600];
    if (lstat(path, &status) != 0)
        return true;
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid()) {
        via_cli_find(findings, VIA_CLI_BROKEN, "folder", "remove it; it is made anew when it is needed", "%s is %s",
                     path, S_ISDIR(status.st_mode) ? "another user's" : "no folder");
        return false;
    }
    if ((status.st_mode & 077) == 0)
        return true;
    (void)snprintf(mend, sizeof mend, "chmod 700 %s", path);
    via_cli_find(findings, VIA_CLI_BROKEN, "folder", mend, "%s has mode %04o; others could put names into it", path,
                 (unsigned)(status.st_mode & 07777));
    return false;
}

static void find_folder(json_t *findings)
{
    const char *set = getenv("XDG_RUNTIME_DIR"); // NOLINT(concurrency-mt-unsafe): nobody changes it
    char path[512];
    if (!set || set[0] != '/') {
        via_cli_find(findings, VIA_CLI_WARNING, "folder",
                     "export XDG_RUNTIME_DIR=/run/user/$(id -u), in every program that is to find the others",
                     "XDG_RUNTIME_DIR is not set: names live in /tmp/viaduct-%lu", (unsigned long)geteuid());
        (void)snprintf(path, sizeof path, "/tmp/viaduct-%lu", (unsigned long)geteuid());
        (void)is_private(findings, path);
        find_room(findings, "/tmp");
        return;
    }
    (void)snprintf(path, sizeof path, "%s/viaduct", set);
    if (access(set, W_OK | X_OK) != 0)
        via_cli_find(findings, VIA_CLI_BROKEN, "folder", "log in anew, or set it to a folder of your own",
                     "XDG_RUNTIME_DIR is %s, which cannot be used: %s", set,
                     strerror(errno)); // NOLINT(concurrency-mt-unsafe)
    else if (is_private(findings, path))
        via_cli_find(findings, VIA_CLI_WELL, "folder", "", "names live in %s", path);
    find_room(findings, set);
}

/* ---- plugins and endpoints ---------------------------------------------------------------------------------- */

static void find_plugins(json_t *findings, via_host *host)
{
    via_plugin_info info = {.size = sizeof info};
    size_t well = 0, found = 0;
    for (size_t cursor = 0; via_plugin_next(host, &cursor, &info) == VIA_OK; info.size = sizeof info) {
        found++;
        well += info.error.status == VIA_OK;
        if (info.error.status != VIA_OK)
            via_cli_find(findings, VIA_CLI_BROKEN, "plugin", info.error.mend, "%s is refused: %s: %s",
                         info.name[0] ? info.name : info.manifest, via_cli_stage_name(info.error.stage),
                         info.error.what);
    }
    if (found == 0)
        via_cli_find(findings, VIA_CLI_BROKEN, "plugin", "install some, or set VIADUCT_PLUGIN_PATH to their folder",
                     "no plugin was found in any folder of the search");
    else
        via_cli_find(findings, VIA_CLI_WELL, "plugin", "", "%zu of %zu plugins can be used", well, found);
}

static void find_endpoints(json_t *findings, via_host *host)
{
    via_endpoint_info info = {.size = sizeof info};
    size_t named = 0;
    for (size_t cursor = 0; via_endpoint_next(host, &cursor, &info) == VIA_OK; info.size = sizeof info) {
        named += info.name[0] != '\0';
        if (info.error.status != VIA_OK)
            via_cli_find(findings, VIA_CLI_BROKEN, "endpoint", info.error.mend, "%s:%u:%u is refused: %s", info.file,
                         info.error.line, info.error.column, info.error.what);
    }
    via_cli_find(findings, VIA_CLI_WELL, "endpoint", "", "%zu endpoints are defined", named);
}

/* ---- programs ----------------------------------------------------------------------------------------------- */

static void find_channel(json_t *findings, const json_t *process, const json_t *channel)
{
    char state[VIA_CLI_STATE_SIZE], mend[64];
    via_cli_observed_state(process, channel, state, sizeof state);
    if (state[0] == '\0' || via_cli_observed_is(process, "state", "ended"))
        return;
    (void)snprintf(mend, sizeof mend, "via stats %llu", (unsigned long long)via_cli_observed_number(process, "pid"));
    via_cli_find(findings, VIA_CLI_WARNING, "program", mend, "%s (pid %llu), %s: %s",
                 via_cli_observed_text(process, "program"), (unsigned long long)via_cli_observed_number(process, "pid"),
                 via_cli_observed_text(channel, "address"), state);
}

static void find_programs(json_t *findings)
{
    json_t *processes = NULL, *process, *channel;
    size_t i, j;
    if (via_cli_observe(0, &processes) != VIA_EXIT_OK)
        return;
    json_array_foreach(processes, i, process)
    {
        json_array_foreach(json_object_get(process, "channels"), j, channel)
        {
            find_channel(findings, process, channel);
        }
    }
    via_cli_find(findings, VIA_CLI_WELL, "program", "", "%zu programs are counted", json_array_size(processes));
    json_decref(processes);
}

/* ---- the report --------------------------------------------------------------------------------------------- */

static int print_table(const json_t *findings)
{
    static const char *const head[] = {"VERDICT", "TOPIC", "FINDING"};
    via_table table;
    size_t index;
    json_t *finding;
    char mend[600];
    via_table_init(&table, head, 3);
    json_array_foreach(findings, index, finding)
    {
        via_table_add(&table, (const char *[]){via_cli_observed_text(finding, "verdict"),
                                               via_cli_observed_text(finding, "topic"),
                                               via_cli_observed_text(finding, "what")});
        (void)snprintf(mend, sizeof mend, "mend: %s", via_cli_observed_text(finding, "mend"));
        if (mend[6])
            via_table_add(&table, (const char *[]){"", "", mend});
    }
    bool is_printed = via_table_print(&table, stdout);
    via_table_fini(&table);
    return is_printed ? VIA_EXIT_OK : via_cli_out_of_memory();
}

static bool is_broken(const json_t *findings)
{
    size_t index;
    json_t *finding;
    json_array_foreach(findings, index, finding)
    {
        if (via_cli_observed_is(finding, "verdict", verdicts[VIA_CLI_BROKEN]))
            return true;
    }
    return false;
}

int via_cli_run_doctor(const via_cli_args *args)
{
    via_host *host = NULL;
    json_t *findings = json_array();
    find_versions(findings);
    find_folder(findings);
    int result = via_cli_host_open(args, &host);
    if (result == VIA_EXIT_OK) {
        find_plugins(findings, host);
        find_endpoints(findings, host);
    }
    via_host_close(host);
    via_cli_find_limits(findings);
    find_programs(findings);
    bool broken = result != VIA_EXIT_OK || is_broken(findings);
    result = args->json ? (via_cli_json_print(json_incref(findings)) ? VIA_EXIT_OK : via_cli_out_of_memory())
                        : print_table(findings);
    json_decref(findings);
    return result == VIA_EXIT_OK && broken ? VIA_EXIT_FAILED : result;
}
