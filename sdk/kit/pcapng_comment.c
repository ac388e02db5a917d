/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meta data of a message, read back from a packet's comment; see pcapng_write.c for how they stand there.
 *
 * Owns: leniency. A comment that somebody else has written describes nothing, and is no error.
 */
#include "kit/pcapng.h"

#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false = a wrong escape, a NUL, or more than 255 bytes. */
static bool unescape(const char *text, size_t size, char to[256])
{
    size_t at = 0;
    for (size_t i = 0; i < size; i++, at++) {
        char c = text[i];
        if (c == '%') {
            if (size - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
                return false;
            c = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        }
        if (c == '\0' || at == 255)
            return false;
        to[at] = c;
    }
    to[at] = '\0';
    return true;
}

static bool read_number(const char *text, size_t size, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    if (size == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        const int next = digit(text[i]);
        if (next < 0 || next > 9 || value > (most - (uint64_t)next) / 10)
            return false;
        value = value * 10 + (uint64_t)next;
    }
    *out = value;
    return true;
}

static bool read_priority(const char *text, size_t size, int32_t *out)
{
    uint64_t value = 0;
    const bool is_negative = size > 0 && text[0] == '-';
    if (!read_number(text + is_negative, size - is_negative, (uint64_t)INT32_MAX + is_negative, &value))
        return false;
    *out = is_negative ? (int32_t) - (int64_t)value : (int32_t)value;
    return true;
}

static bool take_word(const char *word, size_t size, via_meta *meta, char key[256], char content_type[256])
{
    const char *equals = memchr(word, '=', size);
    if (equals == NULL)
        return false;
    const size_t name = (size_t)(equals - word);
    const char *value = equals + 1;
    const size_t length = size - name - 1;
    if (name == 3 && memcmp(word, "key", 3) == 0) {
        meta->key = key;
        return unescape(value, length, key);
    }
    if (name == 4 && memcmp(word, "type", 4) == 0) {
        meta->content_type = content_type;
        return unescape(value, length, content_type);
    }
    if (name == 8 && memcmp(word, "priority", 8) == 0)
        return read_priority(value, length, &meta->priority);
    return name == 8 && memcmp(word, "sequence", 8) == 0 && read_number(value, length, UINT64_MAX, &meta->sequence);
}

void via_pcapng_read_comment(const char *text, size_t size, via_meta *meta, char key[256], char content_type[256])
{
    memset(meta, 0, sizeof(*meta));
    for (size_t at = 0; at < size;) {
        const char *blank = memchr(text + at, ' ', size - at);
        const size_t length = blank != NULL ? (size_t)(blank - text) - at : size - at;
        if (!take_word(text + at, length, meta, key, content_type)) {
            memset(meta, 0, sizeof(*meta));
            return;
        }
        at += length + 1;
    }
}
