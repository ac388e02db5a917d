/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a dialer has sent before the listener took it up, once it must outlive the dialer.
 *
 * Owns: the file FIFO.PID.ID.rest. A pipe's bytes die with its last descriptor. So a dialer that drains or closes early
 * moves them into this file, behind the listener's back: meanwhile its `up` is renamed to `hold`, which fails when the
 * listener has claimed the connection (see link.h), and a listener that looks for it then takes it for withdrawn. That
 * is why the dialer announces itself again afterwards.
 * A dialer that goes on leaves one byte in the pipe, the poke: it makes the pipe show that there is something to read,
 * and the listener takes it off after the file.
 */
#include "link_state.h"

#include "descriptors.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

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

/* Everything that is in the pipe now, but for a poke; nobody writes to it meanwhile. */
static bool empty_into(pipe_link *link, int file)
{
    char piece[16384];

    for (;;) {
        ssize_t moved = read(link->kept_reader, piece, link->poked ? 1 : sizeof(piece));

        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return moved == 0 || errno == EAGAIN;
        if (!link->poked && !write_all(file, piece, (size_t)moved))
            return false;
        link->poked = false;
    }
}

/* Appends to the file what the pipe holds. */
static bool store(pipe_link *link, const pipe_names *names, bool complete)
{
    int file = open(names->rest, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool stored;

    if (file < 0)
        return false;
    stored = link->uid == (int64_t)geteuid() || fchown(file, (uid_t)link->uid, (gid_t)link->gid) == 0;
    stored = stored && empty_into(link, file);
    if (complete)
        pipe_link_mark(file);
    pipe_descriptors_close(&file);
    return stored;
}

/* `out` may be closed already, so that a writer of its own does it. */
static bool poke(pipe_link *link, const pipe_names *names)
{
    int writer = open(names->hold, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

    if (writer < 0)
        return false;
    link->poked = pipe_descriptors_put(writer, "", 1) == 0;
    pipe_descriptors_close(&writer);
    return link->poked;
}

/* What has been read from the pipe and not been written to the file cannot be put back. */
static via_status lose(pipe_link *link, const pipe_names *names, int os_code)
{
    if (pipe_link_check_locked(link) == VIA_EPEER) /* then it is all the same */
        return VIA_EPEER;
    pipe_place_remove(names);
    link->gone = true;
    via_count(&link->counters->dropped_closing, 1);
    (void)pipe_link_fail(link, VIA_EIO, "make room in the folder of the FIFO",
                         "what was sent could not be kept for a listener that has not taken the connection up");
    errno = os_code;
    return VIA_EIO;
}

/* From the second rename on the listener may be at it again, so the last thing is to look for its word or its death. */
static via_status secure_locked(pipe_link *link)
{
    pipe_names names;
    via_status status;

    pipe_link_names(link, &names);
    if (rename(names.up, names.hold) != 0)
        return errno == ENOENT ? VIA_ETIMEDOUT : VIA_EIO; /* claimed: the listener's word is on its way */
    if (!store(link, &names, false) || !poke(link, &names) || rename(names.hold, names.up) != 0)
        return lose(link, &names, errno);
    link->record.kind = PIPE_RECORD_AGAIN;
    link->announce_due = true;
    status = pipe_link_check_locked(link);
    if (status == VIA_OK)
        return VIA_ENOENT;
    return status != VIA_ETIMEDOUT || link->announce_due ? status : VIA_OK;
}

via_status pipe_link_secure(pipe_link *link)
{
    via_status status = pipe_link_check(link);

    if (status != VIA_ETIMEDOUT)
        return status == VIA_OK ? VIA_ENOENT : status;
    pthread_mutex_lock(&link->lock);
    status = atomic_load(&link->attached) ? VIA_ENOENT : link->gone ? VIA_EPEER : secure_locked(link);
    pthread_mutex_unlock(&link->lock);
    return status;
}

/* False: the listener has ended, or does not keep up. */
static bool announce_patiently(const pipe_link *link)
{
    struct pollfd set = {.fd = atomic_load(&link->notice), .events = POLLOUT};
    via_deadline deadline = via_deadline_after(link->linger_ns > INT64_MAX ? -1 : (int64_t)link->linger_ns);
    int os_code;

    while ((os_code = pipe_link_announce(link)) == EAGAIN) {
        struct timespec storage;

        if (ppoll(&set, 1, via_deadline_timespec(deadline, &storage), NULL) == 0)
            return false;
    }
    return os_code == 0;
}

bool pipe_rest_leave(pipe_link *link, bool complete)
{
    pipe_names names;

    pipe_link_names(link, &names);
    if (rename(names.up, names.hold) != 0)
        return false;
    link->record.kind = PIPE_RECORD_REST;
    if (store(link, &names, complete) && announce_patiently(link)) {
        unlink(names.hold);
        unlink(names.down);
        return true;
    }
    pipe_place_remove(&names);
    via_count(&link->counters->dropped_closing, 1);
    via_note(link->host, link->context, VIA_LOG_WARNING,
             "closed before the listener took the connection up, and what was sent could not be left for it");
    return true;
}

/* ---- listener ----------------------------------------------------------------------------------------------- */

static bool is_trusted(int file, pipe_link *link)
{
    struct stat status;

    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_uid != geteuid() && geteuid() != 0))
        return false;
    link->uid = (int64_t)status.st_uid;
    link->gid = (int64_t)status.st_gid;
    link->rest_clean = pipe_link_is_marked(file);
    return true;
}

via_status pipe_rest_open(const pipe_names *names, pipe_link *link)
{
    int file = open(names->rest, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

    if (file < 0)
        return errno == ENOENT ? VIA_OK : errno == EMFILE || errno == ENFILE ? VIA_ELIMIT : VIA_EPROTO;
    if (!is_trusted(file, link)) {
        pipe_descriptors_close(&file);
        return VIA_EPROTO;
    }
    link->rest = file;
    link->poke_due = true;
    return VIA_OK;
}

int64_t pipe_rest_read(pipe_link *link, via_slice *into)
{
    ssize_t moved;

    do
        moved = readv(link->rest, (const struct iovec *)into, 1);
    while (moved < 0 && errno == EINTR);
    if (moved > 0)
        return moved;
    pipe_descriptors_close(&link->rest);
    return moved == 0 ? 0 : VIA_EIO;
}

bool pipe_rest_stand_in(int *out)
{
    int ends[2];

    if (pipe_descriptors_make(ends) != 0)
        return false;
    *out = ends[1];
    pipe_descriptors_close(&ends[0]);
    return pipe_descriptors_unblock(*out) == 0;
}

/* Descriptors that show what is so: there is something to read, and nobody to write to. */
static bool stand_in(pipe_link *link)
{
    int ends[2];

    if (pipe_descriptors_make(ends) != 0)
        return false;
    link->in = ends[0];
    pipe_descriptors_close(&ends[1]);
    return pipe_descriptors_unblock(link->in) == 0 && pipe_rest_stand_in(&link->out);
}

via_status pipe_rest_take(const pipe_settings *settings, const pipe_names *names, pipe_link *link,
                          via_stream_config *config)
{
    via_status status = pipe_rest_open(names, link);

    if (status == VIA_OK && link->rest < 0)
        return VIA_ENOPEER;
    if (status == VIA_OK && !stand_in(link))
        status = via_status_of_errno(errno);
    if (status != VIA_OK)
        return status;
    link->rest_only = true;
    unlink(names->rest);
    *config = (via_stream_config){.io = &pipe_link_io, .read_fd = link->in, .write_fd = link->out, .user = link};
    pipe_settings_describe(settings, config);
    return VIA_OK;
}
