/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces of functions as JSON (rpc.describe, *.rpc.json): finding a method in one, and how it reads.
 *
 * Owns: which parameters travel, as sdk/docs and manifests/README.md have it. Lengths that follow from other values are not
 * given and not shown. Must be given what the layer has accepted, or would; anything else reads as something odd, no worse.
 */
#ifndef VIADUCT_CLI_RPC_TEXT_H
#define VIADUCT_CLI_RPC_TEXT_H

#include <jansson.h>

#include "cli.h"

/* Borrowed; NULL = it has no such method. */
const json_t *via_cli_rpc_method(const json_t *interface, const char *name);
/* The name of a method that was probably meant; NULL = none is near. */
const char *via_cli_rpc_nearest(const json_t *interface, const char *name);
/* What is given at this place, from 0; borrowed. NULL = the method takes fewer. */
const json_t *via_cli_rpc_param(const json_t *method, size_t place);
/* Its type, as written in the interface; "" = none. */
const char *via_cli_rpc_type(const json_t *param);
bool via_cli_rpc_is_callback(const json_t *interface, const json_t *param);

/* "a: i32, b: string?" */
void via_cli_rpc_put_given(FILE *out, const json_t *method);
/* "i32, rest: i32"; nothing where nothing comes back. */
void via_cli_rpc_put_returned(FILE *out, const json_t *method);
/* "add(a: i32, b: i32) -> i32", for free(); NULL = out of memory. */
char *via_cli_rpc_signature(const char *name, const json_t *method);

#endif
