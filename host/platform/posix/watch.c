/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching folders with inotify(7).
 *
 * Owns: the masks. Adding a folder twice is the same watch, so nothing is counted here.
 */
#include "platform/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    CONTENT = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF |
              IN_MOVE_SELF | IN_ONLYDIR,
    /* Added to what is watched already: the folder above may be a searched one itself. */
    COMING = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD
};

int via_watch_open(int32_t *os_code)
{
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    *os_code = watch < 0 ? errno : 0;
    return watch;
}

void via_watch_add(int watch, const char *file)
{
    char path[PATH_MAX];
    uint32_t mask = CONTENT;

    if (snprintf(path, sizeof(path), "%s", file) >= (int)sizeof(path))
        return;
    while (inotify_add_watch(watch, path, mask) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        char *slash = strrchr(path, '/');
        if (!slash || path[1] == '\0')
            return;
        slash[slash == path ? 1 : 0] = '\0';
        mask = errno == ENOTDIR ? mask : COMING; /* a file is watched through its folder */
    }
}

void via_watch_drain(int watch)
{
    char events[4096];

    while (read(watch, events, sizeof(events)) > 0)
        ;
}

void via_watch_close(int watch)
{
    (void)close(watch);
}
