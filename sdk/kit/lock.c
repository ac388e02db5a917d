/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock file. Its inode is compared after locking, since the owner before us may have removed the one that we opened.
 *
 * Owns: two locks of one byte each. OWNED is held as long as the name is; CHANGING only for the moments of taking it.
 * Whoever has CHANGING of the file that bears the name is alone in judging and replacing its owner, so that the text in
 * the file is always that of whoever has OWNED. Never removes a file without one of them. Both are open file description
 * locks: a child shares them, so what is given up is unlocked and not only closed, except in a child.
 */
#include "kit/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/fail.h"
#include "kit/identity.h"

enum { ROUNDS = 1000 }; /* owners that may vanish under our hands before we give up */
enum { OWNED, CHANGING, BYTES };
enum { RECORD_SIZE = VIA_IDENTITY_SIZE + 192 };

static bool lock_path(const char *name, char *path, size_t capacity)
{
    int size = snprintf(path, capacity, "%s.lock", name);

    return size > 0 && (size_t)size < capacity;
}

static bool lock_byte(int descriptor, off_t byte)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(descriptor, F_OFD_SETLK, &range) == 0;
}

static void unlock_bytes(int descriptor, off_t first, off_t count)
{
    struct flock range = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = count};

    (void)fcntl(descriptor, F_OFD_SETLK, &range);
}

