/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integers as floating point numbers.
 *
 * Owns: the question whether a double holds an integer exactly. Must never round.
 */
#ifndef RPC_NUMBER_H
#define RPC_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

static inline bool rpc_unsigned_as_float(uint64_t value, double *number)
{
    *number = (double)value;
    return *number < 0x1p64 && (uint64_t)*number == value; /* 2^64 itself cannot be converted back */
}

static inline bool rpc_signed_as_float(int64_t value, double *number)
{
    *number = (double)value;
    return *number < 0x1p63 && (int64_t)*number == value;
}

#endif
