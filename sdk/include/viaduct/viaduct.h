/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application ABI: everything a program needs to exchange messages through whichever transport a text file names.
 *
 * Owns: the calls that libviaduct exports. Must never show how a transport works.
 *
 * Rules that hold for every call:
 *  - A returned pointer is borrowed, a `**out` is owned by the caller. On failure `*out` is NULL.
 *  - Set-up calls take an optional `via_error *error` (NULL = not wanted), owned by the caller, and fill it on failure.
 *    Data calls return the status alone; via_failure() gives the lasting reason why a channel ended.
 *  - A blocking call has a deadline. VIA_NOW tries once; would-block and too-late are both VIA_ETIMEDOUT.
 *  - No call aborts, exits, raises SIGPIPE, installs a signal handler, starts a thread or writes to stdout or stderr.
 *  - In a forked child every object of the parent answers VIA_EFORK and can only be closed.
 *  - Threads: on one channel one thread may send while another receives (VIA_MANY lifts that). Different channels are
 *    independent. A host may be used by any thread. Closing needs that no other thread is inside a call.
 */
#ifndef VIADUCT_VIADUCT_H
#define VIADUCT_VIADUCT_H

#include <viaduct/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VIA_API __attribute__((visibility("default")))
#else
#define VIA_API
#endif

typedef struct via_host via_host;
typedef struct via_listener via_listener;
typedef struct via_channel via_channel;
typedef struct via_waitset via_waitset;

/* ---- small helpers ------------------------------------------------------------------------------------------ */

/* The version of the loaded library, "MAJOR.MINOR.PATCH". Static text. Any thread. */
VIA_API const char *via_version(void);
/* The name of a status, "VIA_ETIMEDOUT". Static text, never NULL. Any thread. */
VIA_API const char *via_status_name(via_status status);
/* The same as a short phrase for people, "the deadline passed". Static text, never NULL. Any thread. */
VIA_API const char *via_status_text(via_status status);
/* Now, in nanoseconds of the clock that deadlines use. Any thread, signal-safe. */
VIA_API uint64_t via_now_ns(void);
/* The deadline `milliseconds` from now. Saturates at VIA_FOREVER. Any thread, signal-safe. */
VIA_API via_deadline via_after_ms(uint64_t milliseconds);

/* Frees what a call in this header says to free with it. NULL is allowed. */
VIA_API void via_free(void *memory);

/* ---- host --------------------------------------------------------------------------------------------------- */

/* Receives one line of the log, without a newline. May be called by any thread that is inside a Viaduct call. */
typedef void (*via_log_fn)(void *user, uint32_t level, const char *plugin, const char *text);

/* via_host_options.flags */
enum {
    VIA_HOST_NO_ENVIRONMENT = 1u,  /* ignore every VIADUCT_* and XDG_* variable (always so under AT_SECURE) */
    VIA_HOST_NO_DEFAULT_PATHS = 2u /* search only what is given here */
};

/* How to open a host. Everything is copied in the call. All lists may be NULL when their count is 0. */
typedef struct via_host_options {
    uint32_t size;
    uint32_t flags;
    const char *const *plugin_paths; /* folders, searched before all others */
    size_t plugin_path_count;
    const char *const *endpoint_paths; /* files or folders, searched before all others */
    size_t endpoint_path_count;
    const char *const *trusted_paths; /* folders below which other owners are accepted, as VIADUCT_TRUST */
    size_t trusted_path_count;
    via_log_fn log; /* NULL = VIADUCT_LOG decides */
    void *log_user;
    uint32_t log_level; /* VIA_LOG_*; 0 = VIA_LOG_WARNING */
    uint32_t reserved;
} via_host_options;

/* The defaults: every list empty, the log as VIADUCT_LOG has it. Any thread. */
VIA_INLINE void via_host_options_init(via_host_options *options)
{
    via_host_options empty = {sizeof(via_host_options), 0, NULL, 0, NULL, 0, NULL, 0, NULL, NULL, 0, 0};
    *options = empty;
}

