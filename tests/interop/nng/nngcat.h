/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An nngcat process with its output on a pipe.
 */
#ifndef TESTS_INTEROP_NNGCAT_H
#define TESTS_INTEROP_NNGCAT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct nngcat {
    pid_t pid;
    int output;
} nngcat;

/* Starts `nngcat ARGUMENTS...`; the list ends with NULL. False: there is no nngcat. */
bool nngcat_start(nngcat *cat, const char *const *arguments);
/* Reads until the output contains `text`; false after ten seconds or at its end. */
bool nngcat_says(nngcat *cat, const char *text);
void nngcat_stop(nngcat *cat);

/* A TCP port of the loopback that was free a moment ago. */
int free_port(void);

#endif
