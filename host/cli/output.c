/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way out; see messages.h. Owns: the looks of each format. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "encoding.h"
#include "messages.h"

/* One member: the bytes as text where they are UTF-8, which is all that JSON can hold, as base64 otherwise. */
static bool set_bytes(json_t *object, const char *text_name, const char *base64_name, const void *data, size_t size)
{
    if (via_cli_is_utf8(data, size))
        return json_object_set_new(object, text_name, json_stringn(data, size)) == 0;
    char *text = via_cli_base64_encode(data, size);
    int result = text ? json_object_set_new(object, base64_name, json_string(text)) : -1;
    free(text);
    return result == 0;
}

static bool set_label(json_t *object, const char *text_name, const char *base64_name, const char *label)
{
    return !label || set_bytes(object, text_name, base64_name, label, strlen(label));
}

static bool set_meta(json_t *object, const via_meta *meta)
{
    bool made = set_label(object, "key", "key_base64", meta->key) &&
                set_label(object, "type", "type_base64", meta->content_type);
    if (made && meta->priority)
        made = json_object_set_new(object, "priority", json_integer(meta->priority)) == 0;
    if (made && meta->sequence)
        made = json_object_set_new(object, "sequence", json_integer((json_int_t)meta->sequence)) == 0;
    if (made && meta->flags & VIA_MISSED)
        made = json_object_set_new(object, "missed", json_true()) == 0;
    return made;
}

static bool put_json(FILE *out, const via_msg *message)
{
    json_t *object = json_pack("{sI}", "size", (json_int_t)message->size);
    bool made =
        object && set_bytes(object, "text", "base64", message->data, message->size) && set_meta(object, &message->meta);
    if (made) {
        made = json_dumpf(object, out, JSON_COMPACT) == 0;
        (void)putc('\n', out);
    }
    json_decref(object);
    return made;
}

bool via_cli_message_put(FILE *out, via_cli_format format, const via_msg *message)
{
    bool made = true;
    switch (format) {
    case VIA_CLI_LINE:
    case VIA_CLI_RAW:
    case VIA_CLI_NULL:
        (void)fwrite(message->data, 1, message->size, out);
        if (format != VIA_CLI_RAW)
            (void)putc(format == VIA_CLI_LINE ? '\n' : '\0', out);
        break;
    case VIA_CLI_QUOTED:
        via_cli_quoted_put(out, message->data, message->size);
        (void)putc('\n', out);
        break;
    case VIA_CLI_HEX:
        via_cli_hex_put(out, message->data, message->size);
        (void)putc('\n', out);
        break;
    case VIA_CLI_JSON_LINES:
        made = put_json(out, message);
        break;
    }
    return made && !ferror(out);
}
