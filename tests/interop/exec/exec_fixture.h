/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of exec: share: dialling a program and talking to it. Uses the public ABI only.
 */
#ifndef EXEC_FIXTURE_H
#define EXEC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <viaduct/ext/process.h>
#include <viaduct/viaduct.h>

/* A deadline that only a hanging test reaches. */
via_deadline soon_enough(void);

/* Dials; fails the test with the error's text. */
via_channel *start(const char *address);
/* Dials what cannot work, and returns the status. */
via_status try_start(const char *address, via_error *error);

void say(via_channel *channel, const char *text);
/* Receives one message and compares it. */
void hear(via_channel *channel, const char *text);
/* Receives until the channel ends, and compares how. */
void hear_end(via_channel *channel, via_status status);
void finish(via_channel *channel);

/* Is there a process of this number, be it a zombie? */
int process_exists(int64_t pid);

#endif
