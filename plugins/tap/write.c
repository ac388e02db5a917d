/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting bytes into the file of a recording.
 *
 * Owns: which way they go. The page cache costs the processor more than the channel costs it: a page to find, and a copy to where
 * memory is cold. So what is long goes past it (O_DIRECT), and the disk fetches it from where it is. Only whole pages do, so that
 * no page of the file is ever written both ways, for which the system would wait.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* How much of it was written; where that is not all, errno says why. */
static size_t write_cached(const tap_file *file, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const ssize_t done = write(file->descriptor, bytes + at, size - at);
        if (done < 0 && errno != EINTR)
            break;
        at += done < 0 ? 0 : (size_t)done;
    }
    return at;
}

/* How much of it was written. A file system that does not want it is not asked again; what else is wrong, the cached way finds. */
static size_t write_direct(tap_file *file, const uint8_t *bytes, size_t size)
{
    const ssize_t done = fcntl(file->descriptor, F_SETFL, O_DIRECT) == 0 ? write(file->descriptor, bytes, size) : -1;
    file->is_direct = done >= 0;
    if (done < 0)
        file->cached_left = UINT64_MAX;
    (void)fcntl(file->descriptor, F_SETFL, 0);
    return done < 0 ? 0 : (size_t)done;
}

static bool goes_direct(const tap_file *file, const uint8_t *bytes, size_t size)
{
    return file->cached_left == 0 && size >= TAP_DIRECT_LEAST && tap_file_misfit(file, bytes) == 0;
}

static size_t write_either_way(tap_file *file, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    file->is_direct = false;
    if (goes_direct(file, bytes, size)) {
        const size_t head = (PAGE - file->size % PAGE) % PAGE;
        at = write_cached(file, bytes, head);
        if (at < head)
            return at;
        at += write_direct(file, bytes + at, (size - at) / PAGE * PAGE);
    }
    return at + write_cached(file, bytes + at, size - at);
}

/* Bytes of those blocks that are whole in the first `size`. */
static size_t measure_whole(const uint8_t *blocks, size_t size)
{
    size_t at = 0;
    uint32_t length;
    while (size - at >= 2 * sizeof(length)) {
        memcpy(&length, blocks + at + sizeof(length), sizeof(length));
        if (length > size - at)
            break;
        at += length;
    }
    return at;
}

int tap_file_write(tap_file *file, const uint8_t *blocks, size_t size)
{
    int code = 0;
    const size_t done = write_either_way(file, blocks, size);
    if (done < size) {
        code = errno;
        size = measure_whole(blocks, done);
        if (ftruncate(file->descriptor, (off_t)(file->size + size)) != 0)
            code = errno;
    }
    file->size += size;
    if (file->cached_left != UINT64_MAX)
        file->cached_left -= size < file->cached_left ? size : file->cached_left;
    return code;
}

size_t tap_file_misfit(const tap_file *file, const uint8_t *bytes)
{
    return (size_t)(file->size - (uintptr_t)bytes) % TAP_SECTOR;
}
