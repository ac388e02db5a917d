/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name that others can dial; see listener.h.
 */
#include "listener.h"

#include "card.h"
#include "descriptors.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "named.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE = 256 }; /* wrong announcements in one call, so that a stranger cannot keep it busy for ever */
enum { BUSY_LOOKS = 20000 };

struct pipe_listener {
    pipe_settings settings;
    pipe_place place;
    pipe_card card;
    via_lock lock;
    int fifo; /* open both ways, so that it never shows an end of file */
    dev_t device;
    ino_t inode;
    via_wake wake;
    uint8_t bytes[PIPE_RECORD_SIZE]; /* what has been read of the next announcement */
    size_t have;
    unsigned busy_looks; /* in a row, at dialers that were busy */
    char address[PIPE_PATH_MAX * 3 + 8];
};

/* ---- taking the name ---------------------------------------------------------------------------------------- */

/* We hold the lock: a FIFO that is there is a dead owner's, unless somebody who does not know our lock reads it. */
static via_status clear_remains(const via_host_api *host, const char *path, via_error *error)
{
    struct stat status;
    int writer;

    if (lstat(path, &status) != 0)
        return errno == ENOENT
                   ? VIA_OK
                   : via_fail(host, error, via_status_of_errno(errno), errno, NULL, "cannot look at %s", path);
    if (!S_ISFIFO(status.st_mode))
        return via_fail(host, error, VIA_EBUSY, 0, "remove it, or choose another name", "%s exists and is not a FIFO",
                        path);
    writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (writer >= 0) {
        pipe_descriptors_close(&writer);
        return via_fail(host, error, VIA_EBUSY, 0, "end the process that has it open (fuser), or choose another name",
                        "somebody reads %s", path);
    }
    if (errno == ENXIO && unlink(path) == 0)
        return VIA_OK;
    return via_fail(host, error, via_status_of_errno(errno), errno, "remove it", "cannot replace %s", path);
}

static via_status make_fifo(pipe_listener *listener, via_error *error)
{
    const via_host_api *host = listener->settings.host;
    const char *path = listener->place.path;
    struct stat status;
    via_status answer = clear_remains(host, path, error);

    if (answer != VIA_OK)
        return answer;
    if (mkfifo(path, 0600) != 0)
        return via_fail(host, error, via_status_of_errno(errno) == VIA_ENOENT ? VIA_EINVAL : via_status_of_errno(errno),
                        errno, "choose a folder that exists and that you may write to", "cannot make the FIFO %s",
                        path);
    if (lstat(path, &status) == 0) /* before it is open, so that a child can have it open only if it is noted */
        via_lock_note_file(&listener->lock, status.st_dev, status.st_ino);
    listener->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (listener->fifo < 0 || fstat(listener->fifo, &status) != 0) {
        (void)via_fail(host, error, via_status_of_errno(errno), errno, NULL, "cannot open the FIFO %s", path);
        unlink(path);
        return error->status;
    }
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return VIA_OK;
}

/* Before the FIFO is there; see card.h. */
static via_status leave_card(pipe_listener *listener, via_error *error)
{
    const pipe_settings *settings = &listener->settings;

    listener->card = (pipe_card){settings->role, pipe_record_framing(settings->framing->name)};
    if (pipe_card_leave(&listener->lock, &listener->card) == VIA_OK)
        return VIA_OK;
    return via_fail(settings->host, error, VIA_EIO, errno, "make room in the folder of the FIFO", "cannot write to %s",
                    listener->lock.path);
}

