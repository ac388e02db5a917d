/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends say to each other over the Unix socket that brought them together.
 *
 * Owns: the format of one datagram (kit/packet.h). Messages never go this way, only what a queue cannot carry: hellos and goodbyes,
 * and the memory of a pair's large message. The end of the socket is the notice of death.
 */
#ifndef MQUEUE_WORDS_H
#define MQUEUE_WORDS_H

#include <viaduct/plugin.h>

enum { MQUEUE_WORD_DESCRIPTORS = 2 };

/* mqueue_word.kind, and what goes with it */
enum {
    MQUEUE_HELLO =
        1, /* role; of a dialer of a pair: the queue that it sends by, to read, and the one that it receives by, to write */
    MQUEUE_FINISH = 2, /* no more messages follow */
    MQUEUE_BYE = 3,    /* closed, not dead */
    MQUEUE_PARCEL = 4  /* number, size; the memory with the bytes of a message whose reference follows in the queue */
};

typedef struct mqueue_word {
    char magic[4]; /* "VMQW" */
    uint16_t version;
    uint16_t kind;
    uint32_t role; /* VIA_PAIR, VIA_PUSH, VIA_PULL */
    uint32_t zero;
    uint64_t number;
    uint64_t size; /* bytes */
} mqueue_word;

/* As via_packet_send(); fills magic and version. */
via_status mqueue_word_send(int socket, mqueue_word word, const int *descriptors, size_t count);
/* As via_packet_receive(); VIA_EPROTO: it is no such word. */
via_status mqueue_word_receive(int socket, mqueue_word *word, int descriptors[MQUEUE_WORD_DESCRIPTORS]);

#endif
