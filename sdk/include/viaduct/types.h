/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that applications and plugins share: statuses, deadlines, slices, messages, error records.
 *
 * Owns: every type that crosses both ABIs. Must never name an OS type or include anything but <std*.h>.
 * Types marked "frozen" never change; the others begin with `uint32_t size` and grow at their end.
 */
#ifndef VIADUCT_TYPES_H
#define VIADUCT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VIA_CHECK_RESULT __attribute__((warn_unused_result))
#else
#define VIA_CHECK_RESULT
#endif

/* Initialisers are inline here; libviaduct exports them as symbols too, for languages that have no C compiler. */
#ifndef VIA_INLINE
#define VIA_INLINE static inline
#endif

/* ---- status ------------------------------------------------------------------------------------------------- */

/* What a call answers: VIA_OK or one of the negative numbers below. The numbers never change. */
typedef int32_t via_status;

enum {
    VIA_OK = 0,
    VIA_ETIMEDOUT = -1, /* the deadline passed; with VIA_NOW: it would have blocked. Nothing was sent or taken */
    VIA_EREADY = -2,    /* from arm only: do not sleep, there is something to do now */
    VIA_ECANCELED = -3, /* via_interrupt() was called on this object; final */
    VIA_ECLOSED = -4,   /* the other end finished, and everything it sent has been received */
    VIA_EPEER = -5,     /* the other end died */
    VIA_EPROTO = -6,    /* the other end broke the protocol; the channel is over */
    VIA_ENOPEER = -7,   /* nobody serves this address */
    VIA_EFORK = -8,     /* this object belongs to the parent process; here it can only be closed */
    VIA_ETOOBIG = -9,   /* the message is larger than the channel carries; nothing was sent */
    VIA_EBUFFER = -10,  /* the caller's buffer is too small; the size is reported and the message kept */
    VIA_EINVAL = -11,   /* an argument, address, option or manifest is wrong */
    VIA_ENOTSUP = -12,  /* this transport cannot do that */
    VIA_ENOMEM = -13,   /* out of memory */
    VIA_ELIMIT = -14,   /* a limit of the OS or of the configuration was met (descriptors, queue, peers) */
    VIA_EBUSY = -15,    /* somebody else holds it (a live owner's name, a channel in another waitset) */
    VIA_EPERM = -16,    /* permission or trust refused */
    VIA_ENOENT = -17,   /* no such thing (plugin, endpoint, file, extension, outstanding work) */
    VIA_ETYPE = -18,    /* wrong type (of an option, a content type, an RPC argument) */
    VIA_EIO = -19,      /* the OS failed in a way that no other status names; see os_code */
    VIA_ESTALLED = -20, /* the other end lives but has stopped */
    VIA_EREVOKED = -21, /* what was granted has been taken back (ownership of a clipboard, a lease) */
    VIA_EREFUSED = -22, /* the other end, or a plugin, said no */
    VIA_EDROPPED = -23, /* the overflow policy of the channel discarded this message */
    VIA_EREMOTE = -24   /* the other end answered a call with an error of its own */
};

/* ---- deadline ----------------------------------------------------------------------------------------------- */

/* A point in time in nanoseconds of the monotonic clock (CLOCK_MONOTONIC on POSIX). See via_after_ms(). */
typedef uint64_t via_deadline;

#define VIA_NOW ((via_deadline)0)              /* try once, never block */
#define VIA_FOREVER ((via_deadline)UINT64_MAX) /* no deadline */

/* ---- messages ----------------------------------------------------------------------------------------------- */

/* Frozen. Bytes that somebody else owns; the layout of struct iovec on POSIX, so that an array of them is one. */
typedef struct via_slice {
    const void *data;
    size_t size;
} via_slice;

/* via_meta.flags */
enum {
    VIA_MORE = 1u,  /* sending: another message follows at once, so this one may wait for it */
    VIA_MISSED = 2u /* received: the policy of the channel dropped messages before this one */
};

/* Frozen, 32 bytes. What may travel with a message; via_info() tells which of it the wire carries. */
typedef struct via_meta {
    uint64_t sequence;        /* number of the message in its stream; 0 = the wire carries none */
    uint32_t flags;           /* VIA_MORE, VIA_MISSED */
    int32_t priority;         /* larger is more urgent; 0 = normal */
    const char *key;          /* topic key, levels separated by dots; NULL, or text of at most 255 bytes */
    const char *content_type; /* MIME type; NULL, or text of at most 255 bytes */
} via_meta;

