/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text on a terminal: UTF-8, its width, foreign text made harmless, and the nearest right word.
 *
 * Owns: how the command shows a text that somebody else wrote (a manifest, a peer, an operating system).
 */
#include <string.h>
#include <wchar.h>

#include "cli.h"

/* Lead byte to length; 0 = no lead byte. Overlong and surrogate forms are caught by the caller (RFC 3629). */
static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead < 0xe0)
        return 2;
    if (lead >= 0xe0 && lead < 0xf0)
        return 3;
    return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

static bool is_allowed(uint32_t point, size_t length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    return point >= least[length] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

size_t via_cli_utf8_next(const char *text, size_t size, uint32_t *point)
{
    if (size == 0)
        return 0;
    unsigned char lead = (unsigned char)text[0];
    size_t length = sequence_length(lead);
    if (length == 0 || length > size)
        return 0;
    uint32_t value = length == 1 ? lead : lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3fu);
    }
    if (point)
        *point = value;
    return is_allowed(value, length) ? length : 0;
}

bool via_cli_is_utf8(const char *text, size_t size)
{
    while (size > 0) {
        size_t length = via_cli_utf8_next(text, size, NULL);
        if (length == 0)
            return false;
        text += length;
        size -= length;
    }
    return true;
}

/* Columns of one character; -1 = it would command the terminal, or is unknown. */
static int point_width(uint32_t point)
{
    if (point < 0x20 || (point >= 0x7f && point < 0xa0))
        return -1;
    int width = wcwidth((wchar_t)point);
    return width;
}

size_t via_cli_text_width(const char *text)
{
    size_t left = strlen(text), width = 0;
    while (left > 0) {
        uint32_t point = 0;
        size_t length = via_cli_utf8_next(text, left, &point);
        int columns = length ? point_width(point) : -1;
        length = length ? length : 1;
        width += columns < 0 ? 1 : (size_t)columns;
        text += length;
        left -= length;
    }
    return width;
}

void via_cli_put_text(FILE *out, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        uint32_t point = 0;
        size_t length = via_cli_utf8_next(text, left, &point);
        if (length && point_width(point) >= 0)
            (void)fwrite(text, 1, length, out);
        else
            (void)fputc('?', out);
        length = length ? length : 1;
        text += length;
        left -= length;
    }
}

/* ---- the nearest word --------------------------------------------------------------------------------------- */

enum { LONGEST_WORD = 32 };

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance, two rows at a time. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t before[LONGEST_WORD + 1], now[LONGEST_WORD + 1];
    for (size_t j = 0; j <= b_length; j++)
        before[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++)
            now[j] = least_of(before[j] + 1, now[j - 1] + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
        memcpy(before, now, sizeof before);
    }
    return before[b_length];
}

bool via_cli_nearly(const char *typed, const char *right)
{
    size_t a = strlen(typed), b = strlen(right);
    if (a == 0 || a > LONGEST_WORD || b > LONGEST_WORD)
        return false;
    return distance(typed, a, right, b) <= (b < 5 ? 1u : 2u);
}
