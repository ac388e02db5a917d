/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a recording.
 *
 * Owns: its name, its lock, its bound. It ends after a whole block at any time but during a write, so that what was written
 * can be read whatever happens to the process. Must never be used by a thread of the traffic.
 */
#include "tap.h"

#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS = 9999 };

/* ---- names -------------------------------------------------------------------------------------------------- */

/* "a/b.pcapng", "a/b-2.pcapng", ... */
static bool number_path(char to[TAP_PATH], const char *path, unsigned number)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    const size_t stem = dot != NULL && (slash == NULL || dot > slash + 1) ? (size_t)(dot - path) : strlen(path);
    const int size = number == 1 ? snprintf(to, TAP_PATH, "%s", path)
                                 : snprintf(to, TAP_PATH, "%.*s-%u%s", (int)stem, path, number, path + stem);
    return size > 0 && size < TAP_PATH - 2; /* ".1" is added to it */
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

static bool lock(int descriptor)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_SETLK, &range) == 0;
}

static bool is_regular(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

static via_status refuse(const tap_state *state, const char *path, const char *what, via_error *error)
{
    const int code = errno;
    return via_fail(state->host, error, via_status_of_errno(code), code, "set tap.file to a path that can be written",
                    "%s: %s", path, what);
}

/* Does it say that it is a recording of this process? It has to be kept then; those of others are taken for old. */
static bool is_own(int descriptor)
{
    char begin[1024], mark[48];
    const ssize_t size = pread(descriptor, begin, sizeof(begin) - 1, 0);
    const int length = snprintf(mark, sizeof(mark), " pid=%ld", (long)getpid());
    if (size <= 0)
        return false;
    begin[size] = '\0';
    const char *found = memmem(begin, (size_t)size, mark, (size_t)length);
    return found != NULL && (found[length] < '0' || found[length] > '9');
}

static via_status refuse_kind(const tap_state *state, tap_file *file, via_error *error)
{
    tap_file_close(file);
    return via_fail(state->host, error, VIA_EINVAL, 0, "set tap.file to the path of a file",
                    "%s: a recording needs a regular file", file->path);
}

/* VIA_EBUSY: somebody records to it, or this process has. What it held is gone only after these questions. */
static via_status try_path(const tap_state *state, tap_file *file, via_error *error)
{
    file->descriptor = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (file->descriptor < 0)
        return refuse(state, file->path, "the recording cannot be opened", error);
    if (!is_regular(file->descriptor))
        return refuse_kind(state, file, error);
    if (!lock(file->descriptor) || is_own(file->descriptor)) {
        tap_file_close(file);
        return VIA_EBUSY;
    }
    if (ftruncate(file->descriptor, 0) != 0) {
        const via_status status = refuse(state, file->path, "the recording cannot be begun", error);
        tap_file_close(file);
        return status;
    }
    return VIA_OK;
}

static via_status open_numbered(const tap_state *state, tap_file *file, const char *path, via_error *error)
{
    for (unsigned number = 1; number <= NUMBERS; number++) {
        if (!number_path(file->path, path, number))
            return via_fail(state->host, error, VIA_EINVAL, ENAMETOOLONG, "choose a shorter path",
                            "tap.file: the path is longer than a path may be");
        const via_status status = try_path(state, file, error);
        if (status != VIA_EBUSY)
            return status;
    }
    return via_fail(state->host, error, VIA_ELIMIT, 0, "choose another file for this endpoint",
                    "%s: this process has made %d recordings of it", path, NUMBERS);
}

via_status tap_file_open(tap_state *state, tap_file *file, const char *path, via_error *error)
{
    file->descriptor = -1;
    (void)pthread_mutex_lock(&state->lock);
    const via_status status = open_numbered(state, file, path, error);
    (void)pthread_mutex_unlock(&state->lock);
    if (status == VIA_OK) {
        tap_file_put(file, file->header, file->head); /* before the next one looks whose it is */
        tap_file_flush(file);
    }
    return status;
}

/* ---- blocks ------------------------------------------------------------------------------------------------- */

static void end(tap_file *file, int os_code)
{
    file->has_ended = true;
    file->os_code = os_code;
    file->staged = 0;
}

static void write_whole(tap_file *file, const uint8_t *blocks, size_t size)
{
    const int code = tap_file_write(file, blocks, size);
    if (code != 0)
        end(file, code);
}

void tap_file_flush(tap_file *file)
{
    const size_t size = file->staged;
    if (size == 0 || file->has_ended)
        return;
    file->staged = 0;
    write_whole(file, file->stage + file->stage_at, size);
}

/* The file becomes FILE.1, in place of the one before it, and a new one begins. */
static void turn_over(tap_file *file)
{
    char old[TAP_PATH + 2];
    tap_file_flush(file);
    if (file->has_ended)
        return;
    (void)snprintf(old, sizeof(old), "%s.1", file->path);
    const int fresh =
        rename(file->path, old) != 0 ? -1 : open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fresh < 0 || !lock(fresh)) {
        const int code = errno;
        if (fresh >= 0)
            (void)close(fresh);
        end(file, code);
        return;
    }
    (void)close(file->descriptor);
    file->descriptor = fresh;
    file->size = 0;
    write_whole(file, file->header, file->head);
}

/* Copies it to where it can be written directly later. */
static void stage(tap_file *file, const uint8_t *blocks, size_t size)
{
    if (file->staged > 0 && size > sizeof(file->stage) - file->stage_at - file->staged)
        tap_file_flush(file);
    if (file->staged == 0)
        file->stage_at = tap_file_misfit(file, file->stage);
    memcpy(file->stage + file->stage_at + file->staged, blocks, size);
    file->staged += size;
}

/* A block of nothing, so that the place in the file agrees with that of `blocks` in memory. */
static void pad(tap_file *file, const uint8_t *blocks, size_t size)
{
    uint8_t padding[TAP_SECTOR + VIA_PCAPNG_PADDING_LEAST];
    size_t missing = (TAP_SECTOR - tap_file_misfit(file, blocks)) % TAP_SECTOR;
    if (missing > 0 && missing < VIA_PCAPNG_PADDING_LEAST)
        missing += TAP_SECTOR;
    if (missing > 0 && missing + size <= tap_file_room(file)) {
        via_pcapng_put_padding(padding, missing);
        write_whole(file, padding, missing);
    }
}

/* Writes it from where it is. */
static void write_run(tap_file *file, const uint8_t *blocks, size_t size)
{
    tap_file_flush(file);
    if (!file->has_ended && file->cached_left == 0)
        pad(file, blocks, size);
    if (!file->has_ended)
        write_whole(file, blocks, size);
}

uint64_t tap_file_room(const tap_file *file)
{
    const uint64_t used = file->size + file->staged;
    return used < file->limit ? file->limit - used : 0;
}

void tap_file_put(tap_file *file, const uint8_t *blocks, size_t size)
{
    if (file->has_ended)
        return;
    if (size > tap_file_room(file)) {
        if (file->keeps_last && file->size + file->staged > file->head) {
            turn_over(file);
        } else {
            tap_file_flush(file);
            end(file, 0);
        }
    }
    if (file->has_ended)
        return;
    if (size < TAP_DIRECT_LEAST)
        stage(file, blocks, size);
    else
        write_run(file, blocks, size);
}

void tap_file_close(tap_file *file)
{
    if (file->descriptor >= 0)
        (void)close(file->descriptor);
    file->descriptor = -1;
}
