/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a via_stream is made of: public so that it can be embedded in a plugin's channel, and the kit's alone to touch.
 *
 * Owns: the layout. The receiving half belongs to the receiving thread, the sending half to whoever holds `lock`; the
 * padding keeps the two on cache lines of their own (no alignment is asked for, so that malloc'ed memory will do).
 */
#ifndef VIADUCT_KIT_STREAM_STATE_H
#define VIADUCT_KIT_STREAM_STATE_H

#ifndef VIADUCT_KIT_STREAM_H
#error "include kit/stream.h"
#endif

#include "kit/atomic.h"

#include <pthread.h>

/* A counted piece of memory that messages are lent from; see stream_recv.c. */
typedef struct via_stream_block via_stream_block;

/* What both halves know of the greeting; the receiving half writes it. */
enum {
    VIA_STREAM_UNHEARD,  /* nothing of it has been taken */
    VIA_STREAM_TAKING,   /* some of it has, or is about to be */
    VIA_STREAM_ADMITTED, /* it is right, or none is expected */
    VIA_STREAM_REFUSED   /* something else came, as `recv_status` says */
};

struct via_stream {
    /* Set once by init. */
    via_stream_config config;
    via_wake wake;
    size_t trailer_size;      /* of the framing */
    via_deadline answer_by;   /* a drain waits no longer for the greeting */
    via_atomic_int ready_fd;  /* always ready: stands for a descriptor that epoll(7) refuses; -1 = not needed so far */
    via_atomic_int write_set; /* epoll: stands for a descriptor that finish takes away; -1 = not needed so far */
    via_atomic_uint over;     /* VIA_STREAM_OVER_*: which halves have ended */
    char pad_receive[64];

    /* Receiving. */
    via_stream_block *block; /* where bytes are read into; NULL while idle */
    via_stream_block *spare; /* a free block kept for the next message */
    size_t begin;            /* the unconsumed bytes of `block` are [begin, end) */
    size_t end;
    via_frame frame;        /* what is known of the frame at `begin` */
    size_t need;            /* size of that frame; 0 = not known so far */
    size_t expected;        /* size of the last frame if it was large, else 0 */
    uint64_t taken;         /* bytes of the incoming stream up to the end of the message received last */
    uint64_t arrived;       /* bytes read from the descriptor so far: taken + end - begin */
    via_status recv_status; /* final answer once everything buffered has been handed out; VIA_OK = going on */
    bool greeted;
    bool at_eof;
    via_atomic_bool sleeps; /* a receive does, so it wants to be nudged when it has a tail to move */
    bool read_starved;      /* io_pipe: the last read found nothing at first, so the next one had better wait first */
    bool read_timeout;      /* io_socket: SO_RCVTIMEO is set */
    via_spin spin;          /* io_socket */
    uint8_t shared_read;    /* io_shared: how this descriptor may be read; 0 = not known so far */
    char pad_send[64];

    /* Sending. */
    pthread_mutex_t lock;
    uint8_t *out; /* accepted and not sent: [out_begin, out_end); gathered messages, or a tail */
    size_t out_begin;
    size_t out_end;
    size_t out_capacity;
    size_t torn;             /* bytes at the start of `out` that continue a message begun outside it */
    via_atomic_size backlog; /* out_end - out_begin, for other threads */
    via_atomic_int answer;   /* VIA_STREAM_UNHEARD... */
    via_atomic_bool due;     /* `out` waits for the OS, not for more messages */
    via_atomic_bool finished;
    via_status send_status; /* final; VIA_OK = going on */
    uint64_t sent;          /* messages accepted so far */
    bool closing;           /* an interrupt no longer stops what is written */
    via_deadline close_by;  /* when closing: the end of `linger` */
    uint8_t shared_write;   /* io_shared: how this descriptor may be written; 0 = not known so far */
};

#endif
