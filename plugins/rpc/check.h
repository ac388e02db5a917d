/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking an interface file for `via validate`.
 */
#ifndef RPC_CHECK_H
#define RPC_CHECK_H

#include <viaduct/plugin.h>

/* via_layer.check. `state` is not used. */
via_status rpc_check_file(void *state, const char *file, via_error *error);

#endif
