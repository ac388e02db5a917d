/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one connection to an X server knows, and how the files of this backend call each other.
 *
 * Source of all behaviour: Inter-Client Communication Conventions Manual 2.0, section 2; XFixes 1.0 for notice of changes;
 * the Clipboard Manager specification of freedesktop.org for SAVE_TARGETS. Everything runs on the channel's worker; nothing waits
 * for another client, and for the server only where libxcb writes, or reads the rest of a long answer: `cut` ends that.
 */
#ifndef CLIPBOARD_X11_STATE_H
#define CLIPBOARD_X11_STATE_H

#include "backend.h"
#include "x11_library.h"

/* Atoms with a part of their own in the protocol. */
typedef enum x11_name {
    X11_CLIPBOARD_MANAGER,
    X11_COMPOUND_TEXT,
    X11_DELETE,
    X11_INCR,
    X11_INSERT_PROPERTY,
    X11_INSERT_SELECTION,
    X11_MULTIPLE,
    X11_ATOM_PAIR,
    X11_NULL,
    X11_SAVE_TARGETS,
    X11_TARGETS,
    X11_TEXT,
    X11_TIMESTAMP,
    X11_UTF8_STRING,
    X11_PROPERTY,  /* that we are answered in, each on a window of its own */
    X11_STAMP,     /* that we append nothing to, for the time it was done at */
    X11_SELECTION, /* the one this channel is about */
    X11_NAMES
} x11_name;

typedef struct x11 x11;

/* ---- questions to the server (x11_pump.c) ------------------------------------------------------------------- */

/* A reply has come; NULL = an error instead. Freed by the caller. */
typedef void (*x11_answer)(x11 *self, void *context, const void *reply);

typedef struct x11_question {
    struct x11_question *next;
    unsigned sequence;
    bool is_answered; /* `reply` is here, and not handled yet */
    void *reply;
    x11_answer answer; /* NULL = nobody wants it any more */
    void *context;
} x11_question;

/* Asks, through a request just sent. Answers come in the order of asking, and in their place among the events. */
void x11_ask(x11 *self, unsigned sequence, x11_answer answer, void *context);
/* Whoever asked with this context is gone. */
void x11_forget(x11 *self, const void *context);
/* Handles what has come in, in the order the server sent it, without waiting. */
void x11_pump(x11 *self);
/* Something has come in that was read from the socket already, so that poll(2) would not tell. */
bool x11_has_input(x11 *self);
/* Everything asked so far is answered. */
bool x11_is_quiet(const x11 *self);
/* A server time, noted if it is later than the last one. */
void x11_time(x11 *self, xcb_timestamp_t time);
/* a is earlier than b; server times wrap after 49 days (ICCCM 2.1 leaves it to the server's clock). */
bool x11_is_earlier(xcb_timestamp_t a, xcb_timestamp_t b);
/* The connection is gone, or memory is: told once, and the end of everything. */
void x11_fail(x11 *self, via_status status, const char *what, const char *mend);

/* ---- what the core is to be told (x11_news.c) --------------------------------------------------------------- */

/* A list of type names in one piece of memory. */
typedef struct x11_types {
    size_t count;
    char *names[];
} x11_types;

typedef enum x11_kind { X11_CHANGED, X11_OFFERED, X11_FETCHED, X11_LOOKED, X11_PASTED, X11_RELEASED } x11_kind;

typedef struct x11_news {
    struct x11_news *next;
    x11_kind kind;
    via_status status;
    uint64_t number; /* of the content, or the ticket */
    uint64_t generation;
    bool kept;
    clip_bytes bytes; /* owned */
    x11_types *types; /* owned */
} x11_news;

/* Copies the names that are not NULL. NULL = no memory, which is told as a failure of the connection. */
x11_types *x11_types_create(x11 *self, const char *const *names, size_t count);
/* News are kept until the state is settled. Takes over the types; NULL = there was no memory for them. */
void x11_tell_changed(x11 *self, uint64_t ours, x11_types *types);
/* Takes over the bytes; NULL = none. VIA_EREVOKED waits for the next `changed`, if the core has not been told of it yet. */
void x11_tell_fetched(x11 *self, uint64_t ticket, via_status status, clip_bytes *bytes);
/* A look has ended; told after the next `changed`, if the core has not been told of it yet. */
void x11_tell_looked(x11 *self, uint64_t ticket);
/* The others. */
void x11_tell(x11 *self, x11_kind kind, uint64_t number, via_status status, bool kept);
/* Tells the core; true = there was something. The core may call any slot meanwhile. */
bool x11_news_deliver(x11 *self);
/* Takes back an answer that is not wanted any more. */
void x11_news_drop(x11 *self, uint64_t ticket);
void x11_news_fini(x11 *self);

