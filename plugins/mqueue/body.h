/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are too large for a queue's slot: their bodies, in files beside the socket of the queue.
 *
 * Owns: PATH.NUMBER.part while a body is written or waits for room in the queue, locked by its writer, and PATH.NUMBER.body from the
 * moment it may be in the queue. So what a dead writer left unfinished can be told and removed, and what it sent cannot be
 * lost. Whoever takes a body removes it.
 */
#ifndef MQUEUE_BODY_H
#define MQUEUE_BODY_H

#include "buffers.h"
#include "place.h"

/* One that is on its way into the queue. */
typedef struct mqueue_body {
    int descriptor;
    uint64_t number;
} mqueue_body;

/* Writes one, still a part. VIA_OK; VIA_ENOMEM: no room for it; VIA_ETOOBIG: RLIMIT_FSIZE; VIA_ELIMIT, VIA_EIO, with errno. */
via_status mqueue_body_write(const char *path, const via_slice *slices, size_t count, uint64_t size, mqueue_body *body);
/* Gives it the name by which a receiver finds it, or takes that back. VIA_OK, VIA_EIO with errno. */
via_status mqueue_body_show(const char *path, const mqueue_body *body, bool shown);
/* It is in the queue, and the receivers' from now on. */
void mqueue_body_sent(mqueue_body *body);
/* It did not get there. */
void mqueue_body_drop(const char *path, mqueue_body *body);

/* Reads one of `size` bytes to `data` and removes it. VIA_OK; VIA_EPROTO: it is not there, or not what was announced; VIA_EIO. */
via_status mqueue_body_read(const char *path, uint64_t number, uint64_t size, void *data);

/*
 * Removes the parts of dead writers; with `all` (nobody else has the queue, and it is empty or gone) bodies as well.
 * Returns how many messages vanish with the parts.
 */
uint64_t mqueue_body_sweep(const char *path, bool all);

/* Writes all slices; also for memory files. False with errno: EFBIG where RLIMIT_FSIZE does not allow it, and no SIGXFSZ. */
bool mqueue_body_fill(int descriptor, const via_slice *slices, size_t count, uint64_t size);
/* Reads `size` bytes from the beginning. False: there are not so many. */
bool mqueue_body_fetch(int descriptor, void *data, uint64_t size);

#endif
