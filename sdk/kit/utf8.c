/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the check of UTF-8; see utf8.h. Runs of ASCII go eight bytes at a time. Never reads beyond `size`.
 */
#include "kit/utf8.h"

#include <stdint.h>
#include <string.h>

static size_t ascii_run(const unsigned char *text, size_t size)
{
    size_t at = 0;

    for (uint64_t eight; size - at >= sizeof(eight); at += sizeof(eight)) {
        memcpy(&eight, text + at, sizeof(eight));
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < size && text[at] < 0x80)
        at++;
    return at;
}

/* The second byte tells what the first one alone cannot: overlong forms, surrogates, the end of Unicode. */
static bool is_second(unsigned char first, unsigned char second)
{
    unsigned char low = 0x80, high = 0xbf;

    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    return second >= low && second <= high;
}

/* Bytes of the character that begins here and is not ASCII; 0 = it is none. */
static size_t long_character(const unsigned char *text, size_t size)
{
    size_t length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

    if (text[0] < 0xc2 || text[0] > 0xf4 || length > size || !is_second(text[0], text[1]))
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

size_t via_utf8_prefix(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = ascii_run(bytes, size);

    while (at < size) {
        size_t length = long_character(bytes + at, size - at);

        if (length == 0)
            break;
        at += length;
        if (at < size && bytes[at] < 0x80)
            at += ascii_run(bytes + at, size - at);
    }
    return at;
}
