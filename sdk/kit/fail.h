/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reporting errors in one statement.
 */
#ifndef VIADUCT_KIT_FAIL_H
#define VIADUCT_KIT_FAIL_H

#include <viaduct/plugin.h>

/* Fills `error` through the host and returns `status`. `mend` may be NULL. `os_code`: errno or 0. */
via_status via_fail(const via_host_api *host, via_error *error, via_status status, int os_code, const char *mend,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Keeps the reason why a channel ended and returns `status`. */
via_status via_fail_channel(const via_host_api *host, via_context *context, via_status status, int os_code,
                            const char *mend, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* One formatted line for the log. */
void via_note(const via_host_api *host, via_context *context, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The status that stands for an errno of a system call. VIA_EIO where none is closer. */
via_status via_status_of_errno(int os_code);

#endif
