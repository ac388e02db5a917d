/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libxcb, opened when it is needed.
 *
 * Owns: the table of what this backend uses of libxcb and libxcb-xfixes. A machine without them can load the plugin: nothing
 * here is linked. Must never be called but through the table.
 */
#ifndef CLIPBOARD_X11_LIBRARY_H
#define CLIPBOARD_X11_LIBRARY_H

#include <viaduct/plugin.h>

#include <xcb/bigreq.h>
#include <xcb/xcb.h>
#include <xcb/xcbext.h>
#include <xcb/xfixes.h>

/* Each as libxcb declares it, without the prefix. */
#define X11_FUNCTIONS(ENTRY)                                                                                           \
    ENTRY(change_property)                                                                                             \
    ENTRY(change_window_attributes)                                                                                    \
    ENTRY(connect)                                                                                                     \
    ENTRY(connection_has_error)                                                                                        \
    ENTRY(convert_selection)                                                                                           \
    ENTRY(create_window)                                                                                               \
    ENTRY(delete_property)                                                                                             \
    ENTRY(destroy_window)                                                                                              \
    ENTRY(discard_reply)                                                                                               \
    ENTRY(disconnect)                                                                                                  \
    ENTRY(flush)                                                                                                       \
    ENTRY(generate_id)                                                                                                 \
    ENTRY(get_atom_name)                                                                                               \
    ENTRY(get_extension_data)                                                                                          \
    ENTRY(get_file_descriptor)                                                                                         \
    ENTRY(get_maximum_request_length)                                                                                  \
    ENTRY(get_property)                                                                                                \
    ENTRY(get_selection_owner)                                                                                         \
    ENTRY(get_setup)                                                                                                   \
    ENTRY(intern_atom)                                                                                                 \
    ENTRY(parse_display)                                                                                               \
    ENTRY(poll_for_event)                                                                                              \
    ENTRY(poll_for_queued_event)                                                                                       \
    ENTRY(poll_for_reply)                                                                                              \
    ENTRY(prefetch_extension_data)                                                                                     \
    ENTRY(prefetch_maximum_request_length)                                                                             \
    ENTRY(send_event)                                                                                                  \
    ENTRY(set_selection_owner)                                                                                         \
    ENTRY(setup_roots_iterator)
#define X11_FIXES_FUNCTIONS(ENTRY)                                                                                     \
    ENTRY(xfixes_query_version)                                                                                        \
    ENTRY(xfixes_select_selection_input)

typedef struct x11_library {
#define X11_MEMBER(name) __typeof__(xcb_##name) *(name);
    X11_FUNCTIONS(X11_MEMBER)
    X11_FIXES_FUNCTIONS(X11_MEMBER)
#undef X11_MEMBER
    xcb_extension_t *big_requests;
    xcb_extension_t *fixes;
    void *handle;       /* of libxcb.so.1, */
    void *fixes_handle; /* and of libxcb-xfixes.so.0 */
} x11_library;

/* VIA_OK; VIA_ENOTSUP: a library is missing or too old, and the error names the package. Sets up `library` in any case. */
via_status x11_library_open(x11_library *library, const via_host_api *host, via_error *error);
/* After a failed open too. */
void x11_library_close(x11_library *library);

#endif
