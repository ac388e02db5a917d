/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a channel in a thread of its own. A dial cannot be interrupted, and neither a signal nor a client is to wait
 * for one; dialing in short turns instead would never get through where the handshake is slow.
 *
 * Owns: the thread, and what it has found until that is taken.
 */
#ifndef VIADUCT_CLI_SEEK_H
#define VIADUCT_CLI_SEEK_H

#include "session.h"

typedef struct via_cli_seek via_cli_seek;

/* Begins to open; the texts of `what` are borrowed until the end. An exit status; the error is told. */
int via_cli_seek_start(const via_cli_args *args, const via_cli_open *what, via_cli_seek **seek);
/* VIA_OK: it is over; VIA_ETIMEDOUT; VIA_ECANCELED: asked to stop. */
via_status via_cli_seek_wait(const via_cli_seek *seek, via_deadline deadline);
/*
 * The end, once the wait has answered VIA_OK: what opening answered. Where it never did, the thread is left behind, and
 * with it everything that it may touch: the process has to end with _exit().
 */
via_status via_cli_seek_take(via_cli_seek *seek, via_channel **channel, via_error *error);

#endif
