/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A method as people read it.
 *
 * Owns: its form: what is given and what comes back, as it travels. What is known from other values is not shown:
 * nobody has to give it.
 */
#include "interface_internal.h"

#include <stdio.h>
#include <string.h>

/* Counts everything and keeps what fits. */
typedef struct line {
    char *text;
    size_t capacity;
    size_t size;
} line;

static void put(line *out, const char *words)
{
    for (; *words; words++, out->size++) {
        if (out->size + 1 < out->capacity)
            out->text[out->size] = *words;
    }
}

static void put_type(line *out, const rpc_type *type, bool nullable)
{
    char word[RPC_NAME_BYTES + 32];

    (void)rpc_type_write(type, word, sizeof(word));
    put(out, word);
    put(out, nullable ? "?" : "");
}

static void put_param(line *out, const rpc_param *param, bool is_first)
{
    put(out, is_first ? "" : ", ");
    put(out, param->name);
    put(out, ": ");
    put_type(out, &param->type, param->nullable);
}

static void put_given(line *out, const rpc_method *method)
{
    bool is_first = true;

    put(out, "(");
    for (size_t i = 0; i < method->count; i++) {
        if (!method->params[i].is_sent)
            continue;
        put_param(out, &method->params[i], is_first);
        is_first = false;
    }
    put(out, ")");
}

static void put_returned(line *out, const rpc_method *method)
{
    bool is_first = true;

    if (!method->returned)
        return;
    put(out, " -> ");
    if (method->result.kind != RPC_KIND_VOID && method->result.kind != RPC_KIND_STATUS) {
        put_type(out, &method->result, method->result_is_nullable);
        is_first = false;
    }
    for (size_t i = 0; i < method->count; i++) {
        if (!method->params[i].is_returned)
            continue;
        put_param(out, &method->params[i], is_first);
        is_first = false;
    }
}

size_t rpc_method_write(const rpc_method *method, char *text, size_t capacity)
{
    line out = {text, capacity, 0};

    put(&out, method->is_oneway ? "oneway " : "");
    put(&out, method->name);
    put_given(&out, method);
    put_returned(&out, method);
    if (capacity)
        text[out.size < capacity ? out.size : capacity - 1] = '\0';
    if (out.size >= capacity && capacity >= 4)
        memcpy(text + capacity - 4, "...", 4);
    return out.size;
}
