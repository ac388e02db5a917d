/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_validate_with(): files of any kind, those of layers too.
 *
 * Owns: asking a layer about a file. The plugin is loaded for the question, and given back.
 */
#include "core/context.h"
#include "core/host.h"
#include "core/record.h"
#include "kit/error.h"
#include "load/loader.h"
#include "load/validate.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void describe(const via_file_kind *found, const char *plugin, via_file_info *info)
{
    static const char *const words[] = {"", "plugin", "endpoints"};
    *info = (via_file_info){.size = sizeof(*info), .kind = found->kind};
    (void)snprintf(info->word, sizeof(info->word), "%s",
                   found->kind == VIA_MANIFEST_OF_LAYER ? found->word : words[found->kind]);
    (void)snprintf(info->plugin, sizeof(info->plugin), "%.63s", plugin);
}

/* A plugin that says less than it should is helped out: the caller is to know whom to ask. */
static void complete(via_error *error, via_status status, const char *plugin, const char *file)
{
    if (error->status != status || error->what[0] == '\0')
        (void)via_error_set(error, status, VIA_STAGE_SCHEMA, NULL, "plugin '%s' refuses %s: %s", plugin, file,
                            via_status_text(status));
    if (error->stage == VIA_STAGE_NONE)
        error->stage = VIA_STAGE_SCHEMA;
    if (error->mend[0] == '\0')
        via_error_mend(error, "see what the plugin logs: VIADUCT_LOG=debug");
    if (error->file[0] == '\0')
        via_error_at(error, file, NULL, 0, 0);
    if (error->plugin[0] == '\0')
        (void)snprintf(error->plugin, sizeof(error->plugin), "%.63s", plugin);
}

static via_status ask(const via_file_kind *found, const via_loaded *loaded, const char *file, via_error *error)
{
    const via_layer *layer = via_loaded_layer(loaded, found->layer);
    const via_status status = layer->check(loaded->state, file, error); /* negotiated: it is there */
    if (status != VIA_OK)
        complete(error, status, loaded->name, file);
    return status;
}

static via_status ask_layer(via_host *host, const char *file, const via_file_kind *found, via_file_info *info,
                            via_error *error)
{
    via_loaded *loaded = NULL;
    const via_log *outer = via_context_log_enter(&host->log);
    via_status status = via_loader_acquire(found->plugin, &via_context_api, &loaded, error);
    if (status == VIA_OK) {
        describe(found, loaded->name, info);
        status = ask(found, loaded, file, error);
        via_loader_release(loaded);
    }
    (void)via_context_log_enter(outer);
    return status;
}

static via_status check_on(via_host *host, const char *file, via_file_info *info, via_error *error)
{
    via_file_kind found;
    via_status status = via_file_check(host->registry, file, &found, error);
    describe(&found, "", info);
    if (status == VIA_OK && found.kind == VIA_MANIFEST_OF_LAYER)
        status = ask_layer(host, file, &found, info, error);
    via_file_kind_fini(&found);
    return status;
}

via_status via_validate_with(via_host *host, const char *file, via_file_info *info, via_error *error)
{
    via_host *borrowed = NULL;
    via_file_info full = {.size = sizeof(full)};
    via_error own;
    via_error_init(&own);
    via_status status = via_host_borrow(host, &borrowed, &own);
    if (status == VIA_OK) {
        status = check_on(borrowed, file, &full, &own);
        via_host_drop(borrowed);
    }
    if (error != NULL)
        *error = own;
    if (info != NULL && via_record_write(info, &full, sizeof(full), offsetof(via_file_info, plugin)) != VIA_OK &&
        status == VIA_OK)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_NONE, "set info->size first",
                             "via_file_info.size is not set");
    return status;
}
