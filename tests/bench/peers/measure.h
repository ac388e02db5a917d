/* SPDX-License-Identifier: Apache-2.0 */
/* The loops that are timed. Owns: the clock and the samples. Nothing in a timed loop allocates, prints or has a deadline. */
#ifndef BENCH_PEERS_MEASURE_H
#define BENCH_PEERS_MEASURE_H

#include "clockwork.h"

/* The server's half. */
void measure_answer(const struct way *way, void *self, const via_bench_job *job);
/* The client's half. */
void measure_ask(const struct way *way, void *self, const via_bench_job *job, const struct budget *budget,
                 via_bench_result *result);

#endif
