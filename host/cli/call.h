/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `via call`.
 *
 * Owns: what they share: the other end, and what is known of it.
 */
#ifndef VIADUCT_CLI_CALL_H
#define VIADUCT_CLI_CALL_H

#include <jansson.h>
#include <viaduct/rpc.h>

#include "rpc_open.h"

typedef struct via_cli_caller {
    const via_cli_args *args;
    via_cli_rpc rpc;
    via_channel *channel;
    via_deadline deadline; /* of every call: --timeout, else what the interface says */
    json_t *interface;     /* NULL = nobody knows what the other end has */
} via_cli_caller;

/* ---- call_words.c: arguments -------------------------------------------------------------------------------- */

/*
 * Words of the command line as parameters, an array or an object. NULL: one of them is no value, which is told; *result is the
 * exit status.
 */
json_t *via_cli_call_words(const via_cli_caller *caller, const char *method, const char *const *words, size_t count,
                           int *result);

/* ---- call_error.c: what went wrong -------------------------------------------------------------------------- */

/* Each tells it, and answers the exit status. */
int via_cli_call_failed(const via_cli_caller *caller, const char *method, const via_rpc_error *error);
/* VIA_EXIT_OK if it is not known that there is no such method. */
int via_cli_call_check(const via_cli_caller *caller, const char *method);
int via_cli_call_wrong(const via_cli_caller *caller, const char *method, const char *what);

/* ---- call_list.c: what there is ----------------------------------------------------------------------------- */

/* Prints the methods. An exit status. */
int via_cli_call_list(const via_cli_caller *caller);

#endif
