/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving one address.
 *
 * Owns: the sides of roles, and what a resolved address is put together from. Runs no plugin code.
 */
#include "load/resolve.h"

#include "kit/error.h"
#include "load/choose.h"
#include "load/layers.h"
#include "load/settings.h"
#include "load/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <viaduct/layer.h>

/* ---- roles -------------------------------------------------------------------------------------------------- */

typedef struct role_words {
    uint32_t pattern;
    uint32_t side; /* when nobody says otherwise */
} role_words;

static const role_words roles[] = {
    [VIA_PAIR] = {VIA_PATTERN_PAIR, VIA_SIDE_CONNECT},       [VIA_PUSH] = {VIA_PATTERN_QUEUE, VIA_SIDE_CONNECT},
    [VIA_PULL] = {VIA_PATTERN_QUEUE, VIA_SIDE_BIND},         [VIA_PUBLISH] = {VIA_PATTERN_TOPIC, VIA_SIDE_BIND},
    [VIA_SUBSCRIBE] = {VIA_PATTERN_TOPIC, VIA_SIDE_CONNECT}, [VIA_VALUE] = {VIA_PATTERN_VALUE, VIA_SIDE_CONNECT},
    [VIA_REGION] = {VIA_PATTERN_REGION, VIA_SIDE_CONNECT},
};

enum { ROLE_COUNT = sizeof(roles) / sizeof(roles[0]) };

uint32_t via_role_pattern(uint32_t role)
{
    return role < ROLE_COUNT ? roles[role].pattern : 0;
}

/* Listening binds and dialling connects by their names; who says otherwise has mistaken the call. */
static via_status check_pair_side(const via_request *request, bool connects, const via_open_options *options,
                                  const via_host_settings *host, via_error *error)
{
    uint32_t fixed = connects ? VIA_SIDE_CONNECT : VIA_SIDE_BIND;
    const char *call = connects ? "via_dial() connects" : "via_listen() binds";
    const char *mend = connects ? "take it out, or listen" : "take it out, or dial";

    if (host->bind && host->binds == connects) {
        via_status status = via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, mend, "option bind is %s, but %s",
                                          host->bind->value, call);
        via_request_blame(request, host->bind, error);
        return status;
    }
    if (options && options->side != VIA_SIDE_DEFAULT && options->side != fixed)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, mend, "via_open_options.side says %s, but %s",
                             connects ? "bind" : "connect", call);
    return VIA_OK;
}

static via_status choose_side(const via_request *request, uint32_t role, bool connects, const via_open_options *options,
                              const via_host_settings *host, uint32_t *side, via_error *error)
{
    *side = roles[role].side;
    if (role == VIA_PAIR) {
        *side = connects ? VIA_SIDE_CONNECT : VIA_SIDE_BIND;
        return check_pair_side(request, connects, options, host, error);
    }
    if (host->bind)
        *side = host->binds ? VIA_SIDE_BIND : VIA_SIDE_CONNECT;
    if (options && options->side != VIA_SIDE_DEFAULT)
        *side = options->side;
    return VIA_OK;
}

/* ---- patterns ----------------------------------------------------------------------------------------------- */

via_status via_target_check_pattern(const via_request *request, uint32_t pattern, via_error *error)
{
    char stated[64], asked[64];
    const via_endpoint_manifest *endpoint = request->endpoint;
    uint32_t says = !endpoint ? 0 : endpoint->need ? endpoint->need->pattern : endpoint->pattern;

    if (!says || says == pattern)
        return VIA_OK;
    via_status status = via_error_set(
        error, VIA_EINVAL, VIA_STAGE_RESOLVE, "open it in the pattern that its manifest states, or change it there",
        "the endpoint \"%s\" is a %s; it cannot be opened as a %s", request->endpoint->name,
        via_pattern_list(says, stated, sizeof(stated)), via_pattern_list(pattern, asked, sizeof(asked)));
    via_error_at(error, request->file->path, NULL, request->endpoint->line, request->endpoint->column);
    return status;
}

static via_status check_scheme_pattern(const via_scheme_manifest *scheme, uint32_t pattern, bool listens,
                                       via_error *error)
{
    char offered[64], asked[64];

    if (!(scheme->patterns & pattern))
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_RESOLVE,
                             "use another scheme: via explain SCHEME:x says what it offers",
                             "%s: does not offer the pattern %s; it offers %s", scheme->name,
                             via_pattern_list(pattern, asked, sizeof(asked)),
                             via_pattern_list(scheme->patterns, offered, sizeof(offered)));
    if (listens && !scheme->listens)
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_RESOLVE, "dial it", "%s: cannot be listened on",
                             scheme->name);
    return VIA_OK;
}

/* Who wrote the text file may choose, but not something that the program cannot work with. */
static via_status check_condition(const via_request *request, const via_scheme_manifest *scheme, via_error *error)
{
    char reason[160];

    if (!request->condition || !via_need_is_lacking(request->condition, scheme, reason, sizeof(reason)))
        return VIA_OK;
    via_status status =
        via_error_set(error, VIA_ENOTSUP, VIA_STAGE_RESOLVE, "use a scheme that has it: via choose lists them",
                      "%s: %s, and the program requires more", scheme->name, reason);
    if (request->endpoint)
        via_error_at(error, request->file->path, NULL, request->endpoint->line, request->endpoint->column);
    return status;
}

/* ---- filling ------------------------------------------------------------------------------------------------ */

