/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address to one that has the layer rpc on top, with --interface and --codec.
 *
 * Owns: what `via serve` and `via call` share about opening. It names the one layer whose commands they are; what is below
 * is the address's business.
 */
#ifndef VIADUCT_CLI_RPC_OPEN_H
#define VIADUCT_CLI_RPC_OPEN_H

#include <jansson.h>

#include "cli.h"

typedef struct via_cli_rpc {
    const via_cli_args *args;
    via_host *host;
    const char *address;
    char *own[2]; /* our options, allocated */
    const char **options;
    size_t option_count;
    char *layers;    /* NULL = the address has the layer itself */
    char *interface; /* the file that is in effect; NULL = none */
    bool is_json;    /* the codec in effect is the one that has parameters by name */
} via_cli_rpc;

/* Looks at the address, without opening it. An exit status. Free with via_cli_rpc_fini() in any case. */
int via_cli_rpc_init(via_cli_rpc *rpc, const via_cli_args *args, via_host *host);
void via_cli_rpc_fini(via_cli_rpc *rpc);
/* What to open the address with; borrowed. */
void via_cli_rpc_options(const via_cli_rpc *rpc, via_open_options *options);
/* The interface file as JSON, unchecked: the layer has checked it, or will. NULL = there is none, or it cannot be read. */
json_t *via_cli_rpc_read(const via_cli_rpc *rpc);

#endif
