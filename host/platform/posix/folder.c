/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders on POSIX.
 *
 * Owns: no state. Must never follow a name twice: what is read is what was opened.
 */
#include "platform/folder.h"

#include "kit/error.h"
#include "kit/read_all.h"
#include "platform/os.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static via_status fail(via_error *error, int code, const char *mend, const char *what, const char *path)
{
    via_status status = via_error_set(error, via_os_error_status(code), VIA_STAGE_DISCOVER, mend, "%s %s", path, what);

    via_error_os(error, code);
    via_error_at(error, path, NULL, 0, 0);
    return status;
}

static via_status fail_memory(via_error *error)
{
    return via_error_set(error, VIA_ENOMEM, VIA_STAGE_DISCOVER, NULL, "out of memory");
}

/* ---- marks -------------------------------------------------------------------------------------------------- */

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t via_file_mark_now(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(now);
}

static void take_mark(const struct stat *file, via_file_mark *mark)
{
    *mark = (via_file_mark){.device = (uint64_t)file->st_dev,
                            .node = (uint64_t)file->st_ino,
                            .size = (uint64_t)file->st_size,
                            .modified_ns = nanoseconds(file->st_mtim),
                            .changed_ns = nanoseconds(file->st_ctim),
                            .looked_ns = via_file_mark_now()};
}

void via_file_mark_read(const char *path, via_file_mark *mark)
{
    struct stat file;

    *mark = (via_file_mark){0};
    if (stat(path, &file) == 0)
        take_mark(&file, mark);
}

bool via_file_mark_equals(const via_file_mark *a, const via_file_mark *b)
{
    return a->device == b->device && a->node == b->node && a->size == b->size && a->modified_ns == b->modified_ns &&
           a->changed_ns == b->changed_ns;
}

bool via_file_mark_is_settled(const via_file_mark *mark)
{
    enum { TICK_NS = 20 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };
    int64_t last = mark->modified_ns > mark->changed_ns ? mark->modified_ns : mark->changed_ns;
    /* Some file systems count whole seconds, or even pairs of them. */
    int64_t tick = last % SECOND_NS ? TICK_NS : INT64_C(2) * SECOND_NS;

    return mark->node == 0 || mark->looked_ns - last > tick;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/*
 * Room for what the file holds now, and one byte to see that it has grown: then room for the limit and one byte more. Not always the
 * latter, since freeing so large a block makes the C library tidy up its whole heap, for each of many small files.
 */
static ssize_t read_whole(int fd, size_t expected, size_t limit, char **room)
{
    size_t capacity = expected < limit ? expected + 1 : limit + 1;
    ssize_t n;

    *room = malloc(capacity + 1);
    if (!*room)
        return -1;
    n = via_read_all(fd, *room, capacity);
    if (n < (ssize_t)capacity || capacity > limit)
        return n;
    char *grown = realloc(*room, limit + 2);
    if (!grown)
        return -1;
    *room = grown;
    ssize_t more = via_read_all(fd, grown + n, limit + 1 - (size_t)n);
    return more < 0 ? -1 : n + more;
}

static via_status read_open_file(int fd, const char *path, size_t expected, size_t limit, char **text, size_t *size,
                                 via_error *error)
{
    char *room = NULL;
    ssize_t n = read_whole(fd, expected, limit, &room);

    if (n < 0 && errno == ENOMEM) {
        free(room);
        return fail_memory(error);
    }
    if (n < 0) {
        int code = errno;
        free(room);
        return fail(error, code, "check the disk that holds it", "cannot be read", path);
    }
    if ((size_t)n > limit) {
        free(room);
        via_status status = via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "split it, or take it away",
                                          "%s is larger than %zu bytes", path, limit);
        via_error_at(error, path, NULL, 0, 0);
        return status;
    }
    room[n] = '\0';
    *text = room;
    *size = (size_t)n;
    return VIA_OK;
}

/* Found in a search, or named by a person: the way out has to serve both. */
static via_status fail_kind(via_error *error, mode_t mode, const char *path)
{
    via_status status =
        S_ISDIR(mode)
            ? via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER,
                            "name a file in it; a folder that is searched takes what ends in .json for a file",
                            "%s is a folder", path)
            : via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "put a regular file there, or take it away",
                            "%s is not a regular file", path);

    via_error_at(error, path, NULL, 0, 0);
    return status;
}

via_status via_file_read(const char *path, size_t limit, char **text, size_t *size, via_file_mark *mark,
                         via_error *error)
{
    struct stat file;
    via_status status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return fail(error, errno, errno == ENOENT ? "check the path" : "make it readable for this user",
                    "cannot be opened", path);
    if (fstat(fd, &file) != 0) {
        status = fail(error, errno, NULL, "cannot be looked at", path);
        goto cleanup;
    }
    if (!S_ISREG(file.st_mode)) {
        status = fail_kind(error, file.st_mode, path);
        goto cleanup;
    }
    if (mark)
        take_mark(&file, mark);
    status = read_open_file(fd, path, (size_t)file.st_size, limit, text, size, error);
cleanup:
    (void)close(fd);
    return status;
}

