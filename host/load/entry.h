/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One plugin that was found.
 *
 * Owns: its manifest, its verdict, and the steps discover, parse, schema, trust and preflight. Code of the plugin is
 * run by load/loader.c only.
 */
#ifndef VIADUCT_HOST_ENTRY_H
#define VIADUCT_HOST_ENTRY_H

#include "load/loader.h"
#include "load/search.h"
#include "manifest/plugin_manifest.h"
#include "platform/folder.h"
#include "platform/image.h"
#include "platform/mutex.h"
#include <stdatomic.h>

struct via_plugin_entry {
    atomic_uint users; /* the list of the registry, each via_resolved that points here, and the loaded code */
    /* Set once, when the file is read. */
    const via_search *search;
    char *path;    /* of the manifest */
    char *library; /* path of the library; NULL = none for this platform */
    char *name;    /* the manifest's, or the file's if that cannot be told */
    via_plugin_manifest manifest;
    via_file_mark manifest_mark;
    via_file_mark library_mark;
    uint64_t text_hash; /* of the manifest's text */
    /* Guarded by `lock`, and set once more: when the manifest is completed. */
    char *text; /* of the manifest, as long as it is an outline */
    size_t text_size;
    /* Guarded by the registry's lock. */
    char *shadowed_by; /* path of the manifest that comes first; NULL = none */
    /* Guarded by `lock`. */
    via_mutex lock;
    bool refused;
    bool checked; /* trust and preflight have been passed once */
    via_error error;
    via_error
        update; /* why the files that are there now are refused, while this entry serves on; VIA_OK = they are its own */
    char digest[65];             /* of the library that was checked last; "" = none */
    via_image rest;              /* the copy that was loaded last, while nobody uses it; fd -1 = none */
    struct via_loading *loading; /* load/loader.c; NULL = not loaded */
};

/*
 * Reads one manifest but for its options; its one user is the caller. A bad one gives an entry too, a refused one. NULL = out of
 * memory.
 */
via_plugin_entry *via_plugin_entry_create(const via_search *search, const char *path);
/* One more user; only while another one is sure: under the registry's lock for what is in its list. */
void via_plugin_entry_hold(via_plugin_entry *entry);
/* One less; the last frees it. NULL is allowed. Any thread. */
void via_plugin_entry_drop(via_plugin_entry *entry);

/*
 * Reads the options, which creating leaves out, once. Call it with entry->lock held, before anything that depends on them or on
 * the verdict. VIA_OK; VIA_EINVAL: the entry is refused by this; VIA_ENOMEM: it can be tried again.
 */
via_status via_plugin_entry_complete(via_plugin_entry *entry, via_error *error);

/* True if manifest and library are for certain the files that were read. */
bool via_plugin_entry_is_current(const via_plugin_entry *entry);
/* True if both were read from the same files with the same content, as far as is known. Call it with both locks free. */
bool via_plugin_entry_is_same(via_plugin_entry *entry, via_plugin_entry *other);
/*
 * True if it can be loaded whatever has become of its manifest: the code is in memory, or its library is still the one that
 * was read.
 */
bool via_plugin_entry_can_serve(via_plugin_entry *entry);

/*
 * What is missing of the manifest, trust and preflight, once; runs nothing. Call it with entry->lock held. VIA_OK, or the status
 * of the refusal, which the entry keeps.
 */
via_status via_plugin_entry_check(via_plugin_entry *entry);
/* The same, again, and keeps the checked bytes for the loader. */
via_status via_plugin_entry_open(via_plugin_entry *entry, via_image *image, via_error *error);
/* Keeps a refusal, unless it is a passing trouble (memory, limits). Call it with entry->lock held. */
void via_plugin_entry_refuse(via_plugin_entry *entry, const via_error *error);
/* Adds plugin and manifest to an error that lacks them. */
void via_plugin_entry_sign(const via_plugin_entry *entry, via_error *error);

#endif
