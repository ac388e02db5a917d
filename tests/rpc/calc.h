/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that knows nothing of RPC, but for one function that asks who calls it: one function for each way in which C passes
 * values. calc.rpc.json describes it.
 */
#ifndef TEST_CALC_H
#define TEST_CALC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <viaduct/rpc.h>

typedef struct calc_point {
    double x, y;
} calc_point;

typedef struct calc_line {
    calc_point ends[2];
    const char *label; /* may be NULL */
    int16_t width;
    bool is_dashed;
} calc_line;

typedef struct calc_counter calc_counter;

int32_t add(int32_t a, int32_t b);
uint64_t widest(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h, size_t i);
int8_t negate(int8_t value);
bool invert(bool value);
float halve(float value);
double power(double base, int32_t exponent);
int32_t divide(int32_t a, int32_t b, int32_t *quotient, int32_t *remainder);
int64_t sum(const int64_t *values, size_t count);
void double_all(double *values, size_t count);
size_t join(const char *const *words, size_t count, char *text, size_t room);
char *greet(const char *name);
const char *name_of(int32_t number);
calc_point mirror(calc_point point);
calc_line turn(calc_line line);
void reverse(const void *bytes, size_t size, void *out, size_t *out_size);

int32_t determinant(const int32_t matrix[4]);
int32_t each(int32_t count, int32_t (*visit)(void *user, int32_t index, const char *name), void *user);
calc_counter *counter_new(int32_t start);
int32_t counter_next(calc_counter *counter);
void counter_free(calc_counter *counter);
int64_t who(const via_rpc_context *context, int32_t number);
void remember(int32_t value);
int32_t recall(void);
int32_t wait_ms(const via_rpc_context *context, uint32_t ms);

/* How many counters there are. */
int calc_counters(void);

#endif
