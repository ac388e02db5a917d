/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a dialer writes on a listener's FIFO, and what a listener answers.
 *
 * Owns: the bytes of the announcement (64, one atomic write) and of the greeting (8). An announcement has no path in it:
 * names are made of the number of the process and 16 random bytes, so none can lead out of the folder.
 * Every byte that comes in is a stranger's.
 */
#ifndef PIPE_RECORD_H
#define PIPE_RECORD_H

#include <viaduct/types.h>

#define PIPE_RECORD_SIZE 64
#define PIPE_GREETING_SIZE 8

enum {                          /* pipe_record.kind */
       PIPE_RECORD_CONNECT = 1, /* two FIFOs wait to be opened */
       PIPE_RECORD_REST = 2,    /* the dialer has gone and left what it had sent in a file */
       PIPE_RECORD_AGAIN = 3    /* as CONNECT, of a dialer that has announced itself before */
};

enum { /* what a listener answers */
       PIPE_GREETING_WELCOME = 1,
       PIPE_GREETING_PATTERN = 2, /* turned away: it serves another pattern */
       PIPE_GREETING_FRAMING = 3  /* turned away: it expects another framing */
};

typedef struct pipe_record {
    uint32_t kind;
    uint32_t role;    /* of the dialer: VIA_PAIR, VIA_PUSH, VIA_PULL */
    uint32_t framing; /* pipe_record_framing() */
    int64_t pid;
    uint8_t id[16];
} pipe_record;

void pipe_record_write(const pipe_record *record, uint8_t out[PIPE_RECORD_SIZE]);
/* VIA_OK, or VIA_EPROTO: not an announcement. */
via_status pipe_record_read(const uint8_t bytes[PIPE_RECORD_SIZE], pipe_record *record);
/* The first place after 0 where an announcement may begin in `size` bytes; `size` if there is none. */
size_t pipe_record_resync(const uint8_t *bytes, size_t size);
/* What a listener of this role and framing answers: PIPE_GREETING_*. The dialer asks it, too; see card.h. */
uint8_t pipe_record_judge(const pipe_record *record, uint32_t role, uint32_t framing);
/* A number that stands for the name of a framing. */
uint32_t pipe_record_framing(const char *name);

void pipe_greeting_write(uint8_t verdict, uint8_t out[PIPE_GREETING_SIZE]);
/* PIPE_GREETING_*, or 0: not a greeting. */
uint8_t pipe_greeting_read(const uint8_t bytes[PIPE_GREETING_SIZE]);

#endif
