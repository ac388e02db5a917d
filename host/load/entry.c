/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and checking one plugin.
 *
 * Owns: the order of the checks. Must never run code of the plugin.
 */
#include "load/entry.h"

#include "kit/error.h"
#include "platform/preflight.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------------------------ */

static char *stem_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t size = strlen(name);

    return strndup(name, size > 5 && strcmp(name + size - 5, ".json") == 0 ? size - 5 : size);
}

/* Relative to the manifest's folder. */
static char *library_path(const char *manifest_path, const char *library)
{
    char path[PATH_MAX];
    const char *slash = strrchr(manifest_path, '/');
    int folder = slash ? (int)(slash - manifest_path) + 1 : 0;

    if (library[0] == '/')
        return strdup(library);
    if (snprintf(path, sizeof(path), "%.*s%s", folder, manifest_path, library) >= (int)sizeof(path))
        return strdup(library);
    return strdup(path);
}

static bool read_names(via_plugin_entry *entry)
{
    const via_plugin_manifest *manifest = &entry->manifest;

    entry->name = manifest->name ? strndup(manifest->name, 63) : stem_of(entry->path);
    if (manifest->library)
        entry->library = library_path(entry->path, manifest->library);
    return entry->name && (entry->library || !manifest->library);
}

static bool read_file(via_plugin_entry *entry)
{
    char *text = NULL;
    size_t size = 0;
    via_error error;

    via_error_init(&error);
    via_status status = via_file_read(entry->path, VIA_MANIFEST_BYTES, &text, &size, &entry->manifest_mark, &error);
    if (status == VIA_OK) {
        entry->text_hash = via_text_hash(text, size);
        status = via_plugin_manifest_outline(&entry->manifest, entry->path, text, size, &error);
    }
    if (entry->manifest.is_outline) {
        entry->text = text;
        entry->text_size = size;
    } else {
        free(text);
    }
    if (status == VIA_ENOMEM || !read_names(entry))
        return false;
    if (entry->library)
        via_file_mark_read(entry->library, &entry->library_mark);
    if (status != VIA_OK)
        via_plugin_entry_refuse(entry, &error);
    return true;
}

static void destroy(via_plugin_entry *entry)
{
    via_image_close(&entry->rest);
    via_plugin_manifest_fini(&entry->manifest);
    via_mutex_fini(&entry->lock);
    free(entry->shadowed_by);
    free(entry->library);
    free(entry->text);
    free(entry->name);
    free(entry->path);
    free(entry);
}

via_plugin_entry *via_plugin_entry_create(const via_search *search, const char *path)
{
    via_plugin_entry *entry = calloc(1, sizeof(*entry));

    if (!entry)
        return NULL;
    atomic_init(&entry->users, 1);
    via_mutex_init(&entry->lock);
    via_error_init(&entry->error);
    via_error_init(&entry->update);
    entry->rest.fd = -1;
    entry->search = search;
    entry->manifest.enabled = true;
    entry->path = strdup(path);
    if (entry->path && read_file(entry))
        return entry;
    destroy(entry);
    return NULL;
}

void via_plugin_entry_hold(via_plugin_entry *entry)
{
    (void)atomic_fetch_add(&entry->users, 1);
}

void via_plugin_entry_drop(via_plugin_entry *entry)
{
    if (entry && atomic_fetch_sub(&entry->users, 1) == 1)
        destroy(entry);
}

bool via_plugin_entry_is_current(const via_plugin_entry *entry)
{
    via_file_mark manifest, library = {0};

    via_file_mark_read(entry->path, &manifest);
    if (entry->library)
        via_file_mark_read(entry->library, &library);
    return via_file_mark_equals(&manifest, &entry->manifest_mark) &&
           via_file_mark_equals(&library, &entry->library_mark) && via_file_mark_is_settled(&entry->manifest_mark) &&
           via_file_mark_is_settled(&entry->library_mark);
}

static void copy_digest(via_plugin_entry *entry, char digest[65])
{
    via_mutex_take(&entry->lock);
    memcpy(digest, entry->digest, sizeof(entry->digest));
    via_mutex_give(&entry->lock);
}

bool via_plugin_entry_is_same(via_plugin_entry *entry, via_plugin_entry *other)
{
    char first[65], second[65];

    copy_digest(entry, first);
    copy_digest(other, second);
    return via_file_mark_equals(&entry->manifest_mark, &other->manifest_mark) &&
           via_file_mark_equals(&entry->library_mark, &other->library_mark) && entry->text_hash == other->text_hash &&
           (!first[0] || !second[0] || strcmp(first, second) == 0);
}

