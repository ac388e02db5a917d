/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a dialer leaves that closes before the listener has taken it up.
 *
 * Owns: the file FIFO.PID.ID.rest. A pipe's bytes die with its last descriptor, but what was accepted must outlive the
 * dialer: so they move into this file, and a second announcement tells the listener of it.
 */
#include "link_state.h"

#include "descriptors.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REST_MAX = 64 * 1024 * 1024 }; /* more than any pipe holds */

/* ---- dialer ------------------------------------------------------------------------------------------------- */

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t moved = write(file, bytes, size);

        if (moved < 0 && errno != EINTR)
            return false;
        if (moved > 0) {
            bytes += moved;
            size -= (size_t)moved;
        }
    }
    return true;
}

/* Everything that is in the pipe now; nobody else reads it or writes to it any more. */
static bool empty_into(int pipe_descriptor, int file)
{
    char piece[16384];

    for (;;) {
        ssize_t moved = read(pipe_descriptor, piece, sizeof(piece));

        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return moved == 0 || errno == EAGAIN;
        if (!write_all(file, piece, (size_t)moved))
            return false;
    }
}

/* The second announcement. False: the listener has ended. */
static bool announce(const pipe_link *link)
{
    uint8_t bytes[PIPE_RECORD_SIZE];
    struct pollfd set = {.fd = link->notice, .events = POLLOUT};
    via_deadline deadline = via_deadline_after(link->linger_ns > INT64_MAX ? -1 : (int64_t)link->linger_ns);
    int os_code;

    pipe_record_write(&link->record, bytes);
    while ((os_code = pipe_descriptors_put(set.fd, bytes, sizeof(bytes))) == EAGAIN) {
        struct timespec storage;

        if (ppoll(&set, 1, via_deadline_timespec(deadline, &storage), NULL) == 0)
            return false;
    }
    return os_code == 0;
}

static bool store(const pipe_link *link, bool complete)
{
    int file = open(link->names->rest, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool stored;

    if (file < 0)
        return false;
    stored = fchown(file, (uid_t)link->uid, (gid_t)link->gid) == 0 || link->uid == (int64_t)geteuid();
    stored = stored && empty_into(link->kept_reader, file);
    if (complete)
        pipe_link_mark(file);
    pipe_descriptors_close(&file);
    return stored;
}

bool pipe_rest_leave(pipe_link *link, bool complete)
{
    if (unlink(link->names->up) != 0)
        return false;
    unlink(link->names->down);
    link->record.kind = PIPE_RECORD_REST;
    if (store(link, complete) && announce(link))
        return true;
    unlink(link->names->rest);
    via_count(&link->counters->dropped_closing, 1);
    via_note(link->host, link->context, VIA_LOG_WARNING,
             "closed before the listener took the connection up, and what was sent could not be left for it");
    return true;
}

/* ---- listener ----------------------------------------------------------------------------------------------- */

static via_status read_file(int file, pipe_link *link)
{
    struct stat status;

    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > REST_MAX ||
        (status.st_uid != geteuid() && geteuid() != 0))
        return VIA_EPROTO;
    link->uid = (int64_t)status.st_uid;
    link->gid = (int64_t)status.st_gid;
    link->rest = malloc((size_t)status.st_size + 1);
    if (!link->rest)
        return VIA_ENOMEM;
    while (link->rest_size < (size_t)status.st_size) {
        ssize_t moved = read(file, link->rest + link->rest_size, (size_t)status.st_size - link->rest_size);

        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return VIA_EPROTO;
        link->rest_size += (size_t)moved;
    }
    link->rest_clean = pipe_link_is_marked(file);
    return VIA_OK;
}

/* Descriptors that show what is so: there is something to read, and nobody to write to. */
static bool stand_in(pipe_link *link)
{
    int ends[2];

    if (pipe_descriptors_make(ends) != 0)
        return false;
    link->in = ends[0];
    pipe_descriptors_close(&ends[1]);
    if (pipe_descriptors_make(ends) != 0)
        return false;
    link->out = ends[1];
    pipe_descriptors_close(&ends[0]);
    return pipe_descriptors_unblock(link->in) == 0 && pipe_descriptors_unblock(link->out) == 0;
}

via_status pipe_rest_take(const pipe_settings *settings, const pipe_names *names, pipe_link *link,
                          via_stream_config *config)
{
    int file = open(names->rest, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    via_status status;

    if (file < 0)
        return errno == ENOENT ? VIA_ENOPEER : errno == EMFILE || errno == ENFILE ? VIA_ELIMIT : VIA_EPROTO;
    status = read_file(file, link);
    pipe_descriptors_close(&file);
    if (status == VIA_OK && !stand_in(link))
        status = via_status_of_errno(errno);
    if (status != VIA_OK)
        return status;
    unlink(names->rest);
    *config = (via_stream_config){.io = &pipe_link_io, .read_fd = link->in, .write_fd = link->out, .user = link};
    pipe_settings_describe(settings, config);
    return VIA_OK;
}
