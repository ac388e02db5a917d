/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which functions are served; see peer.h.
 *
 * Owns: the tables from method to function. What the wire says is only ever looked up in the interface: never a symbol.
 */
#include "kit/fail.h"
#include "peer.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

typedef struct rpc_helper {
    struct rpc_helper *next;
    rpc_close_fn function;
    char symbol[];
} rpc_helper;

/* ---- finding ------------------------------------------------------------------------------------------------ */

rpc_close_fn rpc_free_function(const rpc_peer *peer, const char *symbol)
{
    const rpc_helper *helper = peer->helpers;

    while (symbol && helper && strcmp(helper->symbol, symbol) != 0)
        helper = helper->next;
    return symbol && helper ? helper->function : NULL;
}

rpc_close_fn rpc_close_function(void *user, const rpc_handle *type)
{
    const rpc_peer *peer = user;

    return peer->closers ? (rpc_close_fn)peer->closers[type->index] : NULL;
}

/* ---- keeping ------------------------------------------------------------------------------------------------ */

static bool add_helper(rpc_peer *peer, const char *symbol, via_rpc_any function)
{
    size_t size = strlen(symbol) + 1;
    rpc_helper *made = malloc(sizeof(*made) + size);

    if (!made)
        return false;
    made->function = (rpc_close_fn)function;
    memcpy(made->symbol, symbol, size);
    made->next = peer->helpers;
    peer->helpers = made;
    return true;
}

static bool make_tables(rpc_peer *peer)
{
    if (peer->functions)
        return true;
    peer->functions = calloc(peer->interface->method_count + 1, sizeof(via_rpc_any));
    peer->closers = calloc(peer->interface->handle_count + 1, sizeof(via_rpc_any));
    return peer->functions && peer->closers;
}

void rpc_functions_fini(rpc_peer *peer)
{
    while (peer->helpers) {
        rpc_helper *next = peer->helpers->next;
        free(peer->helpers);
        peer->helpers = next;
    }
    free(peer->functions);
    free(peer->closers);
    if (peer->library)
        (void)dlclose(peer->library);
}

/* ---- from a table ------------------------------------------------------------------------------------------- */

/* Does the interface free or close anything with a function of that name? */
static bool is_helper(const rpc_interface *interface, const char *name)
{
    for (size_t i = 0; i < interface->method_count; i++) {
        const rpc_method *method = &interface->methods[i];
        if (method->result_free && strcmp(method->result_free, name) == 0)
            return true;
        for (size_t j = 0; j < method->count; j++)
            if (method->params[j].free && strcmp(method->params[j].free, name) == 0)
                return true;
    }
    return false;
}

static size_t find_closed(const rpc_interface *interface, const char *name)
{
    size_t i = 0;

    while (i < interface->handle_count &&
           !(interface->handles[i].close && strcmp(interface->handles[i].close, name) == 0))
        i++;
    return i;
}

/* VIA_ENOENT: the interface knows no such name. */
static via_status serve_one(rpc_peer *peer, const via_rpc_function *served)
{
    const rpc_interface *interface = peer->interface;
    const rpc_method *method = rpc_interface_find(interface, served->method, strlen(served->method));
    size_t handle = find_closed(interface, served->method);
    bool helps = is_helper(interface, served->method);

    if (method)
        peer->functions[method->index] = served->function;
    if (handle < interface->handle_count)
        peer->closers[handle] = served->function;
    if (helps && !add_helper(peer, served->method, served->function))
        return VIA_ENOMEM;
    return method || helps || handle < interface->handle_count ? VIA_OK : VIA_ENOENT;
}

static via_status no_interface(const rpc_peer *peer, via_error *error)
{
    return via_fail(peer->plugin->host, error, VIA_EINVAL, 0, "give the layer one: rpc.interface=FILE.rpc.json",
                    "without an interface nothing can be served");
}

