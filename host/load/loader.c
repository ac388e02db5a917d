/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading and unloading.
 *
 * Owns: the one place where code of a plugin starts to run: its constructors, then init. Must never reach it with a
 * library that trust or preflight has refused.
 */
#include "load/loader.h"

#include "kit/error.h"
#include "load/entry.h"
#include "load/negotiate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A loaded plugin with what it takes to undo it. */
typedef struct via_loading {
    via_loaded loaded; /* first: callers hold a pointer to it */
    via_plugin_entry *entry;
    via_image image;
    via_tables tables;
    const via_plugin *plugin;
    bool is_shared; /* the image belongs to the list of resident ones */
    size_t users;
} via_loading;

/* ---- libraries that stay -------------------------------------------------------------------------------------- */

/*
 * A resident library is never unmapped, so a second host in this process must find the first one's mapping instead of
 * adding another that stays for ever. The list lives as long as the process, like the mappings in it.
 */
typedef struct resident {
    struct resident *next;
    via_image image;
} resident;

static via_mutex resident_lock = {PTHREAD_MUTEX_INITIALIZER};
static resident *residents;

static const resident *find_resident(const char *digest)
{
    for (const resident *item = residents; item; item = item->next) {
        if (strcmp(item->image.digest, digest) == 0)
            return item;
    }
    return NULL;
}

/* Replaces `image` by the mapping of the same bytes if there is one; else loads it and adds it to the list. */
static via_status load_resident(via_image *image, via_error *error)
{
    via_status status = VIA_OK;

    via_mutex_take(&resident_lock);
    const resident *known = find_resident(image->digest);
    resident *item = known ? NULL : calloc(1, sizeof(*item));
    if (known) {
        via_image_close(image);
        *image = known->image;
    } else if (!item) {
        status = via_error_set(error, VIA_ENOMEM, VIA_STAGE_LOAD, NULL, "out of memory");
    } else if ((status = via_image_load(image, error)) == VIA_OK) {
        *item = (resident){residents, *image};
        residents = item;
    } else {
        free(item);
    }
    via_mutex_give(&resident_lock);
    return status;
}

/* By the bytes that the entry has been loaded from before, whatever its file holds now. */
static bool take_resident(const via_plugin_entry *entry, via_image *image)
{
    via_mutex_take(&resident_lock);
    const resident *known = entry->manifest.resident && entry->digest[0] ? find_resident(entry->digest) : NULL;
    if (known)
        *image = known->image;
    via_mutex_give(&resident_lock);
    return known != NULL;
}

bool via_loader_is_resident(const via_plugin_entry *entry)
{
    via_image image;

    return take_resident(entry, &image);
}

static void unload(via_loading *loading)
{
    if (!loading->is_shared)
        via_image_close(&loading->image);
}

/* The code goes; what it was loaded from stays for the next user. */
static void rest(via_loading *loading)
{
    if (!loading->is_shared && via_image_rest(&loading->image))
        loading->entry->rest = loading->image;
    else
        unload(loading);
}

/* ---- the stages --------------------------------------------------------------------------------------------- */

static via_status map_library(via_loading *loading, via_error *error)
{
    via_plugin_entry *entry = loading->entry;

    loading->is_shared = entry->manifest.resident;
    if (take_resident(entry, &loading->image))
        return VIA_OK;
    via_status status = via_plugin_entry_open(entry, &loading->image, error);
    if (status != VIA_OK)
        return status;
    status = entry->manifest.resident ? load_resident(&loading->image, error) : via_image_load(&loading->image, error);
    if (status != VIA_OK)
        via_image_close(&loading->image);
    return status;
}

static via_status load_library(via_loading *loading, via_error *error)
{
    via_status status = map_library(loading, error);

    if (status != VIA_OK)
        return status;
    loading->plugin = via_image_symbol(&loading->image, "via_plugin_v1");
    if (loading->plugin)
        return VIA_OK;
    unload(loading);
    return via_error_set(error, VIA_EREFUSED, VIA_STAGE_LOAD, "define the plugin with VIA_PLUGIN(), and export it",
                         "the library does not define the symbol via_plugin_v1");
}

