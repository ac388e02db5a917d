/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the embedded backend: NAME.clip in the runtime folder, which is the content, and NAME.clip.lock.
 *
 * Owns: that a file gets its name only when it is whole, that two writers never meet, and that nothing which others have put
 * in the place of a file is followed, waited for or overwritten. Must never wait: a lock that is taken is an answer.
 *
 * A writer may be killed at any instruction. What it leaves is either the old content or the new one under the name, and at
 * most one file NAME.clip.new, which the next writer removes; its lock goes with it.
 */
#ifndef CLIPBOARD_STORE_H
#define CLIPBOARD_STORE_H

#include "bytes.h"
#include "head.h"

#include <viaduct/plugin.h>

typedef struct clip_store {
    int folder; /* descriptor */
    uint64_t folder_device, folder_number;
    char folder_path[512];
    char name[160]; /* of the content's file */
    char lock_name[168];
    char new_name[168];
} clip_store;

/* A content that was looked at. */
typedef struct clip_view {
    uint8_t bytes[CLIP_HEAD_LARGEST];
    clip_head head;  /* its texts are in `bytes` */
    int descriptor;  /* of the file; -1 = there is none, or a damaged one, and the head is an empty one */
    bool is_damaged; /* there is a file of ours that is no content, and the head has an id that stands for it */
} clip_view;

/* What went wrong, for whoever tells it. */
typedef struct clip_fault {
    via_status status;
    int os_code;
    char what[640];
} clip_fault;

/* VIA_OK, VIA_EINVAL, VIA_EPERM, VIA_ELIMIT, VIA_EIO, with the error filled. */
via_status clip_store_open(clip_store *store, const via_host_api *host, const char *name, via_error *error);
void clip_store_close(clip_store *store);
/* Is it still this folder that has the name? It may have been removed, moved away, or made again by somebody. */
bool clip_store_is_current(const clip_store *store);

/*
 * Opens what is under the name. VIA_OK (perhaps there is nothing, or something damaged, which `fault` tells of), or what `fault`
 * says. To be closed with clip_view_close().
 */
via_status clip_store_look(const clip_store *store, clip_view *view, clip_fault *fault);
void clip_view_close(clip_view *view);
/* Reads one format whole. VIA_OK, VIA_ETOOBIG, VIA_ENOMEM, VIA_EIO. */
via_status clip_view_read(const clip_view *view, size_t format, clip_bytes *bytes);

/* The writers' lock, to be given back; or VIA_EBUSY (a live writer has it) or another status. */
via_status clip_store_lock(const clip_store *store, int *lock, clip_fault *fault);
void clip_store_unlock(int lock);
/*
 * Under the lock: makes this the content (NULL: none), as the next generation after `view`, and at least `least`; after the last
 * generation comes the first. Tells the new id and generation. On failure the old content stays.
 */
via_status clip_store_replace(const clip_store *store, const clip_view *view, const clip_content *content,
                              uint64_t least, uint64_t *id, uint64_t *generation, clip_fault *fault);

#endif
