/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading endpoint files.
 *
 * Owns: nothing but the list. An endpoint can name a program to run, so its file has to be as trustworthy as a plugin.
 */
#include "load/endpoints.h"

#include "kit/error.h"
#include "kit/json/nearest.h"
#include "platform/folder.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static via_status read_text(via_endpoint_file *file, const via_trust *trust)
{
    char *text = NULL, *resolved = NULL;
    size_t size = 0;
    via_status status = via_file_read(file->path, VIA_MANIFEST_BYTES, &text, &size, NULL, &file->error);

    if (status == VIA_OK)
        status = via_endpoints_read(&file->endpoints, file->path, text, size, &file->error);
    if (status == VIA_OK)
        status = via_trust_check(trust, "endpoint manifest", file->path, NULL, &resolved, &file->error);
    free(resolved);
    free(text);
    return status;
}

static via_status read_file(via_endpoint_files *files, const via_search *search, const char *path, const via_log *log)
{
    via_endpoint_file *grown = realloc(files->files, (files->count + 1) * sizeof(*grown));

    if (!grown)
        return VIA_ENOMEM;
    files->files = grown;
    via_endpoint_file *file = &grown[files->count];
    *file = (via_endpoint_file){.path = strdup(path)};
    if (!file->path)
        return VIA_ENOMEM;
    files->count++;
    via_error_init(&file->error);
    via_status status = read_text(file, &search->trust);
    if (status == VIA_OK)
        return VIA_OK;
    via_endpoints_fini(&file->endpoints);
    if (!file->error.file[0])
        via_error_at(&file->error, path, NULL, 0, 0);
    via_log_line(log, VIA_LOG_WARNING, NULL, "endpoint file %s:%u:%u is refused: %s", path, file->error.line,
                 file->error.column, file->error.what);
    return status == VIA_ENOMEM ? VIA_ENOMEM : VIA_OK;
}

static via_status read_folder(via_endpoint_files *files, const via_search *search, const char *folder,
                              const via_log *log)
{
    char **names = NULL, path[PATH_MAX];
    size_t count = 0;
    via_error error;
    via_status status = via_folder_list(folder, ".json", &names, &count, &error);

    if (status != VIA_OK) {
        via_log_line(log, VIA_LOG_WARNING, NULL, "%s", error.what);
        return status == VIA_ENOMEM ? VIA_ENOMEM : VIA_OK;
    }
    for (size_t i = 0; i < count && status == VIA_OK; i++) {
        if (snprintf(path, sizeof(path), "%s/%s", folder, names[i]) < (int)sizeof(path))
            status = read_file(files, search, path, log);
    }
    via_folder_free(names, count);
    return status;
}

via_status via_endpoint_files_read(via_endpoint_files *files, const via_search *search, const via_log *log)
{
    via_status status = VIA_OK;

    *files = (via_endpoint_files){0};
    for (size_t i = 0; i < search->endpoints.count && status == VIA_OK; i++) {
        const char *path = search->endpoints.paths[i];
        via_file_mark mark;
        via_file_mark_read(path, &mark);
        if (via_folder_exists(path))
            status = read_folder(files, search, path, log);
        else if (mark.node)
            status = read_file(files, search, path, log);
    }
    return status;
}

void via_endpoint_files_fini(via_endpoint_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        via_endpoints_fini(&files->files[i].endpoints);
        free(files->files[i].path);
    }
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

static void put(char *out, size_t capacity, const char *text)
{
    (void)snprintf(out, capacity, "%s", text ? text : "");
}

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
        bool refused = file->error.status != VIA_OK;
        size_t count = refused ? 1 : file->endpoints.count;
        if (index >= count) {
            index -= count;
            continue;
        }
        put(info->file, sizeof(info->file), file->path);
        if (refused)
            info->error = file->error;
        else
            describe(files, file, &file->endpoints.list[index], info);
        return true;
    }
    return false;
}
