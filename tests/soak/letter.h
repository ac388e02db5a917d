/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the soak sends: numbered messages whose every byte can be checked.
 *
 * Owns: the layout of a letter and its content. Knows nothing of channels.
 */
#ifndef VIADUCT_SOAK_LETTER_H
#define VIADUCT_SOAK_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The beginning of every letter; the rest is filled from `run` and `number`. */
typedef struct via_letter {
    uint64_t magic;
    uint64_t run;    /* who sent it: one connection, or one member of a queue or topic, from its opening to its end */
    uint64_t number; /* 0, 1, 2, ... within the run */
    uint64_t size;   /* bytes of the whole letter */
} via_letter;

enum { VIA_LETTER_MAX = 300000 };

/* A step of xorshift64; never 0 for a state that is not 0. */
uint64_t via_letter_random(uint64_t *state);

/* Writes the letter; its size is chosen from run and number: mostly small, seldom large. Returns the size. */
size_t via_letter_write(uint8_t *buffer, uint64_t run, uint64_t number);
/* Is every byte as it was written? */
bool via_letter_check(const uint8_t *data, size_t size, via_letter *letter);

#endif
