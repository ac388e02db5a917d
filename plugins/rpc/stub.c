/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function pointers that call the other end; see peer.h.
 *
 * Owns: libffi's closures. They are made in the process that opened the channel and freed there, never in a forked child, which may
 * share the pages that they are written on; and never while a call is in one.
 */
#include "closure.h"
#include "kit/fail.h"
#include "peer.h"

#include <stdlib.h>
#include <string.h>

typedef struct rpc_stub {
    rpc_peer *peer;
    const rpc_method *method;
    ffi_closure *closure;
    void *code;
} rpc_stub;

/* ---- what is returned --------------------------------------------------------------------------------------- */

void rpc_return_store(const rpc_type *type, void *to, const void *from)
{
    if (type->kind == RPC_KIND_VOID)
        return;
    if (type->size >= sizeof(ffi_arg) || type->kind == RPC_KIND_F32 || type->kind == RPC_KIND_STRUCT) {
        memcpy(to, from, type->size);
        return;
    }
    if (rpc_kind_is_signed(type->kind))
        *(ffi_sarg *)to = (ffi_sarg)rpc_signed_load(type->kind, from);
    else
        *(ffi_arg *)to = (ffi_arg)rpc_unsigned_load(type->kind, from);
}

/* Codes of the call itself, not of the function. */
static bool is_reserved(int32_t code)
{
    return code <= -32000 && code > -33000;
}

static int32_t status_of(const via_rpc_error *error)
{
    return error->origin == VIA_RPC_THERE && !is_reserved(error->code) ? error->code : INT32_MIN;
}

/* ---- a call ------------------------------------------------------------------------------------------------- */

static void fill_request(const rpc_stub *stub, void **arguments, void *result, rpc_request *request)
{
    request->method = stub->method;
    if (stub->method->call_count < stub->method->count)
        memset(request->cells, 0, stub->method->count * sizeof(request->cells[0]));
    for (size_t i = 0; i < stub->method->call_count; i++)
        request->cells[stub->method->call_params[i]] = arguments[i];
    request->result = result;
    request->deadline = VIA_RPC_USUAL;
}

static void call_through(const rpc_stub *stub, rpc_thread *thread, void *result, void **arguments)
{
    uint64_t small[2] = {0, 0};
    bool is_small = stub->method->result.size <= sizeof(small);
    rpc_request request;

    fill_request(stub, arguments, is_small ? (void *)small : result, &request);
    via_status status = rpc_call_function(stub->peer, thread, &request, &thread->error);
    thread->has_error = status != VIA_OK;
    if (status != VIA_OK && stub->method->result.kind == RPC_KIND_STATUS)
        rpc_integer_store(RPC_KIND_STATUS, small, (uint32_t)status_of(&thread->error));
    if (is_small)
        rpc_return_store(&stub->method->result, result, small);
}

/* A child has the pointers and not the channel. Nothing there may be locked. */
static __attribute__((cold)) void refuse_child(const rpc_stub *stub, void *result)
{
    uint64_t small[2] = {0, 0};

    if (stub->method->result.kind == RPC_KIND_STATUS)
        rpc_integer_store(RPC_KIND_STATUS, small, (uint32_t)INT32_MIN);
    if (stub->method->result.size > sizeof(small))
        memset(result, 0, stub->method->result.size);
    else
        rpc_return_store(&stub->method->result, result, small);
}

static void note_inside(rpc_thread *thread, int32_t more)
{
    uint32_t before = atomic_load_explicit(&thread->inside, memory_order_relaxed);

    atomic_store_explicit(&thread->inside, before + (uint32_t)more, memory_order_release);
}

static void enter(ffi_cif *cif, void *result, void **arguments, void *user)
{
    const rpc_stub *stub = user;

    (void)cif;
    if (rpc_peer_is_foreign(stub->peer)) {
        refuse_child(stub, result);
        return;
    }
    rpc_thread *thread = rpc_thread_here(stub->peer);
    if (!thread) {
        memset(result, 0, stub->method->result.size);
        return;
    }
    note_inside(thread, 1);
    call_through(stub, thread, result, arguments);
    note_inside(thread, -1);
}

