/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels that messages are to go into.
 *
 * Owns: which role sends in a pattern, who binds then, and the wait for others, without whom what is sent first would reach
 * nobody.
 */
#ifndef VIADUCT_CLI_OUTGOING_H
#define VIADUCT_CLI_OUTGOING_H

#include "cli.h"

typedef struct via_cli_outgoing {
    const via_cli_args *args; /* --pattern, --listen, --dial, --wait, --timeout, --option */
    via_host *host;
    const char *address;
    uint32_t role; /* VIA_PAIR: the one that sends in the pattern, which is put here */
    bool must_wait;
} via_cli_outgoing;

/* Opens it. An exit status; the error is told. */
int via_cli_outgoing_open(via_cli_outgoing *what, via_channel **channel);
/* Waits for --wait others (1) where they come by themselves. An exit status; the error is told. */
int via_cli_outgoing_wait(const via_cli_outgoing *what, via_channel *channel);

#endif
