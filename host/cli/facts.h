/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library says about an address without opening it, via_explain() and via_advise(), for the command's own questions.
 *
 * Owns: nothing. What cannot be told is no error here; opening the address will say why.
 */
#ifndef VIADUCT_CLI_FACTS_H
#define VIADUCT_CLI_FACTS_H

#include <jansson.h>

#include "cli.h"

/*
 * The option as sdk/docs/explain.md describes it, the host's own ones too, with --option applied; the caller's
 * reference. NULL = the address has no such option, or does not resolve.
 */
json_t *via_cli_option_of(const via_cli_args *args, via_host *host, const char *address, const char *name);
/* The largest message that the address carries; UINT64_MAX = it cannot be told. */
uint64_t via_cli_max_message_of(const via_cli_args *args, via_host *host, const char *address);
/* What no option can raise that above; UINT64_MAX = it cannot be told. */
uint64_t via_cli_max_message_of_scheme(const via_cli_args *args, via_host *host, const char *address);
/* "shm:, mq:": the schemes whose messages carry it ("key", "type", "priority"); "" = none that is ready. */
void via_cli_list_carriers(via_host *host, const char *what, char *list, size_t capacity);
/*
 * The scheme that serves a need of via_advise() best. False: none that is ready serves it. Only plugins that would serve it are
 * checked, so this does not read all that are installed.
 */
bool via_cli_scheme_for(via_host *host, const char *need, char *scheme, size_t capacity);
/* False: nobody can listen there; who dials makes the other end, such as a program. */
bool via_cli_is_listened_on(const via_cli_args *args, via_host *host, const char *address);
/* Both lead to the same place, whatever their options and names are. */
bool via_cli_is_same_address(const via_cli_args *args, via_host *host, const char *one, const char *other);

#endif
