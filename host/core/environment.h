/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way to read an environment variable.
 *
 * Owns: the rule that under AT_SECURE, or with VIA_HOST_NO_ENVIRONMENT, every variable is as if unset.
 */
#ifndef VIADUCT_HOST_ENVIRONMENT_H
#define VIADUCT_HOST_ENVIRONMENT_H

#include <stdbool.h>

/* True in a set-user-id, set-group-id or capability-raised program: nothing of the user's is trusted. */
bool via_environment_is_secure(void);
/* The variable's value, or NULL if unset, empty, or not to be read. */
const char *via_environment_get(const char *name, bool ignore);

#endif
