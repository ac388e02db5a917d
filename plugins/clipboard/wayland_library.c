/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libwayland-client, opened at run time; see wayland_library.h.
 */
#include "wayland_library.h"

#include "kit/fail.h"

#include <dlfcn.h>
#include <string.h>

static const char file_name[] = "libwayland-client.so.0";

/* dlsym(3) gives every address as a pointer to an object; POSIX has it that such a copy is a pointer to a function. */
static const struct symbol {
    const char *name;
    size_t offset;
} symbols[] = {
    {"wl_display_connect_to_fd", offsetof(wayland_library, display_connect_to_fd)},
    {"wl_display_disconnect", offsetof(wayland_library, display_disconnect)},
    {"wl_display_get_error", offsetof(wayland_library, display_get_error)},
    {"wl_display_get_protocol_error", offsetof(wayland_library, display_get_protocol_error)},
    {"wl_display_flush", offsetof(wayland_library, display_flush)},
    {"wl_display_prepare_read", offsetof(wayland_library, display_prepare_read)},
    {"wl_display_read_events", offsetof(wayland_library, display_read_events)},
    {"wl_display_dispatch_pending", offsetof(wayland_library, display_dispatch_pending)},
    {"wl_proxy_marshal_array", offsetof(wayland_library, proxy_marshal_array)},
    {"wl_proxy_marshal_array_constructor_versioned",
     offsetof(wayland_library, proxy_marshal_array_constructor_versioned)},
    {"wl_proxy_add_dispatcher", offsetof(wayland_library, proxy_add_dispatcher)},
    {"wl_proxy_get_user_data", offsetof(wayland_library, proxy_get_user_data)},
    {"wl_proxy_destroy", offsetof(wayland_library, proxy_destroy)},
    {"wl_registry_interface", offsetof(wayland_library, registry)},
    {"wl_callback_interface", offsetof(wayland_library, callback)},
    {"wl_seat_interface", offsetof(wayland_library, seat)},
};

via_status wayland_library_open(wayland_library *library, const via_host_api *host, via_error *error)
{
    library->handle = dlopen(file_name, RTLD_NOW | RTLD_LOCAL);
    if (!library->handle)
        return via_fail(host, error, VIA_ENOTSUP, 0,
                        "install it (Debian: libwayland-client0), or choose another clipboard with backend=",
                        "%s cannot be opened: %s", file_name,
                        dlerror()); /* NOLINT(concurrency-mt-unsafe): per thread */
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *address = dlsym(library->handle, symbols[i].name);

        if (!address) {
            wayland_library_close(library);
            return via_fail(host, error, VIA_ENOTSUP, 0, "install libwayland 1.10 or later", "%s has no %s", file_name,
                            symbols[i].name);
        }
        memcpy((char *)library + symbols[i].offset, &address, sizeof(address));
    }
    return VIA_OK;
}

void wayland_library_close(wayland_library *library)
{
    if (library->handle)
        (void)dlclose(library->handle);
    library->handle = NULL;
}
