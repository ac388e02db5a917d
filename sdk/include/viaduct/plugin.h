/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin ABI: what a transport offers to the host, and what the host offers to it. Layers: <viaduct/layer.h>.
 *
 * Owns: the tables of functions on both sides, the entry symbol and the ABI note. A plugin includes this header (and
 * the kit's), never links libviaduct, and exports exactly one symbol: `via_plugin_v1`, made by VIA_PLUGIN().
 *
 * Rules for every slot:
 *  - Tables begin with their size and grow at their end within a major version. An optional slot may be NULL; the host
 *    then answers VIA_ENOTSUP, or does the work itself where the comment says so.
 *  - `error` is never NULL. Fill it with host->error(); the host adds plugin, stage, file and line.
 *  - Threads: on one channel one thread may be in a sending slot (send, loan, commit, discard, flush, finish, drain,
 *    arm VIA_WRITE) while another is in a receiving one (recv, release, arm VIA_READ). arm VIA_WORK may run in either
 *    of them or in a third. interrupt may come at any time, from any thread or signal handler. close comes alone.
 *  - A slot never raises SIGPIPE, changes signal masks, the locale, the working folder or the environment, or starts
 *    a thread that the manifest does not announce. Every descriptor is close-on-exec. EINTR is retried.
 *  - Deadlines: VIA_NOW tries once. Would-block is VIA_ETIMEDOUT.
 *  - After the first status that ends a channel (VIA_ECLOSED for receiving, VIA_EPEER, VIA_EPROTO, VIA_EIO) the same
 *    status is answered again; tell host->failed() the reason once.
 */
#ifndef VIADUCT_PLUGIN_H
#define VIADUCT_PLUGIN_H

#include <viaduct/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_ABI_MAJOR 1u
#define VIA_ABI_MINOR 0u

/* ---- what the host offers ----------------------------------------------------------------------------------- */

/* The host's side of one channel or listener; opaque. Valid until its close slot has returned. */
typedef struct via_context via_context;
typedef struct via_channel_ops via_channel_ops;
typedef struct via_layer via_layer; /* <viaduct/layer.h> */

/* The host's functions. Copied pointers stay valid from init until fini has returned. Any thread. */
typedef struct via_host_api {
    uint32_t size;
    uint32_t reserved;
    /* Fills an error record and returns `status`. Texts are copied; `what` and `mend` may be NULL. os_code: errno or 0. */
    via_status (*error)(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend);
    /* Writes one line to the log. `context` NULL = about the plugin itself. */
    void (*log)(via_context *context, uint32_t level, const char *text);
    /* Keeps the reason why the channel ended, for via_failure(); the first one stays. */
    void (*failed)(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend);
    /*
     * The channel has got internal work that was not outstanding before (a tail that could not be sent): whoever
     * waits for it in a waitset calls arm(VIA_WORK) soon. Not for signal handlers.
     */
    void (*attention)(via_context *context);
    /* For layers: every operation on the channel that one stands on. No slot is empty. See <viaduct/layer.h>. */
    const via_channel_ops *inner;
} via_host_api;

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* via_option.type: how `value` is to be read */
enum {
    VIA_OPTION_BOOL = 1u,     /* number: 0 or 1 */
    VIA_OPTION_INT = 2u,      /* number */
    VIA_OPTION_SIZE = 3u,     /* number: bytes */
    VIA_OPTION_DURATION = 4u, /* number: nanoseconds; -1 = forever */
    VIA_OPTION_STRING = 5u,   /* text */
    VIA_OPTION_ENUM = 6u,     /* text: one of the manifest's values; number: its index there */
    VIA_OPTION_PATH = 7u,     /* text */
    VIA_OPTION_MODE = 8u      /* number: permission bits */
};

/* One option of the manifest, checked, with its default filled in. The index is its place in the manifest. */
typedef struct via_option {
    const char *name;
    const char *text;
    int64_t number;
    uint32_t type;   /* VIA_OPTION_* */
    uint32_t is_set; /* 0 = this is the manifest's default */
} via_option;

/* What is to be opened. Everything but `context` and `counters` is valid during the call only. */
typedef struct via_open {
    uint32_t size;
    uint32_t pattern; /* VIA_PATTERN_*, one of those the manifest claims */
    uint32_t role;    /* VIA_PAIR, VIA_PUSH, ... */
    uint32_t side;    /* VIA_SIDE_BIND or VIA_SIDE_CONNECT, never DEFAULT */
    uint32_t threads; /* VIA_TWO; the host keeps VIA_MANY to itself */
    /*
     * What the layers above the transport make of its bytes: the same number at both ends if they do it alike; 0 = they
     * leave them as they are. A transport that greets its peers may compare it.
     */
    uint32_t stack_id;
    const char *scheme;        /* as the manifest spells it, also when an alias was used */
    const char *rest;          /* what follows "scheme:" up to "?", still percent-encoded */
    const via_option *options; /* all of the scheme's, in the manifest's order */
    size_t option_count;
    uint64_t max_message;   /* bytes: the manifest's limit, lowered by the user's `max_message` option */
    via_deadline deadline;  /* of dial and join */
    via_context *context;   /* valid for the life of the channel or listener */
    via_counters *counters; /* the plugin counts here, from `dropped_oldest` on; see via_count() */
} via_open;

/* Adds to a counter of via_counters. Relaxed: other threads read a snapshot. Any thread. */
VIA_INLINE void via_count(uint64_t *counter, uint64_t n)
{
#if defined(__GNUC__)
    (void)__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
#else
    *counter += n;
#endif
}

/* ---- what a transport offers -------------------------------------------------------------------------------- */

enum { VIA_CLOSE_FLUSH = 0u, VIA_CLOSE_FORKED = 1u };

/*
 * One channel, whatever its pattern. Mandatory: pollable, arm, interrupt, close; send or recv, as the role has it.
 * loan, commit, discard: all or none; without them the host lends pooled buffers and sends them with `send`.
 */
struct via_channel_ops {
    uint32_t size;
    uint32_t flags;
    /*
     * Sends the slices as one message; blocks until the deadline. With VIA_MORE in meta->flags it may wait in a
     * buffer for the next send. VIA_OK = accepted whole. On failure nothing has left: once a message's first byte
     * has, answer VIA_OK and keep the tail, to be flushed by the next call. `meta` may be NULL. count may be 0.
     * VIA_ETIMEDOUT ECANCELED ECLOSED EPEER EPROTO EINVAL (finished) ETOOBIG ENOTSUP ENOMEM EIO EDROPPED.
     */
    via_status (*send)(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                       via_deadline deadline);
    /*
     * Lends one received message; blocks until the deadline. Several may be out at once.
     * VIA_ETIMEDOUT ECANCELED ECLOSED EPEER EPROTO ETOOBIG ENOMEM EIO.
     */
    via_status (*recv)(void *channel, via_deadline deadline, via_msg *out);
    /* Takes a received message back; any order. */
    void (*release)(void *channel, via_msg *message);
    /* Lends memory of the transport to write in; see via_loan(). */
    via_status (*loan)(void *channel, size_t size, via_deadline deadline, via_msg *out);
    /* VIA_EINVAL: message->size is above the size that was lent. What lies behind that must never reach the peer. */
    via_status (*commit)(void *channel, via_msg *message, via_deadline deadline);
    void (*discard)(void *channel, via_msg *message);
    /* Hands what is held back to the OS; blocks until the deadline. NULL = nothing is ever held back. */
    via_status (*flush)(void *channel, via_deadline deadline);
    /* Flushes, then says that no more sends follow. NULL = VIA_ENOTSUP. */
    via_status (*finish)(void *channel, via_deadline deadline);
    /* Flushes and waits until nothing accepted depends on this process. NULL = flush. */
    via_status (*drain)(void *channel, via_deadline deadline, uint64_t *undelivered);
    /* Where to sleep for one event; constant, level-triggered. VIA_ENOTSUP if the event cannot happen. */
    via_status (*pollable)(void *channel, uint32_t event, via_poll_handle *out);
    /*
     * VIA_READ, VIA_WRITE: clears the handle, looks again; VIA_OK = safe to sleep, VIA_EREADY = act now (also when the
     * channel has ended). VIA_WORK: does what can be done without blocking; VIA_OK = more waits for the handle,
     * VIA_ENOENT = nothing outstanding. Never blocks.
     */
    via_status (*arm)(void *channel, uint32_t event);
    /* Makes present and later blocking slots answer VIA_ECANCELED. Signal-safe. */
    void (*interrupt)(void *channel);
    /*
     * Frees the channel. VIA_CLOSE_FLUSH: what was accepted goes on its way first (bounded by the transport's
     * `linger` option where it has one). VIA_CLOSE_FORKED: free memory and descriptors, touch nothing shared.
     */
    void (*close)(void *channel, uint32_t how);
    /* Optional. Fills what the OS vouches for. */
    via_status (*peer)(void *channel, via_peer_info *out);
    /* Optional. Corrects what the host filled in from the manifest (flags, max_message, address). */
    void (*info)(void *channel, via_channel_info *inout);
    /* Optional. Brings counters up to date before they are read. Any thread. */
    void (*refresh_counters)(void *channel);
    /* Optional. The table of an extension that the manifest's features announce, or NULL. */
    const void *(*extension)(void *channel, const char *id, void **self);
};

/* One listener. All slots are mandatory. */
typedef struct via_listener_ops {
    uint32_t size;
    uint32_t flags;
    /*
     * Waits for a dialer whose handshake is done. `open` describes the channel to be made: its context and counters
     * are new, the rest is as it was for listen. A failed handshake is counted and logged, never answered here.
     * VIA_ETIMEDOUT ECANCELED ELIMIT ENOMEM EIO.
     */
    via_status (*accept)(void *listener, via_deadline deadline, const via_open *open, void **channel, via_error *error);
    /* The address that a dialer uses, "scheme:rest". VIA_EBUFFER. */
    via_status (*address)(void *listener, char *buffer, size_t capacity);
    via_status (*pollable)(void *listener, via_poll_handle *out);
    via_status (*arm)(void *listener);
    void (*interrupt)(void *listener);
    void (*close)(void *listener, uint32_t how);
} via_listener_ops;

/*
 * One scheme. listen and dial are mandatory for VIA_PATTERN_PAIR, unless the manifest says that the scheme has no
 * listener ("listens": false); join for the other patterns.
 */
typedef struct via_transport {
    uint32_t size;
    uint32_t patterns; /* VIA_PATTERN_*; the manifest's claim must be the same set */
    const char *scheme;
    /* Takes the name. VIA_EBUSY: a live owner has it. Does not block. */
    via_status (*listen)(void *state, const via_open *open, void **listener, via_error *error);
    /*
     * Connects. VIA_ENOPEER at once if nobody listens: the host tries again until the deadline. Otherwise blocks at
     * most until open->deadline.
     */
    via_status (*dial)(void *state, const via_open *open, void **channel, via_error *error);
    /* Binds or connects (open->side), as dial. */
    via_status (*join)(void *state, const via_open *open, void **channel, via_error *error);
    const via_listener_ops *listener_ops; /* NULL = no listener */
    const via_channel_ops *channel_ops;
} via_transport;

/* A plugin. One per library, exported as `via_plugin_v1`. */
typedef struct via_plugin {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint64_t abi_hash; /* VIA_ABI_HASH */
    const char *name;  /* as in the manifest */
    /* Called once after load, alone. `*state` is handed to every opening slot. */
    via_status (*init)(const via_host_api *host, void **state, via_error *error);
    /* Called once, alone, when no channel or listener is left. */
    void (*fini)(void *state);
    const via_transport *transports;
    size_t transport_count;
    size_t transport_size; /* sizeof(via_transport) as the plugin knows it: the stride of `transports` */
    /* A plugin has transports or layers, as the "kind" of its manifest says; the other three fields are 0. */
    const via_layer *layers;
    size_t layer_count;
    size_t layer_size; /* sizeof(via_layer), likewise */
} via_plugin;

/* ---- ABI note ----------------------------------------------------------------------------------------------- */

/*
 * FNV-1a (64 bit) over the offsets of the fields that every plugin of this major version relies on. Two compilers that
 * lay the tables out differently get different hashes, and the host refuses the plugin before it is loaded.
 */
#define VIA_FNV_(hash, value) ((((uint64_t)(hash)) ^ (uint64_t)(value)) * UINT64_C(0x100000001b3))
#define VIA_FNV_4_(h, t, a, b, c, d)                                                                                   \
    VIA_FNV_(VIA_FNV_(VIA_FNV_(VIA_FNV_(h, offsetof(t, a)), offsetof(t, b)), offsetof(t, c)), offsetof(t, d))
#define VIA_ABI_SEED_ UINT64_C(0xcbf29ce484222325)
#define VIA_ABI_HASH_OPS_                                                                                              \
    VIA_FNV_4_(VIA_FNV_4_(VIA_FNV_4_(VIA_FNV_4_(VIA_ABI_SEED_, via_channel_ops, send, recv, release, loan),            \
                                     via_channel_ops, commit, discard, flush, finish),                                 \
                          via_channel_ops, drain, pollable, arm, interrupt),                                           \
               via_channel_ops, close, peer, info, extension)
#define VIA_ABI_HASH_OPEN_                                                                                             \
    VIA_FNV_4_(VIA_FNV_4_(VIA_FNV_4_(VIA_ABI_HASH_OPS_, via_open, pattern, side, rest, options), via_open,             \
                          max_message, deadline, context, counters),                                                   \
               via_option, name, text, number, type)
#define VIA_ABI_HASH_PLUGIN_                                                                                           \
    VIA_FNV_4_(VIA_FNV_4_(VIA_FNV_4_(VIA_FNV_4_(VIA_ABI_HASH_OPEN_, via_plugin, abi_hash, init, fini, transports),     \
                                     via_transport, scheme, listen, dial, join),                                       \
                          via_listener_ops, accept, address, pollable, close),                                         \
               via_host_api, error, log, failed, attention)
#define VIA_ABI_HASH                                                                                                   \
    VIA_FNV_(VIA_FNV_(VIA_FNV_(VIA_ABI_HASH_PLUGIN_, sizeof(via_msg)), sizeof(via_meta)), sizeof(via_error))

/* An ELF note (gABI): name "Viaduct", type 1, in section .note.viaduct. */
typedef struct via_abi_note {
    uint32_t name_size; /* 8 */
    uint32_t desc_size; /* 16 */
    uint32_t type;      /* 1 */
    char name[8];
    uint32_t major;
    uint32_t minor;
    uint32_t hash_low;
    uint32_t hash_high;
} via_abi_note;

#define VIA_ABI_NOTE_SECTION ".note.viaduct"

/*
 * Defines the plugin's entry and its ABI note. `transport_table` is an array of via_transport.
 *
 *     VIA_PLUGIN("socket", socket_init, socket_fini, socket_transports)
 */
#ifdef __cplusplus
#define VIA_EXTERN_C_ extern "C"
#else
#define VIA_EXTERN_C_ extern
#endif
#define VIA_PLUGIN(plugin_name, init_function, fini_function, transport_table)                                         \
    VIA_PLUGIN_ENTRY_(plugin_name, init_function, fini_function, transport_table, VIA_LENGTH_(transport_table),        \
                      sizeof(via_transport), NULL, 0, 0)
#define VIA_LENGTH_(table) (sizeof(table) / sizeof((table)[0]))
#define VIA_PLUGIN_ENTRY_(plugin_name, init_function, fini_function, ...)                                              \
    __attribute__((section(VIA_ABI_NOTE_SECTION), used, aligned(4))) static const via_abi_note via_abi_note_ = {       \
        8,                                                                                                             \
        16,                                                                                                            \
        1,                                                                                                             \
        "Viaduct",                                                                                                     \
        VIA_ABI_MAJOR,                                                                                                 \
        VIA_ABI_MINOR,                                                                                                 \
        (uint32_t)(VIA_ABI_HASH & 0xffffffffu),                                                                        \
        (uint32_t)(VIA_ABI_HASH >> 32)};                                                                               \
    VIA_EXTERN_C_ __attribute__((visibility("default"))) const via_plugin via_plugin_v1;                               \
    const via_plugin via_plugin_v1 = {sizeof(via_plugin), VIA_ABI_MAJOR, VIA_ABI_MINOR, VIA_ABI_HASH,                  \
                                      plugin_name,        init_function, fini_function, __VA_ARGS__}

#ifdef __cplusplus
}
#endif
#endif
