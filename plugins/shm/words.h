/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ends say to each other over the Unix socket that brought them together.
 *
 * Owns: the format of one datagram (SOCK_SEQPACKET, unix(7)) and the descriptors that come with it (SCM_RIGHTS). After the two
 * hellos there is little to say: a memory for a message larger than the ring, the eventfds of whoever polls. The end of
 * the socket is the notice of death.
 */
#ifndef SHM_WORDS_H
#define SHM_WORDS_H

#include <viaduct/plugin.h>

enum { SHM_VERSION = 1, SHM_WORD_DESCRIPTORS = 3 };

/* shm_word.kind, and what goes with it */
enum {
    SHM_HELLO = 1,   /* index, slots, size of the ring, max_message; the memory; of a topic: see there */
    SHM_REFUSED = 2, /* text: why */
    SHM_SEGMENT = 3, /* serial, size; the memory */
    SHM_BELLS = 4,   /* eventfds: rung when something was published, when something was given back */
    SHM_RING = 5,    /* of a topic: look again; for one who polls the socket */
    SHM_CELL = 16    /* index, size, max_message; what members share: memory, bell, listening socket */
};

/* shm_word.flags of a pair's hello: who says it crosses for both (barrier.h) after each call */
#define SHM_CROSSES 0x1000u

/* To one who got a SHM_CELL and wanted something else. */
#define SHM_CELL_HAS_NAME "refused: the name is that of a value or a region"

typedef struct shm_word {
    char magic[4]; /* "VSHM" */
    uint16_t version;
    uint16_t kind;
    uint32_t serial;
    uint32_t index; /* of a hello the pattern, VIA_PATTERN_* */
    uint32_t slots;
    uint32_t flags; /* SHM_HUGE, SHM_CROSSES, TOPIC_* */
    uint64_t size;  /* of the ring, or of the segment */
    uint64_t max_message;
    uint64_t from; /* position of the first message for the other end; a subscriber: how many older ones it asks for */
    uint64_t sequence; /* of that message */
    char text[72];
} shm_word;

/* One datagram without waiting. VIA_OK, VIA_ETIMEDOUT (the socket is full), VIA_EPEER, VIA_EIO with errno. */
via_status shm_word_send(int socket, shm_word *word, const int *descriptors, size_t count);
/*
 * The next datagram without waiting; descriptors that did not come are -1, those that did are the caller's and close-on-exec.
 * VIA_OK; VIA_ETIMEDOUT: none; VIA_EPEER: the other end is gone; VIA_EPROTO: it is no such word; VIA_ELIMIT: no descriptor left.
 */
via_status shm_word_receive(int socket, shm_word *word, int descriptors[SHM_WORD_DESCRIPTORS]);
void shm_word_close(int descriptors[SHM_WORD_DESCRIPTORS]);

#endif
