/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interface's life, and what is found in it.
 *
 * Owns: the memory of a model, its count and its tables of names. Must never read a file.
 */
#include "interface_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory -------------------------------------------------------------------------------------------------- */

rpc_model *rpc_model_create(void)
{
    rpc_model *model = calloc(1, sizeof(*model));

    if (model)
        atomic_init(&model->holds, 1);
    return model;
}

void *rpc_model_take(rpc_model *model, size_t count, size_t size)
{
    size_t bytes = 0;

    if (__builtin_mul_overflow(count ? count : 1, size, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(rpc_chunk), &bytes))
        return NULL;
    rpc_chunk *chunk = calloc(1, bytes);
    if (!chunk)
        return NULL;
    chunk->next = model->chunks;
    model->chunks = chunk;
    return chunk->bytes;
}

static rpc_model *model_of(rpc_interface *interface)
{
    return (rpc_model *)(void *)interface;
}

rpc_interface *rpc_interface_hold(rpc_interface *interface)
{
    (void)atomic_fetch_add_explicit(&model_of(interface)->holds, 1, memory_order_relaxed);
    return interface;
}

void rpc_interface_drop(rpc_interface *interface)
{
    if (!interface || atomic_fetch_sub_explicit(&model_of(interface)->holds, 1, memory_order_acq_rel) != 1)
        return;
    rpc_model *model = model_of(interface);
    while (model->chunks) {
        rpc_chunk *chunk = model->chunks;
        model->chunks = chunk->next;
        free(chunk);
    }
    json_decref(model->root);
    free(model);
}

/* ---- names --------------------------------------------------------------------------------------------------- */

uint64_t rpc_hash(const char *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

bool rpc_table_init(rpc_table *table, rpc_model *model, size_t count)
{
    size_t capacity = 8;

    while (capacity < count * 2)
        capacity *= 2;
    table->entries = rpc_model_take(model, capacity, sizeof(*table->entries));
    table->mask = capacity - 1;
    return table->entries != NULL;
}

static rpc_entry *look_up(const rpc_table *table, const char *name, size_t size)
{
    size_t at = (size_t)rpc_hash(name, size) & table->mask;
    rpc_entry *entry = &table->entries[at];

    while (entry->name && (entry->size != size || memcmp(entry->name, name, size) != 0)) {
        at = (at + 1) & table->mask;
        entry = &table->entries[at];
    }
    return entry;
}

const rpc_entry *rpc_table_add(rpc_table *table, const char *name, rpc_kind kind, size_t index)
{
    size_t size = strlen(name);
    rpc_entry *entry = look_up(table, name, size);

    if (entry->name)
        return entry;
    *entry = (rpc_entry){name, size, kind, index};
    return NULL;
}

const rpc_entry *rpc_table_find(const rpc_table *table, const char *name, size_t size)
{
    const rpc_entry *entry = look_up(table, name, size);

    return entry->name ? entry : NULL;
}

const rpc_method *rpc_interface_find(const rpc_interface *interface, const char *name, size_t size)
{
    const rpc_model *model = (const rpc_model *)(const void *)interface;
    const rpc_entry *entry = rpc_table_find(&model->methods, name, size);

    return entry ? &interface->methods[entry->index] : NULL;
}

const char *rpc_interface_error(const rpc_interface *interface, int32_t code)
{
    for (size_t i = 0; i < interface->error_count; i++) {
        if (interface->errors[i].code == code)
            return interface->errors[i].name;
    }
    return NULL;
}