static via_status call_init(via_loading *loading, const via_host_api *host, via_error *error)
{
    via_error reason;

    via_error_init(&reason);
    via_status status = loading->plugin->init(host, &loading->loaded.state, &reason);
    if (status == VIA_OK)
        return VIA_OK;
    if (!reason.what[0])
        (void)via_error_set(&reason, status, VIA_STAGE_INIT, "ask the plugin's maker",
                            "the plugin failed to start and did not say why");
    reason.status = status;
    reason.stage = VIA_STAGE_INIT;
    if (error)
        *error = reason;
    return status;
}

static via_status start(via_loading *loading, const via_host_api *host, via_error *error)
{
    via_status status = load_library(loading, error);

    if (status != VIA_OK)
        return status;
    status = via_tables_negotiate(&loading->tables, loading->plugin, &loading->entry->manifest, error);
    if (status == VIA_OK)
        status = call_init(loading, host, error);
    if (status != VIA_OK) {
        via_tables_fini(&loading->tables);
        unload(loading);
        return status;
    }
    loading->loaded.name = loading->entry->manifest.name;
    loading->loaded.transports = loading->tables.transports;
    loading->loaded.transport_count = loading->tables.count;
    loading->loaded.layers = loading->tables.layers;
    loading->loaded.layer_count = loading->tables.layer_count;
    return VIA_OK;
}

static via_status load(via_plugin_entry *entry, const via_host_api *host, via_error *error)
{
    via_loading *loading = calloc(1, sizeof(*loading));

    if (!loading)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_LOAD, NULL, "out of memory");
    loading->entry = entry;
    loading->users = 1;
    via_status status = start(loading, host, error);
    if (status != VIA_OK) {
        free(loading);
        return status;
    }
    via_plugin_entry_hold(entry); /* code that runs is described by it, whether a search still finds it or not */
    entry->loading = loading;
    return VIA_OK;
}

/* ---- users -------------------------------------------------------------------------------------------------- */

static via_status acquire_locked(via_plugin_entry *entry, const via_host_api *host, via_error *error)
{
    if (entry->loading) {
        entry->loading->users++;
        return VIA_OK;
    }
    if (entry->refused) {
        *error = entry->error;
        return error->status;
    }
    via_status status = load(entry, host, error);
    if (status == VIA_OK) {
        entry->checked = true;
        via_error_init(&entry->error);
        return VIA_OK;
    }
    if (status == VIA_ENOMEM ||
        status == VIA_ELIMIT) /* it is not the plugin that is wrong, and may be better next time */
        return status;
    via_plugin_entry_refuse(entry, error);
    *error = entry->error;
    return status;
}

via_status via_loader_acquire(via_plugin_entry *entry, const via_host_api *host, via_loaded **loaded, via_error *error)
{
    via_error reason;

    *loaded = NULL;
    via_error_init(&reason);
    via_mutex_take(&entry->lock);
    via_status status = acquire_locked(entry, host, &reason);
    if (status == VIA_OK)
        *loaded = &entry->loading->loaded;
    via_mutex_give(&entry->lock);
    if (status != VIA_OK && error)
        *error = reason;
    return status;
}

void via_loader_release(via_loaded *loaded)
{
    via_loading *loading = (via_loading *)(void *)loaded;
    via_plugin_entry *entry = loading->entry;

    via_mutex_take(&entry->lock);
    bool is_last = --loading->users == 0;
    if (is_last) {
        entry->loading = NULL;
        loading->plugin->fini(loading->loaded.state);
        via_tables_fini(&loading->tables);
        rest(loading);
        free(loading);
    }
    via_mutex_give(&entry->lock);
    if (is_last)
        via_plugin_entry_drop(entry);
}

/* Without the lock: a thread that the child does not have may hold it for ever. */
void via_loader_forget(via_loaded *loaded)
{
    via_loading *loading = (via_loading *)(void *)loaded;
    via_plugin_entry *entry = loading->entry;

    if (--loading->users > 0)
        return;
    entry->loading = NULL;
    via_tables_fini(&loading->tables);
    free(loading);
    via_plugin_entry_drop(entry);
}

const via_transport *via_loaded_transport(const via_loaded *loaded, const char *scheme)
{
    for (size_t i = 0; i < loaded->transport_count; i++) {
        if (strcmp(loaded->transports[i].scheme, scheme) == 0)
            return &loaded->transports[i];
    }
    return NULL;
}

const via_layer *via_loaded_layer(const via_loaded *loaded, const char *name)
{
    for (size_t i = 0; i < loaded->layer_count; i++) {
        if (strcmp(loaded->layers[i].name, name) == 0)
            return &loaded->layers[i];
    }
    return NULL;
}
