/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching with inotify(7).
 *
 * Owns: the kernel's watches and what they are for. Folders alone are watched, never files: a file's own watch ends with the
 * file, and most writers replace files. What editors and copying programs leave for a moment under other names is let pass.
 */
#include "platform/watch.h"

#include "platform/posix/watch_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    SELF = IN_DELETE_SELF | IN_MOVE_SELF,
    /* Not IN_MODIFY: a file that grows is looked at when its writer closes it. */
    NAMES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB,
    FEW_EVENTS = 4096 /* bytes */
};

/* ---- places ------------------------------------------------------------------------------------------------- */

static via_place *find_place(via_watch *watch, int descriptor)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->places[i].descriptor == descriptor)
            return &watch->places[i];
    }
    return NULL;
}

static via_place *add_place(via_watch *watch, int descriptor)
{
    via_place *grown = realloc(watch->places, (watch->count + 1) * sizeof(*grown));

    if (!grown) {
        watch->code = ENOMEM;
        return NULL;
    }
    watch->places = grown;
    watch->grew = true;
    grown[watch->count] = (via_place){.descriptor = descriptor};
    return &grown[watch->count++];
}

static void clear_place(via_place *place)
{
    for (size_t i = 0; i < place->count; i++)
        free(place->names[i]);
    free(place->names);
    *place = (via_place){.descriptor = place->descriptor};
}

static void remove_place(via_watch *watch, via_place *place)
{
    clear_place(place);
    *place = watch->places[--watch->count];
}

/* A folder that went between two looks is looked for again; one that may not be read cannot be searched either. */
static void note_failure(via_watch *watch, int code)
{
    if (code == ENOENT || code == ENOTDIR || code == ELOOP)
        watch->raced = true;
    else if (code != EACCES && code != EPERM)
        watch->code = code;
}

via_place *via_watch_place(via_watch *watch, const char *folder, bool has_names)
{
    uint32_t mask = SELF | IN_ONLYDIR | IN_MASK_ADD | (has_names ? (uint32_t)NAMES : 0);
    int descriptor = inotify_add_watch(watch->fd, folder, mask);

    if (descriptor < 0) {
        note_failure(watch, errno);
        return NULL;
    }
    via_place *place = find_place(watch, descriptor);
    if (!place)
        place = add_place(watch, descriptor);
    if (place)
        place->is_wanted = true;
    return place;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t size = strlen(name), end = strlen(suffix);

    return name[0] != '.' && size > end && strcmp(name + size - end, suffix) == 0;
}

void via_place_add(via_watch *watch, via_place *place, const char *name)
{
    if (place->suffix && has_suffix(name, place->suffix))
        return;
    char *copy = strdup(name);
    char **grown = copy ? realloc(place->names, (place->count + 1) * sizeof(*grown)) : NULL;
    if (!grown) {
        free(copy);
        watch->code = ENOMEM;
        return;
    }
    place->names = grown;
    place->names[place->count++] = copy;
}

/* ---- what has happened -------------------------------------------------------------------------------------- */

static bool is_awaited(const via_place *place, const char *name)
{
    if (place->suffix && has_suffix(name, place->suffix))
        return true;
    for (size_t i = 0; i < place->count; i++) {
        if (strcmp(place->names[i], name) == 0)
            return true;
    }
    return false;
}

static bool matters(via_watch *watch, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        return true;
    via_place *place = find_place(watch, event->wd);
    if (!place)
        return false; /* given up already */
    if (event->mask & IN_IGNORED) {
        remove_place(watch, place);
        return false; /* what it was about has been told before */
    }
    if (event->mask & (SELF | IN_UNMOUNT))
        return true;
    return event->len ? is_awaited(place, event->name) : place->suffix != NULL;
}

static bool take_events(via_watch *watch, const char *events, size_t size)
{
    bool changed = false;

    for (size_t at = 0; at < size;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(events + at);
        changed = matters(watch, event) || changed;
        at += sizeof(*event) + event->len;
    }
    return changed;
}

bool via_watch_changed(via_watch *watch)
{
    _Alignas(struct inotify_event) char events[FEW_EVENTS];
    bool changed = watch->raced;
    ssize_t size;

    watch->raced = false;
    while ((size = read(watch->fd, events, sizeof(events))) > 0 || (size < 0 && errno == EINTR))
        changed = (size > 0 && take_events(watch, events, (size_t)size)) || changed;
    return changed;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

via_watch *via_watch_open(int32_t *os_code)
{
    via_watch *watch = calloc(1, sizeof(*watch));

    *os_code = ENOMEM;
    if (!watch)
        return NULL;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    *os_code = watch->fd < 0 ? errno : 0;
    if (watch->fd >= 0)
        return watch;
    free(watch);
    return NULL;
}

void via_watch_close(via_watch *watch)
{
    if (!watch)
        return;
    (void)close(watch->fd);
    for (size_t i = 0; i < watch->count; i++)
        clear_place(&watch->places[i]);
    free(watch->places);
    free(watch);
}

intptr_t via_watch_handle(const via_watch *watch)
{
    return watch->fd;
}

void via_watch_begin(via_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        clear_place(&watch->places[i]);
    watch->known_folder[0] = '\0';
    watch->code = 0;
}

via_status via_watch_end(via_watch *watch, int32_t *os_code)
{
    for (size_t i = watch->count; i-- > 0;) {
        if (watch->places[i].is_wanted)
            continue;
        (void)inotify_rm_watch(watch->fd, watch->places[i].descriptor);
        remove_place(watch, &watch->places[i]);
    }
    *os_code = watch->code;
    return watch->code ? VIA_ELIMIT : VIA_OK;
}
