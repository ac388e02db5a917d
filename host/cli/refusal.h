/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that a channel does not take as they are, and labels that it does not carry: which one, why, and the ways
 * out.
 *
 * Owns: the words for it. A data call answers a status alone, so the reason is found in the message and in the options
 * of the channel's address.
 */
#ifndef VIADUCT_CLI_REFUSAL_H
#define VIADUCT_CLI_REFUSAL_H

#include "cli.h"

/* A message on its way, and where it was to go. */
typedef struct via_cli_letter {
    const via_cli_args *args; /* --option */
    via_host *host;
    const char *address;
    via_channel *channel;
    via_slice body;
    uint64_t number; /* which message it is, from 1 */
    bool is_part;    /* the body is longer than that */
} via_cli_letter;

/* True: a send that answers this has refused the message, and the channel goes on. */
bool via_cli_is_refusal(via_status status);
/* Tells it. An exit status. */
int via_cli_refused(const via_cli_letter *letter, via_status status);
/* Tells if a message has a key, a type or a priority that the channel does not carry. An exit status. */
int via_cli_check_meta(via_host *host, const char *address, via_channel *channel, const via_meta *meta);

#endif