/* ---- what we publish (x11_target.c, x11_owner.c) ------------------------------------------------------------ */

/* One target that we answer. */
typedef struct x11_target {
    const char *name; /* the content's, or a constant */
    xcb_atom_t atom;  /* of the name; None = the server did not give one */
    xcb_atom_t type;  /* of the answer; None = the same */
    bool is_data;     /* reading it is a paste */
    const uint8_t *data;
    size_t size;
} x11_target;

/* A content of ours, from `offer` until nobody reads it any more. */
typedef struct x11_publication {
    struct x11_publication *next;
    clip_content *content; /* NULL = emptying it */
    uint64_t number;
    xcb_window_t window;  /* that owns the selection for it, and for nothing else; None = destroyed again */
    xcb_timestamp_t time; /* it does so since */
    bool is_current;      /* it does so now */
    bool is_withdrawn;    /* taken back, or to be taken back once it is there */
    bool is_kept;         /* a manager has a copy, and the core knows */
    size_t readers;       /* transfers and lists of requests under way */
    size_t interned;      /* atoms of `targets` that are known */
    size_t count;
    uint8_t *latin; /* the text for STRING where its bytes differ from UTF-8; owned */
    size_t latin_size;
    x11_target targets[];
} x11_publication;

/* All targets of this content, atoms not known yet. NULL = no memory. Holds the content. */
x11_publication *x11_publication_create(x11 *self, clip_content *content, uint64_t number);
void x11_publication_destroy(x11_publication *publication);
const x11_target *x11_publication_find(const x11_publication *publication, xcb_atom_t target);

/* Offers wait in line: one at a time gets a time, takes the selection and looks whether it has it. */
typedef struct x11_owner {
    x11_publication *waiting; /* the first one is being offered */
    x11_publication *held;    /* the current one, and those that are still read */
    bool is_stamped;          /* the first one has its time, and has asked for the selection */
    bool is_doubted;          /* another owns it, as one answer said; the next one decides */
    unsigned lost;            /* how often somebody was faster than the first one */
} x11_owner;

void x11_offer(x11 *self, clip_content *content, uint64_t number);
void x11_withdraw(x11 *self, uint64_t number);
/* What we appended nothing to has changed at this time. */
void x11_owner_stamp(x11 *self, xcb_timestamp_t time);
/*
 * The server tells of a new owner, since `time`. Returns the number of ours if it is our doing, otherwise 0. What follows from
 * it for the core is told by x11_owner_settle(), once it knows of the change itself.
 */
uint64_t x11_owner_changed(x11 *self, xcb_window_t owner, xcb_timestamp_t time);
void x11_owner_settle(x11 *self, uint64_t ours);
/* NULL = we do not own the selection. */
x11_publication *x11_owner_current(const x11 *self);
void x11_owner_hold(x11_publication *publication);
/* One reader less; the last one frees a content that is not current any more, and tells it released. */
void x11_owner_drop(x11 *self, x11_publication *publication);
void x11_owner_fini(x11 *self);

/* ---- requests of others (x11_request.c, x11_multiple.c, x11_send.c) ----------------------------------------- */

void x11_request(x11 *self, const xcb_selection_request_event_t *event);
/* Writes what is asked for into the requestor's property, or begins to; false = refused. */
bool x11_convert(x11 *self, x11_publication *publication, xcb_window_t requestor, xcb_atom_t target,
                 xcb_atom_t property);
/* Tells the requestor that it is done; property None = refused. */
void x11_notify(x11 *self, const xcb_selection_request_event_t *request, xcb_atom_t property);

/* A list of requests whose property is being read. */
typedef struct x11_multiple {
    struct x11_multiple *next;
    xcb_selection_request_event_t request;
    x11_publication *publication;
} x11_multiple;