/*
 * Finds plugins and endpoints; runs no code of any plugin. A bad plugin or endpoint file is kept as refused and never
 * stops the others, unless its manifest says `critical`. `options` NULL = the defaults.
 * VIA_OK, VIA_ENOMEM, VIA_EINVAL; for a critical plugin the status of its refusal.
 */
VIA_API VIA_CHECK_RESULT via_status via_host_open(const via_host_options *options, via_host **host, via_error *error);
/* Gives the host up. It lives on while channels or listeners of it are open. NULL is allowed. */
VIA_API void via_host_close(via_host *host);
/*
 * Searches again: new files are found, removed ones forgotten. Open channels are not touched. Nobody has to call it for an
 * opening call to see what is there: that looks by itself when a searched folder has changed. Files that have become bad
 * (half copied, a broken edit) do not replace what works: the last good state serves on, and the reason is told. Code whose
 * files were replaced is unloaded after its last channel.
 */
VIA_API VIA_CHECK_RESULT via_status via_host_scan(via_host *host, via_error *error);
/*
 * Where to sleep until a searched folder changes (event VIA_READ; then call via_host_scan, and via_change_next until it has no
 * more). Level-triggered until the next scan; it may wake for nothing. From the first call on changes are kept. The handle is
 * the host's. VIA_OK, VIA_ENOTSUP, VIA_ENOMEM; VIA_ELIMIT: the system has no watch left, and opening calls compare the times
 * of files instead.
 */
VIA_API VIA_CHECK_RESULT via_status via_host_watch(via_host *host, via_poll_handle *handle, via_error *error);

/* via_change.kind */
enum {
    VIA_CHANGE_CAME = 1u,
    VIA_CHANGE_WENT = 2u,     /* serves no new opening call; its channels go on */
    VIA_CHANGE_REPLACED = 3u, /* new opening calls get the new one; channels stay with the old one */
    VIA_CHANGE_REFUSED = 4u,  /* `error` says why; with `serves` the last good state goes on serving */
    VIA_CHANGE_LOST = 5u      /* nobody took the changes, and the oldest are gone: enumerate instead */
};

/* via_change.subject */
enum { VIA_CHANGE_OF_PLUGIN = 1u, VIA_CHANGE_OF_ENDPOINTS = 2u };

/* What became of one plugin or one endpoint file. No pointers. */
typedef struct via_change {
    uint32_t size;
    uint32_t kind;    /* VIA_CHANGE_* */
    uint32_t subject; /* VIA_CHANGE_OF_*; 0 in VIA_CHANGE_LOST */
    uint32_t serves;  /* 1 = of a refused one, the last good state goes on serving */
    char name[64];    /* the plugin's; "" of an endpoint file */
    char version[32]; /* the plugin's that serves from now on, or served last */
    char file[512];   /* its manifest, or the endpoint file */
    via_error error;  /* of a refused one; status VIA_OK otherwise */
} via_change;

/*
 * Takes the oldest change since via_host_watch() was first called that has not been taken yet. Changes are found by
 * via_host_scan() and by opening calls; 256 are kept. Set change->size before each call. VIA_OK; VIA_ENOENT: no more.
 */
VIA_API VIA_CHECK_RESULT via_status via_change_next(via_host *host, via_change *change);

/* via_plugin_info.status */
enum {
    VIA_PLUGIN_READY = 1u, /* found and checked as far as is possible without running it */
    VIA_PLUGIN_LOADED = 2u,
    VIA_PLUGIN_REFUSED = 3u,  /* `error` says at which stage and why */
    VIA_PLUGIN_SHADOWED = 4u, /* another plugin of this name comes first in the search */
    VIA_PLUGIN_DISABLED = 5u  /* its manifest says "enabled": false */
};

