/* SPDX-License-Identifier: Apache-2.0 */
/* What a publication costs its publisher, by how many subscribe. */
#ifndef BENCH_SHM_SUBSCRIBERS_H
#define BENCH_SHM_SUBSCRIBERS_H

#include <stddef.h>

/*
 * Processor time of the publisher's thread for each message of 64 bytes, in ns, of a topic with overflow=block. Each subscriber is a
 * process that sleeps whenever it has read all. Ends the program if one of them lacks a message.
 */
struct subscribers_cost {
    double stream_ns; /* in bursts that go once around the ring */
    double single_ns; /* one at a time, once all sleep */
};

struct subscribers_cost subscribers_cost(const char *folder, size_t subscribers);

#endif
