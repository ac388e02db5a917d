/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one target of a request to everything an open needs.
 *
 * Owns: what is asked of one address, be it the only one or one of several. Call all of it with the registry's lock held.
 */
#ifndef VIADUCT_HOST_TARGET_H
#define VIADUCT_HOST_TARGET_H

#include "load/request.h"
#include "load/resolve.h"

/* The pattern of a role, VIA_PATTERN_*; 0 = there is no such role. */
uint32_t via_role_pattern(uint32_t role);
/* The pattern that the endpoint states, if it does. VIA_OK, VIA_EINVAL. */
via_status via_target_check_pattern(const via_request *request, uint32_t pattern, via_error *error);
/*
 * Resolves the target that the request points at. out->role and out->pattern are set before; on failure `out` is to be
 * finished all the same. The statuses of via_resolve_all().
 */
via_status via_target_resolve(const via_registry *registry, const via_request *request, bool connects,
                              const via_open_options *options, via_resolved *out, via_error *error);

#endif
