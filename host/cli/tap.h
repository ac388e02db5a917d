/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels of this user's programs that may be recorded from outside.
 *
 * Owns: finding them in the runtime folder. A file of a process that has gone is removed on the way.
 */
#ifndef VIADUCT_CLI_TAP_H
#define VIADUCT_CLI_TAP_H

#include "cli.h"
#include "kit/tap_area.h"

/* Called for each file of a channel; false = no more. */
typedef bool (*via_cli_tap_visit_fn)(void *argument, const char *path);

/* An exit status; the error is told. A folder that is not there has none. */
int via_cli_tap_each(via_cli_tap_visit_fn visit, void *argument);
/* `via tap --list`. */
int via_cli_tap_list(const via_cli_args *args);
/* "pair", "pull", ... */
const char *via_cli_tap_role(uint32_t role);

#endif
