/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: decoding and splitting. Never expands anything: no variables, no globs, no home folders.
 */
#include "kit/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- percent-decoding --------------------------------------------------------------------------------------- */

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* Decodes in place, which works since the result is never longer. */
static via_status decode_in_place(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        unsigned char byte = (unsigned char)*from;

        if (*from == '%') {
            int high = hex_value(from[1]);
            int low = high < 0 ? -1 : hex_value(from[2]);

            if (low < 0)
                return VIA_EINVAL;
            byte = (unsigned char)(high * 16 + low);
            from += 2;
        }
        if (is_control(byte))
            return VIA_EINVAL;
        *to++ = (char)byte;
    }
    *to = '\0';
    return VIA_OK;
}

via_status via_text_decode(const char *text, char **decoded)
{
    via_status status;

    *decoded = strdup(text);
    if (!*decoded)
        return VIA_ENOMEM;
    status = decode_in_place(*decoded);
    if (status != VIA_OK) {
        free(*decoded);
        *decoded = NULL;
    }
    return status;
}

/* ---- words -------------------------------------------------------------------------------------------------- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Inside "..." a backslash means something only before a quote or another backslash, as in a shell. */
static bool escapes_in_quotes(char next)
{
    return next == '"' || next == '\\';
}

/* The part of a word in quotes; *from stands on the opening one and is left on the closing one. */
static via_status copy_quoted(const char **from, char **to)
{
    char quote = **from;
    const char *at = *from + 1;

    for (; *at && *at != quote; at++) {
        if (quote == '"' && *at == '\\' && escapes_in_quotes(at[1]))
            at++;
        *(*to)++ = *at;
    }
    *from = at;
    return *at ? VIA_OK : VIA_EINVAL;
}

/* One word from *from (not a blank) to *to, with its NUL. */
static via_status copy_word(const char **from, char **to)
{
    const char *at = *from;
    via_status status = VIA_OK;

    for (; *at && !is_blank(*at) && status == VIA_OK; at++) {
        if (*at == '\'' || *at == '"') {
            status = copy_quoted(&at, to);
        } else if (*at != '\\') {
            *(*to)++ = *at;
        } else if (at[1]) {
            *(*to)++ = *++at;
        } else {
            status = VIA_EINVAL;
        }
        if (status != VIA_OK)
            return status;
    }
    *(*to)++ = '\0';
    *from = at;
    return VIA_OK;
}

/* Fills `words` with pointers into `storage`, which has room for the whole text. */
static via_status split(const char *text, char **words, char *storage, size_t *count)
{
    *count = 0;
    for (;;) {
        char *word = storage;
        via_status status;

        while (is_blank(*text))
            text++;
        if (!*text)
            break;
        status = copy_word(&text, &storage);
        if (status == VIA_OK)
            status = decode_in_place(word);
        if (status != VIA_OK)
            return status;
        words[(*count)++] = word;
    }
    words[*count] = NULL;
    return VIA_OK;
}

via_status via_text_words(const char *text, char ***words, size_t *count)
{
    size_t length = strlen(text);
    size_t most = length / 2 + 2; /* words of one letter, and the NULL */
    char **block = malloc(most * sizeof(*block) + length + 1);
    via_status status;

    *words = NULL;
    if (!block)
        return VIA_ENOMEM;
    status = split(text, block, (char *)(block + most), count);
    if (status != VIA_OK) {
        free(block);
        return status;
    }
    *words = block;
    return VIA_OK;
}

/* ---- options ------------------------------------------------------------------------------------------------ */

const via_option *via_option_find(const via_open *open, const char *name)
{
    static const via_option empty = {.name = "", .text = ""};

    for (size_t i = 0; i < open->option_count; i++)
        if (strcmp(open->options[i].name, name) == 0)
            return &open->options[i];
    return &empty;
}
