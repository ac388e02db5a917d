/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the bytes of a message in a queue.
 *
 * Owns: the format. 16 bytes: "VQ", version, kind, four zeros, the message's size (both ends are one machine, so numbers are as
 * the machine has them). Then the message itself, or, if it is too large for the queue, the number by which its body is found.
 */
#ifndef MQUEUE_HEADER_H
#define MQUEUE_HEADER_H

#include <viaduct/types.h>

enum { MQUEUE_HEADER_SIZE = 16, MQUEUE_REFERENCE_SIZE = MQUEUE_HEADER_SIZE + 8 };

enum { MQUEUE_WHOLE = 0, MQUEUE_BODY = 1 };

typedef struct mqueue_header {
    uint32_t kind;
    uint64_t size; /* bytes of the message */
    uint64_t body; /* of MQUEUE_BODY */
} mqueue_header;

/* Writes MQUEUE_HEADER_SIZE or MQUEUE_REFERENCE_SIZE bytes, as the kind has it; returns how many. */
size_t mqueue_header_write(const mqueue_header *header, void *bytes);
/* VIA_OK; VIA_EPROTO: no message of ours, *why says why. */
via_status mqueue_header_read(const void *bytes, size_t size, mqueue_header *header, const char **why);

#endif