void x11_multiple_begin(x11 *self, const xcb_selection_request_event_t *event, x11_publication *publication);
void x11_multiple_fini(x11 *self);

/* One format on its way to one reader, piece by piece (ICCCM 2.7.2). */
typedef struct x11_send {
    struct x11_send *next;
    xcb_window_t requestor;
    xcb_atom_t property;
    xcb_atom_t type;
    x11_publication *publication;
    const uint8_t *data;
    size_t size;
    size_t offset;
    bool is_written; /* our last piece is in the property: its deletion asks for the next */
    bool is_data;
    unsigned sequence; /* of our last writing */
    via_deadline idle;
    via_deadline total;
} x11_send;

bool x11_send_begin(x11 *self, x11_publication *publication, const x11_target *target, xcb_window_t requestor,
                    xcb_atom_t property, xcb_atom_t type);
void x11_send_property(x11 *self, const xcb_property_notify_event_t *event);
/* The window is gone. */
void x11_send_gone(x11 *self, xcb_window_t requestor);
/* The server refused a request of ours. */
void x11_send_refused(x11 *self, unsigned sequence);
via_deadline x11_send_until(const x11 *self);
void x11_send_expire(x11 *self, uint64_t now);
void x11_send_fini(x11 *self);

/* ---- content of others (x11_present.c, x11_read.c, x11_text.c) ---------------------------------------------- */

typedef enum x11_step {
    X11_STEP_REPLY,   /* the owner is to answer */
    X11_STEP_READING, /* the server is to give us the property */
    X11_STEP_PIECE    /* the owner is to write the next piece */
} x11_step;

/* One conversion that we have asked for, on a window of its own. */
typedef struct x11_read {
    struct x11_read *next;
    uint64_t ticket; /* 0 = it asks for TARGETS */
    xcb_window_t window;
    xcb_atom_t target;
    bool is_text;           /* wanted as UTF-8 */
    xcb_atom_t answered_as; /* the type of what has come; None = nothing yet */
    x11_step step;
    bool is_incremental;
    unsigned sequence; /* of the request that reached the owner */
    bool is_old;       /* the content has been replaced since; its owner may still hand it over, if it is quick */
    bool is_again;     /* a piece was written while we were reading one */
    bool is_abandoned; /* nobody wants it; the owner is seen off, so that it is not stuck with us */
    size_t seen_off;   /* bytes since then */
    clip_bytes bytes;
    via_deadline idle; /* of a piece, or of the answer */
    via_deadline total;
} x11_read;

/* What is in the selection now. */
typedef struct x11_present {
    xcb_window_t owner;
    uint64_t generation;
    bool is_known;     /* the first look at it has been answered */
    x11_read *asking;  /* for TARGETS; abandoned = the owner has not answered in time */
    xcb_atom_t *atoms; /* that it is offered in, */
    char **names;      /* and what they are called; NULL = left out */
    size_t count;
    size_t unnamed; /* names still to come */
} x11_present;

/* Asks for the first time what there is. */
void x11_present_begin(x11 *self);
/* `sequence`: number of our last request that the server had handled by then. */
void x11_present_changed(x11 *self, const xcb_xfixes_selection_notify_event_t *event, unsigned sequence);
/* The owner has answered a question for TARGETS, or not. */
void x11_present_targets(x11 *self, via_status status, const clip_bytes *bytes, xcb_atom_t type);
void x11_present_fini(x11 *self);

/* The slots of clip_backend. */
void x11_fetch(x11 *self, uint64_t ticket, const char *type);
void x11_look(x11 *self, uint64_t ticket);
void x11_cancel(x11 *self, uint64_t ticket);
/* Asks the owner; ticket 0 = for TARGETS. NULL = no memory, which is told. */
x11_read *x11_read_begin(x11 *self, uint64_t ticket, xcb_atom_t target, bool is_text, size_t limit);
/* Nobody wants it any more. */
void x11_read_abandon(x11 *self, x11_read *read);
void x11_read_notify(x11 *self, const xcb_selection_notify_event_t *event);
void x11_read_property(x11 *self, const xcb_property_notify_event_t *event);
/*
 * The content is gone, by its owner's death, or because another has taken its place, after the server has handled our request
 * number `sequence`.
 */
