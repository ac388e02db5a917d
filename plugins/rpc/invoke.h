/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calling a function whose parameters are known only at run time.
 *
 * Owns: the short way for functions of integers and pointers. libffi finds out at each call where every argument goes; such ones go to
 * registers one after the other, as whole words.
 */
#ifndef RPC_INVOKE_H
#define RPC_INVOKE_H

#include <ffi.h>
#include <stdbool.h>
#include <viaduct/rpc.h>

/* Can rpc_invoke_words() call such functions? */
bool rpc_invoke_is_of_words(const ffi_cif *cif);
/* As ffi_call() does. Each cell has room for a word, whatever its type. */
void rpc_invoke_words(const ffi_cif *cif, via_rpc_any function, void *result, void *const *cells);

#endif
