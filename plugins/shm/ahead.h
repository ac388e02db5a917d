/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking for a cache line before it is needed.
 *
 * Owns: the hints to the processor. They change nothing but time: a line that the other processor has looked at takes some
 * hundred nanoseconds to come back, and stores wait for each other.
 */
#ifndef SHM_AHEAD_H
#define SHM_AHEAD_H

/* We shall write to it. (GCC makes of __builtin_prefetch(line, 1) a hint to read, unless told of the processor.) */
static inline void shm_ahead_of_write(const volatile void *line)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const volatile char *)line));
#else
    __builtin_prefetch((const void *)line, 1);
#endif
}

/* We shall look at it. */
static inline void shm_ahead_of_look(const volatile void *line)
{
    __builtin_prefetch((const void *)line, 0);
}

#endif
