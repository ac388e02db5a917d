/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libffi's closures; see closure.h.
 */
#include "closure.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

ffi_closure *rpc_closure_alloc(void **code)
{
    (void)pthread_mutex_lock(&lock);
    ffi_closure *made = ffi_closure_alloc(sizeof(*made), code);
    (void)pthread_mutex_unlock(&lock);
    return made;
}

void rpc_closure_free(ffi_closure *closure)
{
    (void)pthread_mutex_lock(&lock);
    ffi_closure_free(closure);
    (void)pthread_mutex_unlock(&lock);
}
