/* SPDX-License-Identifier: Apache-2.0 */
/* Running one test in a process of its own. */
#ifndef VIADUCT_CONFORMANCE_RUNNER_H
#define VIADUCT_CONFORMANCE_RUNNER_H

#include "conform.h"

/* Did the test pass? Otherwise `report` says why. */
bool via_conform_run(const via_conform_test *test, const via_conform_claims *claims, uint64_t seed, unsigned timeout_s,
                     via_conform_report *report);

#endif
