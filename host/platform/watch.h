/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noticing that folders have changed.
 *
 * Owns: one descriptor that becomes readable, and stays so until it is drained.
 */
#ifndef VIADUCT_HOST_PLATFORM_WATCH_H
#define VIADUCT_HOST_PLATFORM_WATCH_H

#include <viaduct/types.h>

/* A descriptor for poll, or -1 with *os_code. */
int via_watch_open(int32_t *os_code);
/* Adds a folder, or a file by its folder. If it does not exist, the nearest folder above is watched for its coming. */
void via_watch_add(int watch, const char *file);
/* Forgets what has been seen. */
void via_watch_drain(int watch);
void via_watch_close(int watch);

#endif
