/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exec.c and exec_end.c share with each other and with nobody else.
 */
#ifndef PIPE_EXEC_STATE_H
#define PIPE_EXEC_STATE_H

#include "child.h"
#include "kit/stream.h"

typedef struct exec_channel {
    via_stream stream; /* first: the kit's slots get this address */
    pipe_child child;
    uint64_t terminate_ns;
    uint64_t deliver_ns;  /* how long close waits for the child to read what was accepted */
    int input;            /* O_PATH: the child's input, which we no longer write to; -1 = we do */
    pthread_mutex_t lock; /* of the two below */
    int read_set;         /* epoll: the child's output and, after that, its end; -1 = not asked for so far */
    bool output_ended;
} exec_channel;

/* Before its input is closed: keeps it in sight, for how much of it the child has still to read. */
void pipe_exec_keep_input(exec_channel *channel);
/* Waits for the child to read what was accepted; see README.md. */
void pipe_exec_deliver(exec_channel *channel);
/* Its input closed: reads what the child still says, so that it does not die of a closed pipe. False: it has not ended. */
bool pipe_exec_outlive(exec_channel *channel, via_deadline deadline);

#endif