void x11_read_revoke(x11 *self, bool is_death, unsigned sequence);
via_deadline x11_read_until(const x11 *self);
void x11_read_expire(x11 *self, uint64_t now);
void x11_read_fini(x11 *self);

/* Text as Latin-1: size of it, or SIZE_MAX where a character has no place there. `out` NULL = only count. */
size_t x11_latin_from_utf8(const uint8_t *text, size_t size, uint8_t *out);
/* Latin-1 as UTF-8, in place; VIA_ETOOBIG, VIA_ENOMEM. */
via_status x11_latin_to_utf8(clip_bytes *bytes);
/* Is this COMPOUND_TEXT without a change of character set, so that it is Latin-1? */
bool x11_is_plain_compound(const clip_bytes *bytes);

/* ---- names of atoms (x11_atoms.c) ---------------------------------------------------------------------------- */

enum { X11_KNOWN_ATOMS = 256 };

/* Names that the server has told. They never change as long as it runs. */
typedef struct x11_atoms {
    struct {
        xcb_atom_t atom;
        char *name; /* NULL = one that could not be a type */
    } known[X11_KNOWN_ATOMS];
    size_t count;
    size_t next; /* place of the next one, once all are taken */
} x11_atoms;

/* False = it has not been told yet, or was forgotten. The name stays valid until the next x11_atoms_learn(). */
bool x11_atoms_find(const x11_atoms *atoms, xcb_atom_t atom, const char **name);
/* Copies the name, if it is the name of a type; `answer` NULL = there is none. */
void x11_atoms_learn(x11_atoms *atoms, xcb_atom_t atom, const xcb_get_atom_name_reply_t *answer);
void x11_atoms_fini(x11_atoms *atoms);

/* ---- the clipboard manager (x11_manager.c) ------------------------------------------------------------------ */

typedef struct x11_manager {
    xcb_window_t window; /* of the manager that runs; None = none does */
    x11_publication *saving;
    via_deadline idle;
    via_deadline total;
} x11_manager;

bool x11_hand_over(x11 *self);
/* The manager has read something, or we have written more. */
void x11_manager_moved(x11 *self);
void x11_manager_changed(x11 *self, xcb_window_t owner);
/* True = the notice is about the hand-over. */
bool x11_manager_notify(x11 *self, const xcb_selection_notify_event_t *event);
via_deadline x11_manager_until(const x11 *self);
void x11_manager_expire(x11 *self, uint64_t now);

/* ---- the connection (x11_connect.c, x11_reach.c, x11_backend.c) --------------------------------------------- */

struct x11 {
    x11_library xcb;
    clip_settings settings;
    const clip_events *events;
    void *core;
    xcb_connection_t *connection;
    int descriptor;      /* the connection's */
    xcb_window_t window; /* is told of new owners; owns nothing */
    xcb_atom_t atoms[X11_NAMES];
    x11_atoms names;
    uint8_t fixes_event; /* number of XFixes' first event */
    size_t max_data;     /* bytes that one request can carry */
    xcb_timestamp_t now; /* the latest time the server has told */
    x11_question *questions;
    x11_question **questions_end;
    xcb_generic_event_t *event; /* read, and not handled yet */
    x11_news *news;
    x11_news **news_end;
    x11_news *late; /* answers that are to follow the next `changed` */
    uint64_t told;  /* generation that the core knows of */
    x11_owner owner;
    x11_multiple *multiples;
    x11_send *sends;
    x11_read *reads;
    x11_present present;
    x11_manager manager;
    via_status failed;       /* VIA_OK = the connection is there */
    bool is_failure_told;    /* ... and so is the core's knowledge of it */
    const char *failed_what; /* constant texts */
    const char *failed_mend;
};

/* Is there somebody at the display who answers? Sets *screen to what the name asks for. Fills the error. */
via_status x11_reach(const x11_library *xcb, const via_host_api *host, const char *display, via_deadline deadline,
                     via_error *error);
/* Connects and asks for what there is. Fills the error. */
via_status x11_connect(x11 *self, via_deadline deadline, via_error *error);
/* An InputOnly window of ours, told of its properties. */
xcb_window_t x11_window_create(x11 *self);
/* Is this window ours? */
bool x11_is_own(const x11 *self, xcb_window_t window);

#endif
