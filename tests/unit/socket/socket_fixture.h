/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that only keeps error records, and openings without a manifest.
 */
#ifndef TESTS_UNIT_SOCKET_FIXTURE_H
#define TESTS_UNIT_SOCKET_FIXTURE_H

#include <viaduct/plugin.h>

extern const via_host_api fixture_host;

/* An opening of `scheme:rest` without options. */
via_open fixture_open(const char *scheme, const char *rest, uint32_t side);

#endif