/* One plugin that was found, good or bad. No pointers. */
typedef struct via_plugin_info {
    uint32_t size;
    uint32_t status; /* VIA_PLUGIN_* */
    char name[64];
    char version[32];
    char kind[16]; /* "transport" or "layer" */
    char summary[128];
    char schemes[256]; /* separated by one space; of a layer plugin: its layers */
    char manifest[512];
    char library[512];
    int32_t priority;
    uint32_t reserved;
    /* Of a refused or shadowed one; of one that serves: why the files that are there now do not replace it. Else VIA_OK. */
    via_error error;
} via_plugin_info;

/*
 * Enumerates the plugins in search order, as the last look found them. `*cursor` starts at 0. VIA_OK, or VIA_ENOENT after the last.
 * Set info->size before each call.
 */
VIA_API VIA_CHECK_RESULT via_status via_plugin_next(via_host *host, size_t *cursor, via_plugin_info *info);

/* One endpoint, or an endpoint file that was refused (then `name` is ""). No pointers. */
typedef struct via_endpoint_info {
    uint32_t size;
    uint32_t pattern; /* VIA_PATTERN_*, 0 = not stated */
    char name[64];
    char address[512]; /* "" = any_of or require */
    char summary[128];
    char file[512];
    uint32_t line;
    uint32_t column;
    via_error error; /* of a refused file, whose last good endpoints may follow; or of one whose name is taken */
} via_endpoint_info;

/* Enumerates the endpoints in search order, as via_plugin_next(). */
VIA_API VIA_CHECK_RESULT via_status via_endpoint_next(via_host *host, size_t *cursor, via_endpoint_info *info);

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* How to open a listener or channel. Everything is copied in the call. */
typedef struct via_open_options {
    uint32_t size;
    uint32_t threads; /* VIA_TWO or VIA_MANY */
    uint32_t side;    /* VIA_SIDE_* */
    uint32_t reserved;
    const char *const *options; /* "name=value" each; they override the address, which overrides the endpoint */
    size_t option_count;
    via_log_fn log; /* NULL = the host's */
    void *log_user;
    /*
     * "tap,zip": the layers, from the program to the transport; they replace those of the address, which replace those
     * of the endpoint. Their options are among `options` as "tap.file=value". NULL = not said here, "" = none.
     */
    const char *layers;
    /*
     * "scope=machine,feature=priority,max_message=64KiB,message=4KiB": what the mechanism has to be like. `feature` may be there
     * again and again; `message` is the size of a typical one, for which mechanisms are compared. A name that no endpoint
     * manifest defines is then opened on the installed mechanism that serves this best, the name being the rest of its address; where
     * a manifest or an address says which, that has to fit. NULL or "" = nothing is required.
     */
    const char *require;
} via_open_options;

/* The defaults: VIA_TWO, VIA_SIDE_DEFAULT, no options, the layers of the endpoint. Any thread. */
VIA_INLINE void via_open_options_init(via_open_options *options)
{
    via_open_options empty = {sizeof(via_open_options), VIA_TWO, VIA_SIDE_DEFAULT, 0, NULL, 0, NULL, NULL, NULL, NULL};
    *options = empty;
}

/*
 * An address is `scheme:rest?option=value&...` (percent-encoded, RFC 3986) or the name of an endpoint, which may be
 * followed by `?option=value&...` too. `host` NULL = a private host that lives as long as the object opened.
 *
 * Statuses of the four opening calls: VIA_OK; VIA_EINVAL, VIA_ENOENT, VIA_ENOTSUP, VIA_ETYPE (address, endpoint or
 * option); VIA_EPERM, VIA_EREFUSED (trust, ownership, a plugin that was refused); VIA_EBUSY (a live owner has the
 * name); VIA_ENOPEER (dial and join: nobody was there, or nobody answered, until the deadline); VIA_ETIMEDOUT (accept:
 * nobody came until the deadline); VIA_EFORK (the host or listener belongs to the parent process); VIA_ECANCELED,
 * VIA_ELIMIT, VIA_ENOMEM, VIA_EPROTO, VIA_EIO.
 */

