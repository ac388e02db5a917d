/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a call has failed; see call.h.
 */
#include "peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void begin_error(rpc_call *call, via_status status, uint32_t origin)
{
    via_rpc_error_init(&call->error);
    call->status = call->error.status = status;
    call->error.origin = origin;
    (void)snprintf(call->error.method, sizeof(call->error.method), "%s",
                   call->method ? call->method->name : call->name);
}

void rpc_call_fail(rpc_call *call, via_status status, uint32_t origin, const char *format, ...)
{
    va_list arguments;

    begin_error(call, status, origin);
    va_start(arguments, format);
    (void)vsnprintf(call->error.text, sizeof(call->error.text), format, arguments);
    va_end(arguments);
}

static void copy_text(char *to, size_t capacity, const char *from, size_t size)
{
    size_t fits = size < capacity ? size : capacity - 1;

    if (fits)
        memcpy(to, from, fits);
    to[fits] = '\0';
}

void rpc_call_fault(rpc_call *call, const rpc_fault *fault)
{
    begin_error(call, VIA_EREMOTE, VIA_RPC_THERE);
    call->error.code = fault->code;
    copy_text(call->error.text, sizeof(call->error.text), fault->text, fault->text_size);
    copy_text(call->error.name, sizeof(call->error.name), fault->name, fault->name_size);
}
