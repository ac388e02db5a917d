/* SPDX-License-Identifier: Apache-2.0 */
/* Running one test in a process of its own. */
#ifndef VIADUCT_CONFORMANCE_RUNNER_H
#define VIADUCT_CONFORMANCE_RUNNER_H

#include "conform.h"

/* Did the test pass? Otherwise `report` says why. */
bool via_conform_run(const via_conform_test *test, const via_conform_claims *claims, uint64_t seed, unsigned timeout_s,
                     via_conform_report *report);

/* Runs the setup in the test's folder and waits for its first line or its end. Fails the test if that is a bad one. */
void via_conform_set_up(const via_conform_claims *claims, const char *folder);
/* `--echo-terminal`: an exit status, if it ends at all. */
int via_conform_echo_terminal(const char *path);

#endif
