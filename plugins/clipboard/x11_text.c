/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in the encodings of old: STRING is ISO 8859-1 (ICCCM 2.6.2), COMPOUND_TEXT begins as it.
 *
 * Owns: the change of encoding. A character that STRING has no place for is never replaced: such text is not offered as STRING.
 */
#include "x11_state.h"

#include <stdint.h>
#include <string.h>

#include "kit/utf8.h"

size_t x11_latin_from_utf8(const uint8_t *text, size_t size, uint8_t *out)
{
    size_t count = 0;

    if (!via_utf8_is_valid((const char *)text, size))
        return SIZE_MAX;
    for (size_t i = 0; i < size; count++) {
        const bool is_two = text[i] >= 0x80;
        if (text[i] > 0xc3) /* U+0100 and above */
            return SIZE_MAX;
        if (out && is_two)
            out[count] = (uint8_t)(((text[i] & 0x03u) << 6) | (text[i + 1] & 0x3fu));
        else if (out)
            out[count] = text[i];
        i += 1 + is_two;
    }
    return count;
}

via_status x11_latin_to_utf8(clip_bytes *bytes)
{
    const size_t size = bytes->size;
    size_t more = 0;

    for (size_t i = 0; i < size; i++)
        more += bytes->data[i] >= 0x80;
    if (more == 0)
        return VIA_OK;
    const via_status status = clip_bytes_reserve(bytes, more);
    if (status != VIA_OK)
        return status;
    bytes->size += more;
    /* From the end, so that nothing is overwritten before it is read. */
    for (size_t i = size, at = bytes->size; i-- > 0;) {
        const uint8_t byte = bytes->data[i];
        if (byte < 0x80) {
            bytes->data[--at] = byte;
            continue;
        }
        bytes->data[--at] = (uint8_t)(0x80 | (byte & 0x3f));
        bytes->data[--at] = (uint8_t)(0xc0 | byte >> 6);
    }
    return VIA_OK;
}

bool x11_is_plain_compound(const clip_bytes *bytes)
{
    static const uint8_t escapes[] = {0x1b, 0x9b}; /* ESC and CSI begin every change of character set or direction */

    for (size_t i = 0; bytes->size > 0 && i < sizeof(escapes); i++)
        if (memchr(bytes->data, escapes[i], bytes->size))
            return false;
    return true;
}
