/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a JSON-RPC message: opened, walked over, written again. What was written is a good message with as many values, and
 * an id that a reply would repeat is JSON by itself.
 */
#include <jansson.h>
#include <stdlib.h>

#include "walk.h"

enum { LIMIT = 1 << 20, ARENA = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(const rpc_id *id)
{
    json_t *value;

    if (!id->text)
        return;
    value = json_loadb(id->text, id->text_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!value)
        abort();
    json_decref(value);
}

static void check_again(const rpc_writer *written)
{
    rpc_writer writer;
    rpc_reader reader;
    rpc_arena arena;
    rpc_envelope envelope;

    rpc_writer_init(&writer, LIMIT);
    rpc_arena_init(&arena, 64 << 20);
    if (rpc_json.open(&reader, written->data, written->size, &arena, &envelope) != VIA_OK)
        abort();
    fuzz_walk(&rpc_json, &reader, &writer);
    rpc_json.close(&reader);
    rpc_arena_fini(&arena);
    rpc_writer_fini(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rpc_writer writer;
    rpc_reader reader;
    rpc_arena arena;
    rpc_envelope envelope;

    rpc_writer_init(&writer, LIMIT);
    rpc_arena_init(&arena, ARENA);
    if (rpc_json.open(&reader, data, size, &arena, &envelope) == VIA_OK) {
        if (envelope.is_named)
            (void)(rpc_json.member(&reader, "a") && rpc_json.skip(&reader));
        rpc_json.notification(&writer, "m", 0);
        fuzz_walk(&rpc_json, &reader, &writer);
        rpc_json.end(&writer);
        if (writer.status == VIA_OK)
            check_again(&writer);
    } else if (!reader.wrong)
        abort();
    if (envelope.has_id)
        check_id(&envelope.id);
    rpc_json.close(&reader);
    rpc_arena_fini(&arena);
    rpc_writer_fini(&writer);
    return 0;
}
