/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel on queues of the kernel: what both patterns do alike.
 *
 * Owns: sending and receiving one message, waiting, handles and arming. Who the other ends are, and how large messages travel, is
 * the pattern's: pair.c, queue.c.
 */
#ifndef MQUEUE_CHANNEL_H
#define MQUEUE_CHANNEL_H

#include "buffers.h"
#include "header.h"
#include "kernel.h"
#include "kit/spin.h"
#include "waiting.h"

#include <stdatomic.h>

typedef struct mqueue_channel mqueue_channel;

/* One large message on its way. */
typedef struct mqueue_load {
    const via_slice *slices;
    size_t count;
    uint64_t size;
    unsigned priority;
} mqueue_load;

/* What a pattern adds. */
typedef struct mqueue_pattern {
    /* Takes in the news of the others, and sets the states of the channel. From a thread that sends or receives. */
    void (*look)(mqueue_channel *channel);
    /* As much of it as any thread may do. */
    void (*refresh)(mqueue_channel *channel);
    /* Sends a message that is larger than a slot; blocks until the deadline. */
    via_status (*send_large)(mqueue_channel *channel, const mqueue_load *load, via_deadline deadline);
    /* Gets the body that a reference names. VIA_OK; VIA_EPROTO: there is none such; others: it may work later. */
    via_status (*fetch)(mqueue_channel *channel, const mqueue_header *header, void *data);
    /* What is no message of ours is in the queue. VIA_OK: go on with the next one; others: the channel has ended. */
    via_status (*refuse)(mqueue_channel *channel, const char *why);
    via_status (*finish)(mqueue_channel *channel, via_deadline deadline); /* NULL: VIA_ENOTSUP */
    via_status (*drain)(mqueue_channel *channel, uint64_t *undelivered);
    via_status (*peer)(mqueue_channel *channel, via_peer_info *out); /* NULL: VIA_ENOTSUP */
    void (*close)(mqueue_channel *channel, uint32_t how);            /* frees it, after mqueue_channel_fini() */
} mqueue_pattern;

/* A reference that was taken out of the queue, and whose body could not be had yet (no memory, no descriptor). */
typedef struct mqueue_pending {
    bool is_there;
    mqueue_header header;
    unsigned priority;
} mqueue_pending;

struct mqueue_channel {
    const mqueue_pattern *pattern;
    mqueue_settings settings;
    mqueue_kernel in;
    mqueue_kernel out;
    via_wake wake;
    int control;    /* of sleepers, see mqueue_sleep */
    int handles[2]; /* epolls, of those who poll for VIA_READ and VIA_WRITE; -1 = not made yet */
    /* VIA_OK; VIA_ETIMEDOUT: nobody is there to send to yet; others: ended */
    atomic_int read_state;
    atomic_int write_state;
    via_spin spin;  /* the receiving thread's */
    bool is_idle;   /* the next receive will have to wait, it seems. The receiving thread's */
    uint32_t tries; /* since the last look. The receiving thread's */
    mqueue_buffers buffers;
    mqueue_pending pending;
    unsigned char *outbox; /* one slot of `out`. The sending thread's */
    size_t outbox_size;
};

/* Nothing is open yet. */
void mqueue_channel_init(mqueue_channel *channel, const mqueue_pattern *pattern, const mqueue_settings *settings);
/* Once the queues are there. VIA_OK, VIA_ENOMEM. */
via_status mqueue_channel_start(mqueue_channel *channel, via_error *error);
/* Everything of it but its memory; `handles` are closed, `control` is the pattern's. */
void mqueue_channel_fini(mqueue_channel *channel);

/* One try of something. VIA_ETIMEDOUT: not now; VIA_EBUSY: not before the control takes more. */
typedef via_status (*mqueue_attempt)(mqueue_channel *channel, void *argument);
/* Tries once. VIA_ETIMEDOUT: not now; the end, where there is one and nothing is left before it. */
via_status mqueue_channel_try(mqueue_channel *channel, uint32_t event, mqueue_attempt attempt, void *argument);
/*
 * Tries until it is done or the deadline, and sleeps before each try: the caller has tried once. `event` is VIA_READ or
 * VIA_WRITE.
 */
via_status mqueue_channel_try_until(mqueue_channel *channel, uint32_t event, mqueue_attempt attempt, void *argument,
                                    via_deadline deadline);
/* The end of one direction or both, told once. */
void mqueue_channel_end(mqueue_channel *channel, uint32_t events, via_status status);

/* ---- send.c, receive.c -------------------------------------------------------------------------------------- */

via_status mqueue_channel_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                               via_deadline deadline);
via_status mqueue_channel_receive(void *channel, via_deadline deadline, via_msg *out);
void mqueue_channel_release(void *channel, via_msg *message);

extern const via_channel_ops mqueue_channel_ops;

#endif
