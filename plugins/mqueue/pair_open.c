/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialing a pair.
 *
 * Owns: the making of two queues without a name. The kernel knows none such, so for a moment each has one, the same for all that dial
 * this listener: a lock keeps them apart, and what is there already is a dead dialer's.
 */
#include "kit/credentials.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/unix_name.h"
#include "pair.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAKING_TRIES = 200, MAKING_PAUSE_NS = 50 * 1000 };

/* ---- the lock of the moment --------------------------------------------------------------------------------- */

static bool lock_now(int descriptor, const char *path)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    struct stat opened;
    struct stat named;

    return fcntl(descriptor, F_OFD_SETLK, &range) == 0 && fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* The descriptor, or -1 with errno. Others have it for moments only; one that was stopped meanwhile is not waited for. */
static int begin_making(const char *path)
{
    const struct timespec pause = {0, MAKING_PAUSE_NS};

    for (int i = 0; i < MAKING_TRIES; i++) {
        int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor < 0)
            return -1;
        if (lock_now(descriptor, path))
            return descriptor;
        (void)close(descriptor);
        (void)nanosleep(&pause, NULL);
    }
    errno = EAGAIN;
    return -1;
}

static void end_making(const char *path, int descriptor)
{
    (void)unlink(path);
    (void)close(descriptor);
}

/* ---- two queues --------------------------------------------------------------------------------------------- */

/* One queue: our end of it, and the other's. */
static via_status make_queue(const mqueue_settings *settings, const char *name, int access, mqueue_kernel *ours,
                             mqueue_kernel *theirs, via_error *error)
{
    (void)mq_unlink(name); /* a dialer died here */
    via_status status = mqueue_kernel_make(settings, name, access, ours, error);
    if (status == VIA_OK)
        status = mqueue_kernel_open(settings, name, access == O_RDONLY ? O_WRONLY : O_RDONLY, theirs, error);
    (void)mq_unlink(name);
    return status;
}

typedef struct queues {
    mqueue_kernel in;
    mqueue_kernel out;
    mqueue_kernel their_in; /* the one that we send by */
    mqueue_kernel their_out;
} queues;

static void close_queues(queues *made)
{
    mqueue_kernel_close(&made->in);
    mqueue_kernel_close(&made->out);
    mqueue_kernel_close(&made->their_in);
    mqueue_kernel_close(&made->their_out);
}

static via_status make_queues(const mqueue_settings *settings, const mqueue_place *place, queues *made,
                              via_error *error)
{
    char path[MQUEUE_PATH_MAX + 16];

    (void)snprintf(path, sizeof(path), "%s.making", place->path);
    int lock = begin_making(path);
    if (lock < 0 && errno == EAGAIN)
        return via_fail(settings->host, error, VIA_ENOPEER, EAGAIN, "try again", "others are dialing '%.200s' just now",
                        path);
    if (lock < 0)
        return via_fail(settings->host, error, via_status_of_errno(errno), errno, NULL, "cannot open '%.200s'", path);
    via_status status = make_queue(settings, place->queue, O_WRONLY, &made->out, &made->their_in, error);
    if (status == VIA_OK)
        status = make_queue(settings, place->queue, O_RDONLY, &made->in, &made->their_out, error);
    end_making(path, lock);
    return status;
}

/* ---- dialing ------------------------------------------------------------------------------------------------ */

static via_status greet(const mqueue_settings *settings, int socket, const queues *made, via_error *error)
{
    const int descriptors[2] = {made->their_in.descriptor, made->their_out.descriptor};
    via_status status = mqueue_word_send(socket, (mqueue_word){.kind = MQUEUE_HELLO, .role = VIA_PAIR}, descriptors, 2);

    if (status == VIA_OK)
        return VIA_OK;
    return via_fail(settings->host, error, status == VIA_EPEER || status == VIA_ETIMEDOUT ? VIA_ENOPEER : status, errno,
                    "try again", "the listener has just left");
}

static via_status connect_to(const mqueue_settings *settings, const char *path, int *socket, via_error *error)
{
    via_status status = via_unix_name_dial(settings->host, path, SOCK_SEQPACKET, socket, error);

    if (status != VIA_OK || via_credentials_check_user(*socket, settings->any_user) == VIA_OK)
        return status;
    (void)close(*socket);
    *socket = -1;
    return via_fail(settings->host, error, VIA_EPERM, 0, "dial with users=any if you trust that user",
                    "'%s' is served by another user", path);
}

via_status mqueue_pair_dial(const mqueue_settings *settings, const via_open *open, void **channel, via_error *error)
{
    queues made = {{.descriptor = -1}, {.descriptor = -1}, {.descriptor = -1}, {.descriptor = -1}};
    mqueue_place place;
    int socket = -1;
    via_status status = mqueue_place_find(settings, open->rest, &place, error);

    if (status == VIA_OK)
        status = connect_to(settings, place.path, &socket, error);
    if (status == VIA_OK)
        status = make_queues(settings, &place, &made, error);
    if (status == VIA_OK)
        status = greet(settings, socket, &made, error);
    if (status == VIA_OK) {
        status = mqueue_pair_create(settings, socket, &made.in, &made.out, channel, error);
        made.in.descriptor = made.out.descriptor = -1; /* the channel's now, or closed */
        socket = -1;
    }
    close_queues(&made);
    if (socket >= 0)
        (void)close(socket);
    return status;
}
