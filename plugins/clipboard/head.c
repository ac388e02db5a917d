/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a content stands in a file; see head.h. Must never believe a number before it is checked.
 */
#include "head.h"

#include "choice.h"

#include <string.h>

static const char magic[8] = {'V', 'I', 'A', 'C', 'L', 'I', 'P', '1'};

enum {
    AT_ID = 8,
    AT_GENERATION = 16,
    AT_FLAGS = 24,
    AT_COUNT = 28,
    AT_HEAD = 32,
    AT_ZERO = 36,
    AT_BYTES = 40,
    FIXED = 48
};
enum { ENTRY = 16, ENTRY_TYPE = 8, ENTRY_ZERO = 12 };

static uint64_t get(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint32_t get_32(const uint8_t *at)
{
    return (uint32_t)get(at, sizeof(uint32_t));
}

static uint64_t get_64(const uint8_t *at)
{
    return get(at, sizeof(uint64_t));
}

static void put(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static bool parse_fixed(const uint8_t *bytes, size_t size, clip_head *head)
{
    if (size < FIXED || memcmp(bytes, magic, sizeof(magic)) != 0)
        return false;
    head->id = get_64(bytes + AT_ID);
    head->generation = get_64(bytes + AT_GENERATION);
    head->flags = get_32(bytes + AT_FLAGS);
    head->count = get_32(bytes + AT_COUNT);
    return head->generation > 0 && head->generation <= CLIP_GENERATION_LAST && head->count <= CLIP_HEAD_FORMATS &&
           head->flags <= (CLIP_HEAD_SENSITIVE | CLIP_HEAD_ONCE) && get_32(bytes + AT_HEAD) <= size &&
           get_32(bytes + AT_ZERO) == 0;
}

/* The type of one format begins at `at`; false: it does not end where it says, or cannot be one. */
static bool parse_type(const uint8_t *bytes, uint64_t head_size, uint64_t at, uint64_t length)
{
    if (length >= head_size - at || bytes[at + length] != '\0')
        return false;
    const char *type = (const char *)bytes + at;
    return strlen(type) == length && clip_type_is_valid(type);
}

/* All that the entries say must add up to what the file has. */
static bool parse_formats(const uint8_t *bytes, uint64_t head_size, uint64_t file_size, clip_head *head)
{
    uint64_t type_at = FIXED + (uint64_t)head->count * ENTRY, offset = head_size;

    if (type_at > head_size)
        return false;
    for (uint32_t i = 0; i < head->count; i++) {
        const uint8_t *entry = bytes + FIXED + (size_t)i * ENTRY;
        const uint64_t length = get_32(entry + ENTRY_TYPE);
        if (type_at >= head_size || get_32(entry + ENTRY_ZERO) != 0 || !parse_type(bytes, head_size, type_at, length))
            return false;
        head->formats[i].type = (const char *)bytes + type_at;
        head->formats[i].size = get_64(entry);
        head->formats[i].offset = offset;
        type_at += length + 1;
        if (head->formats[i].size > file_size - offset)
            return false;
        offset += head->formats[i].size;
    }
    return type_at == head_size && offset == file_size && offset - head_size == get_64(bytes + AT_BYTES);
}

via_status clip_head_parse(const uint8_t *bytes, size_t size, uint64_t file_size, clip_head *head)
{
    if (!parse_fixed(bytes, size, head))
        return VIA_EPROTO;
    const uint64_t head_size = get_32(bytes + AT_HEAD);
    if (head_size < FIXED || head_size > file_size || !parse_formats(bytes, head_size, file_size, head))
        return VIA_EPROTO;
    return VIA_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static uint32_t flags_of(const clip_content *content)
{
    return (content->is_sensitive ? (uint32_t)CLIP_HEAD_SENSITIVE : 0) |
           (content->is_once ? (uint32_t)CLIP_HEAD_ONCE : 0);
}

size_t clip_head_write(const clip_content *content, uint64_t id, uint64_t generation, uint8_t *bytes)
{
    const size_t count = content ? content->count : 0;
    size_t at = FIXED + count * ENTRY;
    uint64_t sum = 0;

    memset(bytes, 0, at);
    for (size_t i = 0; i < count; i++) {
        const clip_format *format = &content->formats[i];
        const size_t length = strlen(format->type);
        put(bytes + FIXED + i * ENTRY, format->size, sizeof(uint64_t));
        put(bytes + FIXED + i * ENTRY + ENTRY_TYPE, length, sizeof(uint32_t));
        memcpy(bytes + at, format->type, length + 1);
        at += length + 1;
        sum += format->size;
    }
    memcpy(bytes, magic, sizeof(magic));
    put(bytes + AT_ID, id, sizeof(uint64_t));
    put(bytes + AT_GENERATION, generation, sizeof(uint64_t));
    put(bytes + AT_FLAGS, content ? flags_of(content) : 0, sizeof(uint32_t));
    put(bytes + AT_COUNT, count, sizeof(uint32_t));
    put(bytes + AT_HEAD, at, sizeof(uint32_t));
    put(bytes + AT_BYTES, sum, sizeof(uint64_t));
    return at;
}
