/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the framings made of text: lines, and the header block of the Language Server Protocol's base protocol
 * (microsoft.github.io/language-server-protocol, "Base Protocol"; the header syntax is RFC 9110's).
 * Never looks twice at a byte that it has searched.
 */
#include "kit/framing.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEADER_BLOCK_MAX = 4096 }; /* bytes of a whole header block that we put up with */

/* ---- line --------------------------------------------------------------------------------------------------- */

static via_status parse_line(const uint8_t *data, size_t size, uint64_t limit, via_frame *frame)
{
    const uint8_t *end = NULL;

    if (size > frame->scanned)
        end = memchr(data + frame->scanned, '\n', size - frame->scanned);
    if (!end) {
        frame->scanned = size;
        return size > limit ? VIA_ETOOBIG : VIA_ETIMEDOUT;
    }
    frame->header = 0;
    frame->body = (size_t)(end - data);
    frame->trailer = 1;
    return frame->body > limit ? VIA_ETOOBIG : VIA_OK;
}

static size_t write_nothing(uint64_t body, uint8_t out[VIA_FRAME_HEADER_MAX])
{
    (void)body;
    (void)out;
    return 0;
}

static via_status check_line(const via_slice *slices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slices[i].size > 0 && memchr(slices[i].data, '\n', slices[i].size))
            return VIA_EINVAL;
    return VIA_OK;
}

/* ---- content-length ----------------------------------------------------------------------------------------- */

static bool name_is(const char *line, size_t length, const char *name)
{
    return length == strlen(name) && strncasecmp(line, name, length) == 0;
}

static bool append_digit(uint64_t *number, char digit, uint64_t limit)
{
    uint64_t value = (uint64_t)(digit - '0');

    if (*number > limit / 10 || value > limit - *number * 10)
        return false;
    *number = *number * 10 + value;
    return true;
}

static size_t skip_blanks(const char *text, size_t at, size_t length)
{
    while (at < length && (text[at] == ' ' || text[at] == '\t'))
        at++;
    return at;
}

/* A decimal number with blanks around it. VIA_EPROTO: not that; VIA_ETOOBIG: above `limit`. */
static via_status parse_number(const char *text, size_t length, uint64_t limit, uint64_t *number)
{
    size_t first_digit = skip_blanks(text, 0, length);
    size_t at = first_digit;
    bool fits = true;

    *number = 0;
    for (; at < length && text[at] >= '0' && text[at] <= '9'; at++)
        fits = fits && append_digit(number, text[at], limit);
    if (at == first_digit || skip_blanks(text, at, length) != length)
        return VIA_EPROTO;
    return fits ? VIA_OK : VIA_ETOOBIG;
}

/* One "Name: value" of the block; only Content-Length means something to us. */
static via_status parse_field(const char *line, size_t length, uint64_t limit, uint64_t *body, bool *known)
{
    const char *colon = memchr(line, ':', length);
    size_t name_length;

    if (!colon || colon == line || memchr(line, '\0', length))
        return VIA_EPROTO;
    name_length = (size_t)(colon - line);
    if (!name_is(line, name_length, "Content-Length"))
        return VIA_OK;
    if (*known) /* two sizes: whichever we took, somebody could have meant the other */
        return VIA_EPROTO;
    *known = true;
    return parse_number(colon + 1, length - name_length - 1, limit, body);
}

/* `size` bytes that end in the empty line. */
static via_status parse_block(const char *block, size_t size, uint64_t limit, uint64_t *body)
{
    const char *end = block + size - 2;
    bool known = false;

    for (const char *line = block; line < end;) {
        const char *line_end = memmem(line, (size_t)(block + size - line), "\r\n", 2);
        via_status status = parse_field(line, (size_t)(line_end - line), limit, body, &known);

        if (status != VIA_OK)
            return status;
        line = line_end + 2;
    }
    return known ? VIA_OK : VIA_EPROTO;
}

static via_status parse_content_length(const uint8_t *data, size_t size, uint64_t limit, via_frame *frame)
{
    size_t from = frame->scanned > 3 ? frame->scanned - 3 : 0; /* the mark may lie across two reads */
    size_t window = size < HEADER_BLOCK_MAX ? size : HEADER_BLOCK_MAX;
    const uint8_t *mark = window > from ? memmem(data + from, window - from, "\r\n\r\n", 4) : NULL;
    uint64_t body = 0;
    via_status status;

    if (!mark) {
        frame->scanned = window;
        return size >= HEADER_BLOCK_MAX ? VIA_EPROTO : VIA_ETIMEDOUT;
    }
    frame->header = (size_t)(mark - data) + 4;
    status = parse_block((const char *)data, frame->header, limit, &body);
    frame->body = (size_t)body;
    frame->trailer = 0;
    return status;
}

static size_t write_content_length(uint64_t body, uint8_t out[VIA_FRAME_HEADER_MAX])
{
    int size = snprintf((char *)out, VIA_FRAME_HEADER_MAX, "Content-Length: %llu\r\n\r\n", (unsigned long long)body);

    return (size_t)size;
}

const via_framing via_framing_line = {
    .name = "line",
    .keeps_boundaries = true,
    .ends_at_eof = true,
    .parse = parse_line,
    .header = write_nothing,
    .trailer = "\n",
    .max_body = UINT64_MAX,
    .check = check_line,
};

const via_framing via_framing_content_length = {
    .name = "content-length",
    .keeps_boundaries = true,
    .parse = parse_content_length,
    .header = write_content_length,
    .trailer = "",
    .max_body = UINT64_MAX,
};
