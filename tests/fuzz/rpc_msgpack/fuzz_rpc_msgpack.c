/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as messages of MessagePack-RPC: measured in one piece and byte by byte, opened, walked over, written again.
 *
 * Both ways of measuring must agree; what was measured can only fail to open for what it says; and what was written is measured and
 * opened, whole.
 */
#include <stdlib.h>
#include <string.h>

#include "../rpc_json/walk.h"

enum { LIMIT = 1 << 20, ARENA = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static via_status measure(const uint8_t *data, size_t size, size_t limit, size_t step, size_t *used)
{
    rpc_measure state = {0};
    via_status status = VIA_ETIMEDOUT;
    const char *why = NULL;

    for (size_t come = step < size ? step : size; status == VIA_ETIMEDOUT;
         come = size - come < step ? size : come + step) {
        status = rpc_msgpack.measure(data, come, limit, &state, used, &why);
        if ((status == VIA_EPROTO || status == VIA_ETOOBIG) != (why != NULL))
            abort();
        if (come == size)
            break;
    }
    return status;
}

static void check_written(const rpc_writer *written)
{
    rpc_reader reader;
    rpc_arena arena;
    rpc_envelope envelope;
    size_t used;

    rpc_arena_init(&arena, ARENA);
    if (measure(written->data, written->size, LIMIT, written->size, &used) != VIA_OK || used != written->size)
        abort();
    if (rpc_msgpack.open(&reader, written->data, written->size, &arena, &envelope) != VIA_OK)
        abort();
    rpc_arena_fini(&arena);
}

static void open_one(const uint8_t *data, size_t size, bool is_measured)
{
    rpc_writer writer;
    rpc_reader reader;
    rpc_arena arena;
    rpc_envelope envelope;

    rpc_writer_init(&writer, LIMIT);
    rpc_arena_init(&arena, ARENA);
    if (rpc_msgpack.open(&reader, data, size, &arena, &envelope) == VIA_OK) {
        if (!is_measured)
            abort();
        rpc_msgpack.notification(&writer, "m", envelope.kind == RPC_RESULT ? 1 : envelope.count);
        fuzz_walk(&rpc_msgpack, &reader, &writer);
        rpc_msgpack.end(&writer);
        if (writer.status == VIA_OK && envelope.kind != RPC_FAULT)
            check_written(&writer);
    } else if (!reader.wrong)
        abort();
    rpc_msgpack.close(&reader);
    rpc_arena_fini(&arena);
    rpc_writer_fini(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t used = 0, used_by_steps = 0, limit = size > 0 && data[size - 1] % 4 == 0 ? size / 2 : LIMIT;
    via_status whole = measure(data, size, limit, size, &used), steps = measure(data, size, limit, 1, &used_by_steps);

    if (whole != steps || used != used_by_steps)
        abort();
    if (measure(data, size, limit, 7, &used_by_steps) != whole || used != used_by_steps)
        abort();
    whole = measure(data, size, SIZE_MAX, size, &used);
    open_one(data, size, whole == VIA_OK && used == size);
    if (whole == VIA_OK && used > 0 && used < size) { /* the first of several, in memory of exactly its size */
        uint8_t *first = malloc(used);

        if (!first)
            abort();
        memcpy(first, data, used);
        open_one(first, used, true);
        free(first);
    }
    return 0;
}
