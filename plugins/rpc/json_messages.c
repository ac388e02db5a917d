/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the messages of JSON-RPC 2.0.
 *
 * Owns: the members of a message and their order. Must never write a value of the interface.
 */
#include "json.h"
#include "kit/utf8.h"
#include "writer.h"

static void put_name(rpc_writer *writer, const char *name)
{
    rpc_json_put_key(writer, name, strlen(name));
}

static void begin(rpc_writer *writer)
{
    writer->depth = 0;
    rpc_json_begin_map(writer, 0);
    put_name(writer, "jsonrpc");
    rpc_json_put_text(writer, "2.0", 3);
}

static void put_method(rpc_writer *writer, const char *method)
{
    put_name(writer, "method");
    rpc_json_put_text(writer, method, strlen(method));
}

/* As a number, however large: an id is compared with what was sent. */
static void put_number(rpc_writer *writer, uint64_t number)
{
    char digits[RPC_JSON_NUMBER_BYTES];

    rpc_json_put_verbatim(writer, digits, rpc_json_write_unsigned(number, digits));
}

static void put_id(rpc_writer *writer, const rpc_id *id)
{
    put_name(writer, "id");
    if (!id)
        rpc_json_put_nil(writer);
    else if (id->text)
        rpc_json_put_verbatim(writer, id->text, id->text_size);
    else
        put_number(writer, id->number);
}

static void begin_request(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms)
{
    rpc_id number = {.number = id};

    begin(writer);
    put_id(writer, &number);
    put_method(writer, method);
    if (timeout_ms) {
        put_name(writer, "timeout_ms");
        put_number(writer, timeout_ms);
    }
    put_name(writer, "params");
}

void rpc_json_request(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms, size_t count)
{
    begin_request(writer, id, method, timeout_ms);
    rpc_json_begin_list(writer, count);
}

void rpc_json_request_named(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms)
{
    begin_request(writer, id, method, timeout_ms);
}

void rpc_json_notification_named(rpc_writer *writer, const char *method)
{
    begin(writer);
    put_method(writer, method);
    put_name(writer, "params");
}

void rpc_json_notification(rpc_writer *writer, const char *method, size_t count)
{
    rpc_json_notification_named(writer, method);
    rpc_json_begin_list(writer, count);
}

void rpc_json_result(rpc_writer *writer, const rpc_id *id)
{
    begin(writer);
    put_id(writer, id);
    put_name(writer, "result");
}

/* Whatever is open belongs to the message. */
void rpc_json_end(rpc_writer *writer)
{
    while (writer->depth > 0 && writer->status == VIA_OK)
        rpc_json_leave(writer);
}

/* Texts of faults come from anywhere: of one that is not UTF-8 what is before is sent, rather than no answer at all. */
static void put_doubtful(rpc_writer *writer, const char *text, size_t size)
{
    rpc_json_put_text(writer, text, via_utf8_prefix(text, size));
}

void rpc_json_fault(rpc_writer *writer, const rpc_id *id, const rpc_fault *fault, bool is_rich)
{
    (void)is_rich; /* everybody's JSON-RPC has room for all of it */
    begin(writer);
    put_id(writer, id);
    put_name(writer, "error");
    rpc_json_begin_map(writer, 0);
    put_name(writer, "code");
    rpc_json_put_signed(writer, fault->code);
    put_name(writer, "message");
    put_doubtful(writer, fault->text, fault->text_size);
    if (fault->name) {
        put_name(writer, "data");
        rpc_json_begin_map(writer, 0);
        put_name(writer, "name");
        put_doubtful(writer, fault->name, fault->name_size);
    }
    rpc_json_end(writer);
}

/* As the Language Server Protocol says it. */
void rpc_json_cancel(rpc_writer *writer, uint64_t id)
{
    rpc_id number = {.number = id};

    rpc_json_notification_named(writer, "$/cancelRequest");
    rpc_json_begin_map(writer, 0);
    put_id(writer, &number);
    rpc_json_end(writer);
}
