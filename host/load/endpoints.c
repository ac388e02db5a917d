/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading endpoint files.
 *
 * Owns: the list, and the rule that a broken edit keeps the last good state. An endpoint can name a program to run, so its file has to be as trustworthy as a plugin.
 */
#include "load/endpoints.h"

#include "kit/error.h"
#include "kit/json/nearest.h"
#include "load/collect.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(char *out, size_t capacity, const char *text)
{
    (void)snprintf(out, capacity, "%s", text ? text : "");
}

/* ---- one file ----------------------------------------------------------------------------------------------- */

static void fini_file(via_endpoint_file *file)
{
    via_endpoints_fini(&file->endpoints);
    free(file->path);
    *file = (via_endpoint_file){0};
}

static via_status read_text(via_endpoint_file *file, const via_trust *trust)
{
    char *text = NULL, *resolved = NULL;
    size_t size = 0;
    via_status status = via_file_read(file->path, VIA_MANIFEST_BYTES, &text, &size, &file->mark, &file->error);

    if (status == VIA_OK) {
        file->text_hash = via_text_hash(text, size);
        status = via_endpoints_read(&file->endpoints, file->path, text, size, &file->error);
    }
    if (status == VIA_OK)
        status = via_trust_check(trust, "endpoint manifest", file->path, NULL, &resolved, &file->error);
    free(resolved);
    free(text);
    return status;
}

/* VIA_OK for a bad file, too: that is in its error. */
static via_status read_file(via_endpoint_file *file, const via_search *search, const char *path)
{
    *file = (via_endpoint_file){.path = strdup(path)};
    if (!file->path)
        return VIA_ENOMEM;
    via_error_init(&file->error);
    via_status status = read_text(file, &search->trust);
    file->is_good = status == VIA_OK;
    if (status == VIA_OK)
        return VIA_OK;
    via_endpoints_fini(&file->endpoints);
    file->endpoints = (via_endpoints){0};
    if (status == VIA_ENOMEM) {
        fini_file(file);
        return VIA_ENOMEM;
    }
    if (!file->error.file[0])
        via_error_at(&file->error, path, NULL, 0, 0);
    return VIA_OK;
}

/* ---- what became of it -------------------------------------------------------------------------------------- */

/* One look: what was there before, what is there now. */
typedef struct look {
    via_endpoint_files *before;
    via_endpoint_files now;
    bool is_first;
    bool is_short; /* something passing was in the way: what was not seen may be there all the same */
    const via_search *search;
    const via_log *log;
    via_changes *changes;
} look;

static void tell(const look *all, uint32_t kind, const via_endpoint_file *file, bool serves)
{
    via_change change = {.kind = kind, .subject = VIA_CHANGE_OF_ENDPOINTS, .serves = serves};

    put(change.file, sizeof(change.file), file->path);
    via_registry_tell(all->changes, all->log, &change, kind == VIA_CHANGE_REFUSED ? &file->error : NULL);
}

static void compare(const look *all, const via_endpoint_file *old, const via_endpoint_file *new)
{
    if (new->error.status != VIA_OK) {
        if (!old || !via_error_is_same(&old->error, &new->error))
            tell(all, VIA_CHANGE_REFUSED, new, new->is_good);
    } else if (!all->is_first && (!old || !old->is_good)) {
        tell(all, VIA_CHANGE_CAME, new, false);
    } else if (!all->is_first && (old->error.status != VIA_OK || old->text_hash != new->text_hash)) {
        tell(all, VIA_CHANGE_REPLACED, new, false);
    }
}

/* A broken edit keeps what was good. */
static void inherit(via_endpoint_file *old, via_endpoint_file *new)
{
    if (new->is_good || !old->is_good)
        return;
    new->endpoints = old->endpoints;
    new->is_good = true;
    old->endpoints = (via_endpoints){0};
}

static via_endpoint_file *find_file(const via_endpoint_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->files[i].path && strcmp(files->files[i].path, path) == 0)
            return &files->files[i];
    }
    return NULL;
}

static bool is_current(const via_endpoint_file *file)
{
    via_file_mark mark;

    via_file_mark_read(file->path, &mark);
    return file->error.status == VIA_OK && via_file_mark_equals(&mark, &file->mark) &&
           via_file_mark_is_settled(&file->mark);
}

/* Moves the record of the look before into this one. */
static void keep_file(look *all, via_endpoint_file *old)
{
    all->now.files[all->now.count++] = *old;
    *old = (via_endpoint_file){0};
}

static via_status look_at_file(look *all, const char *path)
{
    via_endpoint_file *old = find_file(all->before, path);
    via_endpoint_file *grown = realloc(all->now.files, (all->now.count + 1) * sizeof(*grown));

    if (!grown)
        return VIA_ENOMEM;
    all->now.files = grown;
    via_endpoint_file *new = &grown[all->now.count]; /* counted when it is whole */
    if (old && is_current(old)) {
        keep_file(all, old);
        return VIA_OK;
    }
    via_status status = read_file(new, all->search, path);
    if (status != VIA_OK)
        return status;
    if (new->error.status == VIA_ELIMIT) {
        all->is_short = true;
        if (old) {
            fini_file(new);
            keep_file(all, old);
            return VIA_OK;
        }
    }
    if (old)
        inherit(old, new);
    compare(all, old, new);
    if (old)
        fini_file(old);
    all->now.count++;
    return VIA_OK;
}

