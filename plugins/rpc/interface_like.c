/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether two interfaces mean the same call.
 *
 * Owns: what may differ: names of parameters, summaries, limits and how long a call may take; and what may not.
 */
#include "interface_internal.h"

#include <stdio.h>
#include <string.h>

enum { STEPS = 1024 * 1024 }; /* a description comes from the other end: comparing it ends in any case */

typedef struct comparison {
    char *why;
    size_t capacity;
    size_t steps;
} comparison;

static bool is_unlike(const comparison *with, const char *what, const char *one, const char *other)
{
    if (with->capacity)
        (void)snprintf(with->why, with->capacity, "%s: %s is not %s", what, one, other);
    return false;
}

static bool are_types_like(comparison *with, const rpc_type *one, const rpc_type *other);

static bool are_structs_like(comparison *with, const rpc_struct *one, const rpc_struct *other)
{
    if (one == other)
        return true;
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++) {
        const rpc_field *a = &one->fields[i], *b = &other->fields[i];
        if (strcmp(a->name, b->name) != 0 || a->nullable != b->nullable || !are_types_like(with, &a->type, &b->type))
            return false;
    }
    return true;
}

static bool are_types_like(comparison *with, const rpc_type *one, const rpc_type *other)
{
    if (one->kind != other->kind || one->count != other->count || with->steps++ > STEPS)
        return false;
    switch (one->kind) {
    case RPC_KIND_ARRAY:
    case RPC_KIND_FIXED:
        return are_types_like(with, one->element, other->element);
    case RPC_KIND_STRUCT:
        return are_structs_like(with, one->record, other->record);
    case RPC_KIND_HANDLE:
        return strcmp(one->handle->name, other->handle->name) == 0;
    case RPC_KIND_CALLBACK:
        return rpc_method_is_like(one->callback, other->callback, NULL, 0);
    default:
        return true;
    }
}

static bool compare_types(comparison *with, const char *what, const rpc_type *one, const rpc_type *other)
{
    char a[RPC_NAME_BYTES + 32], b[RPC_NAME_BYTES + 48];

    if (are_types_like(with, one, other))
        return true;
    (void)rpc_type_write(one, a, sizeof(a));
    (void)rpc_type_write(other, b, sizeof(b) - 16);
    if (strcmp(a, b) == 0)
        memmove(b, "the other's", sizeof("the other's"));
    return is_unlike(with, what, a, b);
}

/* The place of a parameter among those that the caller has, so that a context on one side does not count. */
static int place(const rpc_method *method, int index)
{
    for (size_t i = 0; i < method->call_count; i++) {
        if (method->call_params[i] == index)
            return (int)i;
    }
    return RPC_NONE;
}

static const char *direction_name(uint32_t direction)
{
    return direction == RPC_IN ? "in" : direction == RPC_OUT ? "out" : "inout";
}

static bool are_params_like(comparison *with, const rpc_method *one, const rpc_method *other, size_t index)
{
    const rpc_param *a = &one->params[one->call_params[index]];
    const rpc_param *b = &other->params[other->call_params[index]];
    char what[RPC_NAME_BYTES + 40];

    (void)snprintf(what, sizeof(what), "parameter %zu, \"%s\"", index + 1, a->name);
    if (!compare_types(with, what, &a->type, &b->type))
        return false;
    if (a->direction != b->direction)
        return is_unlike(with, what, direction_name(a->direction), direction_name(b->direction));
    if (a->nullable != b->nullable || a->nullable_elements != b->nullable_elements)
        return is_unlike(with, what, "what can be NULL in one", "in the other");
    if (a->is_full != b->is_full)
        return is_unlike(with, what, a->is_full ? "transfer full" : "transfer none", a->is_full ? "none" : "full");
    if (place(one, a->size_is) != place(other, b->size_is) || place(one, a->length_is) != place(other, b->length_is))
        return is_unlike(with, what, "its length", "counted by the same parameter");
    return true;
}

static bool are_results_like(comparison *with, const rpc_method *one, const rpc_method *other)
{
    if (!compare_types(with, "what is returned", &one->result, &other->result))
        return false;
    if (one->result_is_nullable != other->result_is_nullable)
        return is_unlike(with, "what is returned", "what can be NULL in one", "in the other");
    if (one->result_is_full != other->result_is_full)
        return is_unlike(with, "what is returned", one->result_is_full ? "transfer full" : "transfer none",
                         one->result_is_full ? "none" : "full");
    return true;
}

bool rpc_method_is_like(const rpc_method *one, const rpc_method *other, char *why, size_t capacity)
{
    comparison with = {why, capacity, 0};
    char a[24], b[24];

    if (capacity)
        why[0] = '\0';
    (void)snprintf(a, sizeof(a), "%zu", one->call_count);
    (void)snprintf(b, sizeof(b), "%zu", other->call_count);
    if (one->call_count != other->call_count)
        return is_unlike(&with, "the number of parameters", a, b);
    if (one->is_oneway != other->is_oneway)
        return is_unlike(&with, "the reply", one->is_oneway ? "oneway" : "a call",
                         one->is_oneway ? "a call" : "oneway");
    for (size_t i = 0; i < one->call_count; i++) {
        if (!are_params_like(&with, one, other, i))
            return false;
    }
    return are_results_like(&with, one, other);
}
