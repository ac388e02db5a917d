/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the lock file. Its inode is compared after locking, since the owner before us may have removed the one that we
 * opened. Never removes a file without holding its lock.
 */
#include "kit/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/fail.h"

enum { ROUNDS = 1000 }; /* owners that may vanish under our hands before we give up */

static bool lock_path(const char *name, char *path, size_t capacity)
{
    int size = snprintf(path, capacity, "%s.lock", name);

    return size > 0 && (size_t)size < capacity;
}

static bool lock_descriptor(int descriptor)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(descriptor, F_OFD_SETLK, &whole) == 0;
}

/* Is the file that we have open still the one with that name? */
static bool is_current(int descriptor, const char *path)
{
    struct stat opened;
    struct stat named;

    return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

static int64_t read_pid(int descriptor)
{
    char text[32] = "";
    ssize_t size = pread(descriptor, text, sizeof(text) - 1, 0);

    return size > 0 ? strtoll(text, NULL, 10) : 0;
}

/* Only for diagnosis: a lock without it is as good. */
static void write_pid(int descriptor)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, text, (size_t)size, 0) != size)
        errno = 0;
}

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

static via_status held(const via_host_api *host, const char *name, int descriptor, via_error *error)
{
    return via_fail(host, error, VIA_EBUSY, 0, "end that process, or choose another name",
                    "%s is in use by process %lld", name, (long long)read_pid(descriptor));
}

/* VIA_ETIMEDOUT: the file went away meanwhile; try again. */
static via_status take_once(const via_host_api *host, const char *name, via_lock *lock, via_error *error)
{
    struct stat status;
    int descriptor = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (descriptor < 0)
        return open_failed(host, lock->path, errno, error);
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(descriptor);
        return via_fail(host, error, VIA_EPERM, 0, "remove it", "%s is not a regular file", lock->path);
    }
    if (!lock_descriptor(descriptor)) {
        int os_code = errno;
        via_status answer = os_code == EAGAIN || os_code == EACCES ? held(host, name, descriptor, error)
                                                                   : open_failed(host, lock->path, os_code, error);

        close(descriptor);
        return answer;
    }
    if (!is_current(descriptor, lock->path)) {
        close(descriptor);
        return VIA_ETIMEDOUT;
    }
    write_pid(descriptor);
    lock->descriptor = descriptor;
    return VIA_OK;
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
    }
    return via_fail(host, error, VIA_EBUSY, 0, "choose another name", "the owner of %s changes all the time", name);
}

void via_lock_drop(via_lock *lock)
{
    if (lock->descriptor < 0)
        return;
    unlink(lock->path); /* while it is still ours */
    via_lock_forget(lock);
}

void via_lock_forget(via_lock *lock)
{
    if (lock->descriptor >= 0)
        close(lock->descriptor);
    lock->descriptor = -1;
}

int64_t via_lock_owner(const char *name)
{
    char path[sizeof(((via_lock *)0)->path)];
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int64_t pid = 0;
    int descriptor;

    if (!lock_path(name, path, sizeof(path)))
        return 0;
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return 0;
    if (fcntl(descriptor, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
        pid = read_pid(descriptor);
    close(descriptor);
    return pid;
}
