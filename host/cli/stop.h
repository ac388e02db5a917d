/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end from outside: SIGINT and SIGTERM, and a standard output that nobody reads any more.
 *
 * Owns: the signal handlers of the command and the descriptor that becomes readable when it shall stop. A second
 * signal, unless it comes with the first, ends the process at once, and so does the first one before anything has been sent (while it still opens).
 */
#ifndef VIADUCT_CLI_STOP_H
#define VIADUCT_CLI_STOP_H

#include <stdbool.h>
#include <viaduct/viaduct.h>

/* Once, at the start. SIGPIPE gets a handler that does nothing: unlike SIG_IGN, a child does not inherit it. */
void via_cli_stop_prepare(void);
/* From now on the first signal asks to stop instead of ending the process. */
void via_cli_stop_gently(void);
/* Asks to stop, as a signal would. Any thread. */
void via_cli_stop_now(void);
bool via_cli_stopped(void);
/* Readable, and for ever, once the process shall stop. -1 = via_cli_stop_gently() has not been called. */
int via_cli_stop_descriptor(void);
/* Who waits in this set is woken by it too, once. NULL = nobody any more. */
void via_cli_stop_wakes(via_waitset *set);
/* A channel that may wait for its other end is interrupted by it; for the time being. NULL = none. */
void via_cli_stop_interrupts(via_channel *channel);
/* `result`, or 128 plus the signal that asked to stop. */
int via_cli_stop_result(int result);

/* Remembers that writing to standard output answered EPIPE. */
void via_cli_stdout_lost(void);
bool via_cli_stdout_closed(void);

#endif
