/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that show candidates share. Owns: how an expected time looks. */
#ifndef VIADUCT_CLI_CHOOSE_H
#define VIADUCT_CLI_CHOOSE_H

#include <jansson.h>
#include <stddef.h>

#include "cli.h"

/* The candidate's "latency_ns" for people, "12.4 us"; "" = it has none. */
void via_cli_format_latency(const json_t *candidate, char *text, size_t capacity);
/* Adds to each candidate of an explanation that has an address who listens there: "live". */
void via_cli_look_live(via_host *host, json_t *root);

/* host/cli/lint.c: what the best practices say of one endpoint manifest. An exit status; `findings` NULL = in words. */
int via_cli_lint(via_host *host, const char *file, json_t *findings);

#endif
