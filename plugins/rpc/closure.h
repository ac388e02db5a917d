/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libffi's closures, one thread at a time: libffi 3.4 makes its own lock when it is first asked, and looks whether it has without
 * one.
 */
#ifndef RPC_CLOSURE_H
#define RPC_CLOSURE_H

#include <ffi.h>

/* As ffi_closure_alloc(). NULL: this system gives no memory that can be run. */
ffi_closure *rpc_closure_alloc(void **code);
void rpc_closure_free(ffi_closure *closure);

#endif
