/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a connection over two private FIFOs is made, from both ends; see link.h.
 *
 * Owns: the order of steps. Every one of them may be the last that a process makes.
 */
#include "link_state.h"

#include "descriptors.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FLAGS = O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW, ATTEMPTS = 3 };

static const char limit_mend[] = "close something, or raise the limit of open files (ulimit -n)";

/* ---- dialer: the listener's FIFO ---------------------------------------------------------------------------- */

static via_status nobody(const via_host_api *host, const pipe_place *place, int os_code, via_error *error)
{
    return via_fail(host, error, VIA_ENOPEER, os_code, "start the listener first, or give the dial more time",
                    "nobody listens at %s", place->path);
}

static via_status cannot_open(const via_host_api *host, const pipe_place *place, int os_code, via_error *error)
{
    if (os_code == ENOENT || os_code == ENXIO)
        return nobody(host, place, os_code, error);
    return via_fail(host, error, via_status_of_errno(os_code), os_code,
                    os_code == EMFILE || os_code == ENFILE ? limit_mend : "only the user who listens there may dial",
                    "cannot open %s", place->path);
}

/* Somebody else's FIFO could be a trap, and he could not open ours. Root may dial everybody. */
static via_status check_owner(const via_host_api *host, const pipe_place *place, const struct stat *status,
                              via_error *error)
{
    if (!S_ISFIFO(status->st_mode))
        return via_fail(host, error, VIA_EINVAL, 0, "give the path that the listener was given",
                        "%s is not a FIFO, so nobody listens there", place->path);
    if (status->st_uid == geteuid() || geteuid() == 0)
        return VIA_OK;
    return via_fail(host, error, VIA_EPERM, 0, "let the listener run as the same user, or use another transport",
                    "%s belongs to user %lu, expected %lu", place->path, (unsigned long)status->st_uid,
                    (unsigned long)geteuid());
}

static via_status open_notice(const via_host_api *host, const pipe_place *place, int *notice, struct stat *status,
                              via_error *error)
{
    via_status answer;

    *notice = open(place->path, O_WRONLY | OPEN_FLAGS);
    if (*notice < 0)
        return cannot_open(host, place, errno, error);
    if (fstat(*notice, status) != 0)
        answer = via_fail(host, error, VIA_EIO, errno, NULL, "cannot look at %s", place->path);
    else
        answer = check_owner(host, place, status, error);
    if (answer != VIA_OK)
        pipe_descriptors_close(notice);
    return answer;
}

/* ---- dialer: its own two ------------------------------------------------------------------------------------ */

/* Our own reading end first: without one `up` cannot be opened for writing without waiting. */
static bool open_own(pipe_link *link)
{
    if (mkfifo(link->names->up, 0600) != 0)
        return false;
    link->kept_reader = open(link->names->up, O_RDONLY | OPEN_FLAGS);
    if (link->kept_reader < 0)
        return false;
    link->out = open(link->names->up, O_WRONLY | OPEN_FLAGS);
    if (link->out < 0 || mkfifo(link->names->down, 0600) != 0)
        return false;
    link->in = open(link->names->down, O_RDONLY | OPEN_FLAGS);
    return link->in >= 0;
}

/* Root dials another user's listener, who has to be able to open them. */
static bool hand_over(const pipe_link *link, const struct stat *listener)
{
    if (listener->st_uid == geteuid())
        return true;
    return fchown(link->out, listener->st_uid, listener->st_gid) == 0 &&
           fchown(link->in, listener->st_uid, listener->st_gid) == 0;
}

static bool make_own(const pipe_place *place, pipe_link *link, const struct stat *listener)
{
    if (getrandom(link->record.id, sizeof(link->record.id), 0) != (ssize_t)sizeof(link->record.id))
        return false;
    pipe_place_names(place, &link->record, link->names);
    if (open_own(link) && hand_over(link, listener))
        return true;
    int saved_errno = errno;
    pipe_place_remove(link->names);
    pipe_descriptors_close(&link->kept_reader);
    pipe_descriptors_close(&link->out);
    pipe_descriptors_close(&link->in);
    errno = saved_errno;
    return false;
}

int pipe_link_announce(const pipe_link *link)
{
    uint8_t bytes[PIPE_RECORD_SIZE];

    pipe_record_write(&link->record, bytes);
    return pipe_descriptors_put(atomic_load(&link->notice), bytes, sizeof(bytes));
}

