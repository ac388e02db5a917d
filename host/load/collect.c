/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for plugins, once and again.
 *
 * Owns: the rule for files that have changed: the new state counts if it passes every check that can be made without running it;
 * else the last good one serves on as long as it can, and the reason is kept beside it.
 */
#include "load/collect.h"

#include "kit/error.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry_list {
    via_plugin_entry **entries;
    size_t count;
} entry_list;

static bool append(entry_list *list, via_plugin_entry *entry)
{
    via_plugin_entry **grown = realloc(list->entries, (list->count + 1) * sizeof(*grown));

    if (!grown)
        return false;
    list->entries = grown;
    list->entries[list->count++] = entry;
    return true;
}

/* ---- telling ------------------------------------------------------------------------------------------------ */

bool via_error_is_same(const via_error *a, const via_error *b)
{
    return a->status == b->status && a->line == b->line && a->column == b->column && strcmp(a->what, b->what) == 0;
}

static const char *const words[] = {[VIA_CHANGE_CAME] = "came",
                                    [VIA_CHANGE_WENT] = "went",
                                    [VIA_CHANGE_REPLACED] = "was replaced",
                                    [VIA_CHANGE_REFUSED] = "is refused"};

static void log_change(const via_log *log, const via_change *change)
{
    const bool is_plugin = change->subject == VIA_CHANGE_OF_PLUGIN;

    if (change->kind == VIA_CHANGE_REFUSED)
        via_log_line(log, VIA_LOG_WARNING, change->name, "%s%s:%u:%u: refused: %s%s", is_plugin ? "" : "endpoint file ",
                     change->file, change->error.line, change->error.column, change->error.what,
                     change->serves ? "; the last good one serves on" : "");
    else
        via_log_line(log, VIA_LOG_INFO, change->name, "%s%s %s", is_plugin ? "" : "endpoint file ", change->file,
                     words[change->kind]);
}

void via_registry_tell(via_changes *changes, const via_log *log, via_change *change, const via_error *error)
{
    change->size = sizeof(*change);
    via_error_init(&change->error);
    if (error)
        change->error = *error;
    log_change(log, change);
    via_changes_add(changes, change);
}

static via_change change_of(const via_plugin_entry *entry, uint32_t kind)
{
    via_change change = {.kind = kind, .subject = VIA_CHANGE_OF_PLUGIN};

    (void)snprintf(change.name, sizeof(change.name), "%s", entry->name);
    (void)snprintf(change.version, sizeof(change.version), "%s",
                   entry->manifest.version ? entry->manifest.version : "");
    (void)snprintf(change.file, sizeof(change.file), "%s", entry->path);
    return change;
}

static void tell(via_registry *registry, uint32_t kind, const via_plugin_entry *entry, const via_error *error,
                 bool serves)
{
    via_change change = change_of(entry, kind);

    change.serves = serves;
    via_registry_tell(&registry->changes, registry->log, &change, error);
}

via_status via_registry_complete(const via_registry *registry, via_plugin_entry *entry)
{
    via_change change = change_of(entry, VIA_CHANGE_REFUSED);

    via_error_init(&change.error);
    via_mutex_take(&entry->lock);
    via_status status = via_plugin_entry_complete(entry, &change.error);
    via_mutex_give(&entry->lock);
    if (status == VIA_EINVAL)
        log_change(registry->log, &change); /* no file has changed: who asks for changes has not missed one */
    return status == VIA_ENOMEM ? status : VIA_OK;
}

/* ---- one file ----------------------------------------------------------------------------------------------- */

/* What there is to say against an entry; VIA_OK = nothing. After the first look each is checked whole, for the word to be true. */
static via_error examine(const via_registry *registry, via_plugin_entry *entry)
{
    via_error verdict;

    via_error_init(&verdict);
    via_mutex_take(&entry->lock);
    if (registry->has_looked && entry->manifest.enabled && !entry->refused)
        (void)via_plugin_entry_check(entry);
    verdict = entry->error;
    via_mutex_give(&entry->lock);
    return verdict;
}

