/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address to a plugin's table.
 */
#include "core/route.h"

#include "core/context.h"
#include "kit/error.h"
#include "platform/fork_word.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_route(via_route *route)
{
    via_host *host = route->host;
    const bool is_foreign = via_fork_word_is_foreign(route->generation);
    /* In a child, fini would touch what the parent still uses. */
    void (*const give)(via_loaded *) = is_foreign ? via_loader_forget : via_loader_release;
    for (size_t i = 0; i < route->layer_count; i++)
        give(route->layers[i].loaded);
    if (route->loaded != NULL)
        give(route->loaded);
    via_resolved_fini(&route->resolved);
    free(route->layers);
    free(route);
    if (host != NULL)
        via_host_drop(host);
}

via_route *via_route_hold(via_route *route)
{
    (void)atomic_fetch_add(&route->users, 1);
    return route;
}

void via_route_drop(via_route *route)
{
    if (route != NULL && atomic_fetch_sub(&route->users, 1) == 1)
        free_route(route);
}

void via_route_note(const via_route *route, const char *what)
{
    via_log_line(route->log, VIA_LOG_DEBUG, route->loaded->name, "%s: %s", route->resolved.address, what);
}

static void choose_log(via_route *route, const via_open_options *options)
{
    route->log = &route->host->log;
    if (options->log == NULL)
        return;
    via_log_init(&route->own_log, options->log, options->log_user, route->host->log.level, true);
    route->log = &route->own_log;
}

static via_status load_transport(via_route *route, via_error *error)
{
    via_status status = via_loader_acquire(route->resolved.plugin, &via_context_api, &route->loaded, error);
    if (status != VIA_OK)
        return status;
    route->transport = via_loaded_transport(route->loaded, route->resolved.scheme);
    if (route->transport != NULL && (route->transport->patterns & route->resolved.pattern) != 0)
        return VIA_OK;
    (void)via_error_set(error, VIA_ENOTSUP, VIA_STAGE_OPEN, "make the manifest and the plugin's table agree",
                        "the manifest claims scheme '%s' with this pattern, but the plugin does not offer it",
                        route->resolved.scheme);
    return via_route_fail(route, VIA_ENOTSUP, error);
}

static via_status load_layers(via_route *route, via_error *error)
{
    const via_resolved *resolved = &route->resolved;
    route->layers = calloc(resolved->layer_count + 1, sizeof(*route->layers));
    if (route->layers == NULL)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    for (size_t i = 0; i < resolved->layer_count; i++) {
        via_route_layer *layer = &route->layers[i];
        const via_status status =
            via_loader_acquire(resolved->layers[i].plugin, &via_context_api, &layer->loaded, error);
        if (status != VIA_OK)
            return status;
        layer->table = via_loaded_layer(layer->loaded, resolved->layers[i].name); /* negotiated: it is there */
        route->layer_count++;
    }
    return VIA_OK;
}

via_status via_route_load(via_route *route, via_error *error)
{
    if (route->layers != NULL)
        return VIA_OK;
    const via_log *outer = via_context_log_enter(route->log);
    via_status status = load_transport(route, error);
    if (status == VIA_OK)
        status = load_layers(route, error);
    (void)via_context_log_enter(outer);
    return status;
}

via_route *via_route_create(via_host *host, via_resolved *resolved, const via_open_options *options)
{
    via_route *route = calloc(1, sizeof(*route));
    if (route == NULL)
        return NULL;
    atomic_init(&route->users, 1);
    via_host_hold(host);
    route->host = host;
    route->generation = host->generation;
    choose_log(route, options);
    route->resolved = *resolved;
    *resolved = (via_resolved){0};
    return route;
}

void via_route_describe(const via_route *route, via_context *context, via_counters *counters, via_deadline deadline,
                        via_open *open)
{
    const via_resolved *resolved = &route->resolved;
    memset(open, 0, sizeof(*open));
    open->size = sizeof(*open);
    open->pattern = resolved->pattern;
    open->role = resolved->role;
    open->side = resolved->side;
    open->threads = VIA_TWO; /* VIA_MANY is the host's own work */
    open->scheme = resolved->scheme;
    open->rest = resolved->rest;
    open->options = resolved->options;
    open->option_count = resolved->option_count;
    open->max_message = resolved->transport_max_message;
    open->deadline = deadline;
    open->context = context;
    open->counters = counters;
    open->stack_id = resolved->stack_id;
}

void via_route_describe_slot(const via_route *route, via_slot *slot)
{
    const via_resolved *resolved = &route->resolved;
    slot->pattern = resolved->pattern;
    slot->role = resolved->role;
    slot->side = resolved->side;
    (void)snprintf(slot->scheme, sizeof(slot->scheme), "%s", resolved->scheme);
    (void)snprintf(slot->plugin, sizeof(slot->plugin), "%s", route->loaded->name);
    (void)snprintf(slot->endpoint, sizeof(slot->endpoint), "%s", resolved->endpoint != NULL ? resolved->endpoint : "");
    (void)snprintf(slot->address, sizeof(slot->address), "%s", resolved->address);
}

void via_route_describe_layer(const via_route *route, size_t index, via_context *context, via_counters *counters,
                              via_open *open)
{
    const via_resolved_layer *layer = &route->resolved.layers[index];
    via_route_describe(route, context, counters, VIA_NOW, open);
    open->options = layer->options;
    open->option_count = layer->option_count;
    open->max_message = layer->max_message;
}

/* The way out where the plugin names none. */
static const char *usual_mend(via_status status, int32_t os_code)
{
    switch (os_code) {
    case EMFILE:
    case ENFILE:
        return "raise the limit of open files (ulimit -n), or close some";
    case ENOSPC:
        return "make room where it is to be made, or choose another folder";
    case ENOMEM:
        return "free some memory";
    default:
        return status == VIA_ECANCELED ? "open it again: an interrupt is final"
                                       : "see what the plugin logs: VIADUCT_LOG=debug";
    }
}

via_status via_route_fail_of(const via_route *route, const char *plugin, via_status status, via_error *error)
{
    if (error->status != status || error->what[0] == '\0')
        (void)via_error_set(error, status, VIA_STAGE_OPEN, NULL, "plugin '%s' cannot open %s: %s", plugin,
                            route->resolved.address, via_status_text(status));
    if (error->stage == VIA_STAGE_NONE)
        error->stage = VIA_STAGE_OPEN;
    if (error->mend[0] == '\0')
        via_error_mend(error, "%s", usual_mend(status, error->os_code));
    if (error->file[0] == '\0' && route->resolved.file != NULL)
        via_error_at(error, route->resolved.file, NULL, route->resolved.line, route->resolved.column);
    if (error->os_code != 0 && error->os_text[0] == '\0')
        via_error_os(error, error->os_code);
    const size_t length = strnlen(plugin, sizeof(error->plugin) - 1);
    memcpy(error->plugin, plugin, length);
    error->plugin[length] = '\0';
    return status;
}

via_status via_route_fail(const via_route *route, via_status status, via_error *error)
{
    return via_route_fail_of(route, route->loaded->name, status, error);
}
