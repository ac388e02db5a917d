/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: both directions of base64; see base64.h. Must never take two texts for the same bytes, but for the "=" at the end.
 */
#include "base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t rpc_base64_length(size_t size)
{
    size_t groups = size / 3 + (size % 3 != 0);

    return groups > SIZE_MAX / 4 ? SIZE_MAX : groups * 4;
}

static void encode_group(uint32_t bits, size_t characters, char *text)
{
    for (size_t i = 0; i < 4; i++)
        text[i] = i < characters ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
}

void rpc_base64_encode(const void *bytes, size_t size, char *text)
{
    const unsigned char *at = bytes;

    for (; size >= 3; size -= 3, at += 3, text += 4)
        encode_group((uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2], 4, text);
    if (size == 2)
        encode_group((uint32_t)at[0] << 16 | (uint32_t)at[1] << 8, 3, text);
    else if (size == 1)
        encode_group((uint32_t)at[0] << 16, 2, text);
}

/* 64 = not of the alphabet. */
static uint32_t value_of(char character)
{
    if (character >= 'A' && character <= 'Z')
        return (uint32_t)(character - 'A');
    if (character >= 'a' && character <= 'z')
        return (uint32_t)(character - 'a') + 26;
    if (character >= '0' && character <= '9')
        return (uint32_t)(character - '0') + 52;
    return character == '+' ? 62 : character == '/' ? 63 : 64;
}

/* One to four characters to the bits that they stand for, from the left of 24. */
static bool decode_group(const char *text, size_t characters, uint32_t *bits)
{
    *bits = 0;
    for (size_t i = 0; i < characters; i++) {
        uint32_t value = value_of(text[i]);

        if (value == 64)
            return false;
        *bits |= value << (18 - 6 * i);
    }
    return true;
}

/* The last group, of two or three characters: one or two bytes, and bits that say nothing. */
static bool decode_rest(const char *text, size_t characters, unsigned char *bytes)
{
    uint32_t bits, unused = characters == 2 ? 0xffff : 0xff;

    if (characters == 1 || !decode_group(text, characters, &bits) || (bits & unused) != 0)
        return false;
    bytes[0] = (unsigned char)(bits >> 16);
    if (characters == 3)
        bytes[1] = (unsigned char)(bits >> 8);
    return true;
}

static size_t without_padding(const char *text, size_t length)
{
    size_t padding = 0;

    if (length == 0 || length % 4 != 0)
        return length;
    while (padding < 2 && text[length - 1 - padding] == '=')
        padding++;
    return length - padding;
}

bool rpc_base64_decode(const char *text, size_t length, unsigned char *bytes, size_t *size)
{
    size_t left = without_padding(text, length);
    uint32_t bits;

    *size = left / 4 * 3 + (left % 4 ? left % 4 - 1 : 0);
    for (; left >= 4; left -= 4, text += 4, bytes += 3) {
        if (!decode_group(text, 4, &bits))
            return false;
        bytes[0] = (unsigned char)(bits >> 16);
        bytes[1] = (unsigned char)(bits >> 8);
        bytes[2] = (unsigned char)bits;
    }
    return left == 0 || decode_rest(text, left, bytes);
}
