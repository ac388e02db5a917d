/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in the file system.
 *
 * Owns: where a listener's FIFO is (NAME.fifo in the runtime folder, or an absolute path) and what the private files of
 * one connection beside it are called: FIFO.PID.ID.up, .hold, .down and .rest. Knows which of them are a dead dialer's.
 */
#ifndef PIPE_PLACE_H
#define PIPE_PLACE_H

#include "record.h"

#include <viaduct/plugin.h>

#define PIPE_PATH_MAX 440 /* of a listener's FIFO; a lock file's name has to fit, too */
#define PIPE_PRIVATE_MAX 512

typedef struct pipe_place {
    char path[PIPE_PATH_MAX]; /* of the listener's FIFO */
} pipe_place;

/* The files of one connection. */
typedef struct pipe_names {
    char up[PIPE_PRIVATE_MAX];   /* FIFO, dialer to listener */
    char hold[PIPE_PRIVATE_MAX]; /* the same FIFO, while the dialer empties it into the file */
    char down[PIPE_PRIVATE_MAX]; /* FIFO, listener to dialer */
    char rest[PIPE_PRIVATE_MAX]; /* file, what was sent before the FIFO's content; see rest.c */
} pipe_names;

/* From an address's rest. VIA_OK, VIA_EINVAL, VIA_EPERM, VIA_ENOMEM, VIA_EIO. */
via_status pipe_place_find(const via_host_api *host, const char *rest, pipe_place *place, via_error *error);
void pipe_place_names(const pipe_place *place, const pipe_record *record, pipe_names *names);
/* Removes all four. */
void pipe_place_remove(const pipe_names *names);
/* Removes what dead dialers have left beside the FIFO. Only its owner may do so. Returns how many files. */
unsigned pipe_place_reclaim(const pipe_place *place);

#endif