via_status pipe_listener_open(const pipe_settings *settings, const char *rest, pipe_listener **out, via_error *error)
{
    pipe_listener *listener = calloc(1, sizeof(*listener));
    via_status status;

    if (!listener)
        return via_fail(settings->host, error, VIA_ENOMEM, ENOMEM, NULL, "out of memory");
    listener->settings = *settings;
    listener->fifo = -1;
    listener->lock.descriptor = -1;
    via_wake_init(&listener->wake);
    snprintf(listener->address, sizeof(listener->address), "pipe:%s", rest);
    status = pipe_place_find(settings->host, rest, &listener->place, error);
    if (status == VIA_OK)
        status = via_lock_take(settings->host, listener->place.path, &listener->lock, error);
    if (status == VIA_OK)
        status = leave_card(listener, error);
    if (status == VIA_OK)
        status = make_fifo(listener, error);
    if (status != VIA_OK) {
        pipe_descriptors_close(&listener->fifo);
        via_lock_drop(&listener->lock);
        via_wake_fini(&listener->wake);
        free(listener);
        return status;
    }
    (void)pipe_place_reclaim(&listener->place);
    *out = listener;
    return VIA_OK;
}

/* ---- announcements ------------------------------------------------------------------------------------------ */

/* Reads what is missing of the next one. VIA_ETIMEDOUT: not all of it is there. */
static via_status read_on(pipe_listener *listener)
{
    while (listener->have < sizeof(listener->bytes)) {
        ssize_t moved =
            read(listener->fifo, listener->bytes + listener->have, sizeof(listener->bytes) - listener->have);

        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return moved == 0 || errno == EAGAIN ? VIA_ETIMEDOUT : VIA_EIO;
        listener->have += (size_t)moved;
    }
    return VIA_OK;
}

static void skip(pipe_listener *listener, size_t size)
{
    memmove(listener->bytes, listener->bytes + size, listener->have - size);
    listener->have -= size;
}

static void refuse(pipe_listener *listener, const char *why)
{
    via_count(&listener->settings.counters->protocol_errors, 1);
    via_note(listener->settings.host, listener->settings.context, VIA_LOG_WARNING, "%s: an announcement was %s",
             listener->place.path, why);
}

/* Takes up the dialer of `record`; see pipe_link_accept. */
static via_status take_up(pipe_listener *listener, const pipe_settings *settings, const pipe_record *record,
                          via_stream_config *config)
{
    uint8_t verdict = pipe_record_judge(record, listener->card.role, listener->card.framing);
    via_status status;

    if (verdict != PIPE_GREETING_WELCOME) {
        if (record->kind == PIPE_RECORD_CONNECT) /* or it has been counted already */
            refuse(listener, verdict == PIPE_GREETING_PATTERN ? "for another pattern or role" : "for another framing");
        return pipe_link_turn_away(&listener->place, record, verdict);
    }
    status = pipe_link_accept(settings, &listener->place, record, config);
    if (status == VIA_EPROTO)
        refuse(listener, "of files that are no dialer's");
    return status;
}

/*
 * A dialer that was busy is looked at again soon, for it may die before it announces itself again. Not for ever: one
 * that was stopped will announce itself when it goes on.
 */
static void look_again(pipe_listener *listener, pipe_record record)
{
    uint8_t bytes[PIPE_RECORD_SIZE];

    if (++listener->busy_looks > BUSY_LOOKS)
        return;
    if (record.kind == PIPE_RECORD_CONNECT)
        record.kind = PIPE_RECORD_AGAIN;
    pipe_record_write(&record, bytes);
    (void)pipe_descriptors_put(listener->fifo, bytes, sizeof(bytes));
}

via_status pipe_listener_next(pipe_listener *listener, const pipe_settings *settings, via_stream_config *config)
{
    for (int i = 0; i < PATIENCE; i++) {
        pipe_record record;
        via_status status = read_on(listener);

        if (status != VIA_OK)
            return status;
        if (pipe_record_read(listener->bytes, &record) != VIA_OK) {
            refuse(listener, "not understood");
            skip(listener, pipe_record_resync(listener->bytes, listener->have));
            continue;
        }
        status = take_up(listener, settings, &record, config);
        if (status == VIA_EBUSY)
            look_again(listener, record);
        else
            listener->busy_looks = 0;
        if (status != VIA_ELIMIT && status != VIA_ENOMEM) /* those may be better off later */
            skip(listener, sizeof(listener->bytes));
        if (status == VIA_EBUSY)
            continue;
        if (status != VIA_ENOPEER && status != VIA_EPROTO)
            return status;
    }
    return VIA_ETIMEDOUT;
}

