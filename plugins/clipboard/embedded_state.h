/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One clipboard of files: what its parts share.
 *
 * Owns: the layout. embedded.c has the slots; embedded_view.c what is there and in which folder; embedded_jobs.c what needs the
 * writers' lock. All of it is the worker's.
 */
#ifndef CLIPBOARD_EMBEDDED_STATE_H
#define CLIPBOARD_EMBEDDED_STATE_H

#include "backend.h"
#include "store.h"

enum { JOB_OFFER, JOB_WITHDRAW, JOB_TAKE };

/* Something that needs the writers' lock. In the order of arrival. */
typedef struct job {
    struct job *next;
    uint32_t kind;
    uint64_t number;       /* of our content, or a fetch's ticket */
    clip_content *content; /* to offer; NULL = none */
    uint64_t id;           /* to take: the content */
    via_deadline deadline;
    char type[256];
} job;

typedef struct embedded {
    clip_settings settings;
    const clip_events *events;
    void *core;
    clip_store store;
    int watch; /* its descriptor */
    job *jobs;
    via_deadline next_try; /* for the lock; VIA_NOW = it was not in vain */
    bool has_told;
    bool has_failed;
    uint64_t told_id; /* 0 = that there is no file */
    uint64_t generation;
    uint64_t our_id; /* of the content that this channel has put there; 0 = it is another's */
    uint64_t our_number;
    bool is_held; /* it is a secret, and depends on us */
} embedded;

/* The way out where a file is in the way. */
extern const char embedded_mend[];

/* ---- embedded_view.c ---------------------------------------------------------------------------------------- */

/* The end: told once. */
void embedded_fail(embedded *self, via_status status, int32_t os_code, const char *what, const char *mend);
/* This is there now. ours: as for clip_change; damage: what is wrong with the file, NULL = nothing. */
void embedded_tell_change(embedded *self, const clip_head *head, uint64_t ours, const clip_fault *damage);
/* Ours is gone: another's took its place, or nothing did. */
void embedded_let_go(embedded *self);
/* Opens the folder under its name, and watches it. VIA_OK, or what the error says. */
via_status embedded_open_folder(embedded *self, via_error *error);
/* Before each look and each try for the lock: the folder under the name is the one that is open. False: it is the end. */
bool embedded_is_in_folder(embedded *self);
/* What is there now, told if it is news; to be closed. False: it cannot be read, and that is the end. */
bool embedded_look(embedded *self, clip_view *view);
void embedded_look_again(embedded *self);

/* ---- embedded_jobs.c ---------------------------------------------------------------------------------------- */

/* VIA_OK, VIA_ETYPE, or what clip_view_read() says. */
via_status embedded_read_type(const clip_view *view, const char *type, clip_bytes *bytes);
/* Frees what the core has left. */
void embedded_tell_fetched(embedded *self, uint64_t ticket, via_status status, clip_bytes *bytes);
/* At the end of the list, to be done within the time of a reply; NULL = no memory. */
job *embedded_add_job(embedded *self, uint32_t kind, uint64_t number);
void embedded_drop_job(embedded *self);
/* As many as can be done now. */
void embedded_do_jobs(embedded *self);

#endif
