/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured of a plugin on this machine: the output of `via certify --json`, kept beside its manifest as
 * certificates/<plugin>.json.
 *
 * Owns: finding the file, and what of it counts. The format: manifests/schema/certificate.schema.json. Must never refuse a plugin:
 * without a certificate that counts its manifest is believed.
 */
#ifndef VIADUCT_HOST_CERTIFICATE_H
#define VIADUCT_HOST_CERTIFICATE_H

#include "load/entry.h"

/* Latency over the size of a message. */
typedef struct via_curve_point {
    uint64_t size_bytes;
    double latency_ns;
} via_curve_point;

enum { VIA_CURVE_POINTS = 32 };

typedef struct via_curve {
    via_curve_point points[VIA_CURVE_POINTS]; /* by size */
    size_t count;
    double bytes_per_s; /* the highest throughput that was measured; 0 = none was */
} via_curve;

/*
 * The certificate of a plugin. NULL = there is none that counts: `why` says so in words ("" = there is no file), such as
 * that it is for another build of the library, or that somebody else could have written it.
 */
json_t *via_certificate_load(const via_plugin_entry *entry, char *why, size_t capacity);
/* What it says of a scheme in a pattern (VIA_PATTERN_*). False: nothing was measured. */
bool via_certificate_curve(const json_t *certificate, const char *scheme, uint32_t pattern, via_curve *curve);
/*
 * The latency that a curve foretells for a message of this size: on the line between the two nearest points, beyond the largest by
 * its throughput.
 */
double via_curve_latency(const via_curve *curve, uint64_t size_bytes);

#endif
