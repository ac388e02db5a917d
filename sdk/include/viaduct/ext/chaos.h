/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "via.chaos/1": what the layer chaos has done to a channel.
 *
 * Owns: the table that the layer offers; ask for it with via_extension().
 */
#ifndef VIADUCT_EXT_CHAOS_H
#define VIADUCT_EXT_CHAOS_H

#include <viaduct/viaduct.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_CHAOS_ID "via.chaos/1"

/* Messages of both directions, by what happened to them. They only grow. */
typedef struct via_chaos_counts {
    uint32_t size; /* sizeof(via_chaos_counts), set by the caller */
    uint32_t reserved;
    uint64_t seen; /* passed through, whatever happened to them */
    uint64_t dropped;
    uint64_t duplicated;
    uint64_t reordered; /* held back to be overtaken */
    uint64_t delayed;
    uint64_t cut; /* 1 once the connection has been cut */
} via_chaos_counts;

/* Offered by the layer. */
typedef struct via_chaos {
    uint32_t size;
    uint32_t reserved;
    /* Fills as much as counts->size says. Any thread; does not block. */
    void (*counts)(void *self, via_chaos_counts *counts);
} via_chaos;

#ifdef __cplusplus
}
#endif
#endif
