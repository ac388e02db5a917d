/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process.
 *
 * Owns: its pid, its pidfd (pidfd_open(2)) and the duty to reap it, once. Must never signal or reap by number what may
 * be somebody else's by now. All functions but fini may be called by any thread.
 */
#ifndef PIPE_CHILD_H
#define PIPE_CHILD_H

#include "kit/wake.h"

#include <pthread.h>
#include <sys/types.h>
#include <viaduct/ext/process.h>

typedef struct pipe_child {
    pid_t pid;
    int pidfd; /* readable once the child has ended; -1 = it was gone before we could ask */
    pthread_mutex_t lock;
    bool ended;
    bool known; /* how it ended: not when the program ignores SIGCHLD or reaps strangers */
    int code;   /* exit status, -1 = by a signal or not known */
    int signal;
    bool core_dumped;
} pipe_child;

/* How to start a program. All texts are borrowed. */
typedef struct pipe_child_plan {
    char *const *arguments; /* NULL-terminated; [0] is looked for in PATH unless there is a '/' in it */
    char *const *environment;
    const char *folder; /* "" = where we are */
    int standard_input; /* >= 3, as the next */
    int standard_output;
} pipe_child_plan;

/* Starts it. A program that cannot be run is told here and now, never later. `child` needs no fini on failure. */
via_status pipe_child_start(const via_host_api *host, const pipe_child_plan *plan, pipe_child *child, via_error *error);
/* Has it ended? Reaps it then. */
bool pipe_child_has_ended(pipe_child *child);
/* VIA_OK: it has ended and is reaped; VIA_ETIMEDOUT, VIA_ECANCELED, VIA_ELIMIT, VIA_EIO. `wake` NULL = no interrupt. */
via_status pipe_child_wait(pipe_child *child, via_wake *wake, via_deadline deadline);
/* VIA_OK, VIA_ENOENT, VIA_EPERM, VIA_EINVAL. */
via_status pipe_child_kill(pipe_child *child, int signal_number);
/* Asks it to go with SIGTERM, gives it `grace_ns`, then SIGKILL; reaps it. */
void pipe_child_end(pipe_child *child, uint64_t grace_ns);
/* Frees what is ours; does not touch the process. */
void pipe_child_fini(pipe_child *child);

#endif