/*
 * Frozen, 64 bytes. A message that is lent: received (via_recv .. via_release) or about to be sent (via_loan ..
 * via_commit). `data` and the texts in `meta` stay valid until it is given back. `token` is the transport's own.
 */
typedef struct via_msg {
    void *data;
    size_t size;
    via_meta meta;
    uintptr_t token[2];
} via_msg;

/* ---- patterns and roles ------------------------------------------------------------------------------------- */

/* via_pattern: a bit each, so that a set of them is a mask */
enum {
    VIA_PATTERN_PAIR = 1u,
    VIA_PATTERN_QUEUE = 2u,
    VIA_PATTERN_TOPIC = 4u,
    VIA_PATTERN_VALUE = 8u,
    VIA_PATTERN_REGION = 16u
};

/* role in via_join(); it names the pattern too */
enum {
    VIA_PAIR = 0u, /* what via_listen(), via_accept() and via_dial() make */
    VIA_PUSH = 1u,
    VIA_PULL = 2u,
    VIA_PUBLISH = 3u,
    VIA_SUBSCRIBE = 4u,
    VIA_VALUE = 5u,
    VIA_REGION = 6u
};

/* side: which end owns the name */
enum {
    VIA_SIDE_DEFAULT = 0u, /* pair: the listener; queue: the receiver; topic: the publisher */
    VIA_SIDE_BIND = 1u,
    VIA_SIDE_CONNECT = 2u
};

/* threads */
enum {
    VIA_TWO = 0u, /* one thread may send while another receives */
    VIA_MANY = 1u /* any number of threads may send and receive */
};

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/* events; pollable and arm take one, a waitset takes a mask */
enum {
    VIA_READ = 1u,  /* a receive (or an accept) would not block, or the channel has ended */
    VIA_WRITE = 2u, /* a send would not block, or the channel has ended */
    VIA_WORK = 4u   /* internal work can go on (a kept tail, a subscription): via_arm(VIA_WORK) does it */
};

enum { VIA_POLL_DESCRIPTOR = 1u }; /* via_poll_handle.kind: a file descriptor for poll(2), epoll(7), io_uring */

/* via_poll_handle.wait: what to wait for on the handle */
enum { VIA_WAIT_READABLE = 1u, VIA_WAIT_WRITABLE = 2u };

/* Where to sleep for one event. Level-triggered; the same for the life of the channel; never read from or closed. */
typedef struct via_poll_handle {
    uint32_t size; /* sizeof(via_poll_handle), set by the caller */
    uint32_t kind;
    intptr_t handle;
    uint32_t wait;
    uint32_t reserved;
} via_poll_handle;

/* ---- knowing ------------------------------------------------------------------------------------------------ */

/* Who is at the other end, as far as the OS vouches for it. */
typedef struct via_peer_info {
    uint32_t size;
    uint32_t known; /* which of the fields below are filled: VIA_PEER_* */
    int64_t pid;
    int64_t uid;       /* POSIX user id */
    int64_t gid;       /* POSIX group id */
    char address[256]; /* where it is, in this transport's own notation; "" = unknown */
} via_peer_info;

enum { VIA_PEER_PROCESS = 1u, VIA_PEER_USER = 2u, VIA_PEER_ADDRESS = 4u };

/* via_channel_info.flags */
enum {
    VIA_INFO_LOAN_NATIVE = 1u,   /* a loan is the transport's own memory; otherwise a pooled buffer of the host */
    VIA_INFO_LINGER_NATIVE = 2u, /* what via_send() accepted survives via_close() and exit */
    VIA_INFO_REDIALS = 4u,       /* a lost connection is made again by itself */
    VIA_INFO_CARRIES_KEY = 16u,  /* via_meta.key travels with a message */
    VIA_INFO_CARRIES_TYPE = 32u, /* via_meta.content_type does */
    VIA_INFO_CARRIES_PRIORITY = 64u,
    VIA_INFO_CARRIES_SEQUENCE = 128u,
    VIA_INFO_KEEPS_BOUNDARIES = 256u, /* one send is one receive; a raw byte stream does not have it */
    VIA_INFO_ATTACH = 1024u,          /* guarantees, as the manifest claims them */
    VIA_INFO_LOSSLESS = 2048u,
    VIA_INFO_ORDERED = 4096u,
    VIA_INFO_DEATH = 8192u
};

