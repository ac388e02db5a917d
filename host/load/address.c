/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing addresses.
 *
 * Owns: every rule of the grammar and the error that names it. Must never read beyond the text or change it.
 */
#include "load/address.h"

#include "kit/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARACTERS_ "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* The options are not shown: one of them may be a secret. */
static via_status fail(via_error *error, const char *text, size_t at, const char *mend, const char *what)
{
    size_t head = strcspn(text, "?");

    return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, mend, "address \"%.*s%s\": %s, at character %zu",
                         (int)(head < 200 ? head : 200), text, text[head] ? "?..." : "", what, at + 1);
}

bool via_endpoint_is_name(const char *text)
{
    size_t size = strlen(text);

    return size >= 1 && size <= VIA_ENDPOINT_NAME_BYTES && strspn(text, NAME_CHARACTERS_) == size;
}

/* ---- characters ----------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that "%XX" stands for; -1 = it is not of that form. */
static int decode_byte(const char *text)
{
    int high = hex_digit(text[1]);
    int low = high < 0 ? -1 : hex_digit(text[2]);

    return low < 0 ? -1 : high * 16 + low;
}

/* Length of the UTF-8 sequence at `c`, 0 = none (RFC 3629: no overlong forms, no surrogates). */
static size_t sequence_length(const unsigned char *c)
{
    if (c[0] < 0x80)
        return 1;
    if (c[0] < 0xc2 || c[0] > 0xf4 || (c[1] & 0xc0) != 0x80)
        return 0;
    if (c[0] < 0xe0)
        return 2;
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) || (c[2] & 0xc0) != 0x80)
        return 0;
    if (c[0] < 0xf0)
        return 3;
    if ((c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f) || (c[3] & 0xc0) != 0x80)
        return 0;
    return 4;
}

static via_status check_characters(const char *text, via_error *error)
{
    for (size_t i = 0, step; text[i]; i += step) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) /* the text itself is not fit to be shown */
            return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, "write it percent-encoded, a newline as %0A",
                                 "the address holds a control character, at character %zu", i + 1);
        if (!(step = sequence_length((const unsigned char *)text + i)))
            return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, "write the byte percent-encoded, as %E4",
                                 "the address holds a byte that is not UTF-8, at character %zu", i + 1);
        if (c != '%')
            continue;
        int byte = decode_byte(text + i);
        if (byte < 0)
            return fail(error, text, i, "write a percent sign itself as %25",
                        "\"%\" is not followed by two hexadecimal digits");
        if (byte == 0)
            return fail(error, text, i, "take it out", "%00 stands for a NUL byte, which no name can hold");
    }
    return VIA_OK;
}

static char *decode(const char *text, size_t size)
{
    char *out = malloc(size + 1);
    size_t at = 0;

    for (size_t i = 0; out && i < size; i++) {
        out[at++] = text[i] == '%' ? (char)decode_byte(text + i) : text[i];
        i += text[i] == '%' ? 2 : 0;
    }
    if (out)
        out[at] = '\0';
    return out;
}

/* ---- options ------------------------------------------------------------------------------------------------ */

static via_status add_option(const char *text, const char *part, size_t size, via_address *out, via_error *error)
{
    size_t at = (size_t)(part - text);
    const char *equals = memchr(part, '=', size);

    if (size == 0)
        return fail(error, text, at, "take the extra \"&\" out", "an option is missing");
    if (!equals)
        return fail(error, text, at, "write option=value, for a switch option=true", "an option lacks \"=\"");
    if (equals == part)
        return fail(error, text, at, "write option=value", "an option lacks its name");
    if (out->option_count == VIA_ADDRESS_OPTIONS)
        return fail(error, text, at, "set the rest in an endpoint manifest", "more than 64 options");
    via_address_option *option = &out->options[out->option_count++];
    option->name = decode(part, (size_t)(equals - part));
    option->value = decode(equals + 1, size - (size_t)(equals - part) - 1);
    if (!option->name || !option->value)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    for (size_t i = 0; i + 1 < out->option_count; i++) {
        if (strcmp(out->options[i].name, option->name) == 0)
            return fail(error, text, at, "take one of the two out", "an option is there twice");
    }
    return VIA_OK;
}

static via_status parse_options(const char *text, const char *query, via_address *out, via_error *error)
{
    via_status status = VIA_OK;

    if (!*query)
        return VIA_OK;
    for (const char *part = query; part && status == VIA_OK;) {
        const char *end = strchr(part, '&');
        status = add_option(text, part, end ? (size_t)(end - part) : strlen(part), out, error);
        part = end ? end + 1 : NULL;
    }
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static via_status parse_scheme(const char *text, size_t size, via_address *out, via_error *error)
{
    size_t valid = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

    if (size == 0)
        return fail(error, text, 0, "write scheme:rest, such as unix:orders", "the scheme before \":\" is missing");
    if (valid < size)
        return fail(error, text, valid, "via plugins lists the schemes",
                    "a scheme is lower-case letters, digits, \"+\", "
                    "\".\" and \"-\"");
    if (text[0] < 'a' || text[0] > 'z')
        return fail(error, text, 0, "via plugins lists the schemes", "a scheme begins with a letter");
    if (size > 31)
        return fail(error, text, 31, "via plugins lists the schemes", "a scheme has at most 31 characters");
    out->scheme = strndup(text, size);
    return out->scheme ? VIA_OK : via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
}

static via_status parse_name(const char *text, size_t size, via_error *error)
{
    size_t valid = strspn(text, NAME_CHARACTERS_);

    if (size == 0)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, "write scheme:rest or the name of an endpoint",
                             "the address is empty");
    if (valid < size)
        return fail(error, text, valid, "write scheme:rest, such as unix:/run/orders, or the name of an endpoint",
                    "without a scheme it is an endpoint's name, of letters, digits, \"_\", \".\" and \"-\"");
    if (size > VIA_ENDPOINT_NAME_BYTES)
        return fail(error, text, VIA_ENDPOINT_NAME_BYTES, "shorten it", "an endpoint's name has at most 63 characters");
    return VIA_OK;
}

static via_status parse(const char *text, via_address *out, via_error *error)
{
    size_t head = strcspn(text, "?");
    size_t colon = strcspn(text, ":/?");
    bool has_scheme = text[colon] == ':';
    size_t start = has_scheme ? colon + 1 : 0;
    via_status status = has_scheme ? parse_scheme(text, colon, out, error) : parse_name(text, head, error);

    if (status != VIA_OK)
        return status;
    out->rest = strndup(text + start, head - start);
    if (!out->rest)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    return text[head] ? parse_options(text, text + head + 1, out, error) : VIA_OK;
}

via_status via_address_parse(const char *text, via_address *out, via_error *error)
{
    *out = (via_address){0};
    if (!text)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, "write scheme:rest or the name of an endpoint",
                             "the address is NULL");
    if (strnlen(text, VIA_ADDRESS_BYTES + 1) > VIA_ADDRESS_BYTES)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, "set the options in an endpoint manifest",
                             "the address is longer than 4096 bytes");
    via_status status = check_characters(text, error);
    if (status == VIA_OK)
        status = parse(text, out, error);
    if (status != VIA_OK)
        via_address_fini(out);
    return status;
}

void via_address_fini(via_address *address)
{
    for (size_t i = 0; i < address->option_count; i++) {
        free(address->options[i].name);
        free(address->options[i].value);
    }
    free(address->scheme);
    free(address->rest);
    *address = (via_address){0};
}
