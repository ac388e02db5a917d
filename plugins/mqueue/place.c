/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an address stands for; see place.h.
 */
#include "place.h"

#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pair and a queue of one name are strangers to each other, and so is a queue whose messages are bare. */
static const char *suffix_of(const mqueue_settings *settings, bool is_absolute)
{
    if (settings->role == VIA_PAIR)
        return ".mqp";
    if (is_absolute)
        return settings->is_bare ? ".mqan" : ".mqa";
    return settings->is_bare ? ".mqn" : ".mq";
}

static void put_queue(const struct stat *folder, size_t length, const char *name, const char *suffix,
                      mqueue_place *place)
{
    (void)snprintf(place->queue, sizeof(place->queue), "/viaduct.%ju.%jx.%jx.%.*s%s", (uintmax_t)geteuid(),
                   (uintmax_t)folder->st_dev, (uintmax_t)folder->st_ino, (int)length, name, suffix);
}

/*
 * The folder by its number and not by its name, which has several spellings. A pair's queues bear a name for a moment
 * only, and all pairs of a folder the same one (pair_open.c).
 */
static via_status name_queue(const mqueue_settings *settings, const char *name, mqueue_place *place, via_error *error)
{
    char folder[MQUEUE_PATH_MAX];
    struct stat there;

    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(place->path, '/') - place->path), place->path);
    if (stat(folder, &there) != 0)
        return via_fail(settings->host, error, via_status_of_errno(errno), errno, NULL, "cannot look at '%.200s'",
                        folder);
    put_queue(&there, settings->role == VIA_PAIR ? 0 : strlen(name), name, suffix_of(settings, false), place);
    return VIA_OK;
}

/* The length of the name before one of a queue's suffixes and ".members"; 0 = it is no such file. */
static size_t measure_name(const char *entry, const char **suffix, bool *is_absolute)
{
    static const struct {
        const char *suffix;
        bool is_absolute;
    } kinds[] = {{".mq", false}, {".mqa", true}};
    const size_t length = strlen(entry), tail = strlen(MQUEUE_MEMBERS);

    if (length <= tail || strcmp(entry + length - tail, MQUEUE_MEMBERS) != 0)
        return 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const size_t more = strlen(kinds[i].suffix);
        if (length - tail <= more || strncmp(entry + length - tail - more, kinds[i].suffix, more) != 0)
            continue;
        *suffix = kinds[i].suffix;
        *is_absolute = kinds[i].is_absolute;
        return length - tail - more;
    }
    return 0;
}

bool mqueue_place_of_members(const char *folder, const char *entry, mqueue_place *place)
{
    const char *suffix = NULL;
    struct stat there;
    const size_t name = measure_name(entry, &suffix, &place->is_absolute);

    if (name == 0 || strlen(folder) + 1 + name + strlen(suffix) >= sizeof(place->path) || stat(folder, &there) != 0)
        return false;
    (void)snprintf(place->path, sizeof(place->path), "%s/%.*s%s", folder, (int)name, entry, suffix);
    if (place->is_absolute)
        (void)snprintf(place->queue, sizeof(place->queue), "/%.*s", (int)name, entry);
    else
        put_queue(&there, name, entry, suffix, place);
    return true;
}

static via_status find(const mqueue_settings *settings, const char *name, mqueue_place *place, via_error *error)
{
    place->is_absolute = name[0] == '/';
    if (place->is_absolute && settings->role == VIA_PAIR)
        return via_fail(settings->host, error, VIA_EINVAL, 0,
                        "use a name without the slash: both its queues are private",
                        "mq:%.200s: a pair has no queue of that name", name);
    via_status status =
        via_runtime_path(settings->host, name + place->is_absolute, suffix_of(settings, place->is_absolute),
                         place->path, sizeof(place->path), error);
    if (status != VIA_OK || !place->is_absolute)
        return status == VIA_OK ? name_queue(settings, name, place, error) : status;
    (void)snprintf(place->queue, sizeof(place->queue), "%s", name);
    return VIA_OK;
}

/* A second slash would be a path, and mq_open(3) knows none: said here, where it can be said well. */
static via_status check_name(const mqueue_settings *settings, const char *name, via_error *error)
{
    if (name[0] == '\0' || strchr(name + 1, '/') || strcmp(name, "/") == 0)
        return via_fail(settings->host, error, VIA_EINVAL, 0,
                        "write mq:NAME for one of your own, mq:/NAME for any queue",
                        "mq:%.200s is not the name of a queue: a slash may only be its first character", name);
    return VIA_OK;
}

via_status mqueue_place_find(const mqueue_settings *settings, const char *rest, mqueue_place *place, via_error *error)
{
    char *name = NULL;
    via_status status = via_text_decode(rest, &name);

    if (status != VIA_OK)
        return via_fail(settings->host, error, status, 0, "write % as %25, and use no control characters",
                        "mq:%.200s has a wrong escape in it", rest);
    status = check_name(settings, name, error);
    if (status == VIA_OK)
        status = find(settings, name, place, error);
    free(name);
    return status;
}