/* ---- folders ------------------------------------------------------------------------------------------------ */

static via_status look_at_folder(look *all, const char *folder)
{
    char **names = NULL, path[PATH_MAX];
    size_t count = 0;
    via_error error;
    via_status status = via_folder_list(folder, ".json", &names, &count, &error);

    if (status != VIA_OK) {
        via_log_line(all->log, VIA_LOG_WARNING, NULL, "%s", error.what);
        all->is_short = all->is_short || status == VIA_ELIMIT;
        return status == VIA_ENOMEM ? VIA_ENOMEM : VIA_OK;
    }
    for (size_t i = 0; i < count && status == VIA_OK; i++) {
        if (snprintf(path, sizeof(path), "%s/%s", folder, names[i]) < (int)sizeof(path))
            status = look_at_file(all, path);
    }
    via_folder_free(names, count);
    return status;
}

static via_status look_everywhere(look *all)
{
    const via_path_list *searched = &all->search->endpoints;
    via_status status = VIA_OK;

    for (size_t i = 0; i < searched->count && status == VIA_OK; i++) {
        via_file_mark mark;
        if (via_path_list_is_repeated(searched, i))
            continue;
        via_file_mark_read(searched->paths[i], &mark);
        if (via_folder_exists(searched->paths[i]))
            status = look_at_folder(all, searched->paths[i]);
        else if (mark.node)
            status = look_at_file(all, searched->paths[i]);
    }
    return status;
}

/* What was not reached this time is as it was. False: not even that can be said. */
static bool keep_the_rest(look *all)
{
    size_t most = all->now.count + all->before->count;
    via_endpoint_file *grown = realloc(all->now.files, (most + 1) * sizeof(*grown));

    if (!grown)
        return false;
    all->now.files = grown;
    for (size_t i = 0; i < all->before->count; i++) {
        if (all->before->files[i].path)
            keep_file(all, &all->before->files[i]);
    }
    return true;
}

via_status via_endpoint_files_look(via_endpoint_files *files, const via_search *search, const via_log *log,
                                   via_changes *changes)
{
    look all = {.before = files, .is_first = !files->has_looked, .search = search, .log = log, .changes = changes};
    via_status status = look_everywhere(&all);

    if (status == VIA_OK && all.is_short)
        status = VIA_ELIMIT;
    if (status != VIA_OK)
        (void)keep_the_rest(&all);
    for (size_t i = 0; i < files->count; i++) {
        if (files->files[i].path && status == VIA_OK)
            tell(&all, VIA_CHANGE_WENT, &files->files[i], false);
    }
    via_endpoint_files_fini(files);
    *files = all.now;
    files->has_looked = true;
    return status;
}

void via_endpoint_files_fini(via_endpoint_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        fini_file(&files->files[i]);
    free(files->files);
    *files = (via_endpoint_files){0};
}

const via_endpoint_manifest *via_endpoint_files_find(const via_endpoint_files *files, const char *name,
                                                     const via_endpoint_file **file)
{
    for (size_t i = 0; i < files->count; i++) {
        const via_endpoints *endpoints = &files->files[i].endpoints;
        for (size_t j = 0; j < endpoints->count; j++) {
            if (strcmp(endpoints->list[j].name, name) != 0)
                continue;
            *file = &files->files[i];
            return &endpoints->list[j];
        }
    }
    return NULL;
}

const char *via_endpoint_files_nearest(const via_endpoint_files *files, const char *name)
{
    via_nearest nearest;

    via_nearest_begin(&nearest, name);
    for (size_t i = 0; i < files->count; i++) {
        for (size_t j = 0; j < files->files[i].endpoints.count; j++)
            via_nearest_offer(&nearest, files->files[i].endpoints.list[j].name);
    }
    return nearest.best;
}

/* ---- the enumeration ---------------------------------------------------------------------------------------- */

static void describe(const via_endpoint_files *files, const via_endpoint_file *file,
                     const via_endpoint_manifest *endpoint, via_endpoint_info *info)
{
    const via_endpoint_file *first = file;

    put(info->name, sizeof(info->name), endpoint->name);
    put(info->address, sizeof(info->address), endpoint->address);
    put(info->summary, sizeof(info->summary), endpoint->summary);
    info->pattern = endpoint->need ? endpoint->need->pattern : endpoint->pattern;
    info->line = endpoint->line;
    info->column = endpoint->column;
    if (via_endpoint_files_find(files, endpoint->name, &first) != endpoint) {
        (void)via_error_set(&info->error, VIA_EBUSY, VIA_STAGE_DISCOVER, "rename one of the two",
                            "the endpoint \"%s\" of %s comes first", endpoint->name, first->path);
        via_error_at(&info->error, file->path, NULL, endpoint->line, endpoint->column);
    }
}

bool via_endpoint_files_at(const via_endpoint_files *files, size_t index, via_endpoint_info *info)
{
    for (size_t i = 0; i < files->count; i++) {
        const via_endpoint_file *file = &files->files[i];
        size_t refusal = file->error.status != VIA_OK; /* a line of its own, before what serves on */
        size_t count = refusal + file->endpoints.count;
        if (index >= count) {
            index -= count;
            continue;
        }
        put(info->file, sizeof(info->file), file->path);
        if (index < refusal)
            info->error = file->error;
        else
            describe(files, file, &file->endpoints.list[index - refusal], info);
        return true;
    }
    return false;
}
