/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way out; see messages.h. Owns: the looks of each format. */
#include <jansson.h>
#include <stdlib.h>

#include "encoding.h"
#include "messages.h"

/* Text where the body is UTF-8, base64 otherwise. */
static bool set_body(json_t *object, const via_msg *message)
{
    if (via_cli_is_utf8(message->data, message->size))
        return json_object_set_new(object, "text", json_stringn(message->data, message->size)) == 0;
    char *text = via_cli_base64_encode(message->data, message->size);
    int result = text ? json_object_set_new(object, "base64", json_string(text)) : -1;
    free(text);
    return result == 0;
}

static void set_meta(json_t *object, const via_meta *meta)
{
    if (meta->key)
        (void)json_object_set_new(object, "key", json_string(meta->key));
    if (meta->content_type)
        (void)json_object_set_new(object, "type", json_string(meta->content_type));
    if (meta->priority)
        (void)json_object_set_new(object, "priority", json_integer(meta->priority));
    if (meta->sequence)
        (void)json_object_set_new(object, "sequence", json_integer((json_int_t)meta->sequence));
    if (meta->flags & VIA_MISSED)
        (void)json_object_set_new(object, "missed", json_true());
}

static bool put_json(FILE *out, const via_msg *message)
{
    json_t *object = json_pack("{sI}", "size", (json_int_t)message->size);
    bool made = object && set_body(object, message);
    if (made) {
        set_meta(object, &message->meta);
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