int pipe_listener_descriptor(const pipe_listener *listener)
{
    return listener->fifo;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void give_up_name(const pipe_listener *listener)
{
    struct stat status;

    if (lstat(listener->place.path, &status) == 0 && status.st_dev == listener->device &&
        status.st_ino == listener->inode)
        unlink(listener->place.path);
}

/* Nobody can announce himself any more; those who have are told. */
static void send_home(pipe_listener *listener)
{
    pipe_record record;

    while (read_on(listener) == VIA_OK) {
        if (pipe_record_read(listener->bytes, &record) != VIA_OK) {
            skip(listener, pipe_record_resync(listener->bytes, listener->have));
            continue;
        }
        (void)pipe_link_turn_away(&listener->place, &record, 0);
        skip(listener, sizeof(listener->bytes));
    }
}

void pipe_listener_close(pipe_listener *listener, uint32_t how)
{
    if (how != VIA_CLOSE_FORKED) {
        give_up_name(listener);
        send_home(listener);
        (void)pipe_place_reclaim(&listener->place);
    }
    pipe_descriptors_close(&listener->fifo);
    if (how == VIA_CLOSE_FORKED)
        via_lock_forget(&listener->lock);
    else
        via_lock_drop(&listener->lock);
    via_wake_fini(&listener->wake);
    free(listener);
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static via_status listener_accept(void *self, via_deadline deadline, const via_open *open, void **channel,
                                  via_error *error)
{
    pipe_listener *listener = self;
    pipe_settings settings = listener->settings;
    via_stream_config config;
    via_status status;

    settings.context = open->context;
    settings.counters = open->counters;
    for (;;) {
        if (via_wake_is_raised(&listener->wake))
            return VIA_ECANCELED;
        status = pipe_listener_next(listener, &settings, &config);
        if (status == VIA_OK)
            return pipe_named_create_pair(&settings, &config, channel, error);
        if (status == VIA_ETIMEDOUT && deadline != VIA_NOW)
            status = via_wake_poll(&listener->wake, listener->fifo, POLLIN, deadline);
        if (status == VIA_ELIMIT)
            return via_fail(settings.host, error, status, EMFILE,
                            "close something, or raise the limit of open files (ulimit -n); the dialer waits",
                            "no descriptors for a dialer at %s", listener->place.path);
        if (status != VIA_OK)
            return status;
    }
}

static via_status listener_address(void *self, char *buffer, size_t capacity)
{
    const pipe_listener *listener = self;

    if (strlen(listener->address) >= capacity)
        return VIA_EBUFFER;
    memcpy(buffer, listener->address, strlen(listener->address) + 1);
    return VIA_OK;
}

static via_status listener_pollable(void *self, via_poll_handle *out)
{
    const pipe_listener *listener = self;

    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = listener->fifo;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

static via_status listener_arm(void *self)
{
    const pipe_listener *listener = self;

    /* An announcement that was read when there were no descriptors no longer shows on the handle. */
    return via_wake_is_raised(&listener->wake) || listener->have == sizeof(listener->bytes) ? VIA_EREADY : VIA_OK;
}

static void listener_interrupt(void *self)
{
    pipe_listener *listener = self;

    via_wake_raise(&listener->wake);
}

static void listener_close(void *self, uint32_t how)
{
    pipe_listener_close(self, how);
}

const via_listener_ops pipe_listener_ops = {
    .size = sizeof(via_listener_ops),
    .accept = listener_accept,
    .address = listener_address,
    .pollable = listener_pollable,
    .arm = listener_arm,
    .interrupt = listener_interrupt,
    .close = listener_close,
};
