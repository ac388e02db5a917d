/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel over a byte stream: the pair pattern for sockets, FIFOs, a child's pipes, a serial line.
 *
 * Owns: one or two descriptors, framing both ways, the gather buffer of VIA_MORE, the one kept tail, the receive
 * blocks that messages are lent from, deadlines and interruption. A plugin embeds a via_stream as the first member of
 * its channel (or uses it as it is) and points the slots of its via_channel_ops at the functions below.
 * Must never know how the descriptors were made.
 *
 * Receiving reads as much as there is into a block (64 KiB) and lends messages out of it; a message larger than what is left
 * of the block gets a block of its own, read in place. Blocks are counted and freed when idle (arm VIA_READ).
 * Counts itself: a connection that is made (connects, peers), and its end, once (disconnects, peers).
 * Sending is one gathering write; a message's first byte out means the message is accepted and its tail kept.
 */
#ifndef VIADUCT_KIT_STREAM_H
#define VIADUCT_KIT_STREAM_H

#include "kit/framing.h"
#include "kit/spin.h"
#include "kit/wake.h"

#include <poll.h>

typedef struct via_stream via_stream;

/* How bytes move through a kind of descriptor. All results: > 0 bytes moved, 0 end of file, < 0 a via_status. */
typedef struct via_stream_io {
    int64_t (*read)(via_stream *stream, via_slice *into, size_t count, via_deadline deadline);
    int64_t (*write)(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline);
    via_status (*finish)(via_stream *stream); /* no more writes; the other end sees end of file */
    void (*unblock)(via_stream *stream);      /* signal-safe: makes a blocked read or write return; may be NULL */
    /* What comes next, without taking it, and without waiting. Needed for `answer_ns` only; may be NULL. */
    int64_t (*peek)(const via_stream *stream, uint8_t *into, size_t size);
    uint64_t (*unsent)(const via_stream *stream);    /* bytes the OS still needs this process for; NULL = none */
    void (*close)(via_stream *stream, uint32_t how); /* closes the descriptors */
    bool (*broken)(const via_stream *stream);        /* what is unsent will never arrive; NULL = never so */
} via_stream_io;

extern const via_stream_io
    via_stream_io_socket; /* blocking descriptors, MSG_DONTWAIT, SO_RCVTIMEO, SHUT_RD; read_fd == write_fd */
extern const via_stream_io via_stream_io_pipe; /* O_NONBLOCK descriptors, ppoll */
/* The same for what ends for nobody, a serial line: finish only flushes, and the other end is not told. */
extern const via_stream_io via_stream_io_device;
extern const via_stream_io
    via_stream_io_shared; /* descriptors shared with others (stdin, stdout, a terminal): never made non-blocking */

/* What a stream is made of. Descriptors become the stream's on VIA_OK. */
typedef struct via_stream_config {
    const via_host_api *host;
    via_context *context;
    via_counters *counters;
    const via_stream_io *io;
    int read_fd;  /* -1 = cannot receive */
    int write_fd; /* -1 = cannot send; may equal read_fd */
    const via_framing *framing;
    uint64_t max_message; /* bytes */
    uint64_t linger_ns;   /* how long close may take to send what was accepted */
    uint64_t spin_ns; /* io_socket: the most that a receive spins before it sleeps; 0 = never, UINT64_MAX = always */
    /* Bytes at the start of the incoming stream that are checked once and taken off, such as the SP greeting. */
    size_t greeting_size;                                     /* at most 16 */
    via_status (*greeting)(void *user, const uint8_t *bytes); /* VIA_OK or VIA_EPROTO */
    bool greeting_optional; /* the other end takes what one sent that has gone: see via_stream_await_greeting */
    /* Until its greeting the other end may refuse what was sent; a drain waits for it so long from now on. 0 = it does not */
    uint64_t answer_ns;
    /* Bytes between framing header and body on the wire (SP pair1's hop count): sent as given, checked on receipt. */
    size_t prefix_size; /* at most 16 */
    uint8_t prefix[16];
    via_status (*check_prefix)(void *user, const uint8_t *bytes);
    void *user;
    bool uncounted; /* one of a hub's, which counts its connections itself */
} via_stream_config;

