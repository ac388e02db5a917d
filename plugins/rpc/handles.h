/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: what stands on the wire for an object of the serving end.
 *
 * Owns: the table of one connection: an index and a generation for each object, never its address. An object that was closed is
 * not found again under its old number. What is still there when the connection ends is closed.
 */
#ifndef RPC_HANDLES_H
#define RPC_HANDLES_H

#include "interface.h"

#include <pthread.h>

enum { RPC_HANDLES_MAX = 65536 };

/* Closes an object. */
typedef void (*rpc_close_fn)(void *object);

typedef struct rpc_handle_entry {
    void *object; /* NULL = free */
    const rpc_handle *type;
    uint32_t generation;
    uint32_t pins; /* calls that use it now */
    uint32_t next; /* free: the next free one */
    bool closes; /* a call is about to close it: no other may use it, and the same address may be another object soon */
} rpc_handle_entry;

typedef struct rpc_handles {
    pthread_mutex_t lock;
    rpc_handle_entry *entries;
    uint32_t count; /* entries in use or free */
    uint32_t capacity;
    uint32_t free; /* the first free one, or UINT32_MAX */
    uint32_t open;
} rpc_handles;

void rpc_handles_init(rpc_handles *handles);
/* Closes what is open: close_of(user, type) gives the function, or NULL. */
void rpc_handles_fini(rpc_handles *handles, rpc_close_fn (*close_of)(void *user, const rpc_handle *type), void *user);
/* The number of an object, the same for one that has one. 0: no memory, or too many. */
uint64_t rpc_handles_give(rpc_handles *handles, const rpc_handle *type, void *object);
/* The object, pinned; NULL: there is none of that type under that number. */
void *rpc_handles_pin(rpc_handles *handles, const rpc_handle *type, uint64_t number);
void rpc_handles_unpin(rpc_handles *handles, uint64_t number);
/* It is about to be closed by the one who has pinned it: nobody else gets it from now on. False: another call uses it, too. */
bool rpc_handles_begin_close(rpc_handles *handles, uint64_t number);
/* `is_closed`: its number means nothing any more. Otherwise everything is as before. */
void rpc_handles_end_close(rpc_handles *handles, uint64_t number, bool is_closed);
uint32_t rpc_handles_open(rpc_handles *handles);

#endif
