/* SPDX-License-Identifier: Apache-2.0 */
/* How far two processors are from each other. Owns: two words in shared memory. */
#ifndef BENCH_PEERS_PROBE_H
#define BENCH_PEERS_PROBE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { PROBE_LINE = 128 };

struct probe {
    alignas(PROBE_LINE) _Atomic(uint32_t) ping;
    alignas(PROBE_LINE) _Atomic(uint32_t) pong;
    alignas(PROBE_LINE) _Atomic(uint32_t) arrived; /* of probe_meet() */
};

/* Both processes call it; returns when both are there. */
void probe_meet(struct probe *probe);

/* Both call it. The first gets the distance in ns: the median over blocks of trips there and back, halved. */
double probe_distance(struct probe *probe, bool is_second);

#endif