static via_status announce(const pipe_settings *settings, const pipe_place *place, const pipe_link *link,
                           via_deadline deadline, via_error *error)
{
    struct pollfd set = {.fd = atomic_load(&link->notice), .events = POLLOUT};
    int os_code;

    while ((os_code = pipe_link_announce(link)) == EAGAIN) {
        struct timespec storage;

        if (ppoll(&set, 1, via_deadline_timespec(deadline, &storage), NULL) == 0)
            return via_fail(settings->host, error, VIA_ENOPEER, 0, "let the listener accept faster",
                            "the listener at %s has too many dialers waiting", place->path);
    }
    if (os_code == 0)
        return VIA_OK;
    return nobody(settings->host, place, os_code, error);
}

static void describe(const pipe_settings *settings, pipe_link *link, via_stream_config *config)
{
    *config = (via_stream_config){.io = &pipe_link_io, .read_fd = link->in, .write_fd = link->out, .user = link};
    pipe_settings_describe(settings, config);
    pipe_settings_enlarge(settings, link->in);
    pipe_settings_enlarge(settings, link->out);
}

static via_status make_and_announce(const pipe_settings *settings, const pipe_place *place, via_deadline deadline,
                                    pipe_link *link, const struct stat *listener, via_error *error)
{
    via_status status;
    bool made = false;

    /* A new owner that tidies up may take a FIFO that is not open yet for a dead dialer's: then once more. */
    for (int i = 0; i < ATTEMPTS && !made; i++) {
        made = make_own(place, link, listener);
        if (!made && errno != ENOENT)
            break;
    }
    if (!made)
        return via_fail(settings->host, error, via_status_of_errno(errno), errno,
                        errno == EMFILE || errno == ENFILE ? limit_mend : "make the folder of the FIFO writable",
                        "cannot make a FIFO beside %s", place->path);
    status = announce(settings, place, link, deadline, error);
    if (status != VIA_OK)
        pipe_place_remove(link->names);
    return status;
}

via_status pipe_link_dial(const pipe_settings *settings, const pipe_place *place, via_deadline deadline,
                          via_stream_config *config, via_error *error)
{
    struct stat listener;
    int notice;
    pipe_link *link;
    via_status status = open_notice(settings->host, place, &notice, &listener, error);

    if (status != VIA_OK)
        return status;
    link = pipe_link_create(settings);
    if (link)
        link->names = malloc(sizeof(*link->names));
    if (!link || !link->names) {
        pipe_descriptors_close(&notice);
        status = via_fail(settings->host, error, VIA_ENOMEM, ENOMEM, NULL, "out of memory");
        goto cleanup;
    }
    atomic_store(&link->notice, notice);
    link->uid = (int64_t)listener.st_uid;
    link->gid = (int64_t)listener.st_gid;
    link->record = (pipe_record){.kind = PIPE_RECORD_CONNECT,
                                 .role = settings->role,
                                 .framing = pipe_record_framing(settings->framing->name),
                                 .pid = getpid()};
    status = make_and_announce(settings, place, deadline, link, &listener, error);
    if (status != VIA_OK)
        goto cleanup;
    describe(settings, link, config);
    return VIA_OK;
cleanup:
    if (link)
        pipe_link_destroy(link, VIA_CLOSE_FLUSH);
    return status;
}

/* ---- listener ----------------------------------------------------------------------------------------------- */

static via_status status_of_open(int os_code)
{
    switch (os_code) {
    case ENOENT: /* withdrawn, or tidied up */
    case ENXIO:  /* nobody has it open any more */
        return VIA_ENOPEER;
    case EMFILE:
    case ENFILE:
        return VIA_ELIMIT;
    case ENOMEM:
        return VIA_ENOMEM;
    default:
        return VIA_EPROTO;
    }
}

static via_status open_fifo(const char *path, int flags, int *descriptor, struct stat *status)
{
    *descriptor = open(path, flags | OPEN_FLAGS);
    if (*descriptor < 0)
        return status_of_open(errno);
    if (fstat(*descriptor, status) == 0 && S_ISFIFO(status->st_mode) && status->st_uid == geteuid())
        return VIA_OK;
    if (S_ISFIFO(status->st_mode) && geteuid() == 0) /* root serves everybody who could write to its FIFO */
        return VIA_OK;
    pipe_descriptors_close(descriptor);
    return VIA_EPROTO;
}

/* `up` is not there: the dialer is busy with it (see rest.c), or dead, or has withdrawn. Must not touch `down`. */
static via_status look_at_hold(const pipe_names *names)
{
    int writer = open(names->hold, O_WRONLY | OPEN_FLAGS);
    int os_code = errno;

    if (writer < 0)
        return os_code == ENXIO ? VIA_ECLOSED : VIA_ENOPEER;
    pipe_descriptors_close(&writer);
    return VIA_EBUSY;
}

