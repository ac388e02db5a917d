/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the soak sends. Owns: the content of a letter.
 */
#include "letter.h"

#include <string.h>

#define LETTER_MAGIC UINT64_C(0x5649412d534f414b)

uint64_t via_letter_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t seed_of(uint64_t run, uint64_t number)
{
    return (run + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (number + 1) * UINT64_C(0xd1b54a32d192ed03);
}

static size_t size_of(uint64_t random)
{
    uint64_t kind = random % 100;
    uint64_t extra = (random >> 8);

    if (kind < 70)
        return sizeof(via_letter) + extra % 200;
    if (kind < 95)
        return sizeof(via_letter) + extra % 9000;
    return sizeof(via_letter) + extra % (VIA_LETTER_MAX - sizeof(via_letter));
}

size_t via_letter_write(uint8_t *buffer, uint64_t run, uint64_t number)
{
    uint64_t state = seed_of(run, number);
    size_t size = size_of(via_letter_random(&state));
    via_letter letter = {LETTER_MAGIC, run, number, size};
    size_t at = sizeof letter;

    memcpy(buffer, &letter, sizeof letter);
    for (; at + sizeof state <= size; at += sizeof state) {
        uint64_t word = via_letter_random(&state);
        memcpy(buffer + at, &word, sizeof word);
    }
    for (; at < size; at++)
        buffer[at] = (uint8_t)via_letter_random(&state);
    return size;
}

bool via_letter_check(const uint8_t *data, size_t size, via_letter *letter)
{
    static uint8_t expected[VIA_LETTER_MAX];

    if (size < sizeof *letter)
        return false;
    memcpy(letter, data, sizeof *letter);
    if (letter->magic != LETTER_MAGIC || letter->size != size || size > VIA_LETTER_MAX)
        return false;
    return via_letter_write(expected, letter->run, letter->number) == size && memcmp(expected, data, size) == 0;
}
