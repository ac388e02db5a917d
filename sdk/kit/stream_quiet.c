/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a pipe without SIGPIPE.
 *
 * Owns: the two ways to do so: RWF_NOSIGNAL (Linux 6.18), else the signal is blocked for this thread, and taken off if
 * the write raised it. Never touches a SIGPIPE that was pending before.
 */
#include "kit/stream_internal.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <time.h>

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

static atomic_bool no_flag; /* this kernel does not know RWF_NOSIGNAL */

static int64_t write_masked(int descriptor, const struct iovec *from, int count, int flags)
{
    static const struct timespec at_once;
    sigset_t pipe_set;
    sigset_t before;
    sigset_t pending;
    int64_t moved;

    sigpending(&pending);
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &before);
    moved = pwritev2(descriptor, from, count, -1, flags);
    if (moved < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE)) {
        while (sigtimedwait(&pipe_set, NULL, &at_once) < 0 && errno == EINTR)
            ;
        errno = EPIPE;
    }
    int saved_errno = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved_errno;
    return moved;
}

int64_t via_stream_write_quietly(int descriptor, const via_slice *from, size_t count, int flags)
{
    const struct iovec *vector = (const struct iovec *)from; /* the same layout, by the ABI */

    if (!atomic_load_explicit(&no_flag, memory_order_relaxed)) {
        int64_t moved = pwritev2(descriptor, vector, (int)count, -1, flags | RWF_NOSIGNAL);

        if (moved >= 0 || errno != EOPNOTSUPP)
            return moved;
        if (flags == 0) /* so it was not the other flag that the descriptor would not have */
            atomic_store_explicit(&no_flag, true, memory_order_relaxed);
    }
    return write_masked(descriptor, vector, (int)count, flags);
}