bool via_plugin_entry_can_serve(via_plugin_entry *entry)
{
    via_file_mark library = {0};

    if (entry->library)
        via_file_mark_read(entry->library, &library);
    via_mutex_take(&entry->lock);
    bool in_memory = entry->loading || entry->rest.fd >= 0 || via_loader_is_resident(entry);
    bool can = !entry->refused && !entry->manifest.is_outline &&
               (in_memory || via_file_mark_equals(&library, &entry->library_mark));
    via_mutex_give(&entry->lock);
    return can;
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

void via_plugin_entry_sign(const via_plugin_entry *entry, via_error *error)
{
    if (!error)
        return;
    if (!error->plugin[0])
        (void)snprintf(error->plugin, sizeof(error->plugin), "%.63s", entry->name);
    if (!error->file[0])
        via_error_at(error, entry->path, NULL, 0, 0);
}

void via_plugin_entry_refuse(via_plugin_entry *entry, const via_error *error)
{
    entry->refused = error->status != VIA_ENOMEM && error->status != VIA_ELIMIT;
    entry->error = *error;
    via_plugin_entry_sign(entry, &entry->error);
}

via_status via_plugin_entry_complete(via_plugin_entry *entry, via_error *error)
{
    via_error reason;

    if (!entry->manifest.is_outline)
        return VIA_OK;
    via_error_init(&reason);
    via_status status =
        via_plugin_manifest_complete(&entry->manifest, entry->path, entry->text, entry->text_size, &reason);
    if (status == VIA_EINVAL)
        via_plugin_entry_refuse(entry, &reason);
    if (error)
        *error = status == VIA_EINVAL ? entry->error : reason;
    if (status == VIA_ENOMEM)
        return status;
    free(entry->text);
    entry->text = NULL;
    return status;
}

/* ---- trust and preflight ---------------------------------------------------------------------------------------- */

static via_status check_library(const via_plugin_entry *entry, via_error *error)
{
    if (entry->library)
        return VIA_OK;
    return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_PREFLIGHT, "install the plugin for this machine",
                         "the plugin has no library for %s", via_platform);
}

/* What `via seal` wrote is compared with what is there. */
static via_status check_seals(const via_plugin_entry *entry, const via_image *image, const via_abi *abi,
                              via_error *error)
{
    const via_plugin_manifest *manifest = &entry->manifest;
    char found[64];

    if (manifest->sha256 && strcmp(manifest->sha256, image->digest) != 0)
        return via_error_set(error, VIA_EREFUSED, VIA_STAGE_PREFLIGHT,
                             "install the plugin again; after building it by hand: via seal MANIFEST",
                             "%s is not the library that was sealed: its SHA-256 is %s; expected %s", entry->library,
                             image->digest, manifest->sha256);
    (void)snprintf(found, sizeof(found), "%u.%u:%016llx", abi->major, abi->minor, (unsigned long long)abi->hash);
    if (manifest->abi && strcmp(manifest->abi, found) != 0)
        return via_error_set(error, VIA_EREFUSED, VIA_STAGE_PREFLIGHT,
                             "install the plugin again; after building it by hand: via seal MANIFEST",
                             "the library's ABI is %s; the manifest says %s", found, manifest->abi);
    return VIA_OK;
}

static via_status open_library(const via_plugin_entry *entry, const char *path, via_image *image, via_error *error)
{
    via_abi abi;
    via_status status = via_image_open(image, path, entry->search->load_direct, error);

    if (status != VIA_OK)
        return status;
    status = via_preflight_check(image->bytes, image->size, &abi, error);
    if (status == VIA_OK)
        status = check_seals(entry, image, &abi, error);
    if (status != VIA_OK)
        via_image_close(image);
    return status;
}

/* A relative library stays in the manifest's folder; an absolute one in its own. */
static via_status check_trust(const via_plugin_entry *entry, char **library, via_error *error)
{
    const via_trust *trust = &entry->search->trust;
    char *manifest = NULL, folder[PATH_MAX];
    const char *slash = strrchr(entry->path, '/');
    bool is_absolute = entry->manifest.library[0] == '/';

    (void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - entry->path) + 1 : 2,
                   slash ? entry->path : "./");
    via_status status = via_trust_check(trust, "manifest", entry->path, NULL, &manifest, error);
    free(manifest);
    if (status != VIA_OK)
        return status;
    return via_trust_check(trust, "library", entry->library, is_absolute ? NULL : folder, library, error);
}

via_status via_plugin_entry_open(via_plugin_entry *entry, via_image *image, via_error *error)
{
    char *library = NULL;

    if (entry->rest.fd >= 0) { /* it was checked when it was taken, and nobody can have changed it */
        *image = entry->rest;
        entry->rest = (via_image){.fd = -1};
        return VIA_OK;
    }
    via_status status = check_library(entry, error);

    if (status == VIA_OK)
        status = check_trust(entry, &library, error);
    if (status == VIA_OK)
        status = open_library(entry, library, image, error);
    free(library);
    if (status == VIA_OK)
        memcpy(entry->digest, image->digest, sizeof(entry->digest));
    else
        via_plugin_entry_sign(entry, error);
    return status;
}

via_status via_plugin_entry_check(via_plugin_entry *entry)
{
    via_image image;
    via_error error;

    if (entry->refused)
        return entry->error.status;
    if (entry->checked)
        return VIA_OK;
    via_error_init(&error);
    via_status status = via_plugin_entry_complete(entry, &error);
    if (status == VIA_OK)
        status = via_plugin_entry_open(entry, &image, &error);
    if (status == VIA_OK)
        via_image_close(&image);
    else
        via_plugin_entry_refuse(entry, &error);
    entry->checked = status == VIA_OK;
    return status;
}
