/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays and bytes from the wire.
 *
 * Owns: that elements are only made room for as they come.
 */
#ifndef RPC_FRAME_ARRAY_H
#define RPC_FRAME_ARRAY_H

#include "frame.h"

/*
 * Reads the elements of an ARRAY or BYTES into *memory, which has room for `room` of them; NULL: into the arena, and *memory is
 * set (NULL: it was nil). *count: how many there are.
 */
via_status rpc_array_get(rpc_marshal *marshal, const rpc_param *param, void **memory, size_t room, size_t *count);

#endif
