/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels whose other end is a program that was started for them.
 *
 * Owns: what such a program is owed: somebody who takes what it says, so that it goes on reading, and one who asks how it ended.
 */
#ifndef VIADUCT_CLI_PROGRAM_H
#define VIADUCT_CLI_PROGRAM_H

#include "cli.h"

/* Is there one, of which something may be heard? */
bool via_cli_is_program(via_channel *channel);
/* Takes what it has said so far and throws it away. False: it will say no more. */
bool via_cli_program_hush(via_channel *channel);
/* Waits a moment for its end. A program that failed is the other end's error; else, and where there is none, VIA_EXIT_OK. */
int via_cli_program_end(via_channel *channel, const char *address);
/* The same after a call that answered `status`: it may have been too late for a program that had failed by then. */
int via_cli_program_lost(via_channel *channel, const char *address, via_status status);

#endif