via_status rpc_table_serve(void *self, const via_rpc_function *functions, size_t count, void *user, via_error *error)
{
    rpc_peer *peer = self;
    via_error ignored;

    if (!error)
        error = &ignored;
    if (!peer->interface)
        return no_interface(peer, error);
    if (!make_tables(peer))
        return via_fail(peer->plugin->host, error, VIA_ENOMEM, 0, "free some memory", "out of memory");
    peer->serve_user = user;
    for (size_t i = 0; i < count; i++) {
        if (!functions[i].method || !functions[i].function)
            return via_fail(peer->plugin->host, error, VIA_EINVAL, 0, NULL, "entry %zu has no name or no function", i);
        via_status status = serve_one(peer, &functions[i]);
        if (status != VIA_OK)
            return via_fail(peer->plugin->host, error, status, 0,
                            "correct the name, or add the method to the interface",
                            "the interface %s has no method '%s', and nothing that it frees or closes",
                            peer->interface->name, functions[i].method);
    }
    return VIA_OK;
}

/* ---- from a library ----------------------------------------------------------------------------------------- */

/* As the library's symbol table says. What says nothing is taken for a function. */
static bool is_data(void *address)
{
    const ElfW(Sym) *symbol = NULL;
    Dl_info where;

    return dladdr1(address, &where, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
           (symbol->st_info & 0xf) == STT_OBJECT;
}

static via_status find_symbol(rpc_peer *peer, const char *symbol, via_rpc_any *out, via_error *error)
{
    void *found = dlsym(peer->library, symbol);

    if (found && is_data(found))
        return via_fail(peer->plugin->host, error, VIA_EINVAL, 0, "correct \"symbol\" in the interface",
                        "'%s' is a variable of the library, not a function", symbol);
    if (!found)
        return via_fail(peer->plugin->host, error, VIA_ENOENT, 0,
                        "correct \"symbol\" in the interface, or name another library",
                        "the library has no function '%s'", symbol);
    memcpy(out, &found, sizeof(found)); /* POSIX lets dlsym() give functions; ISO C has no cast for it */
    return VIA_OK;
}

static via_status find_helper(rpc_peer *peer, const char *symbol, via_error *error)
{
    via_rpc_any function = NULL;

    if (!symbol || rpc_free_function(peer, symbol))
        return VIA_OK;
    via_status status = find_symbol(peer, symbol, &function, error);
    if (status == VIA_OK && !add_helper(peer, symbol, function))
        status = via_fail(peer->plugin->host, error, VIA_ENOMEM, 0, "free some memory", "out of memory");
    return status;
}

static via_status find_method(rpc_peer *peer, const rpc_method *method, via_error *error)
{
    via_status status = find_symbol(peer, method->symbol, &peer->functions[method->index], error);

    if (status == VIA_OK)
        status = find_helper(peer, method->result_free, error);
    for (size_t i = 0; i < method->count && status == VIA_OK; i++)
        status = find_helper(peer, method->params[i].free, error);
    return status;
}

static via_status find_all(rpc_peer *peer, via_error *error)
{
    const rpc_interface *interface = peer->interface;
    via_status status = VIA_OK;

    for (size_t i = 0; i < interface->method_count && status == VIA_OK; i++)
        status = find_method(peer, &interface->methods[i], error);
    for (size_t i = 0; i < interface->handle_count && status == VIA_OK; i++)
        if (interface->handles[i].close)
            status = find_symbol(peer, interface->handles[i].close, &peer->closers[i], error);
    return status;
}

via_status rpc_table_serve_library(void *self, const char *library, void *user, via_error *error)
{
    rpc_peer *peer = self;
    via_error ignored;

    if (!error)
        error = &ignored;
    if (!peer->interface)
        return no_interface(peer, error);
    if (peer->library)
        return via_fail(peer->plugin->host, error, VIA_EBUSY, 0, NULL, "this channel serves a library already");
    if (!make_tables(peer))
        return via_fail(peer->plugin->host, error, VIA_ENOMEM, 0, "free some memory", "out of memory");
    peer->serve_user = user;
    peer->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!peer->library) {
        const char *why = dlerror(); // NOLINT(concurrency-mt-unsafe): the C library keeps it for each thread
        return via_fail(
            peer->plugin->host, error, VIA_ENOENT, 0,
            "write the path of a file with a slash (./libcalc.so), or a soname that the system knows (libz.so.1)", "%s",
            why ? why : "the library cannot be loaded");
    }
    return find_all(peer, error);
}
