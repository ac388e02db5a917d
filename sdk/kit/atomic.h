/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that several threads share, in structures that plugins embed.
 *
 * Owns: how such a word is declared. In C it is C11's atomic type. C++17 has no <stdatomic.h>: there it is the same memory,
 * a plain word that the kit's functions alone touch.
 */
#ifndef VIADUCT_KIT_ATOMIC_H
#define VIADUCT_KIT_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
typedef int via_atomic_int;
typedef unsigned via_atomic_uint;
typedef bool via_atomic_bool;
typedef size_t via_atomic_size;
#else
#include <stdatomic.h>
typedef atomic_int via_atomic_int;
typedef atomic_uint via_atomic_uint;
typedef atomic_bool via_atomic_bool;
typedef atomic_size_t via_atomic_size;
#endif

#endif
