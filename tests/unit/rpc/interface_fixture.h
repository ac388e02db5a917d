/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of interface files share. Owns: the way to a fixture. */
#ifndef INTERFACE_FIXTURE_H
#define INTERFACE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interface.h"

/* An interface that must load. Drop it. */
static inline rpc_interface *load(const char *name)
{
    char path[4096];
    rpc_interface *interface = NULL;
    via_error error;

    via_error_init(&error);
    (void)snprintf(path, sizeof(path), RPC_FIXTURES "/valid/%s.json", name);
    if (rpc_interface_read(path, &interface, &error) != VIA_OK)
        fail_msg("%s:%u:%u: %s: %s", error.file, error.line, error.column, error.pointer, error.what);
    return interface;
}

/* The same of a text. */
static inline rpc_interface *parse(const char *text)
{
    rpc_interface *interface = NULL;
    via_error error;

    via_error_init(&error);
    if (rpc_interface_parse("test", text, strlen(text), &interface, &error) != VIA_OK)
        fail_msg("%s:%u:%u: %s: %s", error.file, error.line, error.column, error.pointer, error.what);
    return interface;
}

static inline const rpc_method *method_of(const rpc_interface *interface, const char *name)
{
    const rpc_method *method = rpc_interface_find(interface, name, strlen(name));

    assert_non_null(method);
    return method;
}

#endif
