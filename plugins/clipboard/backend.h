/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps a clipboard: a display server, or files. The seam between the channel, which knows the application, and a
 * backend, which knows the others.
 *
 * A channel has one worker thread. It sleeps in poll(2) on what the backend names, and every slot but `open` and `close` runs on
 * it, as does every event; so a backend has no lock and never blocks: it is a machine of states, driven by descriptors and the
 * clock. Nobody else may be waited for, least of all another client of the same display, which may be this very process.
 */
#ifndef CLIPBOARD_BACKEND_H
#define CLIPBOARD_BACKEND_H

#include <viaduct/plugin.h>

#include <poll.h>
#include <stdbool.h>

#include "bytes.h"
#include "content.h"

enum {
    CLIP_DESCRIPTORS = 64 /* that a backend may name at once: the display's, and one for each transfer under way */
};

/* What one channel was opened with, as far as a backend has to know it. */
typedef struct clip_settings {
    const char *name;         /* "clipboard", "primary"; others as far as the backend has such */
    const char *display;      /* option display=, or the environment's; NULL = neither */
    uint64_t reply_ns;        /* how long the owner may take to begin an answer, */
    uint64_t idle_ns;         /* between two pieces of a transfer, either way, */
    uint64_t transfer_ns;     /* and for a whole transfer, either way */
    size_t max_size;          /* bytes of one format */
    via_context *context;     /* for host->log */
    const via_host_api *host; /* valid for the backend's life */
} clip_settings;

/* The state of the clipboard at one moment. All of it is borrowed for the event. */
typedef struct clip_change {
    const char *const *
        types; /* what is offered, under the names that the backend has for it; protocol targets (TARGETS, ...) left out */
    size_t count; /* 0 = the clipboard is empty, or `status` says what is there */
    uint64_t
        ours; /* number of our content if this is our own doing (also clearing: then as given to offer); 0 = another's */
    uint64_t
        generation; /* where the backend numbers all changes, rising; 0 = it does not, and each event is one change */
    via_status status; /* VIA_OK, or why nothing of what is there can be read */
    const char *what;  /* then: that in words */
} clip_change;

/*
 * What a backend tells. `core` is what `open` was given. An event may call back into a slot (fetch, offer), so a backend
 * tells only when its own state is settled.
 */
typedef struct clip_events {
    /*
     * The content is another one, or gone. Told once for what was there at the start (also if that is nothing), and for every change after that, in order,
     * our own included: none is left out.
     */
    void (*changed)(void *core, const clip_change *change);
    /* The end of `offer`: VIA_OK = it is ours now, and others can read it. VIA_EREVOKED: somebody was faster. VIA_EIO, VIA_ENOMEM, ... */
    void (*offered)(void *core, uint64_t number, via_status status);
    /*
     * The end of `fetch`: VIA_OK = all of the bytes, which the core takes over (it leaves an empty record). Otherwise no byte
     * counts: VIA_ENOENT (empty), VIA_ETYPE (no such format, or the owner refused), VIA_ESTALLED (the owner lives but did not
     * go on in time), VIA_EPEER (it died), VIA_EREVOKED (another content took its place), VIA_ETOOBIG, VIA_ENOMEM, VIA_EPROTO (it lied).
     */
    void (*fetched)(void *core, uint64_t ticket, via_status status, clip_bytes *bytes);
    /* The end of `look`. */
    void (*looked)(void *core, uint64_t ticket);
    /* One reader other than a keeper (hand_over) has got one format of ours whole. */
    void (*pasted)(void *core, uint64_t number);
    /*
     * Our content does not need this process any more: taken over by another's or withdrawn, and no transfer of it is under way;
     * or kept by somebody (`kept`). A hand-over that comes to nothing ends in (number, false), too.
     */
    void (*released)(void *core, uint64_t number, bool kept);
    /*
     * The end of a `withdraw` that was under way: VIA_OK = our content of this number is not there any more. Otherwise it still
     * is, and whoever wants it gone asks again.
     */
    void (*withdrawn)(void *core, uint64_t number, via_status status);
    /* The connection to the display is gone: nothing else is told after this. Texts as for host->failed. */
    void (*failed)(void *core, via_status status, int32_t os_code, const char *what, const char *mend);
} clip_events;

typedef struct clip_backend {
    const char *name; /* as the option backend= has it */
    /*
     * Connects, and learns what there is; at most until the deadline, on the opening thread, before the worker starts. Fills
     * the error (through host->error). No event is told yet: the first `work` tells what there is.
     * VIA_ENOTSUP: this machine has no such thing (the library or the protocol is missing); what and mend say which.
     */
    via_status (*open)(const clip_settings *settings, const clip_events *events, void *core, via_deadline deadline,
                       void **self, via_error *error);
    /* What to sleep on: at most CLIP_DESCRIPTORS entries, count returned; and until when at most. VIA_NOW = do not sleep. */
    size_t (*wants)(void *self, struct pollfd *set, via_deadline *until);
    /* After each sleep: `set` as `wants` filled it, with revents. Goes on with everything that can go on, also by the clock. */
    void (*work)(void *self, const struct pollfd *set, size_t count);
    /*
     * Makes this the content; the backend holds it as long as it needs it. NULL = empties the clipboard, whoever set it. Ends in
     * `offered` (number: as given, also for NULL).
     */
    void (*offer)(void *self, clip_content *content, uint64_t number);
    /*
     * Takes our content of this number back, if it is still there, in a way that can never hit another's (X11: with the time
     * of our ownership; Wayland: by destroying the source; files: under the lock). Ends in `changed` and `released`
     * (number, false); in nothing if it is not ours any more. True: it is under way, and ends in `withdrawn`, too, at the latest
     * when the time of a reply is over. False: all that can be done is done; what could not be, `withdrawn` has told already.
     */
    bool (*withdraw)(void *self, uint64_t number);
    /*
     * Asks for the present content in this format, one of those told by `changed`. Several may be under way. Ends in `fetched`,
     * perhaps at once. Bytes count only if they are those of the content that was told last when `fetch` was called: if
     * another one has taken its place, that is told first (`changed`), and the answer is VIA_EREVOKED.
     */
    void (*fetch)(void *self, uint64_t ticket, const char *type);
    /*
     * Makes sure that every change which others made before this call has been told (X11: the answer to any request; Wayland:
     * wl_display.sync), then tells `looked`, perhaps at once. Several may be under way; they cannot be cancelled.
     */
    void (*look)(void *self, uint64_t ticket);
    /* The answer is not wanted any more; no `fetched` for it after this. Unknown tickets are ignored. */
    void (*cancel)(void *self, uint64_t ticket);
    /*
     * Asks whoever keeps contents for programs that end (a clipboard manager) to take ours; true: under way, and `released` or the
     * time limits end it. False: nobody is there, or there is no need. NULL = contents outlive us anyhow.
     */
    bool (*hand_over)(void *self);
    /*
     * Any thread, while the worker is in any slot: cuts the display off, so that a slot comes back that waits inside of a library
     * (X11: libxcb, which writes until the server has taken all). The end of everything but `close`. Does not block. NULL = no
     * slot ever waits.
     */
    void (*cut)(void *self);
    /* Frees everything; the worker has ended. how: VIA_CLOSE_FLUSH or VIA_CLOSE_FORKED (touch nothing shared). */
    void (*close)(void *self, uint32_t how);
} clip_backend;

extern const clip_backend clip_embedded; /* files in the runtime folder; for machines without a display */
extern const clip_backend clip_x11;      /* ICCCM selections through xcb */
extern const clip_backend clip_wayland;  /* data-control, ext or wlr */

#endif
