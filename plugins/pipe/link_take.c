/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a listener makes of an announcement: a connection, or a refusal; see link.h.
 *
 * Owns: the listener's half of the order of steps that link.h describes. Must never touch `down`, `rest` or their names
 * before `up` is claimed, and must give every claimed dialer its word or leave its reading end without a writer.
 */
#include "link_state.h"

#include "descriptors.h"
#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FLAGS = O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW };

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
 * Who removes the name `up` has claimed the dialer: see link.h. Only then may `down` be opened, since a dialer that sees
 * its other end come and go takes the connection for ended.
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

static void greet(int descriptor, uint8_t verdict)
{
    uint8_t greeting[PIPE_GREETING_SIZE];

    pipe_greeting_write(verdict, greeting);
    (void)pipe_descriptors_put(descriptor, greeting, sizeof(greeting)); /* a dead dialer shows as an end of file */
}

/*
 * Claimed, and no descriptor for `down`: the dialer would wait for a word that never comes. The one of `up` is given up
 * to show it an end without a word.
 */
static void drop_claimed(const pipe_names *names, pipe_link *link)
{
    pipe_descriptors_close(&link->in);
    if (link->out < 0)
        link->out = open(names->down, O_WRONLY | OPEN_FLAGS);
    pipe_descriptors_close(&link->out);
    pipe_place_remove(names);
}

/* VIA_ENOPEER: it has withdrawn; VIA_EBUSY: see pipe_link_accept; VIA_ECLOSED: nobody has `down` open, `in` may be. */
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
        drop_claimed(names, link);
    return answer;
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

/* It has closed properly after `up` was claimed; see part() in link_io.c. */
static bool has_left(const pipe_names *names, pipe_link *link)
{
    struct stat status;

    if (link->in < 0 || lstat(names->down, &status) != 0 || !S_ISFIFO(status.st_mode))
        return false;
    link->uid = (int64_t)status.st_uid;
    link->gid = (int64_t)status.st_gid;
    return (status.st_mode & PIPE_FINISHED_BIT) != 0;
}

/* What it sent is in the pipe, behind its file if there is one. */
static via_status take_leaver(const pipe_settings *settings, const pipe_names *names, pipe_link *link,
                              via_stream_config *config)
{
    via_status status = pipe_rest_stand_in(&link->out) ? pipe_rest_open(names, link) : via_status_of_errno(errno);

    pipe_place_remove(names);
    if (status == VIA_OK)
        pipe_link_describe(settings, link, config);
    return status;
}

static via_status take_fifos(const pipe_settings *settings, const pipe_names *names, pipe_link *link,
                             via_stream_config *config)
{
    via_status status = open_theirs(names, link);

    if (status == VIA_ECLOSED && has_left(names, link))
        return take_leaver(settings, names, link, config);
    if (status == VIA_ECLOSED)
        return take_remains(settings, names, link, config);
    if (status != VIA_OK)
        return status;
    greet(link->out, PIPE_GREETING_WELCOME);
    pipe_place_remove(names);
    pipe_link_describe(settings, link, config);
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
    link->welcome = true;
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

/* The end is marked: it was said properly, if not with a greeting. */
static void tell(const pipe_names *names, uint8_t verdict)
{
    struct stat status;
    int descriptor;

    if (open_fifo(names->down, O_WRONLY, &descriptor, &status) != VIA_OK)
        return;
    if (verdict)
        greet(descriptor, verdict);
    pipe_link_mark(descriptor);
    pipe_descriptors_close(&descriptor);
}

via_status pipe_link_turn_away(const pipe_place *place, const pipe_record *record, uint8_t verdict)
{
    pipe_names names;
    via_status status = VIA_OK;

    pipe_place_names(place, record, &names);
    if (record->kind != PIPE_RECORD_REST && unlink(names.up) != 0)
        status = errno == ENOENT ? look_at_hold(&names) : VIA_ENOPEER;
    if (status == VIA_EBUSY || status == VIA_ENOPEER) /* not ours to remove */
        return status;
    if (status == VIA_OK && record->kind != PIPE_RECORD_REST)
        tell(&names, verdict);
    pipe_place_remove(&names);
    return VIA_ENOPEER;
}
