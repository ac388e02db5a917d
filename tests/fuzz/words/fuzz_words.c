/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text through the splitting of words and through percent-decoding: no control character comes out, words written
 * in single quotes come back as they were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            abort();
}

/* Escapes a word so that splitting and decoding give it back. Returns what follows it. */
static char *quote(char *to, const char *word)
{
    *to++ = '\'';
    for (; *word; word++)
        if (*word == '\'' || *word == '%')
            to += sprintf(to, "%%%02x", (unsigned)(unsigned char)*word);
        else
            *to++ = *word;
    *to++ = '\'';
    *to++ = ' ';
    return to;
}

static void check_quoted(char **words, size_t count, size_t length)
{
    char *text = malloc(3 * length + 4 * count + 1);
    char *at = text;
    char **again;
    size_t again_count;

    if (!text)
        abort();
    for (size_t i = 0; i < count; i++)
        at = quote(at, words[i]);
    *at = '\0';
    if (via_text_words(text, &again, &again_count) != VIA_OK || again_count != count)
        abort();
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], again[i]) != 0)
            abort();
    free(again);
    free(text);
}

static void check_words(const char *text)
{
    char **words;
    size_t count;

    if (via_text_words(text, &words, &count) != VIA_OK)
        return;
    if (words[count])
        abort();
    for (size_t i = 0; i < count; i++)
        check_text(words[i]);
    check_quoted(words, count, strlen(text));
    free(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char *decoded;

    if (!text)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_words(text);
    if (via_text_decode(text, &decoded) == VIA_OK) {
        check_text(decoded);
        free(decoded);
    }
    free(text);
    return 0;
}
