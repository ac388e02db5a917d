/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init and fini of a plugin that keeps nothing of its own: its state is the host's table of functions.
 */
#ifndef VIADUCT_KIT_PLAIN_H
#define VIADUCT_KIT_PLAIN_H

#include <viaduct/plugin.h>

/* `*state` becomes `host`, so every opening slot begins with `const via_host_api *host = state;`. Always VIA_OK. */
via_status via_plain_init(const via_host_api *host, void **state, via_error *error);
void via_plain_fini(void *state);

#endif
