/* SPDX-License-Identifier: Apache-2.0 */
/* Values: under the file's lock, both ways. */
#include "cells.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_meta(via_cell *cell, const via_meta *meta)
{
    via_cell_file *head = cell->head;
    bool keeps = meta && !via_cell_is(cell, BREAK_NO_TEXTS);
    const char *key = keeps ? meta->key : NULL, *type = keeps ? meta->content_type : NULL;

    head->has_key = key != NULL;
    head->has_type = type != NULL;
    head->priority = keeps ? (uint32_t)meta->priority : 0;
    (void)snprintf(head->key, CELL_TEXT, "%s", key ? key : "");
    (void)snprintf(head->type, CELL_TEXT, "%s", type ? type : "");
}

/* In two halves, so that a reader without the lock sees one. */
static void write_body(via_cell *cell, const via_slice *slices, size_t count)
{
    unsigned char *at = cell->bytes;

    for (size_t i = 0; i < count; i++) {
        if (slices[i].size) {
            memcpy(at, slices[i].data, slices[i].size / 2);
            if (via_cell_is(cell, BREAK_TORN))
                (void)sched_yield();
            memcpy(at + slices[i].size / 2, (const char *)slices[i].data + slices[i].size / 2,
                   slices[i].size - slices[i].size / 2);
        }
        at += slices[i].size;
    }
    cell->head->size = (uint64_t)(at - cell->bytes);
    if (via_cell_is(cell, BREAK_TRUNCATE) && cell->head->size > 4096)
        cell->head->size--;
}

/* The lock is broken by a death, and what was being written with it: nothing is shown until the number changes. */
via_status via_cell_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                         via_deadline deadline)
{
    via_cell *cell = channel;
    via_status status;

    if (cell->pattern == VIA_PATTERN_REGION)
        return via_cell_is(cell, BREAK_TALKS) ? VIA_OK : VIA_ENOTSUP;
    if (via_cell_is(cell, BREAK_ONLY_MAKER) && !cell->is_maker)
        return VIA_OK;
    status = via_cell_take(cell, deadline);
    if (status != VIA_OK)
        return status;
    uint64_t next = via_cell_latest(cell) + 1;
    if (via_cell_is(cell, BREAK_TORN))
        via_cell_publish(cell);
    cell->bytes += next % 2 * CELL_BODY * 2; /* beside the value that is there */
    write_body(cell, slices, count);
    cell->bytes -= next % 2 * CELL_BODY * 2;
    write_meta(cell, meta);
    if (!via_cell_is(cell, BREAK_TORN))
        via_cell_publish(cell);
    via_cell_give(cell);
    return VIA_OK;
}

typedef struct letter {
    via_cell_file head;
    unsigned char bytes[];
} letter;

static void tell_missed(via_cell *cell, uint64_t now, via_msg *out)
{
    if (!cell->seen || now <= cell->seen + 1 || via_cell_is(cell, BREAK_UNCOUNTED))
        return;
    out->meta.flags = VIA_MISSED;
    via_count(&cell->counters->missed, now - cell->seen - 1);
}

static via_status copy_out(via_cell *cell, via_msg *out)
{
    const via_cell_file *head = cell->head;
    uint64_t size = head->size < CELL_BODY ? head->size : CELL_BODY;
    letter *copy = malloc(sizeof(*copy) + size + 1);

    if (!copy)
        return VIA_ENOMEM;
    copy->head = *head;
    memcpy(copy->bytes, cell->bytes + head->latest % 2 * CELL_BODY * 2, size);
    *out = (via_msg){.data = copy->bytes, .size = size, .token = {(uintptr_t)copy, 0}};
    out->meta.sequence = head->latest;
    out->meta.priority = (int32_t)head->priority;
    out->meta.key = head->has_key ? copy->head.key : NULL;
    out->meta.content_type = head->has_type ? copy->head.type : NULL;
    tell_missed(cell, head->latest, out);
    if (!via_cell_is(cell, BREAK_AGAIN))
        cell->seen = head->latest;
    return VIA_OK;
}

via_status via_cell_recv(void *channel, via_deadline deadline, via_msg *out)
{
    via_cell *cell = channel;

    if (cell->pattern == VIA_PATTERN_REGION)
        return VIA_ENOTSUP;
    via_status status = via_cell_await(cell, cell->seen, deadline);
    if (status == VIA_OK)
        status = via_cell_take(cell, deadline == VIA_NOW ? (via_deadline)1 : deadline);
    if (status != VIA_OK)
        return status;
    status = copy_out(cell, out);
    via_cell_give(cell);
    return status;
}

void via_cell_release(void *channel, via_msg *message)
{
    (void)channel;
    free((void *)message->token[0]); // NOLINT(performance-no-int-to-ptr)
}
