/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of every kind, from as many threads as one likes: each says whether its result was right.
 */
#ifndef TEST_MIXTURE_H
#define TEST_MIXTURE_H

#include "calc.h"

/* calc, at the other end. */
typedef struct mixture {
    via_channel *channel;
    int32_t (*add)(int32_t, int32_t);
    uint64_t (*widest)(int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t, size_t);
    double (*power)(double, int32_t);
    int32_t (*divide)(int32_t, int32_t, int32_t *, int32_t *);
    int64_t (*sum)(const int64_t *, size_t);
    size_t (*join)(const char *const *, size_t, char *, size_t);
    char *(*greet)(const char *);
    const char *(*name_of)(int32_t);
    calc_line (*turn)(calc_line);
    void (*reverse)(const void *, size_t, void *, size_t *);
    int32_t (*each)(int32_t, int32_t (*)(void *, int32_t, const char *), void *);
    calc_counter *(*counter_new)(int32_t);
    int32_t (*counter_next)(calc_counter *);
    void (*counter_free)(calc_counter *);
    void (*remember)(int32_t);
} mixture;

void mixture_import(mixture *calls, via_channel *channel);
/* Makes call number `number`: which kind and with what follows from that. NULL, or the name of the method whose result is wrong. */
const char *mixture_call(const mixture *calls, uint32_t number);

#endif
