/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking one file.
 *
 * Looks at the text only: whether a library is there is the search's business.
 */
#include "load/validate.h"

#include "kit/error.h"
#include "kit/json/nearest.h"
#include "load/choose.h"
#include "manifest/endpoint_manifest.h"
#include "manifest/plugin_manifest.h"
#include "platform/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Wide enough for the files of layers: manifests are held to limits of their own when they are read. */
static const via_check_form form = {
    .subject = "the file",
    .reference = "manifests/README.md describes every field",
    .split = "split it",
    .bytes = VIA_FILE_BYTES,
    .depth = VIA_FILE_DEPTH,
};

/* ---- the kinds ---------------------------------------------------------------------------------------------- */

static bool has_one_of(const json_t *root, const char *const *keys)
{
    while (*keys && !json_object_get(root, *keys))
        keys++;
    return *keys != NULL;
}

/* "manfest" is a slip. */
static bool is_nearly_manifest(const char *key)
{
    via_nearest nearest;

    via_nearest_begin(&nearest, key);
    via_nearest_offer(&nearest, "manifest");
    return nearest.best != NULL;
}

/* A key that tells the version of a format, as "manifest" does for manifests: the first at which a whole number stands. */
static const char *find_mark(json_t *root)
{
    const char *key;
    json_t *value;

    json_object_foreach(root, key, value)
    {
        if (json_is_integer(value) && strncmp(key, "x-", 2) != 0 && key[0] != '$')
            return is_nearly_manifest(key) ? NULL : key;
    }
    return NULL;
}

/* The key among the file's that a layer has claimed; else the mark. */
static const char *find_claimed(const via_registry *registry, json_t *root, const char *mark)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        const via_plugin_manifest *manifest = &registry->plugins[i]->manifest;
        for (size_t j = 0; j < manifest->layer_count; j++) {
            const char *key = manifest->layers[j].checks;
            if (key && json_is_integer(json_object_get(root, key)))
                return key;
        }
    }
    return mark;
}

static via_status find_layer(via_registry *registry, json_t *root, const char *mark, via_file_kind *found,
                             via_error *error)
{
    via_choice choice;

    found->kind = VIA_MANIFEST_OF_LAYER;
    (void)snprintf(found->word, sizeof(found->word), "%.31s", mark);
    if (!registry)
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_SCHEMA, "ask a host: via_validate_with()",
                             "a file with \"%.80s\" is checked by a layer", mark);
    via_mutex_take(&registry->lock);
    via_registry_refresh(registry);
    const char *key = find_claimed(registry, root, mark);
    via_status status = via_choose_check(registry, key, &choice, error);
    (void)snprintf(found->word, sizeof(found->word), "%.31s", key);
    if (status == VIA_OK) {
        via_plugin_entry_hold(choice.entry);
        found->plugin = choice.entry;
        found->layer = choice.layer->name;
    }
    via_mutex_give(&registry->lock);
    return status;
}

/* A file that has lost one of its keys is still held to be what its other keys say, and told what it lacks. */
static via_status find_kind(via_registry *registry, via_check *check, json_t *root, via_file_kind *found)
{
    static const char *const of_manifests[] = {"manifest", "endpoints", "kind", "library", "schemes", "layers", NULL};
    static const char *const of_plugins[] = {"kind", "name", "library", "schemes", "layers", NULL};
    const char *mark = has_one_of(root, of_manifests) ? NULL : find_mark(root);

    if (mark)
        return find_layer(registry, root, mark, found, check->error);
    if (json_object_get(root, "endpoints"))
        found->kind = VIA_MANIFEST_ENDPOINTS;
    else if (has_one_of(root, of_plugins))
        found->kind = VIA_MANIFEST_PLUGIN;
    else
        return via_check_fail(
            check, "add \"endpoints\" to give names to addresses, or \"kind\": \"transport\" to describe a plugin",
            "%s", "has neither \"endpoints\" nor \"kind\", one of which says what kind of manifest it is");
    return VIA_OK;
}

/* ---- the checks --------------------------------------------------------------------------------------------- */

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

static via_status check_text(via_registry *registry, const char *file, const char *text, size_t size,
                             via_file_kind *found, via_error *error)
{
    via_check check;
    json_t *root = NULL;
    via_status status = via_check_parse(&check, &form, file, text, size, &root, error);

    if (status == VIA_OK)
        status = find_kind(registry, &check, root, found);
    json_decref(root);
    if (status == VIA_OK && found->kind == VIA_MANIFEST_ENDPOINTS)
        return check_endpoints(file, text, size, error);
    if (status == VIA_OK && found->kind == VIA_MANIFEST_PLUGIN)
        return check_plugin(file, text, size, error);
    return status;
}

via_status via_file_check(via_registry *registry, const char *file, via_file_kind *found, via_error *error)
{
    char *text = NULL;
    size_t size = 0;

    *found = (via_file_kind){0};
    if (!file)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "give the path of a manifest", "the file is NULL");
    via_status status = via_file_read(file, VIA_FILE_BYTES, &text, &size, NULL, error);
    if (status == VIA_OK)
        status = check_text(registry, file, text, size, found, error);
    free(text);
    if (status != VIA_OK && error && !error->file[0])
        via_error_at(error, file, NULL, 0, 0);
    return status;
}

void via_file_kind_fini(via_file_kind *found)
{
    via_plugin_entry_drop(found->plugin);
    found->plugin = NULL;
}

VIA_API via_status via_validate(const char *file, uint32_t *kind, via_error *error)
{
    via_file_kind found;

    if (error)
        via_error_init(error);
    via_status status = via_file_check(NULL, file, &found, error);
    if (kind)
        *kind = found.kind;
    return status;
}
