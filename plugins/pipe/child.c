/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process: waiting, signals, the last resort; see child.h. How it is started: spawn.c.
 */
#include "child.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* waitid fills si_pid only if there was something to reap. Needs the lock. */
static void reap(pipe_child *child)
{
    siginfo_t info = {0};
    int result;

    do
        result = waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG);
    while (result != 0 && errno == EINTR);
    if (result != 0) { /* ECHILD: somebody else has reaped it, or SIGCHLD is ignored */
        struct pollfd set = {.fd = child->pidfd, .events = POLLIN};

        child->ended = poll(&set, 1, 0) > 0;
        return;
    }
    if (info.si_pid == 0)
        return;
    child->ended = true;
    child->known = true;
    child->core_dumped = info.si_code == CLD_DUMPED;
    if (info.si_code == CLD_EXITED)
        child->code = info.si_status;
    else
        child->signal = info.si_status;
}

bool pipe_child_has_ended(pipe_child *child)
{
    bool ended;

    pthread_mutex_lock(&child->lock);
    if (!child->ended)
        reap(child);
    ended = child->ended;
    pthread_mutex_unlock(&child->lock);
    return ended;
}

static via_status poll_quietly(int descriptor, via_deadline deadline)
{
    struct pollfd set = {.fd = descriptor, .events = POLLIN};
    struct timespec storage;
    int ready;

    do
        ready = ppoll(&set, 1, via_deadline_timespec(deadline, &storage), NULL);
    while (ready < 0 && errno == EINTR);
    return ready > 0 ? VIA_OK : ready == 0 ? VIA_ETIMEDOUT : via_status_of_errno(errno);
}

via_status pipe_child_wait(pipe_child *child, via_wake *wake, via_deadline deadline)
{
    while (!pipe_child_has_ended(child)) {
        via_status status =
            wake ? via_wake_poll(wake, child->pidfd, POLLIN, deadline) : poll_quietly(child->pidfd, deadline);

        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

via_status pipe_child_kill(pipe_child *child, int signal_number)
{
    via_status status = VIA_OK;

    if (pipe_child_has_ended(child))
        return VIA_ENOENT;
    if (syscall(SYS_pidfd_send_signal, child->pidfd, signal_number, NULL, 0) != 0)
        status = via_status_of_errno(errno);
    return status;
}

void pipe_child_end(pipe_child *child, uint64_t grace_ns)
{
    via_deadline deadline = via_deadline_after(grace_ns > INT64_MAX ? -1 : (int64_t)grace_ns);

    if (pipe_child_kill(child, SIGTERM) == VIA_ENOENT)
        return;
    /* A stopped process sees SIGTERM only when it goes on. */
    (void)pipe_child_kill(child, SIGCONT);
    if (grace_ns > 0 && pipe_child_wait(child, NULL, deadline) == VIA_OK)
        return;
    if (pipe_child_kill(child, SIGKILL) == VIA_OK)
        (void)pipe_child_wait(child, NULL, VIA_FOREVER); /* nothing survives it, so this is short */
}

void pipe_child_fini(pipe_child *child)
{
    if (child->pidfd >= 0)
        close(child->pidfd);
    child->pidfd = -1;
    pthread_mutex_destroy(&child->lock);
}