/* Is the file that we have open still the one with that name? */
static bool is_current(int descriptor, const char *path)
{
    struct stat opened;
    struct stat named;

    return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

/* ---- what is in it: the owner's identity in the first line, the file that it made and what it adds in others ----- */

static void read_record(int descriptor, char record[RECORD_SIZE])
{
    ssize_t size = pread(descriptor, record, RECORD_SIZE - 1, 0);

    record[size > 0 ? size : 0] = '\0';
}

/* What cannot be written must not look like another's: without a text the owner counts as alive. */
static bool write_record(int descriptor)
{
    char record[RECORD_SIZE];
    ssize_t size;

    via_identity_of_self(record);
    size = (ssize_t)strlen(record);
    record[size++] = '\n';
    if (pwrite(descriptor, record, (size_t)size, 0) == size && ftruncate(descriptor, size) == 0)
        return true;
    return ftruncate(descriptor, 0) == 0;
}

void via_lock_note_file(via_lock *lock, dev_t device, ino_t inode)
{
    char line[64];
    int size = snprintf(line, sizeof(line), "%" PRIuMAX " %" PRIuMAX "\n", (uintmax_t)device, (uintmax_t)inode);
    struct stat status;

    /* Half a line has no end and is not believed; without it the next owner asks the file itself. */
    if (fstat(lock->descriptor, &status) != 0 || status.st_size == 0 ||
        pwrite(lock->descriptor, line, (size_t)size, status.st_size) != size)
        errno = 0;
}

static bool is_noted(const char *record, const struct stat *file)
{
    uintmax_t device;
    uintmax_t inode;
    char end;

    for (const char *line = strchr(record, '\n'); line; line = strchr(line + 1, '\n')) {
        end = '\0';
        if (sscanf(line + 1, "%" SCNuMAX " %" SCNuMAX "%c", &device, &inode, &end) == 3 && end == '\n' &&
            (uintmax_t)file->st_dev == device && (uintmax_t)file->st_ino == inode)
            return true;
    }
    return false;
}

/* ---- taking ------------------------------------------------------------------------------------------------- */

static via_status open_failed(const via_host_api *host, const char *path, int os_code, via_error *error)
{
    via_status status = via_status_of_errno(os_code);

    if (status == VIA_ENOENT || status == VIA_ENOMEM)
        status = VIA_EIO;
    const char *mend = os_code == ENOENT ? "make the folder first, or use a plain name, which needs none" : NULL;
    if (status == VIA_EPERM)
        mend = "choose a folder you may write to, or another name";
    return via_fail(host, error, status, os_code, mend, "cannot open the lock file %s", path);
}

static via_status held(const via_host_api *host, const char *name, const char *record, via_error *error)
{
    return via_fail(host, error, VIA_EBUSY, 0, "end that process, or choose another name",
                    "%s is in use by process %lld", name, strtoll(record, NULL, 10));
}

static bool is_held_elsewhere(int os_code)
{
    return os_code == EAGAIN || os_code == EACCES;
}

/*
 * Others hold the lock. If its owner is dead, those are its children, and the name is free once the file is gone. It is
 * compared after the death is certain: from then on only who has CHANGING could put another in its place.
 */
static via_status release_dead(const via_host_api *host, const char *name, const char *path, int descriptor,
                               via_error *error)
{
    char record[RECORD_SIZE];
    struct stat file;

    read_record(descriptor, record);
    if (!via_identity_is_gone(record))
        return held(host, name, record, error);
    if (!is_current(descriptor, path))
        return VIA_ETIMEDOUT;
    /* First what the lock is about: killed between the two, we leave no more than the dead did. */
    if (lstat(name, &file) == 0 && is_noted(record, &file) && unlink(name) != 0)
        return open_failed(host, path, errno, error);
    return unlink(path) == 0 ? VIA_ETIMEDOUT : open_failed(host, path, errno, error);
}

/* Ours begin with a pid. Whatever else has the name is somebody's file, and stays as it is. */
static bool is_ours(int descriptor)
{
    char record[RECORD_SIZE];

    read_record(descriptor, record);
    return record[0] == '\0' || (record[0] >= '1' && record[0] <= '9' && strspn(record, "0123456789") < 20);
}

/* With CHANGING held. */
static via_status take_opened(const via_host_api *host, const char *name, const char *path, int descriptor,
                              via_error *error)
{
    if (!lock_byte(descriptor, OWNED))
        return is_held_elsewhere(errno) ? release_dead(host, name, path, descriptor, error)
                                        : open_failed(host, path, errno, error);
    if (!is_current(descriptor, path))
        return VIA_ETIMEDOUT;
    if (!is_ours(descriptor))
        return via_fail(host, error, VIA_EPERM, 0, "choose another name, or take away what is there if nobody needs it",
                        "%s is needed for the lock, and is there and no lock", path);
    return write_record(descriptor) ? VIA_OK : open_failed(host, path, errno, error);
}

static via_status open_file(const via_host_api *host, const char *path, int *descriptor, via_error *error)
{
    struct stat status;

    *descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (*descriptor < 0)
        return open_failed(host, path, errno, error);
    if (fstat(*descriptor, &status) == 0 && S_ISREG(status.st_mode))
        return VIA_OK;
    close(*descriptor);
    return via_fail(host, error, VIA_EPERM, 0, "remove it", "%s is not a regular file", path);
}

/* VIA_ETIMEDOUT: the file went away meanwhile, or another is just taking it; try again. */
static via_status take_once(const via_host_api *host, const char *name, via_lock *lock, via_error *error)
{
    int descriptor;
    via_status status = open_file(host, lock->path, &descriptor, error);

    if (status != VIA_OK)
        return status;
    if (lock_byte(descriptor, CHANGING))
        status = take_opened(host, name, lock->path, descriptor, error);
    else
        status = is_held_elsewhere(errno) ? VIA_ETIMEDOUT : open_failed(host, lock->path, errno, error);
    if (status == VIA_OK) {
        unlock_bytes(descriptor, CHANGING, 1);
        lock->descriptor = descriptor;
        return VIA_OK;
    }
    unlock_bytes(descriptor, OWNED, BYTES);
    close(descriptor);
    return status;
}

via_status via_lock_take(const via_host_api *host, const char *name, via_lock *lock, via_error *error)
{
    lock->descriptor = -1;
    if (!lock_path(name, lock->path, sizeof(lock->path)))
        return via_fail(host, error, VIA_EINVAL, ENAMETOOLONG, "choose a shorter name",
                        "the lock file of '%.200s' would have too long a path", name);
    for (int i = 0; i < ROUNDS; i++) {
        via_status status = take_once(host, name, lock, error);

        if (status != VIA_ETIMEDOUT)
            return status;
        (void)sched_yield();
    }
    return via_fail(host, error, VIA_EBUSY, 0, "choose another name", "the owner of %s changes all the time", name);
}

/* ---- giving up ---------------------------------------------------------------------------------------------- */

void via_lock_drop(via_lock *lock)
{
    if (lock->descriptor < 0)
        return;
    if (is_current(lock->descriptor, lock->path)) /* somebody may have removed ours by hand, and another made his */
        unlink(lock->path);                       /* while it is still ours */
    unlock_bytes(lock->descriptor, OWNED, BYTES);
    via_lock_forget(lock);
}

void via_lock_forget(via_lock *lock)
{
    if (lock->descriptor >= 0)
        close(lock->descriptor);
    lock->descriptor = -1;
}

/* ---- looking ------------------------------------------------------------------------------------------------ */

/* Does anybody hold the lock of `name`? Then its text. */
static bool look(const char *name, char record[RECORD_SIZE])
{
    char path[sizeof(((via_lock *)0)->path)];
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = OWNED, .l_len = 1};
    bool is_held;
    int descriptor;

    if (!lock_path(name, path, sizeof(path)))
        return false;
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    is_held = fcntl(descriptor, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
    if (is_held)
        read_record(descriptor, record);
    close(descriptor);
    return is_held;
}

int64_t via_lock_owner(const char *name)
{
    char record[RECORD_SIZE];

    return look(name, record) && !via_identity_is_gone(record) ? strtoll(record, NULL, 10) : 0;
}

bool via_lock_is_orphaned(const char *name)
{
    char record[RECORD_SIZE];

    return look(name, record) && via_identity_is_gone(record);
}