static via_error last_word(via_plugin_entry *entry)
{
    via_mutex_take(&entry->lock);
    via_error word = entry->update.status != VIA_OK ? entry->update : entry->error;
    via_mutex_give(&entry->lock);
    return word;
}

static bool is_refused(via_plugin_entry *entry)
{
    via_mutex_take(&entry->lock);
    bool refused = entry->refused;
    via_mutex_give(&entry->lock);
    return refused;
}

static bool is_passing(const via_error *error)
{
    return error->status == VIA_ENOMEM || error->status == VIA_ELIMIT;
}

static void set_update(via_plugin_entry *entry, const via_error *error)
{
    via_mutex_take(&entry->lock);
    entry->update = *error;
    via_mutex_give(&entry->lock);
}

/* The old entry stays. What passes by itself is no news, and looked at again. */
static void stay(via_registry *registry, via_plugin_entry *old, const via_error *verdict)
{
    via_error before = last_word(old);

    if (is_passing(verdict)) {
        registry->again = true;
        return;
    }
    set_update(old, verdict);
    if (verdict->status != VIA_OK && !via_error_is_same(&before, verdict))
        tell(registry, VIA_CHANGE_REFUSED, old, verdict, true);
    if (verdict->status == VIA_OK && before.status != VIA_OK) /* what it was replaced by for a while is gone */
        tell(registry, VIA_CHANGE_CAME, old, NULL, false);
}

/* The new one takes its place. */
static void succeed(via_registry *registry, via_plugin_entry *old, const via_plugin_entry *new,
                    const via_error *verdict, bool is_same)
{
    via_error before;

    via_error_init(&before);
    if (old)
        before = last_word(old);
    if (is_passing(verdict)) {
        registry->again = true;
    } else if (verdict->status != VIA_OK) {
        if (!via_error_is_same(&before, verdict))
            tell(registry, VIA_CHANGE_REFUSED, new, verdict, false);
    } else if (registry->has_looked && !(is_same && before.stage > VIA_STAGE_PREFLIGHT)) {
        /* Code that failed to start is given another chance with each look, without a word. */
        tell(registry, old && !is_refused(old) ? VIA_CHANGE_REPLACED : VIA_CHANGE_CAME, new, NULL, false);
    }
}

static void renew_marks(via_plugin_entry *old, const via_plugin_entry *new)
{
    old->manifest_mark = new->manifest_mark;
    old->library_mark = new->library_mark;
}

/* Of the state before (NULL = none) and that of now, gives the one that counts; the other is given up. */
static via_plugin_entry *decide(via_registry *registry, via_plugin_entry *old, via_plugin_entry *new)
{
    if (old) /* whether it can serve, and what there is to say against it, has to be known now */
        registry->again = via_registry_complete(registry, old) != VIA_OK || registry->again;
    via_error verdict = examine(registry, new);
    bool is_same = old && via_plugin_entry_is_same(old, new);
    bool stays = old && (verdict.status != VIA_OK ? via_plugin_entry_can_serve(old) : is_same && !is_refused(old));

    if (stays && is_same)
        renew_marks(old, new);
    if (stays)
        stay(registry, old, &verdict);
    else
        succeed(registry, old, new, &verdict, is_same);
    via_plugin_entry_drop(stays ? new : old);
    return stays ? old : new;
}

/* Takes the entry of the look before out of the list. */
static via_plugin_entry *take_old(via_registry *registry, const char *path)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        if (!entry || strcmp(entry->path, path) != 0)
            continue;
        registry->plugins[i] = NULL;
        return entry;
    }
    return NULL;
}

static bool is_settled(via_plugin_entry *entry)
{
    return last_word(entry).status == VIA_OK && via_plugin_entry_is_current(entry);
}