/* FNV-1a. */
uint64_t via_text_hash(const char *text, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* ---- replacing ---------------------------------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

/*
 * Where a symlink leads that leads to nothing yet: there the file is made, and the link stays. False: it leads in a
 * circle, or the path is too long.
 */
static bool follow_to_nothing(const char *path, char target[PATH_MAX])
{
    enum { MOST_LINKS = 40 }; /* as many as Linux follows */
    char link[PATH_MAX];

    if (snprintf(target, PATH_MAX, "%s", path) >= PATH_MAX)
        return false;
    for (int i = 0; i < MOST_LINKS; i++) {
        ssize_t size = readlink(target, link, sizeof(link) - 1);
        if (size < 0)
            return true;
        link[size] = '\0';
        const char *slash = link[0] == '/' ? NULL : strrchr(target, '/');
        size_t folder = slash ? (size_t)(slash - target) + 1 : 0;
        if (folder + (size_t)size >= PATH_MAX)
            return false;
        memcpy(target + folder, link, (size_t)size + 1);
    }
    return false;
}

/*
 * The file behind `path`, which a symlink to it goes on naming, and its mode. A new file is for everybody to read, as
 * other files of a build are. A device, FIFO or socket is what others write to: it is never replaced by a file.
 */
static via_status find_target(const char *path, char target[PATH_MAX], mode_t *mode, via_error *error)
{
    struct stat old;
    via_status status;

    *mode = 0644;
    if (stat(path, &old) != 0) {
        if (errno != ENOENT || !follow_to_nothing(path, target))
            return fail(error, errno == ENOENT ? ENAMETOOLONG : errno, "name a file that can be written",
                        "cannot be written", path);
        return VIA_OK;
    }
    if (!S_ISREG(old.st_mode)) {
        status = via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "name a regular file, or one that is not there",
                               "%s is not a regular file, and is not replaced by one", path);
        via_error_at(error, path, NULL, 0, 0);
        return status;
    }
    *mode = old.st_mode & 0777;
    return realpath(path, target) ? VIA_OK : fail(error, errno, "check the path", "cannot be written", path);
}

via_status via_file_replace(const char *path, const char *text, size_t size, via_error *error)
{
    char target[PATH_MAX], temporary[PATH_MAX];
    mode_t mode;
    int code;
    via_status status = find_target(path, target, &mode, error);

    if (status != VIA_OK)
        return status;
    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", target) >= (int)sizeof(temporary))
        return fail(error, ENAMETOOLONG, "choose a shorter path", "cannot be written", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return fail(error, errno, "make its folder writable for this user", "has a folder that takes no file", target);
    if (write_all(fd, text, size) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0 && rename(temporary, target) == 0) {
        (void)close(fd);
        return VIA_OK;
    }
    code = errno;
    (void)close(fd);
    (void)unlink(temporary);
    return fail(error, code, "make room on the disk, or its folder writable", "cannot be written", path);
}

/* ---- folders ------------------------------------------------------------------------------------------------ */

bool via_folder_exists(const char *path)
{
    struct stat folder;

    return stat(path, &folder) == 0 && S_ISDIR(folder.st_mode);
}

char *via_path_resolve(const char *path)
{
    return realpath(path, NULL);
}

char *via_path_absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0), *whole = NULL;

    if (path[0] == '/')
        return strdup(path);
    if (here && asprintf(&whole, "%s/%s", here, path) < 0)
        whole = NULL;
    free(here);
    return whole;
}

/* A relative name is a program's argv[0]: what it meant is not known any more. */
char *via_path_of_this_library(void)
{
    static const char inside_this_library = 0;
    Dl_info info;

    if (!dladdr(&inside_this_library, &info) || !info.dli_fname || info.dli_fname[0] != '/')
        return NULL;
    char *path = realpath(info.dli_fname, NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (slash)
        *slash = '\0';
    return path;
}

static bool is_wanted(const char *name, const char *suffix)
{
    size_t size = strlen(name), end = strlen(suffix);

    return name[0] != '.' && size > end && strcmp(name + size - end, suffix) == 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool append(char ***names, size_t *count, size_t *room, const char *name)
{
    if (*count == *room) {
        size_t wanted = *room ? *room * 2 : 16;
        char **grown = realloc(*names, wanted * sizeof(**names));
        if (!grown)
            return false;
        *names = grown;
        *room = wanted;
    }
    (*names)[*count] = strdup(name);
    return (*names)[*count] && ++*count;
}

via_status via_folder_list(const char *path, const char *suffix, char ***names, size_t *count, via_error *error)
{
    DIR *folder = opendir(path);
    size_t room = 0;
    struct dirent *entry;
    bool complete = true;

    *names = NULL;
    *count = 0;
    if (!folder)
        return fail(error, errno, "check the path, or make the folder readable", "cannot be listed", path);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has this stream */
    while (complete && (entry = readdir(folder))) {
        if (is_wanted(entry->d_name, suffix))
            complete = append(names, count, &room, entry->d_name);
    }
    (void)closedir(folder);
    if (!complete) {
        via_folder_free(*names, *count);
        *names = NULL;
        *count = 0;
        return fail_memory(error);
    }
    if (*count)
        qsort(*names, *count, sizeof(**names), by_bytes);
    return VIA_OK;
}

void via_folder_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}
