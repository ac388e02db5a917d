/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counter pages on POSIX; see platform/page_file.h.
 */
#include "platform/page_file.h"

#include "kit/read_all.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- room --------------------------------------------------------------------------------------------------- */

/* Beyond the limit of file sizes (RLIMIT_FSIZE) the kernel sends a signal, whose usual effect is to end the process. */
static bool is_within_limit(size_t bytes)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur;
}

/* Where a file system cannot promise room, the library writes zeroes instead, which has the same effect. */
static bool make_room(int descriptor, size_t bytes)
{
    int failed;

    if (!is_within_limit(bytes))
        return false;
    do
        failed = posix_fallocate(descriptor, 0, (off_t)bytes);
    while (failed == EINTR);
    return failed == 0;
}

/* ---- making and removing ------------------------------------------------------------------------------------ */

static bool map(via_page_file *file, int descriptor, size_t bytes, size_t most)
{
    struct stat status;

    if (fstat(descriptor, &status) != 0 || !make_room(descriptor, bytes))
        return false;
    void *base = mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (base == MAP_FAILED)
        return false;
    file->base = base;
    file->most = most;
    file->device = (uint64_t)status.st_dev;
    file->node = (uint64_t)status.st_ino;
    return true;
}

bool via_page_file_create(via_page_file *file, const char *folder, size_t bytes, size_t most)
{
    int written = snprintf(file->path, sizeof(file->path), "%s/%ld.page", folder, (long)getpid());

    file->base = NULL;
    if (written < 0 || (size_t)written >= sizeof(file->path) ||
        snprintf(file->draft, sizeof(file->draft), "%s/.%ld.draft", folder, (long)getpid()) >= (int)sizeof(file->draft))
        return false;
    (void)unlink(file->draft); /* of another process that had this number and was killed just then */
    int descriptor = open(file->draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return false;
    bool is_made = map(file, descriptor, bytes, most);
    (void)close(descriptor);
    if (!is_made)
        (void)unlink(file->draft);
    return is_made;
}

/* Replaces the page of a dead process that had this number. */
void via_page_file_publish(via_page_file *file)
{
    (void)rename(file->draft, file->path);
}

static int open_again(const via_page_file *file)
{
    struct stat status;
    int descriptor = open(file->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (descriptor < 0)
        return -1;
    if (fstat(descriptor, &status) == 0 && (uint64_t)status.st_dev == file->device &&
        (uint64_t)status.st_ino == file->node)
        return descriptor;
    (void)close(descriptor);
    return -1;
}

bool via_page_file_grow(via_page_file *file, size_t bytes)
{
    int descriptor = open_again(file);

    if (descriptor < 0)
        return false;
    bool has_room = make_room(descriptor, bytes);
    (void)close(descriptor);
    return has_room;
}

void via_page_file_remove(via_page_file *file)
{
    if (!file->base)
        return;
    int descriptor = open_again(file);
    if (descriptor >= 0) {
        (void)unlink(file->path);
        (void)close(descriptor);
    }
    (void)munmap(file->base, file->most);
    file->base = NULL;
}

void via_page_file_discard(const char *folder, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
        (void)unlink(path);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* NULL: out of memory, or the file has become shorter. */
static unsigned char *read_page(int descriptor, size_t size)
{
    unsigned char *bytes = malloc(size);

    if (bytes && via_read_all(descriptor, bytes, size) == (ssize_t)size)
        return bytes;
    free(bytes);
    return NULL;
}

bool via_page_file_read(const char *folder, const char *name, size_t most, unsigned char **bytes, size_t *size)
{
    char path[PATH_MAX];
    struct stat status;

    *bytes = NULL;
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return false;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
        status.st_size > 0 && (uint64_t)status.st_size <= most) {
        *size = (size_t)status.st_size;
        *bytes = read_page(descriptor, *size);
    }
    (void)close(descriptor);
    return *bytes != NULL;
}

/* ---- processes ---------------------------------------------------------------------------------------------- */

int64_t via_page_file_pid(void)
{
    return getpid();
}

uint64_t via_page_file_time_s(void)
{
    return (uint64_t)time(NULL);
}

void via_page_file_program(char *name, size_t capacity)
{
    (void)snprintf(name, capacity, "%s", program_invocation_short_name);
}
