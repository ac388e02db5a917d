/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in the file system; see place.h.
 */
#include "place.h"

#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ID_DIGITS = 32, PROVEN_DEAD_S = 10 };

via_status pipe_place_find(const via_host_api *host, const char *rest, pipe_place *place, via_error *error)
{
    char *name;
    via_status status = via_text_decode(rest, &name);

    if (status == VIA_ENOMEM)
        return via_fail(host, error, status, 0, NULL, "out of memory");
    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "write % as %25, and use no control characters",
                        "pipe:%.200s has a wrong escape in it", rest);
    status = via_runtime_path(host, name, ".fifo", place->path, sizeof(place->path), error);
    free(name);
    return status;
}

static void private_name(const pipe_place *place, const pipe_record *record, const char *suffix, char *out)
{
    char digits[ID_DIGITS + 1];

    for (size_t i = 0; i < sizeof(record->id); i++)
        snprintf(digits + 2 * i, 3, "%02x", record->id[i]);
    snprintf(out, PIPE_PRIVATE_MAX, "%s.%ld.%s.%s", place->path, (long)record->pid, digits, suffix);
}

void pipe_place_names(const pipe_place *place, const pipe_record *record, pipe_names *names)
{
    private_name(place, record, "up", names->up);
    private_name(place, record, "hold", names->hold);
    private_name(place, record, "down", names->down);
    private_name(place, record, "rest", names->rest);
}

void pipe_place_remove(const pipe_names *names)
{
    unlink(names->up);
    unlink(names->hold);
    unlink(names->down);
    unlink(names->rest);
}

/* ---- the dead ----------------------------------------------------------------------------------------------- */

/* Is it "BASE.PID.ID.SUFFIX"? Then the pid and where the suffix begins. */
static bool is_private(const char *entry, const char *base, long *pid, const char **suffix)
{
    size_t length = strlen(base);
    char *end;

    if (strncmp(entry, base, length) != 0 || entry[length] != '.')
        return false;
    *pid = strtol(entry + length + 1, &end, 10);
    if (*pid <= 0 || *end != '.' || strspn(end + 1, "0123456789abcdef") != ID_DIGITS || end[1 + ID_DIGITS] != '.')
        return false;
    *suffix = end + 2 + ID_DIGITS;
    return true;
}

/* A dialer keeps a reading end of its `up` open until the listener has taken over. */
static bool has_reader(int folder, const char *up)
{
    int descriptor = openat(folder, up, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

    if (descriptor < 0)
        return errno != ENXIO && errno != ENOENT;
    close(descriptor);
    return true;
}

/* Between making a FIFO and opening it a dialer looks dead; only a moment, and only while it runs. */
static bool may_be_young(int folder, const char *entry, long pid)
{
    struct stat status;

    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return false;
    return fstatat(folder, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 && time(NULL) - status.st_mtime < PROVEN_DEAD_S;
}

static bool is_suffix(const char *suffix)
{
    return strcmp(suffix, "up") == 0 || strcmp(suffix, "hold") == 0 || strcmp(suffix, "down") == 0 ||
           strcmp(suffix, "rest") == 0;
}

static bool is_dead(int folder, const char *entry, long pid, const char *suffix)
{
    char up[NAME_MAX + 1];
    char hold[NAME_MAX + 1];

    if (!is_suffix(suffix) || may_be_young(folder, entry, pid))
        return false;
    snprintf(up, sizeof(up), "%.*sup", (int)(suffix - entry), entry);
    snprintf(hold, sizeof(hold), "%.*shold", (int)(suffix - entry), entry);
    return !has_reader(folder, up) && !has_reader(folder, hold);
}

static unsigned reclaim_in(DIR *folder, const char *base)
{
    unsigned removed = 0;
    struct dirent *entry;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has this stream */
    while ((entry = readdir(folder)) != NULL) {
        const char *suffix;
        long pid;

        if (is_private(entry->d_name, base, &pid, &suffix) && is_dead(dirfd(folder), entry->d_name, pid, suffix) &&
            unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            removed++;
    }
    return removed;
}

unsigned pipe_place_reclaim(const pipe_place *place)
{
    char folder_path[PIPE_PATH_MAX];
    const char *slash = strrchr(place->path, '/'); /* the path is absolute */
    unsigned removed;
    DIR *folder;

    snprintf(folder_path, sizeof(folder_path), "%.*s", (int)(slash - place->path + 1), place->path);
    folder = opendir(folder_path);
    if (!folder)
        return 0;
    removed = reclaim_in(folder, slash + 1);
    closedir(folder);
    return removed;
}
