/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the messages that the command reads, in every format and in any pieces.
 *
 * The first byte chooses the format, the second the pieces. Whatever the pieces, the messages are the same (raw: the
 * bytes); and what one format has read, it writes so that it reads the same again.
 */
#include "messages.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FUZZED = 1000000, INPUT_MOST = 60000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ssize_t __real_read(int descriptor, void *buffer, size_t count);
ssize_t __wrap_read(int descriptor, void *buffer, size_t count);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* ---- a standard input in memory ------------------------------------------------------------------------------- */

static struct {
    const uint8_t *data;
    size_t left;
    unsigned random; /* 0 = everything in one piece */
} input;

ssize_t __wrap_read(int descriptor, void *buffer, size_t count)
{
    size_t piece = input.left;

    if (descriptor != FUZZED)
        return __real_read(descriptor, buffer, count);
    if (input.random) {
        input.random = input.random * 1103515245u + 12345u;
        size_t most = 1 + (input.random >> 16) % (input.random & 0x8000u ? 8 : 512);
        piece = piece < most ? piece : most;
    }
    piece = piece < count ? piece : count;
    if (piece)
        memcpy(buffer, input.data, piece);
    input.data += piece;
    input.left -= piece;
    return (ssize_t)piece;
}

/* ---- what came of it ------------------------------------------------------------------------------------------ */

typedef struct outcome {
    uint64_t hash; /* of bodies and what came with them */
    uint64_t messages, refused;
} outcome;

static void add(outcome *to, const void *data, size_t size)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < size; i++)
        to->hash = (to->hash ^ at[i]) * UINT64_C(0x100000001b3);
}

static void add_text(outcome *to, const char *text)
{
    add(to, text ? text : "", text ? strlen(text) + 1 : 0);
}

static void add_message(outcome *to, via_cli_format format, const via_slice *body, const via_meta *meta)
{
    add(to, body->data, (size_t)body->size);
    if (format == VIA_CLI_RAW)
        return;
    add(to, &body->size, sizeof(body->size));
    add_text(to, meta->key);
    add_text(to, meta->content_type);
    add(to, &meta->priority, sizeof(meta->priority));
    to->messages++;
}

/* Writes what was read to `again`, unless that is NULL. */
static outcome read_all(via_cli_format format, const void *data, size_t size, unsigned random, FILE *again)
{
    const via_meta none = {0};
    outcome all = {.hash = 1};
    via_cli_source source;
    via_status status = VIA_OK;

    input.data = data;
    input.left = size;
    input.random = random;
    via_cli_source_init(&source, FUZZED, format, &none);
    while (status != VIA_ECLOSED) {
        via_slice body;
        via_meta meta;
        bool has_next = via_cli_source_has_next(&source);
        status = via_cli_source_next(&source, &body, &meta);
        demand(has_next == (status == VIA_OK || status == VIA_EINVAL));
        if (status == VIA_ETIMEDOUT)
            demand(via_cli_source_fill(&source) == VIA_OK);
        all.refused += status == VIA_EINVAL;
        if (status != VIA_OK)
            continue;
        const via_msg message = {.data = (void *)(uintptr_t)body.data, .size = body.size, .meta = meta};
        add_message(&all, format, &body, &meta);
        demand(!again || via_cli_message_put(again, format, &message));
    }
    via_cli_source_fini(&source);
    return all;
}

static void check_equal(const outcome *a, const outcome *b)
{
    demand(a->hash == b->hash && a->messages == b->messages && a->refused == b->refused);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t length = 0;

    if (size < 2 || size > INPUT_MOST)
        return 0;
    via_cli_format format = (via_cli_format)(data[0] % (VIA_CLI_JSON_LINES + 1));
    FILE *again = open_memstream(&text, &length);
    demand(again != NULL);
    outcome whole = read_all(format, data + 2, size - 2, 0, again);
    demand(fclose(again) == 0);
    outcome pieces = read_all(format, data + 2, size - 2, 1u + data[1], NULL);
    check_equal(&whole, &pieces);
    outcome written = read_all(format, text, length, 0, NULL);
    whole.refused = 0;
    check_equal(&whole, &written);
    free(text);
    return 0;
}