static bool copy_options(const via_effective *effective, size_t count, via_option **options, size_t *option_count)
{
    *options = calloc(count + 1, sizeof(**options));
    if (!*options)
        return false;
    for (size_t i = 0; i < count; i++) {
        (*options)[i] = effective[i].option;
        *option_count = i + 1;
        if (!effective[i].origin)
            continue;
        (*options)[i].text = strdup(effective[i].option.text);
        if (!(*options)[i].text)
            return false;
    }
    return true;
}

/* Each takes what the one above it takes, and adds to it. */
static bool copy_layers(via_resolved *out, const via_layers *layers)
{
    uint64_t limit = out->max_message;

    out->layers = calloc(layers->count + 1, sizeof(*out->layers));
    for (size_t i = 0; out->layers && i < layers->count; i++) {
        const via_stacked *stacked = &layers->list[i];
        const via_layer_manifest *manifest = stacked->choice.layer;
        via_resolved_layer *layer = &out->layers[i];
        *layer = (via_resolved_layer){stacked->choice.entry, manifest, manifest->name, NULL, 0, limit};
        out->layer_count = i + 1;
        via_plugin_entry_hold(layer->plugin);
        if (!copy_options(stacked->effective, manifest->options.count, &layer->options, &layer->option_count))
            return false;
        limit += manifest->overhead + (i + 1 == layers->above_mark ? VIA_MARK_SIZE : 0);
    }
    return out->layers != NULL;
}

static bool copy_place(via_resolved *out, const via_request *request, const via_scheme_manifest *scheme)
{
    size_t room = strlen(scheme->name) + strlen(request->target->rest) + 2;

    out->address = malloc(room);
    out->rest = strdup(request->target->rest);
    out->endpoint = request->given.scheme ? NULL : strdup(request->given.rest);
    out->file = request->file ? strdup(request->file->path) : NULL;
    if (!out->address || !out->rest || (!request->given.scheme && !out->endpoint) || (request->file && !out->file))
        return false;
    (void)snprintf(out->address, room, "%s:%s", scheme->name, out->rest);
    if (request->endpoint) {
        out->line = request->endpoint->line;
        out->column = request->endpoint->column;
    }
    return true;
}

static via_status fill(via_resolved *out, const via_request *request, const via_scheme_manifest *scheme,
                       const via_effective *effective, const via_layers *layers, via_error *error)
{
    if (!copy_options(effective, scheme->options.count, &out->options, &out->option_count) ||
        !copy_place(out, request, scheme) || !copy_layers(out, layers))
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    out->manifest = scheme;
    out->scheme = scheme->name;
    out->info_flags = scheme->info_flags & ~layers->clears;
    out->transport_max_message = out->max_message + layers->overhead;
    out->stack_id = layers->stack_id;
    out->above_mark = layers->above_mark;
    return VIA_OK;
}

static void fill_host(via_resolved *out, const via_host_settings *host, const via_open_options *options)
{
    out->threads = host->threads ? (host->many ? VIA_MANY : VIA_TWO) : VIA_TWO;
    if (options && options->threads == VIA_MANY)
        out->threads = VIA_MANY;
    out->max_message = host->limit;
}

static via_status apply_settings(const via_request *request, const via_choice *choice, const via_layers *layers,
                                 bool connects, const via_open_options *options, via_resolved *out, via_error *error)
{
    via_host_settings host;
    via_effective *effective = calloc(choice->scheme->options.count + 1, sizeof(*effective));

    if (!effective)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    via_status status =
        via_settings_apply(request, choice->scheme, out->pattern, layers->overhead, effective, &host, error);
    via_settings_limit(&host, layers->max_message);
    if (status == VIA_OK)
        status = choose_side(request, out->role, connects, options, &host, &out->side, error);
    if (status == VIA_OK) {
        fill_host(out, &host, options);
        status = fill(out, request, choice->scheme, effective, layers, error);
    }
    free(effective);
    return status;
}

via_status via_target_resolve(const via_registry *registry, const via_request *request, bool connects,
                              const via_open_options *options, via_resolved *out, via_error *error)
{
    via_choice choice;
    via_layers layers = {0};

    via_status status = via_choose(registry, request->target->scheme, &choice, error);
    if (status == VIA_OK)
        status = check_scheme_pattern(choice.scheme, out->pattern, out->role == VIA_PAIR && !connects, error);
    if (status == VIA_OK)
        status = check_condition(request, choice.scheme, error);
    if (status == VIA_OK)
        status = via_layers_choose(registry, request, out->pattern, &layers, error);
    if (status == VIA_OK)
        status = apply_settings(request, &choice, &layers, connects, options, out, error);
    if (status == VIA_OK) {
        out->plugin = choice.entry;
        via_plugin_entry_hold(out->plugin);
    }
    via_layers_fini(&layers);
    return status;
}

static void free_options(via_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].is_set)
            free((void *)(uintptr_t)options[i].text);
    }
    free(options);
}

void via_resolved_fini(via_resolved *resolved)
{
    free_options(resolved->options, resolved->option_count);
    for (size_t i = 0; i < resolved->layer_count; i++) {
        free_options(resolved->layers[i].options, resolved->layers[i].option_count);
        via_plugin_entry_drop(resolved->layers[i].plugin);
    }
    via_plugin_entry_drop(resolved->plugin);
    free(resolved->layers);
    free(resolved->endpoint);
    free(resolved->address);
    free(resolved->rest);
    free(resolved->file);
    *resolved = (via_resolved){0};
}
