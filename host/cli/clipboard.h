/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `via copy` and `via paste` share.
 *
 * Owns: the address of the clipboard, which is that of the transport whose manifest has the feature "offers", and the words for
 * what can go wrong with a content.
 */
#ifndef VIADUCT_CLI_CLIPBOARD_H
#define VIADUCT_CLI_CLIPBOARD_H

#include "cli.h"

enum { VIA_CLI_CLIPBOARD_MS = 45000 /* more than the transport's own limits together */ };

typedef struct via_cli_clipboard {
    via_host *host;
    via_channel *channel;
    char address[80];
    bool is_copying; /* what goes wrong is told as somebody who copies sees it */
} via_cli_clipboard;

/* Does --type name one? An exit status; what is wrong with it is told. `is_list`: several may be named, with commas between. */
int via_cli_clipboard_check_type(const via_cli_args *args, bool is_list);
/*
 * Opens what --primary and --backend say, with the further options "name=value" (`count` of them). An exit status; the error is
 * told. A signal interrupts the channel from here on. To be closed with via_cli_clipboard_close(), also after a failure.
 */
int via_cli_clipboard_open(const via_cli_args *args, const char *const *more, size_t count,
                           via_cli_clipboard *clipboard);
void via_cli_clipboard_close(via_cli_clipboard *clipboard);
/* Tells what a call on a content answered. An exit status. */
int via_cli_clipboard_told(const via_cli_clipboard *clipboard, via_status status);

#endif
