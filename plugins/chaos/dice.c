/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a message.
 *
 * Owns: the dice. They have no state: the number of a message says how they fall, so that a run can be repeated
 * whatever threads and time do. The mixing function is splitmix64 (Steele, Lea, Flood 2014).
 */
#include "chaos.h"

enum { FOR_DROP = 1, FOR_DUPLICATE, FOR_REORDER, FOR_PLACES, FOR_JITTER, PURPOSES };

static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static uint64_t roll(const chaos_settings *settings, unsigned direction, uint64_t number, unsigned purpose)
{
    return mix(mix(mix(settings->seed) + direction) + number * PURPOSES + purpose);
}

chaos_fate chaos_fate_of(const chaos_settings *settings, unsigned direction, uint64_t number)
{
    chaos_fate fate = {false, false, 0, 0};

    fate.drops = roll(settings, direction, number, FOR_DROP) >> 32 < settings->drop;
    if (fate.drops)
        return fate;
    fate.duplicates = roll(settings, direction, number, FOR_DUPLICATE) >> 32 < settings->duplicate;
    if (roll(settings, direction, number, FOR_REORDER) >> 32 < settings->reorder)
        fate.behind = 1 + (uint32_t)(roll(settings, direction, number, FOR_PLACES) % settings->reorder_by);
    if (settings->jitter_ns > 0)
        fate.jitter_ns = (int64_t)(roll(settings, direction, number, FOR_JITTER) % (uint64_t)settings->jitter_ns);
    return fate;
}
