/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mark of a stack that changes bytes.
 */
#include "core/mark.h"

#include <stdlib.h>
#include <string.h>

enum { FEW_SLICES = 15, STACK_AT = VIA_MARK_MAGIC_SIZE };

static const char mend[] = "open both ends with the same layers; via explain ADDRESS shows an end's";

static void write_mark(uint32_t stack_id, unsigned char mark[VIA_MARK_SIZE])
{
    memset(mark, 0, VIA_MARK_SIZE);
    memcpy(mark, VIA_MARK_MAGIC, VIA_MARK_MAGIC_SIZE);
    for (size_t i = 0; i < sizeof(stack_id); i++)
        mark[STACK_AT + i] = (unsigned char)(stack_id >> (8 * i));
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

/* Many slices are copied into one, so that the transport need not take more of them than it promised. */
static via_status send_joined(via_inner *level, const via_slice *mark, const via_slice *slices, size_t count,
                              const via_meta *meta, via_deadline deadline, via_mark_send_fn send)
{
    size_t size = mark->size;
    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    unsigned char *bytes = malloc(size);
    if (bytes == NULL)
        return VIA_ENOMEM;
    memcpy(bytes, mark->data, mark->size);
    size_t at = mark->size;
    for (size_t i = 0; i < count; at += slices[i].size, i++) {
        if (slices[i].size > 0)
            memcpy(bytes + at, slices[i].data, slices[i].size);
    }
    const via_slice joined = {bytes, size};
    const via_status status = send(level, &joined, 1, meta, deadline);
    free(bytes);
    return status;
}

via_status via_mark_send(via_inner *level, const via_slice *slices, size_t count, const via_meta *meta,
                         via_deadline deadline, via_mark_send_fn send)
{
    unsigned char mark[VIA_MARK_SIZE];
    via_slice all[FEW_SLICES + 1] = {{mark, sizeof(mark)}};
    if (atomic_load_explicit(&level->is_unlike, memory_order_relaxed))
        return VIA_EPROTO;
    write_mark(level->stack_id, mark);
    if (count > FEW_SLICES)
        return send_joined(level, &all[0], slices, count, meta, deadline, send);
    for (size_t i = 0; i < count; i++)
        all[i + 1] = slices[i];
    return send(level, all, count + 1, meta, deadline);
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

bool via_mark_is_on(const via_msg *message)
{
    return message->size >= VIA_MARK_SIZE && memcmp(message->data, VIA_MARK_MAGIC, VIA_MARK_MAGIC_SIZE) == 0;
}

static bool is_like(const via_inner *level, const via_msg *message)
{
    unsigned char mark[VIA_MARK_SIZE];
    write_mark(level->stack_id, mark);
    return message->size >= VIA_MARK_SIZE && memcmp(message->data, mark, VIA_MARK_SIZE) == 0;
}

bool via_mark_take(via_inner *level, via_msg *message)
{
    if (is_like(level, message)) {
        message->data = (unsigned char *)message->data + VIA_MARK_SIZE;
        message->size -= VIA_MARK_SIZE;
        return true;
    }
    atomic_store(&level->is_unlike, true);
    via_context_fail(level->whole, VIA_EPROTO, 0,
                     via_mark_is_on(message) ? "the other end has other layers than this one, or in another order"
                                             : "the other end lacks the layers that this one has",
                     mend);
    return false;
}

void via_mark_restore(via_msg *message)
{
    message->data = (unsigned char *)message->data - VIA_MARK_SIZE;
    message->size += VIA_MARK_SIZE;
}

void via_mark_fail_plain(via_context *context)
{
    via_context_fail(context, VIA_EPROTO, 0, "the other end has layers that this one lacks", mend);
}