static via_status keep(entry_list *list, via_plugin_entry *entry)
{
    if (append(list, entry))
        return VIA_OK;
    via_plugin_entry_drop(entry);
    return VIA_ENOMEM;
}

static via_status collect_file(via_registry *registry, entry_list *list, const char *path)
{
    via_plugin_entry *old = take_old(registry, path);

    if (old && is_settled(old))
        return keep(list, old);
    via_plugin_entry *new = via_plugin_entry_create(&registry->search, path);
    if (!new &&old) {
        registry->again = true;
        return keep(list, old);
    }
    return new ? keep(list, decide(registry, old, new)) : VIA_ENOMEM;
}

/* ---- folders ------------------------------------------------------------------------------------------------ */

/* A folder that cannot be listed just now has not lost what is in it. */
static via_status keep_all_of(via_registry *registry, entry_list *list, const char *folder)
{
    size_t size = strlen(folder);
    via_status status = VIA_OK;

    for (size_t i = 0; i < registry->plugin_count && status == VIA_OK; i++) {
        via_plugin_entry *entry = registry->plugins[i];
        if (!entry || strncmp(entry->path, folder, size) != 0 || entry->path[size] != '/')
            continue;
        registry->plugins[i] = NULL;
        status = keep(list, entry);
    }
    return status;
}

static via_status collect_folder(via_registry *registry, entry_list *list, const char *folder)
{
    char **names = NULL, path[PATH_MAX];
    size_t count = 0;
    via_error error;
    via_status status = via_folder_list(folder, ".json", &names, &count, &error);

    if (status != VIA_OK) {
        registry->again = registry->again || is_passing(&error);
        via_log_line(registry->log, VIA_LOG_WARNING, NULL, "%s", error.what);
        return keep_all_of(registry, list, folder);
    }
    for (size_t i = 0; i < count && status == VIA_OK; i++) {
        if (snprintf(path, sizeof(path), "%s/%s", folder, names[i]) < (int)sizeof(path))
            status = collect_file(registry, list, path);
    }
    via_folder_free(names, count);
    return status;
}

static via_status collect(via_registry *registry, entry_list *list)
{
    const via_path_list *searched = &registry->search.plugins;
    via_status status = VIA_OK;

    for (size_t i = 0; i < searched->count && status == VIA_OK; i++) {
        via_file_mark mark;
        if (via_path_list_is_repeated(searched, i))
            continue;
        via_file_mark_read(searched->paths[i], &mark);
        if (via_folder_exists(searched->paths[i]))
            status = collect_folder(registry, list, searched->paths[i]);
        else if (mark.node)
            status = collect_file(registry, list, searched->paths[i]);
    }
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static via_status mark_shadows(const entry_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        via_plugin_entry *entry = list->entries[i];
        free(entry->shadowed_by);
        entry->shadowed_by = NULL;
        for (size_t j = 0; j < i && !entry->shadowed_by; j++) {
            if (strcmp(list->entries[j]->name, entry->name) != 0)
                continue;
            entry->shadowed_by = strdup(list->entries[j]->path);
            if (!entry->shadowed_by)
                return VIA_ENOMEM;
        }
    }
    return VIA_OK;
}

/* What is left of the old list has gone. Code and addresses in use live on until their last user. */
static void replace(via_registry *registry, const entry_list *list, bool is_whole)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        if (registry->plugins[i] && is_whole)
            tell(registry, VIA_CHANGE_WENT, registry->plugins[i], NULL, false);
        via_plugin_entry_drop(registry->plugins[i]);
    }
    free(registry->plugins);
    registry->plugins = list->entries;
    registry->plugin_count = list->count;
}

via_status via_registry_collect(via_registry *registry)
{
    entry_list list = {NULL, 0};
    via_status status = collect(registry, &list);

    if (status == VIA_OK)
        status = mark_shadows(&list);
    registry->again = registry->again || status != VIA_OK;
    replace(registry, &list, status == VIA_OK); /* what was found before memory ran out is better than nothing */
    return status;
}