/*
 * Takes a name and lets others dial it. Does not block. An endpoint with any_of is listened on at all of its candidates,
 * and accepts from all; one whose plugin is not there is left out with a warning, one whose name cannot be taken is an
 * error. Of an endpoint with require the best candidate is taken.
 */
VIA_API VIA_CHECK_RESULT via_status via_listen(via_host *host, const char *address, const via_open_options *options,
                                               via_listener **listener, via_error *error);
/* Waits for a dialer. The deadline covers waiting only: a slow handshake never delays another. Blocks. */
VIA_API VIA_CHECK_RESULT via_status via_accept(via_listener *listener, via_deadline deadline, via_channel **channel,
                                               via_error *error);
/* Where to sleep until via_accept() has something to do (event VIA_READ). */
VIA_API VIA_CHECK_RESULT via_status via_listener_pollable(via_listener *listener, via_poll_handle *handle);
/* VIA_OK: safe to sleep. VIA_EREADY: call via_accept(). */
VIA_API VIA_CHECK_RESULT via_status via_listener_arm(via_listener *listener);
/*
 * Writes the address that others dial, with what the OS chose (a port); the first, if it listens in several places.
 * VIA_EBUFFER if `capacity` is too small.
 */
VIA_API VIA_CHECK_RESULT via_status via_listener_address(via_listener *listener, char *buffer, size_t capacity);
/*
 * Enumerates the addresses of a listener: one, or those of an endpoint with any_of that are listened on. `*cursor` starts at
 * 0 and goes on after VIA_OK. VIA_ENOENT after the last; VIA_EBUFFER if `capacity` is too small.
 */
VIA_API VIA_CHECK_RESULT via_status via_listener_next_address(via_listener *listener, size_t *cursor, char *buffer,
                                                              size_t capacity);
/* Ends every present and later via_accept() with VIA_ECANCELED. Any thread, signal-safe. */
VIA_API void via_listener_interrupt(via_listener *listener);
/* Gives the name up. Accepted channels live on. NULL is allowed. */
VIA_API void via_listener_close(via_listener *listener);

/*
 * Connects to a listener; waits for one until the deadline. When it returns, nothing that the other end sends
 * afterwards can be missed. Of an endpoint's candidates the first is taken that somebody serves: each is asked in turn,
 * again and again until the deadline, and error->more has each with its reason. Blocks.
 */
VIA_API VIA_CHECK_RESULT via_status via_dial(via_host *host, const char *address, const via_open_options *options,
                                             via_deadline deadline, via_channel **channel, via_error *error);
/*
 * Takes part in a queue, topic, value or region as `role`. The side that binds does not wait; the side that connects
 * waits for the other until the deadline, and redials by itself later. Candidates are as for via_dial(), but the side that binds
 * is in one place only: of any_of with several it is refused, of require it takes the best. Blocks.
 */
VIA_API VIA_CHECK_RESULT via_status via_join(via_host *host, const char *address, uint32_t role,
                                             const via_open_options *options, via_deadline deadline,
                                             via_channel **channel, via_error *error);

/* ---- data --------------------------------------------------------------------------------------------------- */

/*
 * Statuses of the data calls: VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED, VIA_ECLOSED, VIA_EPEER, VIA_EPROTO, VIA_EFORK,
 * VIA_EINVAL, VIA_ENOTSUP (a subscriber cannot send), VIA_ETOOBIG, VIA_ENOMEM, VIA_EIO, VIA_EDROPPED. On a failed send
 * nothing of the message has left and the bytes are still the caller's.
 */

/* Sends `size` bytes as one message, copied in the call. `data` may be NULL if `size` is 0; `meta` NULL = none. */
VIA_API VIA_CHECK_RESULT via_status via_send(via_channel *channel, const void *data, size_t size, const via_meta *meta,
                                             via_deadline deadline);