/* ---- making ------------------------------------------------------------------------------------------------- */

static rpc_stub *make(rpc_peer *peer, const rpc_method *method)
{
    rpc_stub *stub = calloc(1, sizeof(*stub));

    if (!stub)
        return NULL;
    stub->peer = peer;
    stub->method = method;
    stub->closure = rpc_closure_alloc(&stub->code);
    if (stub->closure &&
        ffi_prep_closure_loc(stub->closure, (ffi_cif *)&method->call, enter, stub, stub->code) == FFI_OK)
        return stub;
    if (stub->closure)
        rpc_closure_free(stub->closure);
    free(stub);
    return NULL;
}

/* With `lock` held. NULL: there can be none. */
static rpc_stub *obtain(rpc_peer *peer, const rpc_method *method)
{
    if (!peer->stubs)
        peer->stubs = calloc(peer->interface->method_count, sizeof(*peer->stubs));
    if (peer->stubs && !peer->stubs[method->index])
        peer->stubs[method->index] = make(peer, method);
    return peer->stubs ? peer->stubs[method->index] : NULL;
}

via_status rpc_table_import(void *self, const char *method, void *function, size_t bytes, via_error *error)
{
    rpc_peer *peer = self;
    const via_host_api *host = peer->plugin->host;
    via_error ignored;

    if (!error)
        error = &ignored;
    if (rpc_peer_is_foreign(peer))
        return via_fail(host, error, VIA_EFORK, 0, NULL, "this channel belongs to the parent process");
    if (bytes != sizeof(void *))
        return via_fail(host, error, VIA_EINVAL, 0, "pass the address of a variable of a function pointer type",
                        "%zu bytes are no function pointer", bytes);
    if (!peer->interface)
        return via_fail(host, error, VIA_EINVAL, 0, "give the layer one: rpc.interface=FILE.rpc.json",
                        "without an interface nothing can be imported");
    const rpc_method *found = rpc_interface_find(peer->interface, method, strlen(method));
    if (!found)
        return via_fail(host, error, VIA_ENOENT, 0, "see `via call ADDRESS` for those there are",
                        "the interface %s has no method '%s'", peer->interface->name, method);
    (void)pthread_mutex_lock(&peer->lock);
    const rpc_stub *stub = obtain(peer, found);
    (void)pthread_mutex_unlock(&peer->lock);
    if (!stub)
        return via_fail(host, error, VIA_ENOTSUP, 0, "use via_rpc_call(), which needs no memory of that kind",
                        "this system does not let a process make function pointers");
    memcpy(function, &stub->code, sizeof(stub->code));
    return VIA_OK;
}

static bool is_anybody_inside(const rpc_peer *peer)
{
    const rpc_thread *thread = peer->threads;

    while (thread && atomic_load_explicit(&thread->inside, memory_order_acquire) == 0)
        thread = thread->next;
    return thread != NULL;
}

/* Closures that somebody may be in stay for ever: better a leak than a jump into nothing. */
void rpc_stubs_fini(rpc_peer *peer, bool is_forked)
{
    bool stay = is_forked || is_anybody_inside(peer);

    for (size_t i = 0; peer->stubs && i < peer->interface->method_count; i++) {
        rpc_stub *stub = peer->stubs[i];
        if (!stub || stay)
            continue;
        rpc_closure_free(stub->closure);
        free(stub);
    }
    free(peer->stubs);
}

via_status rpc_table_last_error(void *self, via_rpc_error *error)
{
    rpc_peer *peer = self;

    if (rpc_peer_is_foreign(peer))
        return rpc_refuse(error, "", VIA_EFORK, "this channel belongs to the parent process");
    const rpc_thread *thread = rpc_thread_here(peer);
    if (!thread || !thread->has_error) {
        if (error)
            via_rpc_error_init(error);
        return thread ? VIA_OK : VIA_ENOMEM;
    }
    if (error)
        *error = thread->error;
    return thread->error.status;
}
