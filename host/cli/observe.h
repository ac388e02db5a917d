/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What via_observe() tells, for `via ps`, `via stats`, `via top` and `via doctor`.
 *
 * Owns: the words for the state of a channel, and how a number is read from it.
 */
#ifndef VIADUCT_CLI_OBSERVE_H
#define VIADUCT_CLI_OBSERVE_H

#include <jansson.h>

#include "cli.h"

enum { VIA_CLI_STATE_SIZE = 160 };

/* The processes, or the one of `pid` if that is not 0. An exit status; the error is told. Free with json_decref(). */
int via_cli_observe(int64_t pid, json_t **processes);

const char *via_cli_observed_text(const json_t *object, const char *key);
uint64_t via_cli_observed_number(const json_t *object, const char *key);
bool via_cli_observed_is(const json_t *object, const char *key, const char *text);
/* The sum of what a channel, or `closed`, has dropped for any reason. */
uint64_t via_cli_observed_drops(const json_t *object);
/* What goes on with a channel: "", or why nothing moves. */
void via_cli_observed_state(const json_t *process, const json_t *channel, char *text, size_t capacity);
/* The one of the list whose number under `key` is that; NULL = none. */
const json_t *via_cli_observed_find(const json_t *list, const char *key, uint64_t wanted);
/* "listener", or the channel's role. */
const char *via_cli_observed_role(const json_t *channel);
/* Its endpoint's name if it has one, else its address. */
const char *via_cli_observed_name(const json_t *channel);

/* The commands that print in another form. */
void via_cli_prometheus_print(const json_t *processes);

#endif
