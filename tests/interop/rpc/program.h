/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program by others with what it says on a pipe. Its standard input is /dev/null, and it does not outlive the test.
 */
#ifndef TESTS_INTEROP_PROGRAM_H
#define TESTS_INTEROP_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROGRAM_PATIENCE_MS = 60000, PROGRAM_SAID = 16384 };

typedef struct program {
    pid_t pid;
    int output;
    size_t size;
    char said[PROGRAM_SAID]; /* the beginning of its two output streams, terminated */
} program;

/* `arguments` ends with NULL; the first one is the program, looked for in PATH. Fails the test if there is none. */
void program_start(program *self, const char *const *arguments);
/* Waits for its end and returns its exit status; a signal, or no end within PROGRAM_PATIENCE_MS, is -1. */
int program_wait(program *self);
/* The same of one that has to end with status 0. Otherwise what it said is the test's failure. */
void program_must_end_well(program *self);
void program_kill(program *self);

#endif