/* The same from several slices, joined. At most 1024 of them. */
VIA_API VIA_CHECK_RESULT via_status via_sendv(via_channel *channel, const via_slice *slices, size_t count,
                                              const via_meta *meta, via_deadline deadline);
/*
 * Lends a buffer of `size` bytes to write a message in. It ends with via_commit() or via_discard() on this channel.
 * Several may be out at once; messages are delivered in the order of their commits. The caller may lower
 * message->size and set message->meta before the commit.
 */
VIA_API VIA_CHECK_RESULT via_status via_loan(via_channel *channel, size_t size, via_deadline deadline,
                                             via_msg *message);
/*
 * Sends a loan. VIA_EINVAL: message->size is above the size that was lent. On VIA_OK it is gone; on failure it is still
 * lent: try again or discard.
 */
VIA_API VIA_CHECK_RESULT via_status via_commit(via_channel *channel, via_msg *message, via_deadline deadline);
/* Gives a loan back unsent. */
VIA_API void via_discard(via_channel *channel, via_msg *message);

/* Receives one message, lent until via_release(). Several may be out at once, released in any order. */
VIA_API VIA_CHECK_RESULT via_status via_recv(via_channel *channel, via_deadline deadline, via_msg *message);
/* Gives a received message back. The message is emptied. */
VIA_API void via_release(via_channel *channel, via_msg *message);
/*
 * Receives one message into the caller's buffer and sets *size. Too small: VIA_EBUFFER, *size is what it takes, and
 * the message is kept for the next receive. `meta` may be NULL; its texts stay valid until the next receive, by whichever
 * thread: with VIA_MANY use via_recv() where the texts matter.
 */
VIA_API VIA_CHECK_RESULT via_status via_recv_into(via_channel *channel, void *buffer, size_t capacity, size_t *size,
                                                  via_meta *meta, via_deadline deadline);

/* Hands everything that VIA_MORE held back, and a kept tail, to the OS. */
VIA_API VIA_CHECK_RESULT via_status via_flush(via_channel *channel, via_deadline deadline);
/* Says that no more sends follow; receiving goes on. The other end sees VIA_ECLOSED. Later sends: VIA_EINVAL. */
VIA_API VIA_CHECK_RESULT via_status via_finish(via_channel *channel, via_deadline deadline);

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/*
 * Where to sleep for one event (VIA_READ, VIA_WRITE or VIA_WORK). Call via_arm() before each sleep.
 * VIA_OK; VIA_ENOTSUP if the event cannot happen on this channel.
 */
VIA_API VIA_CHECK_RESULT via_status via_pollable(via_channel *channel, uint32_t event, via_poll_handle *handle);
/*
 * Clears the handle, then looks again. VIA_OK: safe to sleep on it. VIA_EREADY: do not, act now.
 * VIA_WORK: does what can be done now, then VIA_OK: more waits for the handle; VIA_ENOENT: nothing is outstanding,
 * leave the handle out of this sleep.
 */
VIA_API VIA_CHECK_RESULT via_status via_arm(via_channel *channel, uint32_t event);

/* One thing that is ready. */
typedef struct via_ready {
    via_channel *channel; /* one of these two is NULL */
    via_listener *listener;
    void *user;      /* as given to add */
    uint32_t events; /* VIA_READ, VIA_WRITE */
    uint32_t reserved;
} via_ready;

/*
 * Makes an empty set of channels and listeners to wait for. One thread waits; any may wake, add, remove and close. A
 * wait arms what it watches: on a VIA_TWO channel it is a receiving call (VIA_READ), a sending one (VIA_WRITE), or both.
 */
VIA_API VIA_CHECK_RESULT via_status via_waitset_create(via_waitset **set, via_error *error);
/*
 * Adds a channel for `events` (VIA_READ, VIA_WRITE or both); internal work is served without asking. Again for the
 * same channel: changes `events` and `user`. VIA_EBUSY: it is in another set. The channel leaves the set when it is closed.
 */
