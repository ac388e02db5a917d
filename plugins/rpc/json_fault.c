/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of JSON-RPC.
 *
 * Owns: reading them, also those that are not as the specification wants them. Must never refuse a reply for its error.
 */
#include "json.h"

#include <string.h>

enum { SHOWN_BYTES = 4096 };

static void set_text(rpc_fault *fault, const char *text, size_t size)
{
    fault->text = text;
    fault->text_size = size;
}

/* The whole value as text. */
static void show(rpc_reader *reader, const json_t *error, rpc_fault *fault)
{
    size_t size = json_dumpb(error, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    char *text = size > 0 && size <= SHOWN_BYTES ? rpc_arena_take(reader->arena, size) : NULL;

    if (text && json_dumpb(error, text, size, JSON_COMPACT | JSON_ENCODE_ANY) == size)
        set_text(fault, text, size);
    else
        set_text(fault, "an error that is too long to be shown", strlen("an error that is too long to be shown"));
}

void rpc_json_read_fault(rpc_reader *reader, const json_t *error, rpc_fault *fault)
{
    const json_t *code = json_object_get(error, "code"), *message = json_object_get(error, "message");
    const json_t *name = json_object_get(json_object_get(error, "data"), "name");
    json_int_t number = json_integer_value(code);

    *fault = (rpc_fault){.code = RPC_CODE_INTERNAL};
    if (json_is_integer(code) && number >= INT32_MIN && number <= INT32_MAX)
        fault->code = (int32_t)number;
    if (json_is_string(error))
        message = error;
    if (json_is_string(message))
        set_text(fault, json_string_value(message), json_string_length(message));
    else
        show(reader, error, fault);
    fault->name = json_string_value(name);
    fault->name_size = json_string_length(name);
}
