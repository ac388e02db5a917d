/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The installed mechanisms in the order in which they serve a need.
 *
 * Owns: the order, and what a mechanism is expected to cost. The same manifests, certificates and need give the same order, on both ends
 * and at every time: neither load nor the order of folders counts (sdk/docs/decisions/ranking.md). Must never name a transport.
 */
#ifndef VIADUCT_HOST_RANK_H
#define VIADUCT_HOST_RANK_H

#include "load/choose.h"
#include "load/need.h"

typedef enum via_estimate_from {
    VIA_FROM_CLASS,      /* the host's table of scopes */
    VIA_FROM_MANIFEST,   /* "typical" of the scheme */
    VIA_FROM_CERTIFICATE /* measured here */
} via_estimate_from;

typedef struct via_ranked {
    via_plugin_entry *entry;
    const via_scheme_manifest *scheme;
    bool fits;
    bool is_named; /* a plain name does for the rest of its address, so an endpoint's name will do */
    via_estimate_from from;
    double latency_ns; /* one way, of a message of via_need_size() */
    char reason[200];  /* why it does not fit; of one that fits, why its certificate does not count, or "" */
    char mend[300];    /* "" = none */
} via_ranked;

typedef struct via_ranking {
    via_ranked *list; /* those that fit first, the best of them first; then the others, by name */
    size_t count;
} via_ranking;

/*
 * Every scheme that a plugin serves here. `also` is a second need that holds too, or NULL. Call it with the registry's lock
 * held. VIA_OK, VIA_ENOMEM.
 */
via_status via_rank(const via_registry *registry, const via_endpoint_need *need, const via_endpoint_need *also,
                    via_ranking *ranking, via_error *error);
void via_ranking_fini(via_ranking *ranking);
/* The address of an endpoint's name on a scheme that is_named; the caller's. NULL = out of memory. */
char *via_ranked_address(const via_ranked *ranked, const char *name);
/* The words for where an estimate is from. Static text. */
const char *via_estimate_word(via_estimate_from from);
/* What one message of this size costs on this scheme, and from where that is known. `why` as via_certificate_load(). */
double via_estimate(const via_plugin_entry *entry, const via_scheme_manifest *scheme, uint32_t pattern,
                    uint64_t size_bytes, via_estimate_from *from, char *why, size_t capacity);

#endif