/*
 * Who removes the name `up` has decided: see link.h. Only then may `down` be opened, since a dialer that sees its other
 * end come and go takes the connection for ended.
 *
 * A reader that was opened after the last writer has gone is never told of an end of file by poll(2). One more writer
 * that comes and goes makes the kernel see it. Until the connection is ours it and its twin also keep descriptors free
 * for what follows.
 */
static via_status claim(const pipe_names *names)
{
    int writer = open(names->up, O_WRONLY | OPEN_FLAGS);
    int twin = writer < 0 ? -1 : fcntl(writer, F_DUPFD_CLOEXEC, 0);
    via_status status = VIA_OK;

    if (writer < 0 || twin < 0)
        status = status_of_open(errno);
    else if (unlink(names->up) != 0)
        status = VIA_ENOPEER;
    pipe_descriptors_close(&twin);
    pipe_descriptors_close(&writer);
    return status;
}

/* VIA_ENOPEER: it has withdrawn; VIA_EBUSY: see pipe_link_accept; VIA_ECLOSED: it is dead. */
static via_status open_theirs(const pipe_names *names, pipe_link *link)
{
    struct stat status;
    via_status answer = open_fifo(names->up, O_RDONLY, &link->in, &status);

    if (answer == VIA_ENOPEER)
        return look_at_hold(names);
    if (answer == VIA_OK)
        answer = claim(names);
    if (answer != VIA_OK)
        return answer;
    answer = open_fifo(names->down, O_WRONLY, &link->out, &status);
    if (answer == VIA_ENOPEER && errno == ENXIO)
        return VIA_ECLOSED;
    link->uid = (int64_t)status.st_uid;
    link->gid = (int64_t)status.st_gid;
    if (answer == VIA_OK)
        answer = pipe_rest_open(names, link);
    if (answer != VIA_OK) /* the dialer no longer finds `up`, so the rest is ours to remove */
        pipe_place_remove(names);
    return answer;
}

static void greet(int descriptor, uint8_t verdict)
{
    uint8_t greeting[PIPE_GREETING_SIZE];

    pipe_greeting_write(verdict, greeting);
    (void)pipe_descriptors_put(descriptor, greeting, sizeof(greeting)); /* a dead dialer shows as an end of file */
}

/* A dead dialer may have secured what it sent before it died. */
static via_status take_remains(const pipe_settings *settings, const pipe_names *names, pipe_link *link,
                               via_stream_config *config)
{
    via_status status;

    pipe_descriptors_close(&link->in);
    status = pipe_rest_take(settings, names, link, config);
    if (status != VIA_ELIMIT && status != VIA_ENOMEM)
        pipe_place_remove(names);
    return status;
}

static via_status take_fifos(const pipe_settings *settings, const pipe_names *names, pipe_link *link,
                             via_stream_config *config)
{
    via_status status = open_theirs(names, link);

    if (status == VIA_ECLOSED)
        return take_remains(settings, names, link, config);
    if (status != VIA_OK)
        return status;
    greet(link->out, PIPE_GREETING_WELCOME);
    pipe_place_remove(names);
    describe(settings, link, config);
    return VIA_OK;
}

via_status pipe_link_accept(const pipe_settings *settings, const pipe_place *place, const pipe_record *record,
                            via_stream_config *config)
{
    pipe_names names;
    pipe_link *link = pipe_link_create(settings);
    via_status status;

    if (!link)
        return VIA_ENOMEM;
    atomic_store(&link->attached, true);
    pipe_place_names(place, record, &names);
    if (record->kind == PIPE_RECORD_REST)
        status = pipe_rest_take(settings, &names, link, config);
    else
        status = take_fifos(settings, &names, link, config);
    if (status != VIA_OK)
        pipe_link_destroy(link, VIA_CLOSE_FLUSH);
    return status;
}

void pipe_link_turn_away(const pipe_place *place, const pipe_record *record, uint8_t verdict)
{
    pipe_names names;
    struct stat status;
    int descriptor;

    pipe_place_names(place, record, &names);
    if (open_fifo(names.down, O_WRONLY, &descriptor, &status) == VIA_OK) {
        if (verdict)
            greet(descriptor, verdict);
        pipe_link_mark(descriptor);
        pipe_descriptors_close(&descriptor);
    }
    pipe_place_remove(&names);
}
