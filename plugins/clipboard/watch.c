/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the files of the embedded backend change; see watch.h.
 */
#include "watch.h"

#include "kit/fail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { IN_IT = IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE, ABOVE_IT = IN_MOVED_FROM | IN_DELETE | IN_MOVE_SELF };

/* Where the folder's own name begins. */
static const char *name_of(const clip_store *store)
{
    return strrchr(store->folder_path, '/') + 1;
}

static bool add_both(int watch, const clip_store *store)
{
    char above[sizeof(store->folder_path)];
    const size_t size = (size_t)(name_of(store) - store->folder_path);

    memcpy(above, store->folder_path, size);
    above[size] = '\0';
    return inotify_add_watch(watch, above, ABOVE_IT | IN_ONLYDIR) >= 0 &&
           inotify_add_watch(watch, store->folder_path, IN_IT | IN_ONLYDIR | IN_DONT_FOLLOW) >= 0;
}

int clip_watch_open(const clip_store *store, const via_host_api *host, via_error *error)
{
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (watch >= 0 && add_both(watch, store))
        return watch;
    const int code = errno;
    (void)via_fail(host, error, via_status_of_errno(code), code,
                   "close other programs that watch files, or raise fs.inotify.max_user_instances and max_user_watches",
                   "cannot watch %s for changes", store->folder_path);
    if (watch >= 0)
        (void)close(watch);
    return -1;
}

/* Without a name it is about a whole folder, or says that some were lost. */
static bool is_sign(const struct inotify_event *event, const clip_store *store)
{
    return event->len == 0 || strcmp(event->name, store->name) == 0 || strcmp(event->name, name_of(store)) == 0;
}

bool clip_watch_hear(int watch, const clip_store *store)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    const struct inotify_event *event;
    bool is_heard = false;
    ssize_t size;

    while ((size = read(watch, buffer, sizeof(buffer))) > 0)
        for (char *at = buffer; at < buffer + size; at += sizeof(*event) + event->len) {
            event = (const struct inotify_event *)(void *)at;
            is_heard |= is_sign(event, store);
        }
    return is_heard;
}
