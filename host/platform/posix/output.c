/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending lines to a file or to stderr.
 *
 * A log on a closed pipe must not kill the program: SIGPIPE is blocked in this thread for the write, and the one that
 * the write has caused is taken back before the mask is restored.
 */
#include "platform/output.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

int via_output_open(const char *path)
{
    if (path == NULL)
        return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
}

void via_output_close(int output)
{
    if (output >= 0)
        (void)close(output);
}

static bool pipe_signal_is_pending(void)
{
    sigset_t pending;
    (void)sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

void via_output_append(int output, const char *bytes, size_t size)
{
    const int kept = errno;
    sigset_t pipe_signal;
    sigset_t before;
    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    const bool was_pending = pipe_signal_is_pending();
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ssize_t written;
    do {
        written = write(output, bytes, size);
    } while (written < 0 && errno == EINTR);
    if (written < 0 && errno == EPIPE && !was_pending) {
        const struct timespec at_once = {0, 0};
        (void)sigtimedwait(&pipe_signal, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = kept;
}
