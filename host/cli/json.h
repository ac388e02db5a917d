/* SPDX-License-Identifier: Apache-2.0 */
/* What every --json output shares. Owns: how an error record looks as JSON. */
#ifndef VIADUCT_CLI_JSON_H
#define VIADUCT_CLI_JSON_H

#include <jansson.h>

#include "cli.h"

/* {"status","stage","what","mend","file","line","column","pointer","os","plugin"}; what is empty is left out. */
json_t *via_cli_json_error(const via_error *error);
/* A text that may not be UTF-8: then its broken bytes become '?'. */
json_t *via_cli_json_text(const char *text);
/* Prints indented, with a newline, and takes the reference. False: out of memory. */
bool via_cli_json_print(json_t *value);

#endif
