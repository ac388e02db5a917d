/* SPDX-License-Identifier: Apache-2.0 */
/* What channels cost by being there: idle, and a thousand of them. */
#ifndef BENCH_SHM_CHANNELS_H
#define BENCH_SHM_CHANNELS_H

#include <stddef.h>

/* Percent of a processor that a process uses while it waits `seconds` for a message, with hybrid waiting. */
double channels_idle_percent(const char *folder, unsigned seconds);

struct channels_cost {
    size_t pairs;
    double shared_bytes;              /* of shared memory, for each end of a pair */
    double private_bytes;             /* of this process's own memory, for each end */
    double open_us;                   /* median: open both ends, first message, close both */
    double memory_us;                 /* of it the system's part: to allocate two such memories, and to free them */
    double ring_bytes, control_bytes; /* of the shared ones: what was asked for as ring, with its slots; the rest */
};

/* Opens that many pairs in this process. */
struct channels_cost channels_cost(const char *folder, size_t pairs);

#endif
