/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing: writing what the library is into its manifest.
 *
 * Owns: the keys "abi" and "sha256". Must never run the library, nor leave a half-written manifest.
 */
#include "kit/error.h"
#include "manifest/plugin_manifest.h"
#include "platform/folder.h"
#include "platform/image.h"
#include "platform/preflight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <viaduct/viaduct.h>

/* The entry of this platform is replaced; those of others stay as they are. */
static bool put(json_t *root, const char *key, const char *value)
{
    json_t *platforms = json_object_get(root, key);

    if (!platforms) {
        platforms = json_object();
        if (json_object_set_new(root, key, platforms) != 0)
            return false;
    }
    return json_object_set_new(platforms, via_platform, json_string(value)) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The host would look for the library under the manifest's name: ABI and checksum of another would only mislead it. */
static via_status check_name(const via_plugin_manifest *manifest, const char *file, const char *library,
                             via_error *error)
{
    const char *given = base_name(library);
    via_status status;

    if (manifest->library && strcmp(base_name(manifest->library), given) == 0)
        return VIA_OK;
    if (manifest->library)
        status = via_error_set(error, VIA_EINVAL, VIA_STAGE_SCHEMA, NULL,
                               "the manifest names the library %s, and %s is another", manifest->library, library);
    else
        status = via_error_set(error, VIA_EINVAL, VIA_STAGE_SCHEMA, NULL,
                               "the manifest names no library for %s, and so not %s", via_platform, library);
    via_error_mend(error, "seal it with the library that it names, or write \"%s\": \"%s\" in its \"library\"",
                   via_platform, given);
    via_error_at(error, file, "/library", 0, 0);
    return status;
}

static via_status read_library(const char *library, char *abi, size_t capacity, via_image *image, via_error *error)
{
    via_abi found;
    char *resolved = via_path_resolve(library);
    via_status status;

    if (!resolved)
        return via_error_set(error, VIA_ENOENT, VIA_STAGE_PREFLIGHT, "build it first, or mend the path",
                             "cannot find the library %s", library);
    status = via_image_open(image, resolved, true, error);
    free(resolved);
    if (status != VIA_OK)
        return status;
    status = via_preflight_check(image->bytes, image->size, &found, error);
    (void)snprintf(abi, capacity, "%u.%u:%016llx", found.major, found.minor, (unsigned long long)found.hash);
    if (status != VIA_OK) {
        via_image_close(image);
        via_error_more(error, "the library is %s", library);
    }
    return status;
}

static via_status write_manifest(json_t *root, const char *output, via_error *error)
{
    char *text = json_dumps(root, JSON_INDENT(2));
    char *complete = NULL;
    via_status status;

    if (!text)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_SCHEMA, NULL, "out of memory");
    int size = asprintf(&complete, "%s\n", text);
    free(text);
    if (size < 0)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_SCHEMA, NULL, "out of memory");
    status = via_file_replace(output, complete, (size_t)size, error);
    free(complete);
    return status;
}

static via_status seal(via_plugin_manifest *manifest, const char *library, const char *output, via_error *error)
{
    via_image image;
    char abi[64];
    via_status status = read_library(library, abi, sizeof(abi), &image, error);

    if (status != VIA_OK)
        return status;
    if (!put(manifest->root, "abi", abi) || !put(manifest->root, "sha256", image.digest))
        status = via_error_set(error, VIA_ENOMEM, VIA_STAGE_SCHEMA, NULL, "out of memory");
    via_image_close(&image);
    return status == VIA_OK ? write_manifest(manifest->root, output, error) : status;
}

VIA_API via_status via_seal(const char *manifest, const char *library, const char *output, via_error *error)
{
    via_plugin_manifest read;
    char *text = NULL;
    size_t size = 0;

    if (error)
        via_error_init(error);
    if (!manifest || !library || !output)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "give manifest, library and output",
                             "a path is NULL");
    via_status status = via_file_read(manifest, VIA_MANIFEST_BYTES, &text, &size, NULL, error);
    if (status != VIA_OK)
        return status;
    status = via_plugin_manifest_read(&read, manifest, text, size, error);
    if (status == VIA_OK)
        status = check_name(&read, manifest, library, error);
    if (status == VIA_OK)
        status = seal(&read, library, output, error);
    via_plugin_manifest_fini(&read);
    free(text);
    return status;
}
