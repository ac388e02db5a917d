/* SPDX-License-Identifier: Apache-2.0 */
/* `via plugins --watch`. Owns: nothing; see plugins_watch.c. */
#ifndef VIADUCT_CLI_PLUGINS_WATCH_H
#define VIADUCT_CLI_PLUGINS_WATCH_H

#include "cli.h"

/* Prints each change of plugins and endpoint files until it is asked to stop. An exit status. */
int via_cli_plugins_watch(const via_cli_args *args, via_host *host);

#endif
