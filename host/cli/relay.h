/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from one channel to another, in one direction or both, without ever holding more than one each way.
 *
 * Owns: what has been received and not yet sent on. Back-pressure passes through: it does not read what it cannot
 * hand on.
 */
#ifndef VIADUCT_CLI_RELAY_H
#define VIADUCT_CLI_RELAY_H

#include "cli.h"

typedef struct via_cli_relay {
    const via_cli_args *args;
    via_host *host;
    via_channel *channels[2];
    const char *names[2]; /* for errors */
    bool flows[2];        /* [0]: from channel 0 to 1; [1]: back */
    bool skips;           /* a message that the other channel refuses is told and left out; false: it ends the relay */
} via_cli_relay;

/*
 * Runs until both directions have ended (each end is passed on with via_finish()), one channel has died, or a signal
 * asks to stop; then drains for a moment. An exit status; errors are told, and what has been received and could not be
 * sent on. Closes nothing.
 */
int via_cli_relay_run(const via_cli_relay *relay);

/* For a relay that did not come about: tells what has come for it. An exit status, VIA_EXIT_OK if there is nothing. */
int via_cli_relay_tell_rest(via_channel *from, const char *from_name, const char *to_name);

#endif
