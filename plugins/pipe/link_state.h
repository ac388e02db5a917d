/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of link.h share with each other and with nobody else.
 */
#ifndef PIPE_LINK_STATE_H
#define PIPE_LINK_STATE_H

#include "link.h"

struct pipe_link {
    const via_host_api *host;
    via_context *context;
    via_counters *counters;
    bool in_queue; /* the end of this one connection is not the end of the channel */
    uint64_t linger_ns;
    int in;    /* what this end reads: `down` of a dialer, `up` of a listener */
    int out;   /* what it writes; -1 = finished */
    int spent; /* the number of `out` after that, which stays taken; -1 = not finished */
    int64_t uid;
    int64_t gid;
    pthread_mutex_t lock; /* of what follows */
    atomic_bool attached; /* taken up: what follows is of no more use */
    bool gone;            /* the listener died before that; told */
    int kept_reader;      /* dialer: of `up` */
    atomic_int notice;    /* dialer: the listener's FIFO */
    int read_set;         /* epolls, made when asked for before that; -1 */
    int write_set;
    const via_pollset *set;     /* of a hub, which wants to hear of the listener's death; NULL = none */
    void (*forget)(void *user); /* may be NULL */
    void *forget_user;
    pipe_record record; /* dialer: to withdraw with */
    char *path;         /* dialer: of the listener's FIFO, which the names of its own files begin with; else NULL */
    bool sent_ahead;    /* dialer: something was written before the listener's word */
    bool welcome;       /* that was a welcome, or this is the listener's end */
    uint8_t refusal;    /* dialer: it was none; PIPE_GREETING_* or PIPE_NO_GREETING */
    bool poked;         /* dialer: the first byte in the pipe says only that there is a file; see rest.c */
    bool announce_due;  /* dialer: the listener has to hear of us again */
    /* listener, only the receiving thread */
    int rest;       /* the file to be read before the pipe; -1 = none, or done */
    bool rest_only; /* and there is no pipe after it */
    bool rest_clean;
    bool poke_due;
};

/* The mark of an end that finished properly; see link.h. */
#define PIPE_FINISHED_BIT S_ISVTX

enum { PIPE_NO_GREETING = 0xff }; /* what came was none */

/* pipe_link_check() for who has the lock. */
via_status pipe_link_check_locked(pipe_link *link);

/* The names of a dialer's files: composed anew each time, since they are long and seldom asked for. */
void pipe_link_names(const pipe_link *link, pipe_names *names);

/* A link without descriptors, or NULL. */
pipe_link *pipe_link_create(const pipe_settings *settings);
/* Closes every descriptor and frees; removes no file. VIA_CLOSE_FORKED: leaves the epolls alone, which are shared. */
void pipe_link_destroy(pipe_link *link, uint32_t how);

/* In the handle of VIA_WRITE, if there is one of ours: the number that is written to; no `events` = no more. */
void pipe_link_watch_writer(const pipe_link *link, uint32_t events);
/* All of a stream's configuration; makes the pipes as large as the settings say. */
void pipe_link_describe(const pipe_settings *settings, pipe_link *link, via_stream_config *config);
/* Dialer: it knows by itself what the listener will answer. */
void pipe_link_refuse(pipe_link *link, uint8_t verdict);
/* What to say of a refusal, and how to mend it. */
const char *pipe_link_refusal_text(uint8_t refusal, const char **mend);

/* Keeps the reason for via_failure(), unless the channel has other connections. Returns `status`. */
via_status pipe_link_fail(const pipe_link *link, via_status status, const char *mend, const char *what);

/* Marks the FIFO or file behind `descriptor`: what was sent is complete. */
void pipe_link_mark(int descriptor);
bool pipe_link_is_marked(int descriptor);

/* Announces the dialer (again). 0, or an errno: EAGAIN, EPIPE. */
int pipe_link_announce(const pipe_link *link);

/* ---- rest.c ------------------------------------------------------------------------------------------------- */

/* Dialer, closing before it was taken up. False: the listener was faster; its word comes, unless it dies. */
bool pipe_rest_leave(pipe_link *link, bool complete);
/* Listener: the file of a dialer that is no more. Statuses as pipe_link_accept. */
via_status pipe_rest_take(const pipe_settings *settings, const pipe_names *names, pipe_link *link,
                          via_stream_config *config);
/* Listener: something to write to that shows that nobody reads it. False: errno says why. */
bool pipe_rest_stand_in(int *out);
/* Listener: the file of a dialer whose FIFOs are open, if there is one. VIA_OK, VIA_ELIMIT, VIA_EPROTO. */
via_status pipe_rest_open(const pipe_names *names, pipe_link *link);
/* Listener: reads the file. 0: it is at its end, and the pipe's turn has come; else as via_stream_io.read. */
int64_t pipe_rest_read(pipe_link *link, via_slice *into);

#endif
