/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from "/" to a watched path.
 *
 * Owns: which folders tell that a name means something else now: each folder on the way (it may be moved or removed), the folder
 * of each symlink (it may be pointed elsewhere), and that of a name which is not there yet.
 */
#include "platform/posix/watch_places.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40 }; /* as many as Linux follows */

/* `at` is a folder without links or dots, "" = the root; `rest` is what is left of the path. */
typedef struct walk {
    char at[PATH_MAX];
    char rest[PATH_MAX];
    int links;
} walk;

static const char *folder_of(const walk *way)
{
    return way->at[0] ? way->at : "/";
}

/* The next name of the rest, which is shortened by it. False: there is none left, or it is too long. */
static bool take_name(walk *way, char name[NAME_MAX + 1])
{
    char *start = way->rest + strspn(way->rest, "/");
    size_t size = strcspn(start, "/");

    if (size == 0 || size > NAME_MAX)
        return false;
    memcpy(name, start, size);
    name[size] = '\0';
    memmove(way->rest, start + size, strlen(start + size) + 1);
    return true;
}

static void go_up(walk *way)
{
    char *slash = strrchr(way->at, '/');

    if (slash)
        *slash = '\0';
}

static void await(via_watch *watch, const walk *way, const char *name)
{
    via_place *place = via_watch_place(watch, folder_of(way), true);

    if (place)
        via_place_add(watch, place, name);
}

/* What the link says takes the place of its name. */
static bool follow(walk *way, const char *path)
{
    char link[PATH_MAX], rest[PATH_MAX];
    ssize_t size = readlink(path, link, sizeof(link) - 1);

    if (size <= 0 || ++way->links > MOST_LINKS)
        return false;
    link[size] = '\0';
    if (snprintf(rest, sizeof(rest), "%s/%s", link, way->rest) >= (int)sizeof(rest))
        return false;
    memcpy(way->rest, rest, strlen(rest) + 1);
    if (link[0] == '/')
        way->at[0] = '\0';
    return true;
}

/* True: the way goes on. */
static bool step(via_watch *watch, walk *way, const char *name)
{
    char path[PATH_MAX];
    struct stat file;

    if (strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") == 0) {
        go_up(way);
        return true;
    }
    if (snprintf(path, sizeof(path), "%s/%s", way->at, name) >= (int)sizeof(path))
        return false;
    bool is_there = lstat(path, &file) == 0;
    if (is_there && S_ISDIR(file.st_mode)) {
        (void)via_watch_place(watch, path, false);
        memcpy(way->at, path, strlen(path) + 1);
        return true;
    }
    await(watch, way, name);
    return is_there && S_ISLNK(file.st_mode) && follow(way, path);
}

/* True if the last name is a folder. */
static bool go(via_watch *watch, walk *way)
{
    char name[NAME_MAX + 1];

    while (take_name(way, name)) {
        if (!step(watch, way, name))
            return false;
    }
    return way->rest[strspn(way->rest, "/")] == '\0';
}

/* Many libraries stand in one folder: each costs one look at it, and not at all that is above. */
static bool add_beside(via_watch *watch, const char *path, const char *slash)
{
    struct stat file;
    size_t size = (size_t)(slash - path);

    if (size == 0 || strlen(watch->known_folder) != size || strncmp(watch->known_folder, path, size) != 0)
        return false;
    if (lstat(path, &file) != 0 || !S_ISREG(file.st_mode))
        return false;
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->places[i].descriptor != watch->known_place)
            continue;
        via_place_add(watch, &watch->places[i], slash + 1);
        return true;
    }
    return false;
}

static void remember(via_watch *watch, const walk *way, const char *path, const via_place *place)
{
    if (strcmp(way->at, path) != 0) /* a link leads there, or it is written in another way */
        return;
    memcpy(watch->known_folder, path, strlen(path) + 1);
    watch->known_place = place->descriptor;
}

bool via_watch_add(via_watch *watch, const char *path, const char *suffix)
{
    walk way = {.at = "", .links = 0};
    const char *slash = strrchr(path, '/');

    if (path[0] != '/' || strlen(path) >= sizeof(way.rest))
        return false;
    if (add_beside(watch, path, slash))
        return false;
    watch->grew = false;
    memcpy(way.rest, path, strlen(path) + 1);
    if (go(watch, &way)) {
        via_place *place = via_watch_place(watch, folder_of(&way), true);
        if (place) {
            place->suffix = suffix;
            remember(watch, &way, path, place);
        }
    }
    return watch->grew;
}
