/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roles that a bridge plays on its two sides.
 *
 * Owns: which fit together, and which are usual for a pattern.
 */
#ifndef VIADUCT_CLI_ROLES_H
#define VIADUCT_CLI_ROLES_H

#include "cli.h"

/* The roles on both operands, VIA_PAIR and so on, by --as or the patterns. An exit status; what does not fit is told. */
int via_cli_roles_choose(const via_cli_args *args, via_host *host, uint32_t roles[2]);

bool via_cli_role_receives(uint32_t role);
bool via_cli_role_sends(uint32_t role);

#endif
