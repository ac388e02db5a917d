/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates.
 */
#include "load/certificate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CERTIFICATE_BYTES = 4 * 1024 * 1024 };

/* ---- the file ----------------------------------------------------------------------------------------------- */

static bool is_certificate(const json_t *value)
{
    const json_t *version = json_object_get(value, "certificate");

    return json_is_integer(version) && json_integer_value(version) == 1;
}

static const char *name_in(const json_t *certificate)
{
    const char *name = json_string_value(json_object_get(json_object_get(certificate, "plugin"), "name"));

    return name ? name : "";
}

/* `via certify --json` prints an array, one for each manifest. */
static json_t *find_own(json_t *root, const char *plugin)
{
    size_t index;
    json_t *part;

    if (is_certificate(root) && strcmp(name_in(root), plugin) == 0)
        return json_incref(root);
    json_array_foreach(root, index, part)
    {
        if (is_certificate(part) && strcmp(name_in(part), plugin) == 0)
            return json_incref(part);
    }
    return NULL;
}

/* What was measured is what has this hash; a library that was never sealed has its version only. */
static bool is_of_this_build(const json_t *certificate, const via_plugin_manifest *manifest)
{
    const json_t *plugin = json_object_get(certificate, "plugin");
    const char *version = json_string_value(json_object_get(plugin, "version"));
    const char *digest = json_string_value(json_object_get(json_object_get(plugin, "sha256"), via_platform));

    if (manifest->sha256 && digest)
        return strcmp(manifest->sha256, digest) == 0;
    return version && strcmp(version, manifest->version) == 0;
}

static json_t *read_file(const via_plugin_entry *entry, const char *path, char *why, size_t capacity)
{
    char *text = NULL, *resolved = NULL;
    size_t size = 0;
    via_error error;
    json_error_t place;

    via_status status = via_trust_check(&entry->search->trust, "certificate", path, NULL, &resolved, &error);
    free(resolved);
    if (status == VIA_OK)
        status = via_file_read(path, CERTIFICATE_BYTES, &text, &size, NULL, &error);
    if (status != VIA_OK) {
        (void)snprintf(why, capacity, "%s", status == VIA_ENOENT ? "" : error.what);
        return NULL;
    }
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &place);
    free(text);
    if (!root)
        (void)snprintf(why, capacity, "%s:%d: %s", path, place.line, place.text);
    return root;
}

json_t *via_certificate_load(const via_plugin_entry *entry, char *why, size_t capacity)
{
    char path[PATH_MAX];
    const char *slash = strrchr(entry->path, '/');
    const int folder = slash ? (int)(slash - entry->path) + 1 : 0;

    why[0] = '\0';
    if (snprintf(path, sizeof(path), "%.*scertificates/%s.json", folder, entry->path, entry->name) >= (int)sizeof(path))
        return NULL;
    json_t *root = read_file(entry, path, why, capacity);
    if (!root)
        return NULL;
    json_t *own = find_own(root, entry->name);
    json_decref(root);
    if (own && is_of_this_build(own, &entry->manifest))
        return own;
    (void)snprintf(why, capacity, own ? "%s is of another build of the plugin" : "%s has no certificate of the plugin",
                   path);
    json_decref(own);
    return NULL;
}

/* ---- curves ------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static const json_t *find_rows(const json_t *certificate, const char *scheme, const char *pattern)
{
    size_t index;
    const json_t *result;

    json_array_foreach(json_object_get(certificate, "results"), index, result)
    {
        if (strcmp(text_of(result, "scheme"), scheme) == 0 && strcmp(text_of(result, "pattern"), pattern) == 0 &&
            !json_object_get(result, "layer"))
            return json_object_get(result, "measured");
    }
    return NULL;
}

static void add_point(via_curve *curve, uint64_t size, double latency)
{
    size_t at = curve->count;

    if (curve->count == VIA_CURVE_POINTS)
        return;
    while (at > 0 && curve->points[at - 1].size_bytes > size) {
        curve->points[at] = curve->points[at - 1];
        at--;
    }
    curve->points[at] = (via_curve_point){size, latency};
    curve->count++;
}

/* Rows in one way of waiting, so that a curve does not jump from one to another. */
static void read_rows(const json_t *rows, const char *wake, via_curve *curve)
{
    size_t index;
    const json_t *row;

    *curve = (via_curve){.count = 0};
    json_array_foreach(rows, index, row)
    {
        const double latency = json_number_value(json_object_get(json_object_get(row, "latency_ns"), "p50"));
        const double rate = json_number_value(json_object_get(row, "bytes_per_s"));
        const json_int_t size = json_integer_value(json_object_get(row, "size_bytes"));
        if (strcmp(text_of(row, "wake"), wake) != 0 || size < 0)
            continue;
        if (strcmp(text_of(row, "mode"), "latency") == 0 && latency > 0)
            add_point(curve, (uint64_t)size, latency);
        else if (strcmp(text_of(row, "mode"), "throughput") == 0 && rate > curve->bytes_per_s)
            curve->bytes_per_s = rate;
    }
}

bool via_certificate_curve(const json_t *certificate, const char *scheme, uint32_t pattern, via_curve *curve)
{
    static const char *const wakes[] = {"blocking", "hybrid", "polling"}; /* as most programs wait, first */
    char name[64];
    const json_t *rows = find_rows(certificate, scheme, via_pattern_list(pattern, name, sizeof(name)));

    for (size_t i = 0; rows && i < sizeof(wakes) / sizeof(wakes[0]); i++) {
        read_rows(rows, wakes[i], curve);
        if (curve->count > 0)
            return true;
    }
    return false;
}

double via_curve_latency(const via_curve *curve, uint64_t size_bytes)
{
    const via_curve_point *points = curve->points, *last = &points[curve->count - 1];
    size_t next = 0;

    while (next < curve->count && points[next].size_bytes < size_bytes)
        next++;
    if (next == 0)
        return points[0].latency_ns;
    if (next == curve->count) {
        const double rate =
            curve->bytes_per_s > 0 ? curve->bytes_per_s / 1e9 : (double)(last->size_bytes + 1) / last->latency_ns;
        return last->latency_ns + (double)(size_bytes - last->size_bytes) / rate;
    }
    const via_curve_point *a = &points[next - 1], *b = &points[next];
    const double share = (double)(size_bytes - a->size_bytes) / (double)(b->size_bytes - a->size_bytes);
    return a->latency_ns + share * (b->latency_ns - a->latency_ns);
}
