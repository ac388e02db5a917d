/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies of large messages; see body.h. Must never follow a link, nor wait.
 */
#include "body.h"

#include "kit/fail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_ROOM = MQUEUE_PATH_MAX + 32, TRIES = 16 };

#define SHOWN "body"
#define PART "part"

static void name_it(const char *path, uint64_t number, const char *suffix, char name[NAME_ROOM])
{
    (void)snprintf(name, NAME_ROOM, "%s.%016" PRIx64 ".%s", path, number, suffix);
}

static bool lock(int descriptor)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};

    return fcntl(descriptor, F_OFD_SETLK, &range) == 0;
}

/* ---- bytes -------------------------------------------------------------------------------------------------- */

static bool write_all(int descriptor, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, data, size);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return true;
}

bool mqueue_body_fill(int descriptor, const via_slice *slices, size_t count, uint64_t size)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur) {
        errno = EFBIG;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!write_all(descriptor, slices[i].data, slices[i].size))
            return false;
    return true;
}

bool mqueue_body_fetch(int descriptor, void *data, uint64_t size)
{
    uint64_t done = 0;

    while (done < size) {
        ssize_t got = pread(descriptor, (char *)data + done, size - done, (off_t)done);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0)
            done += (uint64_t)got;
    }
    return true;
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

/*
 * A fresh file that is locked. Who sweeps between making and locking takes it for a dead writer's: then it has no name any
 * more, and another is made.
 */
static bool make_part(const char *path, mqueue_body *body)
{
    char name[NAME_ROOM];
    struct stat file;

    for (int i = 0; i < TRIES; i++) {
        if (getrandom(&body->number, sizeof(body->number), 0) != sizeof(body->number))
            return false;
        name_it(path, body->number, PART, name);
        body->descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (body->descriptor < 0 && errno != EEXIST)
            return false;
        if (body->descriptor < 0)
            continue;
        if (lock(body->descriptor) && fstat(body->descriptor, &file) == 0 && file.st_nlink > 0)
            return true;
        (void)close(body->descriptor);
        (void)unlink(name);
    }
    errno = EEXIST;
    return false;
}

static via_status status_of(int code)
{
    if (code == ENOSPC || code == EDQUOT)
        return VIA_ENOMEM;
    return code == EFBIG ? VIA_ETOOBIG : via_status_of_errno(code);
}

via_status mqueue_body_write(const char *path, const via_slice *slices, size_t count, uint64_t size, mqueue_body *body)
{
    if (!make_part(path, body))
        return status_of(errno);
    if (mqueue_body_fill(body->descriptor, slices, count, size))
        return VIA_OK;
    int code = errno;
    mqueue_body_drop(path, body);
    errno = code;
    return status_of(code);
}

via_status mqueue_body_show(const char *path, const mqueue_body *body, bool shown)
{
    char part[NAME_ROOM];
    char name[NAME_ROOM];

    name_it(path, body->number, PART, part);
    name_it(path, body->number, SHOWN, name);
    return rename(shown ? part : name, shown ? name : part) == 0 ? VIA_OK : VIA_EIO;
}

void mqueue_body_sent(mqueue_body *body)
{
    (void)close(body->descriptor);
    body->descriptor = -1;
}

void mqueue_body_drop(const char *path, mqueue_body *body)
{
    char name[NAME_ROOM];

    name_it(path, body->number, PART, name);
    (void)unlink(name);
    mqueue_body_sent(body);
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

static bool is_announced(int descriptor, uint64_t size)
{
    struct stat file;

    return fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode) && (uint64_t)file.st_size == size;
}

via_status mqueue_body_read(const char *path, uint64_t number, uint64_t size, void *data)
{
    char name[NAME_ROOM];

    name_it(path, number, SHOWN, name);
    int descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return errno == ENOENT || errno == ELOOP ? VIA_EPROTO : via_status_of_errno(errno);
    via_status status =
        is_announced(descriptor, size) && mqueue_body_fetch(descriptor, data, size) ? VIA_OK : VIA_EPROTO;
    (void)unlink(name);
    (void)close(descriptor);
    return status;
}

/* ---- sweeping ----------------------------------------------------------------------------------------------- */

/* Is it "BASE.NUMBER.part" or "BASE.NUMBER.body"? */
static bool is_ours(const char *entry, const char *base, bool *is_part)
{
    const size_t length = strlen(base);
    const char *number = entry + length + 1;

    if (strncmp(entry, base, length) != 0 || entry[length] != '.' || strspn(number, "0123456789abcdef") != 16 ||
        number[16] != '.')
        return false;
    *is_part = strcmp(number + 17, PART) == 0;
    return *is_part || strcmp(number + 17, SHOWN) == 0;
}

static bool is_abandoned(int folder, const char *entry)
{
    int descriptor = openat(folder, entry, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool is = descriptor >= 0 && lock(descriptor);

    /* Removed while locked: its writer would notice. */
    if (is)
        is = unlinkat(folder, entry, 0) == 0;
    if (descriptor >= 0)
        (void)close(descriptor);
    return is;
}

static uint64_t sweep_in(DIR *folder, const char *base, bool all)
{
    const struct dirent *entry;
    uint64_t vanished = 0;
    bool is_part;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has this stream */
    while ((entry = readdir(folder)) != NULL) {
        if (!is_ours(entry->d_name, base, &is_part))
            continue;
        if (is_part)
            vanished += is_abandoned(dirfd(folder), entry->d_name);
        else if (all)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    return vanished;
}

uint64_t mqueue_body_sweep(const char *path, bool all)
{
    char folder_path[MQUEUE_PATH_MAX];
    const char *slash = strrchr(path, '/');

    (void)snprintf(folder_path, sizeof(folder_path), "%.*s", (int)(slash - path + 1), path);
    DIR *folder = opendir(folder_path);
    if (!folder)
        return 0;
    uint64_t vanished = sweep_in(folder, slash + 1, all);
    (void)closedir(folder);
    return vanished;
}
