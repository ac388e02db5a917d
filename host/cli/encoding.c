/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text; see encoding.h. Sources: RFC 4648 for base64, the C escapes for quoted. */
#include "encoding.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- hex ---------------------------------------------------------------------------------------------------- */

void via_cli_hex_put(FILE *out, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        (void)putc(hex_digits[bytes[i] >> 4], out);
        (void)putc(hex_digits[bytes[i] & 15], out);
    }
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static bool hex_byte(const char *digits, char *byte)
{
    int high = hex_value(digits[0]), low = high < 0 ? -1 : hex_value(digits[1]);
    *byte = (char)(high * 16 + low);
    return low >= 0;
}

bool via_cli_hex_decode(char *text, size_t length, size_t *size)
{
    if (length % 2 != 0)
        return false;
    for (size_t i = 0; i < length / 2; i++)
        if (!hex_byte(text + 2 * i, text + i))
            return false;
    *size = length / 2;
    return true;
}

/* ---- quoted ------------------------------------------------------------------------------------------------- */

static const char escaped[] = "\"\\\n\r\t", escapes[] = "\"\\nrt";

/* Both answer how many bytes of the message they stand for. */
static size_t put_escape(FILE *out, char letter)
{
    (void)fprintf(out, "\\%c", letter);
    return 1;
}

static size_t put_escaped_byte(FILE *out, char byte)
{
    (void)fprintf(out, "\\x%02x", (unsigned char)byte);
    return 1;
}

void via_cli_quoted_put(FILE *out, const void *data, size_t size)
{
    const char *text = data;
    (void)putc('"', out);
    while (size > 0) {
        const char *special = *text ? strchr(escaped, *text) : NULL;
        uint32_t point = 0;
        size_t length = via_cli_utf8_next(text, size, &point);
        if (special)
            length = put_escape(out, escapes[special - escaped]);
        else if (length == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0))
            length = put_escaped_byte(out, *text);
        else
            (void)fwrite(text, 1, length, out);
        text += length;
        size -= length;
    }
    (void)putc('"', out);
}

/* One escape after the backslash; its length, 0 = wrong. */
static size_t unescape(const char *text, size_t left, char *byte)
{
    if (left >= 3 && text[0] == 'x')
        return hex_byte(text + 1, byte) ? 3 : 0;
    const char *known = left >= 1 && text[0] ? strchr(escapes, text[0]) : NULL;
    if (!known)
        return 0;
    *byte = escaped[known - escapes];
    return 1;
}

bool via_cli_quoted_decode(char *text, size_t length, size_t *size)
{
    size_t used = 0;
    if (length < 2 || text[0] != '"' || text[length - 1] != '"')
        return false;
    for (size_t i = 1; i < length - 1;) {
        char byte = text[i++];
        if (byte == '"')
            return false;
        if (byte == '\\') {
            size_t taken = unescape(text + i, length - 1 - i, &byte);
            if (taken == 0)
                return false;
            i += taken;
        }
        text[used++] = byte;
    }
    *size = used;
    return true;
}

/* ---- base64 ------------------------------------------------------------------------------------------------- */

char *via_cli_base64_encode(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    char *text = malloc((size + 2) / 3 * 4 + 1), *next = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)bytes[i + 2] : 0);
        *next++ = base64_digits[group >> 18];
        *next++ = base64_digits[group >> 12 & 63];
        *next++ = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        *next++ = left > 2 ? base64_digits[group & 63] : '=';
    }
    *next = '\0';
    return text;
}

bool via_cli_base64_decode(char *text, size_t length, size_t *size)
{
    size_t used = 0, padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    if (length % 4 != 0)
        return false;
    for (size_t i = 0; i < length; i += 4) {
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            const char *digit = text[i + j] ? strchr(base64_digits, text[i + j]) : NULL;
            if (!digit && i + j < length - padding)
                return false;
            group = group << 6 | (digit ? (uint32_t)(digit - base64_digits) : 0);
        }
        text[used++] = (char)(group >> 16);
        text[used++] = (char)(group >> 8 & 255);
        text[used++] = (char)(group & 255);
    }
    *size = used - padding;
    return true;
}
