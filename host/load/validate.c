/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking one manifest file.
 *
 * Owns: telling the kinds apart. Looks at the text only: whether a library is there is the search's business.
 */
#include "kit/error.h"
#include "manifest/endpoint_manifest.h"
#include "manifest/plugin_manifest.h"
#include "platform/folder.h"

#include <stdlib.h>
#include <viaduct/viaduct.h>

static bool has_one_of(const json_t *root, const char *const *keys)
{
    while (*keys && !json_object_get(root, *keys))
        keys++;
    return *keys != NULL;
}

/* A file that has lost one of its keys is still held to be what its other keys say, and told what it lacks. */
static via_status find_kind(const char *file, const char *text, size_t size, uint32_t *kind, via_error *error)
{
    static const char *const of_plugins[] = {"kind", "name", "library", "schemes", "layers", NULL};
    via_check check;
    json_t *root = NULL;
    via_status status = via_manifest_parse(&check, file, text, size, &root, error);

    if (status != VIA_OK)
        return status;
    if (json_object_get(root, "endpoints"))
        *kind = VIA_MANIFEST_ENDPOINTS;
    else if (has_one_of(root, of_plugins))
        *kind = VIA_MANIFEST_PLUGIN;
    else
        status = via_check_fail(
            &check, "add \"endpoints\" to give names to addresses, or \"kind\": \"transport\" to describe a plugin",
            "%s", "has neither \"endpoints\" nor \"kind\", one of which says what kind of manifest it is");
    json_decref(root);
    return status;
}

static via_status check_plugin(const char *file, const char *text, size_t size, via_error *error)
{
    via_plugin_manifest manifest;
    via_status status = via_plugin_manifest_read(&manifest, file, text, size, error);

    via_plugin_manifest_fini(&manifest);
    return status;
}

static via_status check_endpoints(const char *file, const char *text, size_t size, via_error *error)
{
    via_endpoints endpoints;
    via_status status = via_endpoints_read(&endpoints, file, text, size, error);

    via_endpoints_fini(&endpoints);
    return status;
}

VIA_API via_status via_validate(const char *file, uint32_t *kind, via_error *error)
{
    uint32_t found = 0;
    char *text = NULL;
    size_t size = 0;

    if (kind)
        *kind = 0;
    if (error)
        via_error_init(error);
    if (!file)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "give the path of a manifest", "the file is NULL");
    via_status status = via_file_read(file, VIA_MANIFEST_BYTES, &text, &size, NULL, error);
    if (status != VIA_OK)
        return status;
    status = find_kind(file, text, size, &found, error);
    if (status == VIA_OK)
        status = found == VIA_MANIFEST_ENDPOINTS ? check_endpoints(file, text, size, error)
                                                 : check_plugin(file, text, size, error);
    if (kind)
        *kind = found;
    free(text);
    return status;
}