/* What a channel is and promises. */
typedef struct via_channel_info {
    uint32_t size;
    uint32_t pattern; /* VIA_PATTERN_* */
    uint32_t role;
    uint32_t side; /* VIA_SIDE_BIND or VIA_SIDE_CONNECT */
    uint32_t threads;
    uint32_t flags;       /* VIA_INFO_* */
    uint64_t max_message; /* bytes */
    char plugin[64];
    char scheme[32];
    char endpoint[64]; /* "" = opened by address */
    char address[512]; /* resolved, without secrets */
} via_channel_info;

/*
 * What a channel has done so far. Counters only grow, except `peers` and `backlog_bytes`. A message that is dropped
 * is counted once, under the reason.
 */
typedef struct via_counters {
    uint32_t size;
    uint32_t reserved;
    uint64_t sent_messages; /* the first four are the host's */
    uint64_t sent_bytes;
    uint64_t received_messages;
    uint64_t received_bytes;
    uint64_t dropped_oldest;  /* by overflow=drop-oldest */
    uint64_t dropped_newest;  /* by overflow=drop-newest or fail */
    uint64_t dropped_nobody;  /* published while nobody was attached */
    uint64_t dropped_filter;  /* received, but outside filter= */
    uint64_t dropped_closing; /* accepted, and lost because the channel ended */
    uint64_t missed;          /* gaps seen in the sequence */
    uint64_t protocol_errors; /* peers that were turned away */
    uint64_t connects;        /* connections made or accepted */
    uint64_t disconnects;     /* connections that ended */
    uint64_t peers;           /* attached now */
    uint64_t backlog_bytes;   /* accepted, and still in this process */
} via_counters;

/* ---- errors ------------------------------------------------------------------------------------------------- */

/* via_error.stage: where it went wrong */
enum {
    VIA_STAGE_NONE = 0u,
    VIA_STAGE_DISCOVER = 1u,
    VIA_STAGE_PARSE = 2u,
    VIA_STAGE_SCHEMA = 3u,
    VIA_STAGE_TRUST = 4u,
    VIA_STAGE_PREFLIGHT = 5u,
    VIA_STAGE_LOAD = 6u,
    VIA_STAGE_NEGOTIATE = 7u,
    VIA_STAGE_INIT = 8u,
    VIA_STAGE_RESOLVE = 9u, /* of an address or endpoint */
    VIA_STAGE_OPTIONS = 10u,
    VIA_STAGE_OPEN = 11u, /* in the plugin: listen, accept, dial, join */
    VIA_STAGE_DATA = 12u  /* in the plugin: an open channel ended */
};

/*
 * A whole explanation, without pointers: it outlives plugin and host. Owned by the caller; set up by
 * via_error_init(). A text that does not fit is cut and ends in "...".
 */
typedef struct via_error {
    uint32_t size;
    via_status status;
    uint32_t stage;
    int32_t os_code; /* errno; 0 = none */
    uint32_t line;   /* in `file`, from 1; 0 = none */
    uint32_t column;
    char plugin[64];
    char file[512];
    char pointer[128]; /* JSON pointer (RFC 6901) in `file` */
    char os_text[128];
    char what[512];  /* what is wrong, and what was expected */
    char mend[256];  /* what to do about it; "" = nothing known */
    char more[1024]; /* further causes, one a line */
} via_error;

/* Empties an error record. Every set-up call does so first. */
VIA_INLINE void via_error_init(via_error *error)
{
    via_error empty = {sizeof(via_error), VIA_OK, VIA_STAGE_NONE, 0, 0, 0, "", "", "", "", "", "", ""};
    *error = empty;
}

/* levels of the log */
enum { VIA_LOG_ERROR = 1u, VIA_LOG_WARNING = 2u, VIA_LOG_INFO = 3u, VIA_LOG_DEBUG = 4u };

#ifdef __cplusplus
}
#endif
#endif
