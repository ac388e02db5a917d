/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message queue of the kernel; see kernel.h.
 *
 * The tries give a time that has passed: so they never wait, even where whoever shares the descriptor has taken O_NONBLOCK
 * off it, and no change of the clock touches them.
 */
#include "kernel.h"

#include "kit/fail.h"
#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { MQUEUE_MAGIC = 0x19800202 }; /* statfs(2) */

static const struct timespec past = {0, 0};

/* ---- one try ------------------------------------------------------------------------------------------------ */

via_status mqueue_kernel_send(const mqueue_kernel *queue, const void *data, size_t size, unsigned priority)
{
    int code;

    do
        code = mq_timedsend(queue->descriptor, data, size, priority, &past) == 0 ? 0 : errno;
    while (code == EINTR);
    if (code == 0)
        return VIA_OK;
    if (code == EAGAIN || code == ETIMEDOUT)
        return VIA_ETIMEDOUT;
    return code == EMSGSIZE ? VIA_ETOOBIG : VIA_EIO;
}

via_status mqueue_kernel_receive(const mqueue_kernel *queue, void *data, size_t *size, unsigned *priority)
{
    ssize_t got;

    do
        got = mq_timedreceive(queue->descriptor, data, *size, priority, &past);
    while (got < 0 && errno == EINTR);
    if (got >= 0) {
        *size = (size_t)got;
        return VIA_OK;
    }
    return errno == EAGAIN || errno == ETIMEDOUT ? VIA_ETIMEDOUT : VIA_EIO;
}

long mqueue_kernel_count(const mqueue_kernel *queue)
{
    struct mq_attr attributes;

    return mq_getattr(queue->descriptor, &attributes) == 0 ? attributes.mq_curmsgs : -1;
}

bool mqueue_kernel_is_unlinked(const mqueue_kernel *queue)
{
    struct stat file;

    return fstat(queue->descriptor, &file) == 0 && file.st_nlink == 0;
}

void mqueue_kernel_close(mqueue_kernel *queue)
{
    if (queue->descriptor >= 0)
        (void)mq_close(queue->descriptor);
    queue->descriptor = -1;
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* What the queue says of itself; its two numbers never change. False with errno. */
static bool know(mqueue_kernel *queue)
{
    struct mq_attr attributes;
    struct stat file;

    if (mq_getattr(queue->descriptor, &attributes) != 0 || fstat(queue->descriptor, &file) != 0)
        return false;
    queue->size = (size_t)attributes.mq_msgsize;
    queue->depth = attributes.mq_maxmsg;
    queue->inode = file.st_ino;
    return true;
}

static via_status fail_open(const mqueue_settings *settings, const char *name, int code, via_error *error)
{
    if (code == ENOENT)
        return via_fail(settings->host, error, VIA_ENOPEER, code, "start the program that makes it, or check the name",
                        "there is no queue '%.200s'", name);
    if (code == EACCES)
        return via_fail(settings->host, error, VIA_EPERM, code, "ask its owner for a mode that lets this user in",
                        "this user must not open the queue '%.200s'", name);
    if (code == EMFILE || code == ENFILE)
        return via_fail(settings->host, error, VIA_ELIMIT, code, "raise the limit of open files (ulimit -n)",
                        "no descriptor is left for the queue '%.200s'", name);
    return via_fail(settings->host, error, via_status_of_errno(code), code, NULL, "cannot open the queue '%.200s'",
                    name);
}

/* The mode is what was asked for, whatever the umask; it was stricter until now, never wider. */
static via_status finish_making(const mqueue_settings *settings, const char *name, mqueue_kernel *queue,
                                via_error *error)
{
    if (know(queue) && fchmod(queue->descriptor, (mode_t)settings->mode) == 0)
        return VIA_OK;
    int code = errno;
    mqueue_kernel_close(queue);
    (void)mq_unlink(name);
    return via_fail(settings->host, error, via_status_of_errno(code), code, NULL, "cannot set up the queue '%.200s'",
                    name);
}

via_status mqueue_kernel_make(const mqueue_settings *settings, const char *name, int access, mqueue_kernel *queue,
                              via_error *error)
{
    mqueue_shape shape = mqueue_limits_choose(settings);
    const int flags = access | O_CREAT | O_EXCL | O_NONBLOCK | O_CLOEXEC;
    int code;

    do {
        struct mq_attr attributes = {.mq_maxmsg = shape.messages, .mq_msgsize = shape.size};
        queue->descriptor = mq_open(name, flags, (mode_t)(settings->mode & 0600), &attributes);
        code = queue->descriptor < 0 ? errno : 0;
    } while (code == EMFILE && mqueue_limits_shrink(settings, &shape));
    if (code == 0)
        return finish_making(settings, name, queue, error);
    if (code == EEXIST)
        return via_fail(settings->host, error, VIA_EBUSY, code, "choose another name",
                        "the queue '%.200s' is there already", name);
    if (code == EACCES)
        return fail_open(settings, name, code, error);
    return mqueue_limits_explain(settings, &shape, name, code, error);
}

/* Who made the name may read what others send: that has to be somebody we trust, as with a file. */
static via_status check_owner(const mqueue_settings *settings, const char *name, const mqueue_kernel *queue,
                              via_error *error)
{
    struct stat file;

    if (fstat(queue->descriptor, &file) != 0)
        return fail_open(settings, name, errno, error);
    if (settings->any_user || file.st_uid == geteuid() || file.st_uid == 0)
        return VIA_OK;
    return via_fail(settings->host, error, VIA_EPERM, 0,
                    "open with users=any if you trust that user, or choose another name",
                    "the queue '%.200s' belongs to another user (uid %ju)", name, (uintmax_t)file.st_uid);
}

via_status mqueue_kernel_open(const mqueue_settings *settings, const char *name, int access, mqueue_kernel *queue,
                              via_error *error)
{
    queue->descriptor = mq_open(name, access | O_NONBLOCK | O_CLOEXEC);
    if (queue->descriptor < 0 || !know(queue)) {
        int code = errno;
        mqueue_kernel_close(queue);
        return fail_open(settings, name, code, error);
    }
    via_status status = check_owner(settings, name, queue, error);
    if (status != VIA_OK)
        mqueue_kernel_close(queue);
    return status;
}

via_status mqueue_kernel_take(int descriptor, int access, mqueue_kernel *queue)
{
    struct statfs system;
    int flags = fcntl(descriptor, F_GETFL);

    if (flags < 0 || (flags & O_ACCMODE) != access || fstatfs(descriptor, &system) != 0 ||
        system.f_type != MQUEUE_MAGIC)
        return VIA_EPROTO;
    queue->descriptor = descriptor;
    if (know(queue))
        return VIA_OK;
    queue->descriptor = -1;
    return VIA_EPROTO;
}
