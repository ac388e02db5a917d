/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From arguments to an open host, and from an address to an open channel, each with its error told.
 *
 * Owns: how the options that many commands share are applied. Sends and receives try with VIA_NOW, then sleep on the
 * channel and the stop descriptor together (wait.h), so that no signal is missed.
 */
#ifndef VIADUCT_CLI_SESSION_H
#define VIADUCT_CLI_SESSION_H

#include "cli.h"

/* Opens the host with --plugins, --endpoints and --trust. An exit status; the error is told. */
int via_cli_host_open(const via_cli_args *args, via_host **host);

/* The open options with --option; borrowed from args. */
void via_cli_open_options(const via_cli_args *args, via_open_options *options);

/* --pattern, else what the endpoint states, else pair. VIA_PATTERN_*. */
uint32_t via_cli_pattern(const via_cli_args *args, via_host *host, const char *address);
/* "pair" of VIA_PATTERN_PAIR, and so on; "" of anything else. */
const char *via_cli_pattern_name(uint32_t pattern);

/* What to open. */
typedef struct via_cli_open {
    via_host *host;
    const char *address;
    uint32_t role; /* VIA_PAIR or another */
    uint32_t side; /* VIA_SIDE_BIND or VIA_SIDE_CONNECT */
    via_deadline deadline;
} via_cli_open;

/* Listens and accepts one, dials, or joins. An exit status; the error is told. From here on signals stop gently. */
int via_cli_channel_open(const via_cli_args *args, const via_cli_open *what, via_channel **channel);

/* The same, any thread, without telling the error and without a word about signals. */
via_status via_cli_channel_try(const via_cli_args *args, const via_cli_open *what, via_channel **channel,
                               via_error *error);

/* The side that --listen or --dial asks for, else `otherwise`. */
uint32_t via_cli_side(const via_cli_args *args, uint32_t otherwise);

/*
 * --format, else line; raw where the channel has no boundaries, because then a line is none of its messages and a newline
 * is a byte like any other. For standard input and output.
 */
via_cli_format via_cli_format_for(const via_cli_args *args, via_channel *channel);

/* Tells a status as via_cli_status() does; a deadline that passed with nobody there in the words of a wait for somebody. */
int via_cli_waited(const char *subject, via_channel *channel, via_status status);
/* Connected to what others are connected to as well, as to a queue of the system: who they are, and how many, is not known. */
bool via_cli_counts_nobody(const via_counters *counters);
/* The same of a send; where the transport counts nobody, the deadline passed because there was no room. */
int via_cli_send_waited(const char *subject, via_channel *channel, via_status status);

/* As via_send() and via_recv(); VIA_ECANCELED also when a signal asked to stop. */
via_status via_cli_send(via_channel *channel, const via_slice *bytes, const via_meta *meta, via_deadline deadline);
via_status via_cli_recv(via_channel *channel, via_deadline deadline, via_msg *message);

/* Waits until what was sent no longer needs this process; a signal cuts it short. */
via_status via_cli_drain(via_channel *channel, via_deadline deadline);
/* The last thing before closing after a signal or an error: drains for at most a second, whatever comes of it. */
void via_cli_drain_briefly(via_channel *channel);

#endif
