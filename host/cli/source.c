/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way in; see messages.h. Owns: the buffer between read(2) and the messages in it. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encoding.h"
#include "messages.h"

enum { CHUNK = 64 * 1024 };

void via_cli_source_init(via_cli_source *source, int descriptor, via_cli_format format, const via_meta *meta)
{
    *source = (via_cli_source){.descriptor = descriptor, .format = format, .meta = *meta};
}

bool via_cli_source_init_text(via_cli_source *source, const char *text, via_cli_format format, const via_meta *meta)
{
    size_t size = strlen(text);
    via_cli_source_init(source, -1, format, meta);
    source->buffer = strdup(text);
    source->end = source->capacity = size;
    source->ended = true;
    return source->buffer != NULL;
}

void via_cli_source_fini(via_cli_source *source)
{
    free(source->buffer);
    source->buffer = NULL;
}

static bool make_room(via_cli_source *source)
{
    if (source->start > 0) {
        memmove(source->buffer, source->buffer + source->start, source->end - source->start);
        source->end -= source->start;
        source->start = 0;
    }
    if (source->capacity - source->end >= CHUNK)
        return true;
    size_t capacity = source->capacity < CHUNK ? (size_t)2 * CHUNK : source->capacity * 2;
    char *buffer = realloc(source->buffer, capacity);
    if (!buffer)
        return false;
    source->buffer = buffer;
    source->capacity = capacity;
    return true;
}

via_status via_cli_source_fill(via_cli_source *source)
{
    if (!make_room(source))
        return VIA_ENOMEM;
    if (!via_cli_source_has_next(source))
        source->searched = source->end - source->start;
    ssize_t taken = read(source->descriptor, source->buffer + source->end, source->capacity - source->end);
    if (taken < 0)
        return errno == EINTR ? VIA_OK : VIA_EIO;
    source->ended = taken == 0;
    source->end += (size_t)taken;
    return VIA_OK;
}

uint64_t via_cli_source_size(const via_cli_source *source, bool *is_all)
{
    struct stat about;
    uint64_t size = source->end - source->start;
    off_t at = lseek(source->descriptor, 0, SEEK_CUR);
    *is_all = source->ended;
    if (source->ended || at < 0 || fstat(source->descriptor, &about) != 0 || !S_ISREG(about.st_mode))
        return size;
    *is_all = true;
    return about.st_size > at ? size + (uint64_t)(about.st_size - at) : size;
}

/* ---- where a message ends ----------------------------------------------------------------------------------- */

/* The bytes of the next message without its end mark, and how many bytes it takes with it. False: incomplete. */
static bool find_next(const via_cli_source *source, size_t *size, size_t *taken)
{
    if (!source->buffer) /* nothing has been asked for yet */
        return false;
    const char *from = source->buffer + source->start;
    size_t left = source->end - source->start;
    if (source->format == VIA_CLI_RAW) {
        *size = *taken = left;
        return source->whole ? source->ended && (left > 0 || !source->has_given) : left > 0;
    }
    int end_mark = source->format == VIA_CLI_NULL ? '\0' : '\n';
    const char *mark = left ? memchr(from + source->searched, end_mark, left - source->searched) : NULL;
    if (!mark && !(source->ended && left > 0))
        return false;
    *size = mark ? (size_t)(mark - from) : left;
    *taken = *size + (mark != NULL);
    return true;
}

bool via_cli_source_has_next(const via_cli_source *source)
{
    size_t size, taken;
    return find_next(source, &size, &taken);
}

/* ---- what is in it ------------------------------------------------------------------------------------------ */

static bool copy_label(const json_t *value, char *label, const char **used)
{
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) > 255 || strlen(text) != json_string_length(value))
        return false;
    memcpy(label, text, json_string_length(value) + 1);
    *used = label;
    return true;
}

