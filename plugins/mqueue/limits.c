/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the system allows; see limits.h. Must never change a limit: they are the process's, or the system's.
 */
#include "limits.h"

#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define FOLDER "/proc/sys/fs/mqueue/"

/* What the kernel keeps for each message beside its bytes (struct msg_msg and a node of a tree): getrlimit(2), 64 bit. */
enum { OVERHEAD = 48 + 48 };

/* A limit of the system, or `otherwise` where /proc does not say. */
static long read_limit(const char *path, long otherwise)
{
    char text[32];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = descriptor < 0 ? -1 : read(descriptor, text, sizeof(text) - 1);

    if (descriptor >= 0)
        (void)close(descriptor);
    if (size <= 0)
        return otherwise;
    text[size] = '\0';
    long value = strtol(text, NULL, 10);
    return value > 0 ? value : otherwise;
}

static long most(const char *path, long wanted, bool is_set)
{
    long allowed = is_set ? wanted : read_limit(path, wanted);

    return wanted < allowed ? wanted : allowed;
}

mqueue_shape mqueue_limits_choose(const mqueue_settings *settings)
{
    return (mqueue_shape){most(FOLDER "msg_max", (long)settings->messages, settings->has_messages),
                          most(FOLDER "msgsize_max", (long)settings->message_size, settings->has_message_size)};
}

bool mqueue_limits_shrink(const mqueue_settings *settings, mqueue_shape *shape)
{
    /* A bare queue has no other way for what is larger, so there the size stays. */
    if (settings->has_message_size || settings->is_bare || shape->size / 2 < MQUEUE_SMALLEST)
        return false;
    shape->size /= 2;
    return true;
}

uint64_t mqueue_limits_cost(const mqueue_shape *shape)
{
    return (uint64_t)shape->messages * ((uint64_t)shape->size + OVERHEAD);
}

/* Room for one more queue beside what the user may have: twice as much leaves some over, but twice nothing is nothing. */
static uint64_t enough(uint64_t limit, uint64_t cost)
{
    if (limit > UINT64_MAX / 2)
        return limit;
    return limit > cost ? limit * 2 : limit + cost;
}

static via_status explain_share(const mqueue_settings *settings, const mqueue_shape *shape, const char *name,
                                via_error *error)
{
    struct rlimit limit = {0, 0};
    char mend[200];

    (void)getrlimit(RLIMIT_MSGQUEUE, &limit);
    (void)snprintf(
        mend, sizeof(mend),
        "close other queues of this user, ask for fewer or smaller messages, or raise the limit: ulimit -q %ju "
        "(prlimit --pid $$ --msgqueue=...)",
        (uintmax_t)enough(limit.rlim_cur, mqueue_limits_cost(shape)));
    return via_fail(
        settings->host, error, VIA_ELIMIT, EMFILE, mend,
        "no room for the queue '%.100s' of %ld messages of %ld bytes (%" PRIu64
        " in all): RLIMIT_MSGQUEUE allows this user %ju bytes in all queues together, or this process has no "
        "descriptor left (ulimit -n)",
        name, shape->messages, shape->size, mqueue_limits_cost(shape), (uintmax_t)limit.rlim_cur);
}

static via_status explain_shape(const mqueue_settings *settings, const mqueue_shape *shape, const char *name,
                                via_error *error)
{
    long messages = read_limit(FOLDER "msg_max", 0);
    long size = read_limit(FOLDER "msgsize_max", 0);
    bool is_deep = messages && shape->messages > messages;
    char mend[200];

    (void)snprintf(mend, sizeof(mend), "sysctl -w fs.mqueue.%s=%ld as root, or open with %s=%ld",
                   is_deep ? "msg_max" : "msgsize_max", is_deep ? shape->messages : shape->size,
                   is_deep ? "messages" : "message_size", is_deep ? messages : size);
    return via_fail(settings->host, error, VIA_ELIMIT, EINVAL, mend,
                    "no queue '%.100s' of %ld messages of %ld bytes: %s allows %ld", name, shape->messages, shape->size,
                    is_deep ? FOLDER "msg_max" : FOLDER "msgsize_max", is_deep ? messages : size);
}

via_status mqueue_limits_explain(const mqueue_settings *settings, const mqueue_shape *shape, const char *name, int code,
                                 via_error *error)
{
    if (code == EMFILE)
        return explain_share(settings, shape, name, error);
    if (code == EINVAL)
        return explain_shape(settings, shape, name, error);
    if (code == ENOSPC)
        return via_fail(settings->host, error, VIA_ELIMIT, code,
                        "remove queues that nobody needs, or raise it: sysctl -w fs.mqueue.queues_max=... as root",
                        "no queue '%.100s': " FOLDER "queues_max allows %ld in all", name,
                        read_limit(FOLDER "queues_max", 0));
    return via_fail(settings->host, error, via_status_of_errno(code), code,
                    code == ENOSYS ? "use a kernel with POSIX message queues (CONFIG_POSIX_MQUEUE)" : NULL,
                    "cannot make the queue '%.100s'", name);
}
