/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inline initialisers of the public headers once more as symbols, for languages without a C compiler.
 */
#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* the header's definitions are their only declarations */
#define VIA_INLINE __attribute__((visibility("default")))
#include <viaduct/rpc.h>
