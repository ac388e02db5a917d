/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The findings of `via doctor`.
 *
 * Owns: the list. Each finding is a sentence, and each that is not well has a command or a sentence that mends it.
 */
#ifndef VIADUCT_CLI_DOCTOR_H
#define VIADUCT_CLI_DOCTOR_H

#include <jansson.h>

#include "cli.h"

typedef enum via_cli_verdict { VIA_CLI_WELL, VIA_CLI_WARNING, VIA_CLI_BROKEN } via_cli_verdict;

/* Adds one. `mend` "" if it is well. */
void via_cli_find(json_t *findings, via_cli_verdict verdict, const char *topic, const char *mend, const char *what, ...)
    __attribute__((format(printf, 5, 6)));

/* doctor_limits.c: what the system allows this process. */
void via_cli_find_limits(json_t *findings);

#endif
