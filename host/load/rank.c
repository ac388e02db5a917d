/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranking.
 */
#include "load/rank.h"

#include "kit/error.h"
#include "load/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a message costs ------------------------------------------------------------------------------------- */

typedef struct cost {
    double latency_ns;
    double bytes_per_s;
} cost;

/*
 * Where nobody has measured and the manifest says nothing: what is usual for so wide a reach, on the slow side, so that a
 * mechanism of which something is known comes first. With memory of its own to lend, a transport copies less.
 */
static cost class_of(const via_scheme_manifest *scheme)
{
    static const cost classes[] = {
        [VIA_SCOPE_PROCESS] = {2000, 2e9}, [VIA_SCOPE_MACHINE] = {50000, 1e9}, [VIA_SCOPE_NETWORK] = {200000, 1e8}};
    cost usual = classes[scheme->scope];

    if (scheme->info_flags & VIA_INFO_LOAN_NATIVE)
        usual.bytes_per_s *= 2;
    return usual;
}

const char *via_estimate_word(via_estimate_from from)
{
    static const char *const words[] = {
        [VIA_FROM_CLASS] = "scope", [VIA_FROM_MANIFEST] = "manifest", [VIA_FROM_CERTIFICATE] = "certificate"};

    return words[from];
}

double via_estimate(const via_plugin_entry *entry, const via_scheme_manifest *scheme, uint32_t pattern,
                    uint64_t size_bytes, via_estimate_from *from, char *why, size_t capacity)
{
    via_curve curve;
    json_t *certificate = via_certificate_load(entry, why, capacity);
    const bool is_measured = certificate && via_certificate_curve(certificate, scheme->name, pattern, &curve);

    json_decref(certificate);
    if (is_measured) {
        *from = VIA_FROM_CERTIFICATE;
        return via_curve_latency(&curve, size_bytes);
    }
    cost usual = class_of(scheme);
    *from = VIA_FROM_CLASS;
    if (scheme->typical_latency_ns) {
        *from = VIA_FROM_MANIFEST;
        usual.latency_ns = (double)scheme->typical_latency_ns;
        usual.bytes_per_s = (double)scheme->typical_bytes_per_s;
    }
    return usual.latency_ns + (double)size_bytes / usual.bytes_per_s * 1e9;
}

/* ---- the order ---------------------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const via_ranked *a = left, *b = right;

    if (a->fits != b->fits)
        return a->fits ? -1 : 1;
    if (a->fits && a->latency_ns < b->latency_ns)
        return -1;
    if (a->fits && a->latency_ns > b->latency_ns)
        return 1;
    if (a->fits && a->entry->manifest.priority != b->entry->manifest.priority)
        return a->entry->manifest.priority > b->entry->manifest.priority ? -1 : 1;
    return strcmp(a->scheme->name, b->scheme->name);
}

static void judge(const via_endpoint_need *need, const via_endpoint_need *also, via_ranked *ranked)
{
    const via_scheme_manifest *scheme = ranked->scheme;

    ranked->is_named = via_scheme_manifest_is_named(scheme);
    ranked->fits = !via_need_is_lacking(need, scheme, ranked->reason, sizeof(ranked->reason)) &&
                   !(also && via_need_is_lacking(also, scheme, ranked->reason, sizeof(ranked->reason)));
    if (ranked->fits)
        ranked->latency_ns = via_estimate(ranked->entry, scheme, need->pattern, via_need_size(need), &ranked->from,
                                          ranked->reason, sizeof(ranked->reason));
}

/* One plugin serves a scheme: the one that an address would find. A refused one is told with its reason. */
static bool add(const via_registry *registry, via_plugin_entry *entry, const via_scheme_manifest *scheme,
                const via_endpoint_need *need, const via_endpoint_need *also, via_ranked *ranked)
{
    via_choice choice;
    via_error error;

    via_error_init(&error);
    *ranked = (via_ranked){.entry = entry, .scheme = scheme};
    const via_status status = via_choose(registry, scheme->name, &choice, &error);
    if (status == VIA_OK && choice.entry != entry)
        return false;
    judge(need, also, ranked);
    if (status == VIA_OK)
        return true;
    (void)snprintf(ranked->reason, sizeof(ranked->reason), "%.199s", error.what);
    (void)snprintf(ranked->mend, sizeof(ranked->mend), "%s", error.mend);
    ranked->fits = false;
    return true;
}

static size_t count_schemes(const via_registry *registry)
{
    size_t count = 0;

    for (size_t i = 0; i < registry->plugin_count; i++)
        count += registry->plugins[i]->manifest.scheme_count;
    return count;
}

via_status via_rank(const via_registry *registry, const via_endpoint_need *need, const via_endpoint_need *also,
                    via_ranking *ranking, via_error *error)
{
    *ranking = (via_ranking){calloc(count_schemes(registry) + 1, sizeof(*ranking->list)), 0};
    if (!ranking->list)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        if (entry->shadowed_by || !entry->manifest.enabled)
            continue;
        for (size_t k = 0; k < entry->manifest.scheme_count; k++)
            ranking->count +=
                add(registry, entry, &entry->manifest.schemes[k], need, also, &ranking->list[ranking->count]);
    }
    qsort(ranking->list, ranking->count, sizeof(*ranking->list), compare);
    return VIA_OK;
}

char *via_ranked_address(const via_ranked *ranked, const char *name)
{
    const char *rest = ranked->scheme->rest, *gap = strstr(rest, "NAME");
    char *address = NULL;

    return asprintf(&address, "%s:%.*s%s%s", ranked->scheme->name, (int)(gap - rest), rest, name, gap + 4) < 0
               ? NULL
               : address;
}

void via_ranking_fini(via_ranking *ranking)
{
    free(ranking->list);
    *ranking = (via_ranking){0};
}
