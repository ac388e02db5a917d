/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making pipes; see descriptors.h.
 */
#include "descriptors.h"

#include "kit/quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FIRST_FREE = 3 };

int pipe_descriptors_duplicate(int descriptor)
{
    return fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_FREE);
}

void pipe_descriptors_close(int *descriptor)
{
    int saved_errno = errno;

    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
    errno = saved_errno;
}

/* Moves it above the standard streams. */
static int lift(int *descriptor)
{
    int lifted;

    if (*descriptor >= FIRST_FREE)
        return 0;
    lifted = pipe_descriptors_duplicate(*descriptor);
    if (lifted < 0)
        return -1;
    close(*descriptor);
    *descriptor = lifted;
    return 0;
}

int pipe_descriptors_make(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ends[0] = -1;
        ends[1] = -1;
        return -1;
    }
    if (lift(&ends[0]) == 0 && lift(&ends[1]) == 0)
        return 0;
    pipe_descriptors_close(&ends[0]);
    pipe_descriptors_close(&ends[1]);
    return -1;
}

int pipe_descriptors_unblock(int descriptor)
{
    int flags = fcntl(descriptor, F_GETFL);

    return flags < 0 ? -1 : fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

int pipe_descriptors_put(int descriptor, const void *bytes, unsigned size)
{
    const via_slice slice = {bytes, size};
    int64_t moved;

    do
        moved = via_stream_write_quietly(descriptor, &slice, 1, 0);
    while (moved < 0 && errno == EINTR);
    return moved == (int64_t)size ? 0 : moved < 0 ? errno : EIO;
}