VIA_API VIA_CHECK_RESULT via_status via_waitset_add(via_waitset *set, via_channel *channel, uint32_t events,
                                                    void *user);
VIA_API VIA_CHECK_RESULT via_status via_waitset_add_listener(via_waitset *set, via_listener *listener, void *user);
/* VIA_OK, VIA_ENOENT. */
VIA_API VIA_CHECK_RESULT via_status via_waitset_remove(via_waitset *set, via_channel *channel);
VIA_API VIA_CHECK_RESULT via_status via_waitset_remove_listener(via_waitset *set, via_listener *listener);
/*
 * Waits until something is ready; writes at most `capacity` entries. Level-triggered. The cost does not grow with the
 * number of idle channels. VIA_OK (*count >= 1, or 0 after via_waitset_wake()), VIA_ETIMEDOUT, VIA_EIO, VIA_EBUSY
 * (another thread waits). Blocks.
 */
VIA_API VIA_CHECK_RESULT via_status via_waitset_wait(via_waitset *set, via_ready *ready, size_t capacity, size_t *count,
                                                     via_deadline deadline);
/* Makes the present or the next wait return. Any thread, signal-safe. */
VIA_API void via_waitset_wake(via_waitset *set);
/* Frees the set; its channels live on. NULL is allowed. */
VIA_API void via_waitset_destroy(via_waitset *set);

/* ---- ending ------------------------------------------------------------------------------------------------- */

/*
 * Waits until nothing accepted depends on this process any more. VIA_OK; VIA_ETIMEDOUT with *undelivered = messages
 * (or, where the transport cannot tell, bytes) still here; VIA_EPEER, VIA_EPROTO: the other end died, or has refused what
 * was sent. `undelivered` may be NULL. Blocks.
 */
VIA_API VIA_CHECK_RESULT via_status via_drain(via_channel *channel, via_deadline deadline, uint64_t *undelivered);
/* Ends every present and later blocking call on the channel with VIA_ECANCELED. Final. Any thread, signal-safe. */
VIA_API void via_interrupt(via_channel *channel);
/* Ends the channel. Give every loan and received message back first. NULL is allowed. */
VIA_API void via_close(via_channel *channel);

/* ---- knowing ------------------------------------------------------------------------------------------------ */

/*
 * Set the `size` field of the record first. VIA_OK, VIA_EFORK; via_peer also VIA_ENOTSUP, and VIA_ENOPEER while a pair that
 * dials again (VIA_INFO_REDIALS) has lost its connection.
 */
VIA_API VIA_CHECK_RESULT via_status via_peer(via_channel *channel, via_peer_info *info);
VIA_API VIA_CHECK_RESULT via_status via_info(via_channel *channel, via_channel_info *info);
/* Counters may be read by any thread; they are a snapshot, not a transaction. */
VIA_API VIA_CHECK_RESULT via_status via_stats(via_channel *channel, via_counters *counters);
/* Why the channel ended. VIA_OK and a filled record, or VIA_ENOENT: it has not failed. */
VIA_API VIA_CHECK_RESULT via_status via_failure(via_channel *channel, via_error *error);
/*
 * An extension of the transport or of a layer by its id ("via.handles/1", ...). Returns its table of functions and sets *self to
 * their first argument; NULL = not offered. Valid until the channel is closed. See <viaduct/ext/...>.
 */
VIA_API const void *via_extension(via_channel *channel, const char *id, void **self);

/* ---- explaining and checking -------------------------------------------------------------------------------- */

/*
 * How an address or endpoint name resolves, as JSON text: endpoint and place, every candidate with verdict and
 * reason, every option with value and origin, the plugin with its guarantees. Runs no plugin code. Also on failure
 * `*json` may hold what could be told. Free it with via_free(). The format: sdk/docs/explain.md.
 */
