/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading claims: the parts that a manifest and the host's answer about a stack have in common.
 *
 * Owns: no state.
 */
#ifndef VIADUCT_CONFORMANCE_CLAIMS_H
#define VIADUCT_CONFORMANCE_CLAIMS_H

#include "conform.h"

#include <jansson.h>

/* `guarantees`, `carries`, `linger` and `loan` of a scheme's entry; what was claimed of it before is forgotten. */
void via_conform_read_guarantees(const json_t *entry, via_conform_claims *claims);
/* A size in a manifest's notation; 0 = none. */
uint64_t via_conform_read_size(const json_t *value);

#endif
