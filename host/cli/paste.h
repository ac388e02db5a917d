/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `via paste`. */
#ifndef VIADUCT_CLI_PASTE_H
#define VIADUCT_CLI_PASTE_H

#include "clipboard.h"

/* The content in the type that --type says, else as the transport chooses. As via_offers_receive(). */
via_status via_cli_paste_take(const via_cli_args *args, via_channel *channel, via_msg *message);
/* Runs the operands for what is there and for each change, until a signal. An exit status. */
int via_cli_paste_watch(const via_cli_args *args, const via_cli_clipboard *clipboard);

#endif
