/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of C to and from the wire, as the interface says.
 *
 * Owns: every rule about a value: its range, its length, whether it may be missing, and where it lies in C. Must never believe a
 * count before the elements are there, never write beyond what the caller has room for, and never put an address on the wire.
 */
#ifndef RPC_MARSHAL_H
#define RPC_MARSHAL_H

#include "codec.h"
#include "handles.h"
#include "interface.h"

/* An object that is in use by this call. */
typedef struct rpc_pin {
    struct rpc_pin *next;
    const rpc_handle *type;
    void *object;
    uint64_t number;
} rpc_pin;

/* One side of one call. */
typedef struct rpc_marshal {
    const rpc_codec *codec;
    rpc_writer *writer;   /* when writing */
    rpc_reader *reader;   /* when reading */
    rpc_arena *arena;     /* what is read lives here, but for what the caller is to free ("transfer": "full") */
    rpc_handles *handles; /* of the end that owns what handles stand for; NULL = this is the other end */
    rpc_pin *pins;        /* what was read of them; in the arena */
    void *unkept;         /* an object that there was no number for; NULL = none */
    const rpc_handle *unkept_type;
    char wrong[256]; /* what is wrong with the value, and which it is */
} rpc_marshal;

/* Of a reader or a writer. Sets each field by itself: clearing `wrong`, too, would take longer than most calls' values. */
static inline void rpc_marshal_init(rpc_marshal *marshal, const rpc_codec *codec, rpc_writer *writer,
                                    rpc_reader *reader, rpc_arena *arena)
{
    marshal->codec = codec;
    marshal->writer = writer;
    marshal->reader = reader;
    marshal->arena = arena;
    marshal->handles = NULL;
    marshal->pins = NULL;
    marshal->unkept = NULL;
    marshal->unkept_type = NULL;
    marshal->wrong[0] = '\0';
}

/*
 * The C parameters of one call: cell[i] points to the value of parameter i of the method, as ffi_call() takes it. NULL: this end
 * has no such parameter (context).
 */
typedef struct rpc_frame {
    const rpc_method *method;
    void *result; /* NULL = not wanted, or none */
    size_t kept_count;
    void *cells[RPC_PARAMS_MAX];
    uint64_t words[RPC_PARAMS_MAX]; /* at the callee: values of plain methods, which their cells point to */
    /* How many elements each array had when it was read, or that there was room for when the call was begun. */
    size_t counts[RPC_PARAMS_MAX];
    /* What was allocated for the caller to free, until the result is whole. */
    void *kept[RPC_PARAMS_MAX + 1];
} rpc_frame;

/*
 * The four halves of a call. VIA_OK; VIA_ETYPE (marshal->wrong says what), VIA_ENOMEM, VIA_ETOOBIG. What writes leaves the writer's
 * own status to be looked at as well.
 */

/* The caller: writes what is sent; remembers in frame->counts how much room there is for what comes back. */
via_status rpc_marshal_put_sent(rpc_marshal *marshal, rpc_frame *frame, uint64_t callback_base);
/*
 * The callee: reads what is sent (`envelope` says how many, or that they are by name) and makes all cells in the arena, room for
 * what goes out included. Callbacks: the cell's pointer holds the number that came, for the caller to replace; 0 = NULL.
 */
via_status rpc_marshal_get_sent(rpc_marshal *marshal, const rpc_envelope *envelope, rpc_frame *frame);
/* The callee: writes the result. */
via_status rpc_marshal_put_returned(rpc_marshal *marshal, const rpc_frame *frame);
/* The caller: reads it into what the cells point to. */
via_status rpc_marshal_get_returned(rpc_marshal *marshal, rpc_frame *frame);
/* The caller: how much it can take of what comes back. What was sent knows it already. */
void rpc_marshal_note_room(rpc_frame *frame);
/* The caller: zeroes everything that a result would have written, and frees what of it was allocated. */
void rpc_marshal_zero_returned(rpc_frame *frame);

/* The index of a struct's field; its `count` = there is none of that name. */
size_t rpc_struct_find(const rpc_struct *record, const char *name, size_t size);

/* One value as a field, an element or a returned value has it. `name` is for what is wrong. */
typedef struct rpc_rule {
    const char *name;
    uint64_t max;
    bool nullable;
} rpc_rule;
via_status rpc_marshal_put(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, const void *from);
via_status rpc_marshal_get(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, void *to);
/* The same where `expected` stood: what did come is added. */
via_status rpc_marshal_unlike(rpc_marshal *marshal, const rpc_rule *rule, const char *expected) __attribute__((cold));
via_status rpc_marshal_wrong(rpc_marshal *marshal, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));
/*
 * What is wrong with a field, or with an element that was read by the rule of its array, says where it stands in the whole:
 * "y: ..." becomes "points.y: ...", and that "points[2].y: ...". Gives `status` back.
 */
via_status rpc_marshal_in_record(rpc_marshal *marshal, const rpc_rule *rule, via_status status);
via_status rpc_marshal_in_array(rpc_marshal *marshal, const rpc_rule *rule, size_t index, via_status status);

#endif
