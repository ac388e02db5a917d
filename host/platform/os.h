/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operating system says about this process.
 *
 * Owns: the question whether it runs with raised rights, and the status of an OS error.
 */
#ifndef VIADUCT_HOST_PLATFORM_OS_H
#define VIADUCT_HOST_PLATFORM_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <viaduct/types.h>

/* True in a set-user-id, set-group-id or capability-raised program (AT_SECURE, getauxval(3)). */
bool via_os_is_secure(void);
/* The status that is closest to one of the OS's error codes. */
via_status via_os_error_status(int32_t os_code);

#endif
