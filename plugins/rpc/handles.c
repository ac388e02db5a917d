/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles; see handles.h.
 */
#include "handles.h"

#include <stdlib.h>

#define NO_ENTRY UINT32_MAX

enum { GENERATION_BITS = 20 };

void rpc_handles_init(rpc_handles *handles)
{
    *handles = (rpc_handles){.lock = PTHREAD_MUTEX_INITIALIZER, .free = NO_ENTRY};
}

void rpc_handles_fini(rpc_handles *handles, rpc_close_fn (*close_of)(void *user, const rpc_handle *type), void *user)
{
    for (uint32_t i = handles->count; i > 0; i--) { /* the newest first: it may stand on an older one */
        const rpc_handle_entry *entry = &handles->entries[i - 1];
        rpc_close_fn close = entry->object ? close_of(user, entry->type) : NULL;
        if (close)
            close(entry->object);
    }
    free(handles->entries);
    (void)pthread_mutex_destroy(&handles->lock);
}

/* ---- with the lock held ------------------------------------------------------------------------------------- */

/* The number that says index and generation; 53 bits at most, which every format carries. */
static uint64_t number_of(const rpc_handles *handles, uint32_t index)
{
    return ((uint64_t)handles->entries[index].generation << 32) | (index + 1);
}

static rpc_handle_entry *find_object(rpc_handles *handles, const rpc_handle *type, const void *object)
{
    for (uint32_t i = 0; i < handles->count; i++)
        if (handles->entries[i].object == object && handles->entries[i].type == type && !handles->entries[i].closes)
            return &handles->entries[i];
    return NULL;
}

static rpc_handle_entry *find_number(const rpc_handles *handles, uint64_t number)
{
    uint64_t index = (number & UINT32_MAX) - 1;

    if (index >= handles->count)
        return NULL;
    rpc_handle_entry *entry = &handles->entries[index];
    return entry->object && entry->generation == number >> 32 ? entry : NULL;
}

static bool grow(rpc_handles *handles)
{
    uint32_t capacity = handles->capacity ? 2 * handles->capacity : 16;
    rpc_handle_entry *larger;

    if (capacity > RPC_HANDLES_MAX || !(larger = realloc(handles->entries, capacity * sizeof(*larger))))
        return false;
    handles->entries = larger;
    handles->capacity = capacity;
    return true;
}

static rpc_handle_entry *take_free(rpc_handles *handles)
{
    if (handles->free != NO_ENTRY) {
        rpc_handle_entry *entry = &handles->entries[handles->free];
        handles->free = entry->next;
        return entry;
    }
    if (handles->count == handles->capacity && !grow(handles))
        return NULL;
    rpc_handle_entry *entry = &handles->entries[handles->count++];
    entry->generation = 0;
    return entry;
}

/* ---- for all ------------------------------------------------------------------------------------------------ */

uint64_t rpc_handles_give(rpc_handles *handles, const rpc_handle *type, void *object)
{
    uint64_t number = 0;

    (void)pthread_mutex_lock(&handles->lock);
    rpc_handle_entry *entry = find_object(handles, type, object);
    if (!entry && (entry = take_free(handles)) != NULL) {
        *entry = (rpc_handle_entry){object, type,     (entry->generation + 1) & ((1u << GENERATION_BITS) - 1),
                                    0,      NO_ENTRY, false};
        handles->open++;
    }
    if (entry)
        number = number_of(handles, (uint32_t)(entry - handles->entries));
    (void)pthread_mutex_unlock(&handles->lock);
    return number;
}

void *rpc_handles_pin(rpc_handles *handles, const rpc_handle *type, uint64_t number)
{
    void *object = NULL;

    (void)pthread_mutex_lock(&handles->lock);
    rpc_handle_entry *entry = find_number(handles, number);
    if (entry && entry->type == type && !entry->closes) {
        entry->pins++;
        object = entry->object;
    }
    (void)pthread_mutex_unlock(&handles->lock);
    return object;
}

void rpc_handles_unpin(rpc_handles *handles, uint64_t number)
{
    (void)pthread_mutex_lock(&handles->lock);
    rpc_handle_entry *entry = find_number(handles, number);
    if (entry && entry->pins > 0)
        entry->pins--;
    (void)pthread_mutex_unlock(&handles->lock);
}

bool rpc_handles_begin_close(rpc_handles *handles, uint64_t number)
{
    (void)pthread_mutex_lock(&handles->lock);
    rpc_handle_entry *entry = find_number(handles, number);
    bool may = entry && entry->pins == 1;
    if (may)
        entry->closes = true;
    (void)pthread_mutex_unlock(&handles->lock);
    return may;
}

static void forget(rpc_handles *handles, rpc_handle_entry *entry)
{
    entry->object = NULL;
    entry->next = handles->free;
    handles->free = (uint32_t)(entry - handles->entries);
    handles->open--;
}

void rpc_handles_end_close(rpc_handles *handles, uint64_t number, bool is_closed)
{
    (void)pthread_mutex_lock(&handles->lock);
    rpc_handle_entry *entry = find_number(handles, number);
    if (entry && entry->closes) {
        entry->closes = false;
        if (is_closed)
            forget(handles, entry);
    }
    (void)pthread_mutex_unlock(&handles->lock);
}

uint32_t rpc_handles_open(rpc_handles *handles)
{
    (void)pthread_mutex_lock(&handles->lock);
    uint32_t open = handles->open;
    (void)pthread_mutex_unlock(&handles->lock);
    return open;
}