VIA_API VIA_CHECK_RESULT via_status via_explain(via_host *host, const char *address, const via_open_options *options,
                                                char **json, via_error *error);

/*
 * What the processes of this user have open, as JSON text: the one of `pid`, or all if that is 0, and for each channel and listener
 * what it has counted so far; also of processes that are stopped, hang, or have crashed of late. It is read from their
 * counter pages in the runtime folder; nobody is asked, and a process with VIADUCT_STATS=0 has none. VIA_OK; VIA_ENOENT: no page
 * of that pid; VIA_EPERM, VIA_EIO (the folder), VIA_ENOMEM. Any thread; does not wait. Free it with via_free(). The format:
 * sdk/docs/operating.md.
 */
VIA_API VIA_CHECK_RESULT via_status via_observe(int64_t pid, char **json, via_error *error);

/*
 * Which installed mechanism serves a need best, as JSON text: every one with verdict, reason and what a message is expected to take
 * there, the best first, and what an endpoint manifest says for it. `need` is as via_open_options.require, with
 * "pattern=queue" or another besides. Runs no plugin code. Free *json with via_free(). The format: sdk/docs/explain.md.
 * VIA_OK, also if none fits; VIA_EINVAL, VIA_ENOMEM.
 */
VIA_API VIA_CHECK_RESULT via_status via_advise(via_host *host, const char *need, char **json, via_error *error);

/*
 * Holds an endpoint manifest against the best practices of sdk/docs/practices.md, as JSON text: an array of findings, each with
 * number, place, reason and mend. Runs no plugin code. Free *json with via_free(). The format: sdk/docs/explain.md.
 * VIA_OK, also with findings; VIA_ENOTSUP: it is no endpoint manifest; or what via_validate() says of it.
 */
VIA_API VIA_CHECK_RESULT via_status via_lint(via_host *host, const char *file, char **json, via_error *error);

enum {
    VIA_MANIFEST_PLUGIN = 1u,
    VIA_MANIFEST_ENDPOINTS = 2u,
    VIA_MANIFEST_OF_LAYER = 3u /* no manifest: a file that a layer reads, such as an interface of rpc */
};

/*
 * Checks one manifest file of any kind. `kind` (may be NULL) gets VIA_MANIFEST_*. Needs no host and runs no plugin code.
 * VIA_OK, VIA_EINVAL, VIA_EIO, ...; VIA_ENOTSUP with VIA_MANIFEST_OF_LAYER: ask via_validate_with().
 */
VIA_API VIA_CHECK_RESULT via_status via_validate(const char *file, uint32_t *kind, via_error *error);

/* What a file is. No pointers. */
typedef struct via_file_info {
    uint32_t size;
    uint32_t kind; /* VIA_MANIFEST_*, 0 = it could not be told */
    char word[32]; /* "plugin", "endpoints", or the key by which a layer's files are known; "" = it could not be told */
    char plugin[64]; /* who checks such files, "" = the host */
} via_file_info;

/*
 * The same for a file of any kind: one of a layer ("checks" in its manifest) is checked by that layer's plugin, which is
 * loaded for it. `info` may be NULL; set info->size first. `host` NULL = a private one. Blocks while it loads. The
 * statuses of via_validate() and via_dial()'s of loading a plugin; VIA_ENOENT also: no plugin checks such files.
 */
VIA_API VIA_CHECK_RESULT via_status via_validate_with(via_host *host, const char *file, via_file_info *info,
                                                      via_error *error);

/*
 * Writes `output` as a copy of the plugin manifest `manifest` with the `abi` that `library` states and the SHA-256
 * of its bytes; `library` is checked as at load and not run. `output` may be `manifest`; it is replaced atomically.
 */
VIA_API VIA_CHECK_RESULT via_status via_seal(const char *manifest, const char *library, const char *output,
                                             via_error *error);

#ifdef __cplusplus
}
#endif
#endif
