/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the values of a JSON-RPC 2.0 message.
 *
 * Owns: the parsed message, and which members make it a request, a notification or a reply. Must never give up on a wrong message
 * before it has looked for the number of the call.
 */
#include "json.h"

#include <string.h>

static via_status wrong(rpc_reader *reader, const char *why)
{
    rpc_json_stand_at(reader, NULL);
    reader->wrong = why;
    return VIA_EPROTO;
}

/* ---- parsing ------------------------------------------------------------------------------------------------ */

static const char *words_for(enum json_error_code code)
{
    switch (code) {
    case json_error_out_of_memory:
        return "it needs more memory than there is";
    case json_error_invalid_utf8:
        return "it has text that is not UTF-8";
    case json_error_premature_end_of_input:
        return "it is cut short";
    case json_error_end_of_input_expected:
        return "something follows the message";
    case json_error_null_byte_in_key:
        return "it has a key with a NUL in it";
    case json_error_duplicate_key:
        return "it has a key twice";
    case json_error_numeric_overflow:
        return "it has a number that is too large";
    default:
        return "it is not JSON";
    }
}

/* The tree counts as if it had been taken from the arena. */
static bool parse(rpc_reader *reader, size_t weight)
{
    rpc_arena *arena = reader->arena;
    json_error_t error;

    if (weight > arena->limit || arena->taken > arena->limit - weight) {
        (void)wrong(reader, "it needs more memory than a message may take");
        return false;
    }
    reader->tree =
        json_loadb((const char *)reader->data, reader->size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!reader->tree) {
        (void)wrong(reader, words_for(json_error_code(&error)));
        return false;
    }
    arena->taken += weight;
    return true;
}

/* ---- the number of the call --------------------------------------------------------------------------------- */

/* Of a message that is not JSON as a whole, the part that a reply would repeat has to be. */
static bool is_json(const char *text, size_t size)
{
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    json_decref(value);
    return value != NULL;
}

/* By the first character: a list, an object or a boolean. */
static bool is_other(char first)
{
    return first == '[' || first == '{' || first == 't' || first == 'f';
}

static bool read_id(const rpc_json_scan *scan, bool is_parsed, rpc_id *id)
{
    *id = (rpc_id){0};
    if (!scan->id || scan->id_size == 0)
        return false;
    if (rpc_json_read_digits(scan->id, scan->id_size, &id->number))
        return true;
    id->text = scan->id;
    id->text_size = scan->id_size;
    return !is_other(*scan->id) && (is_parsed || is_json(id->text, id->text_size));
}

static bool is_null(const rpc_id *id)
{
    return id->text && id->text_size == 4 && memcmp(id->text, "null", 4) == 0;
}

/* ---- members ------------------------------------------------------------------------------------------------ */

static bool is_version_2(const json_t *root)
{
    const char *version = json_string_value(json_object_get(root, "jsonrpc"));

    return version && strcmp(version, "2.0") == 0;
}

static bool read_timeout(const json_t *root, uint64_t *timeout_ms)
{
    const json_t *given = json_object_get(root, "timeout_ms");

    if (!given)
        return true;
    if (!json_is_integer(given) || json_integer_value(given) < 0)
        return false;
    *timeout_ms = (uint64_t)json_integer_value(given);
    return true;
}

static via_status read_parameters(rpc_reader *reader, json_t *given, rpc_envelope *envelope)
{
    if (!given)
        return VIA_OK;
    if (json_is_array(given)) {
        envelope->count = json_array_size(given);
        rpc_json_stand_in(reader, given);
        return VIA_OK;
    }
    if (!json_is_object(given))
        return wrong(reader, "the parameters are neither a list nor an object");
    envelope->is_named = true;
    envelope->count = json_object_size(given);
    rpc_json_stand_at_named(reader, given);
    return VIA_OK;
}

static via_status read_call(rpc_reader *reader, const json_t *method, rpc_envelope *envelope)
{
    envelope->kind = envelope->has_id ? RPC_REQUEST : RPC_NOTIFICATION;
    envelope->method = json_string_value(method);
    envelope->method_size = json_string_length(method);
    if (!envelope->method || envelope->method_size > RPC_NAME_BYTES)
        return wrong(reader, "the method is not a short text");
    if (!read_timeout(reader->tree, &envelope->timeout_ms))
        return wrong(reader, "the time that is left is not a number");
    return read_parameters(reader, json_object_get(reader->tree, "params"), envelope);
}

/* An error that is null is none: older programs send it beside the result. */
static via_status read_reply(rpc_reader *reader, rpc_envelope *envelope)
{
    json_t *result = json_object_get(reader->tree, "result"), *error = json_object_get(reader->tree, "error");
    bool is_fault = error && !json_is_null(error);

    if (!envelope->has_id || is_null(&envelope->id)) {
        envelope->has_id = false;
        envelope->id = (rpc_id){0};
    }
    if (is_fault && !result) {
        envelope->kind = RPC_FAULT;
        rpc_json_read_fault(reader, error, &envelope->fault);
        return VIA_OK;
    }
    if (is_fault || result)
        envelope->kind = RPC_RESULT; /* whatever else is wrong: nobody is to be answered */
    if (is_fault || !result)
        return wrong(reader, result ? "it has both a result and an error" : "it has no method, result or error");
    if (!envelope->has_id)
        return wrong(reader, "it is a result of no call");
    rpc_json_stand_at(reader, result);
    return VIA_OK;
}

static via_status read_members(rpc_reader *reader, rpc_envelope *envelope)
{
    const json_t *method = json_object_get(reader->tree, "method");

    if (!envelope->has_id && json_object_get(reader->tree, "id"))
        return wrong(reader, "the id is neither a number, text nor null, or its key is written with escapes");
    if (!is_version_2(reader->tree))
        return wrong(reader, "it does not say \"jsonrpc\": \"2.0\"");
    return method ? read_call(reader, method, envelope) : read_reply(reader, envelope);
}

via_status rpc_json_open(rpc_reader *reader, const void *data, size_t size, rpc_arena *arena, rpc_envelope *envelope)
{
    rpc_json_scan scan;
    bool is_parsed;

    *envelope = (rpc_envelope){0};
    reader->data = data;
    reader->size = size;
    reader->at = 0;
    reader->elements = 0;
    reader->arena = arena;
    reader->wrong = NULL;
    reader->tree = NULL;
    rpc_json_stand_at(reader, NULL);
    is_parsed = rpc_json_scan_text(data, size, &scan, &reader->wrong) && parse(reader, scan.weight);
    envelope->has_id = read_id(&scan, is_parsed, &envelope->id);
    if (!envelope->has_id)
        envelope->id = (rpc_id){0};
    return is_parsed ? read_members(reader, envelope) : VIA_EPROTO;
}

void rpc_json_close(rpc_reader *reader)
{
    json_decref(reader->tree);
    reader->tree = NULL;
    rpc_json_stand_at(reader, NULL);
}