/* A label is text that ends with a NUL: none may be in it. */
static bool decode_label(const json_t *value, char *label, const char **used)
{
    char text[(255 + 2) / 3 * 4 + 1];
    size_t length = json_string_length(value), size = 0;
    if (!json_is_string(value) || length >= sizeof text)
        return false;
    memcpy(text, json_string_value(value), length);
    if (!via_cli_base64_decode(text, length, &size) || size > 255 || memchr(text, '\0', size))
        return false;
    memcpy(label, text, size);
    label[size] = '\0';
    *used = label;
    return true;
}

static bool copy_body(const json_t *value, via_slice *body, bool is_base64)
{
    size_t length = json_string_length(value), room = (size_t)(body->size);
    char *target = (char *)(uintptr_t)body->data;
    /* The escapes of JSON are never shorter than what they stand for, so the bytes fit where the line was. */
    if (!json_is_string(value) || length > room)
        return false;
    memcpy(target, json_string_value(value), length);
    body->size = length;
    return !is_base64 || via_cli_base64_decode(target, length, &body->size);
}

static bool is_for_show(const char *name)
{
    return strcmp(name, "size") == 0 || strcmp(name, "sequence") == 0 || strcmp(name, "missed") == 0;
}

static bool take_member(via_cli_source *source, const char *name, const json_t *value, via_slice *body, via_meta *meta)
{
    if (strcmp(name, "text") == 0 || strcmp(name, "base64") == 0)
        return copy_body(value, body, name[0] == 'b');
    if (strcmp(name, "key") == 0)
        return copy_label(value, source->key, &meta->key);
    if (strcmp(name, "type") == 0)
        return copy_label(value, source->type, &meta->content_type);
    if (strcmp(name, "key_base64") == 0)
        return decode_label(value, source->key, &meta->key);
    if (strcmp(name, "type_base64") == 0)
        return decode_label(value, source->type, &meta->content_type);
    if (strcmp(name, "priority") == 0 && json_is_integer(value)) {
        json_int_t number = json_integer_value(value);
        meta->priority = (int32_t)number;
        return number == meta->priority;
    }
    return is_for_show(name);
}

static bool take_json(via_cli_source *source, via_slice *body, via_meta *meta)
{
    json_t *object = json_loadb(body->data, body->size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    bool taken = json_is_object(object) && (!json_object_get(object, "text") != !json_object_get(object, "base64"));
    const char *name;
    json_t *value;
    if (json_is_object(object)) {
        json_object_foreach(object, name, value) taken = taken && take_member(source, name, value, body, meta);
    }
    json_decref(object);
    return taken;
}

static bool decode(via_cli_source *source, via_slice *body, via_meta *meta)
{
    char *text = (char *)(uintptr_t)body->data;
    switch (source->format) {
    case VIA_CLI_QUOTED:
        return via_cli_quoted_decode(text, body->size, &body->size);
    case VIA_CLI_HEX:
        return via_cli_hex_decode(text, body->size, &body->size);
    case VIA_CLI_JSON_LINES:
        return take_json(source, body, meta);
    default:
        return true;
    }
}

via_status via_cli_source_next(via_cli_source *source, via_slice *body, via_meta *meta)
{
    size_t size = 0, taken = 0;
    if (!find_next(source, &size, &taken))
        return source->ended ? VIA_ECLOSED : VIA_ETIMEDOUT;
    *meta = source->meta;
    *body = (via_slice){source->buffer + source->start, size};
    source->start += taken;
    source->searched = 0;
    source->number++;
    source->has_given = true;
    return decode(source, body, meta) ? VIA_OK : VIA_EINVAL;
}

const char *via_cli_format_expected(via_cli_format format)
{
    switch (format) {
    case VIA_CLI_QUOTED:
        return "a text between double quotes with the escapes \\\" \\\\ \\n \\r \\t \\xNN";
    case VIA_CLI_HEX:
        return "two hexadecimal digits for each byte and nothing else";
    case VIA_CLI_JSON_LINES:
        return "an object with \"text\" or \"base64\", and perhaps \"key\", \"type\" (or \"key_base64\", "
               "\"type_base64\"), \"priority\"";
    default:
        return "any bytes";
    }
}
