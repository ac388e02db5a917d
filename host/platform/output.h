/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the log goes when the user asks for it by VIADUCT_LOG.
 *
 * Owns: opening that file and appending to it. Must never raise SIGPIPE.
 */
#ifndef VIADUCT_HOST_PLATFORM_OUTPUT_H
#define VIADUCT_HOST_PLATFORM_OUTPUT_H

#include <stddef.h>

/* A descriptor that appends to `path` (made with mode 0600 if it is not there), or to stderr if `path` is NULL. -1 on failure. */
int via_output_open(const char *path);
void via_output_close(int output);
/* Appends the bytes with one system call. What cannot be written is lost. Keeps errno. */
void via_output_append(int output, const char *bytes, size_t size);

#endif