/* The structure is public so that it can be embedded; its fields are the kit's. See kit/stream_state.h. */
#include "kit/stream_state.h"

via_status via_stream_init(via_stream *stream, const via_stream_config *config);
/* Flushes within linger, then frees; VIA_CLOSE_FORKED: frees only. */
void via_stream_fini(via_stream *stream, uint32_t how);

/* The slots. `stream` is a via_stream *. close also frees the memory of `stream` with free(). */
via_status via_stream_send(void *stream, const via_slice *slices, size_t count, const via_meta *meta,
                           via_deadline deadline);
via_status via_stream_recv(void *stream, via_deadline deadline, via_msg *out);
void via_stream_release(void *stream, via_msg *message);
via_status via_stream_flush(void *stream, via_deadline deadline);
via_status via_stream_finish(void *stream, via_deadline deadline);
via_status via_stream_drain(void *stream, via_deadline deadline, uint64_t *undelivered);
via_status via_stream_pollable(void *stream, uint32_t event, via_poll_handle *out);
via_status via_stream_arm(void *stream, uint32_t event);
void via_stream_interrupt(void *stream);
void via_stream_close(void *stream, uint32_t how);

/* `backlog_bytes`, and an end that nobody has run into so far; the other counters are always up to date. */
/* What its framing does not keep is not promised. */
void via_stream_info(void *stream, via_channel_info *inout);
void via_stream_refresh_counters(void *stream);

/*
 * Before closing: a program of another make may turn a connection away, with what was sent on it, when its own greeting
 * finds the connection closed. So that greeting is waited for, a moment: one that has not accepted yet cannot answer.
 * Returns at once if nothing was sent, if anything has come, or if the greeting is optional.
 */
enum { VIA_STREAM_GREETING_LINGER_NS = 200000000 };
void via_stream_await_greeting(via_stream *stream, via_deadline deadline);

/*
 * For a read of one's own (via_stream_io): sleeps until one of `set` shows what it is watched for, or an error; a tail
 * that has to go out is written meanwhile. At most VIA_STREAM_SLEEP_MOST places. VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED,
 * VIA_ENOMEM, VIA_EIO.
 */
enum { VIA_STREAM_SLEEP_MOST = 2 };
via_status via_stream_sleep(via_stream *stream, struct pollfd *set, size_t count, via_deadline deadline);
/* The same for the descriptor that is read. */
via_status via_stream_sleep_for_input(via_stream *stream, via_deadline deadline);

/*
 * For a finish of one's own, where only closing write_fd shows the other end an end of file: closes what it is. The
 * number stays taken, and ready, until the stream's close.
 */
void via_stream_close_writer(via_stream *stream);

/* For hubs: something was sent, and its fate is not known but may be soon. */
bool via_stream_is_unanswered(via_stream *stream);
/* For hubs: VIA_OK: admitted, or not asked for; VIA_ETIMEDOUT: nobody knows; VIA_EPROTO, VIA_EPEER: refused. */
via_status via_stream_answer(via_stream *stream);
/* For hubs: keeps a refusal as the reason of the channel's failure. */
void via_stream_tell_refusal(const via_stream_config *config, via_status status);
/* For hubs: a receive would answer without a system call: a message is in the buffer, or the stream has ended. */
bool via_stream_has_message(const via_stream *stream);
/* For hubs: bytes of the tail and the gather buffer that the OS has not taken yet. */
size_t via_stream_backlog(const via_stream *stream);
/* For hubs: the other end takes no more. What has not left is counted as dropped, sends fail, receives go on. */
void via_stream_abandon(via_stream *stream);
/* For hubs: bytes that the OS has taken and that a death of this process could still lose. */
uint64_t via_stream_unsent(const via_stream *stream);

#endif
