/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens libxcb and fills the table; see x11_library.h. Owns: names of libraries and symbols.
 */
#include "x11_library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "kit/fail.h"

typedef struct symbol {
    const char *name;
    size_t offset; /* of its pointer in the table */
} symbol;

#define SYMBOL(name) {"xcb_" #name, offsetof(x11_library, name)},
static const symbol core_symbols[] = {
    X11_FUNCTIONS(SYMBOL){"xcb_big_requests_id", offsetof(x11_library, big_requests)},
};
static const symbol fixes_symbols[] = {
    X11_FIXES_FUNCTIONS(SYMBOL){"xcb_xfixes_id", offsetof(x11_library, fixes)},
};
#undef SYMBOL

static const char *fill(x11_library *library, void *handle, const symbol *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *address = dlsym(handle, symbols[i].name);
        if (!address)
            return symbols[i].name;
        /* Pointers to functions and to data are of one size wherever there is a dlsym (POSIX). */
        memcpy((char *)library + symbols[i].offset, &address, sizeof(address));
    }
    return NULL;
}

static via_status open_one(x11_library *library, void **handle, const char *file, const symbol *symbols, size_t count,
                           const via_host_api *host, via_error *error)
{
    *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!*handle)
        return via_fail(host, error, VIA_ENOTSUP, 0,
                        "install Debian's packages libxcb1 and libxcb-xfixes0, or take another backend=",
                        "%s, which speaks to an X server, cannot be opened", file);
    const char *missing = fill(library, *handle, symbols, count);
    if (missing)
        return via_fail(host, error, VIA_ENOTSUP, 0,
                        "install a newer libxcb, or take another backend=", "%s has no %s: it is too old", file,
                        missing);
    return VIA_OK;
}

via_status x11_library_open(x11_library *library, const via_host_api *host, via_error *error)
{
    memset(library, 0, sizeof(*library));
    via_status status = open_one(library, &library->handle, "libxcb.so.1", core_symbols,
                                 sizeof(core_symbols) / sizeof(core_symbols[0]), host, error);
    if (status == VIA_OK)
        status = open_one(library, &library->fixes_handle, "libxcb-xfixes.so.0", fixes_symbols,
                          sizeof(fixes_symbols) / sizeof(fixes_symbols[0]), host, error);
    return status;
}

void x11_library_close(x11_library *library)
{
    if (library->fixes_handle)
        (void)dlclose(library->fixes_handle);
    if (library->handle)
        (void)dlclose(library->handle);
    library->fixes_handle = NULL;
    library->handle = NULL;
}
