/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of the pipe plugin share: a host that only remembers, and openings without a manifest.
 */
#ifndef PIPE_UNIT_H
#define PIPE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings.h"

extern const via_host_api unit_host;
/* The last reason that was told to `failed`. */
extern via_error unit_failure;
extern via_counters unit_counters;

/* An opening with these options (ends with a NULL name) and this rest. */
via_open unit_open(const char *rest, const via_option *options, size_t count);
/* What a pair with framing length32 has. */
pipe_settings unit_settings(uint32_t role, uint32_t side);

/* A private folder; its path ends in "/x", a name in it. */
void unit_folder_make(char path[64]);
/* Removes it; fails if there is anything in it. */
void unit_folder_remove(const char *path);
unsigned unit_folder_count(const char *path);

#endif
