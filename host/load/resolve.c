/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving.
 *
 * Owns: the choice of the plugin for a scheme, and the sides of roles. Runs no plugin code.
 */
#include "load/resolve.h"

#include "core/error.h"
#include "load/choose.h"
#include "load/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static via_status check_endpoint_pattern(const via_request *request, uint32_t pattern, via_error *error)
{
    char stated[64], asked[64];

    if (!request->endpoint || !request->endpoint->pattern || request->endpoint->pattern == pattern)
        return VIA_OK;
    via_status status = via_error_set(
        error, VIA_EINVAL, VIA_STAGE_RESOLVE, "open it in the pattern that its manifest states, or change it there",
        "the endpoint \"%s\" is a %s; it cannot be opened as a %s", request->endpoint->name,
        via_pattern_list(request->endpoint->pattern, stated, sizeof(stated)),
        via_pattern_list(pattern, asked, sizeof(asked)));
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

/* ---- filling ------------------------------------------------------------------------------------------------ */

static bool copy_options(via_resolved *out, const via_effective *effective, size_t count)
{
    out->options = calloc(count + 1, sizeof(*out->options));
    if (!out->options)
        return false;
    for (size_t i = 0; i < count; i++) {
        out->options[i] = effective[i].option;
        out->option_count = i + 1;
        if (!effective[i].origin)
            continue;
        out->options[i].text = strdup(effective[i].option.text);
        if (!out->options[i].text)
            return false;
    }
    return true;
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
                       const via_effective *effective, via_error *error)
{
    if (!copy_options(out, effective, scheme->option_count) || !copy_place(out, request, scheme))
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    out->manifest = scheme;
    out->scheme = scheme->name;
    out->info_flags = scheme->info_flags;
    return VIA_OK;
}

static via_status apply(const via_registry *registry, const via_request *request, uint32_t role, bool connects,
                        const via_open_options *options, via_resolved *out, via_error *error)
{
    via_choice choice;
    via_host_settings host;
    via_effective *effective = NULL;
    uint32_t pattern = roles[role].pattern;

    via_status status = via_request_has_target(request, error);
    if (status == VIA_OK)
        status = check_endpoint_pattern(request, pattern, error);
    if (status == VIA_OK)
        status = via_choose(registry, request->target->scheme, &choice, error);
    if (status == VIA_OK)
        status = check_scheme_pattern(choice.scheme, pattern, role == VIA_PAIR && !connects, error);
    if (status != VIA_OK)
        return status;
    effective = calloc(choice.scheme->option_count + 1, sizeof(*effective));
    if (!effective)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
    status = via_settings_apply(request, choice.scheme, pattern, effective, &host, error);
    if (status == VIA_OK)
        status = choose_side(request, role, connects, options, &host, &out->side, error);
    if (status == VIA_OK) {
        out->role = role;
        out->pattern = pattern;
        out->threads = host.threads ? (host.many ? VIA_MANY : VIA_TWO) : VIA_TWO;
        if (options && options->threads == VIA_MANY)
            out->threads = VIA_MANY;
        out->max_message = host.limit;
        out->plugin = choice.entry;
        status = fill(out, request, choice.scheme, effective, error);
    }
    if (status == VIA_OK)
        choice.entry->handed_out = true;
    free(effective);
    return status;
}

via_status via_resolve(via_registry *registry, const char *address, uint32_t role, bool connects,
                       const via_open_options *options, via_resolved *out, via_error *error)
{
    via_request *request = NULL;

    *out = (via_resolved){0};
    if (role >= ROLE_COUNT)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, "use VIA_PUSH, VIA_PULL, VIA_PUBLISH, ...",
                             "the role %u; there is no such role", role);
    via_mutex_take(&registry->lock);
    via_status status = via_request_create(registry, address, options, &request, error);
    if (status == VIA_OK)
        status = apply(registry, request, role, connects, options, out, error);
    via_request_destroy(request);
    via_mutex_give(&registry->lock);
    if (status != VIA_OK)
        via_resolved_fini(out);
    return status;
}

void via_resolved_fini(via_resolved *resolved)
{
    for (size_t i = 0; i < resolved->option_count; i++) {
        if (resolved->options[i].is_set)
            free((void *)(uintptr_t)resolved->options[i].text);
    }
    free(resolved->options);
    free(resolved->endpoint);
    free(resolved->address);
    free(resolved->rest);
    free(resolved->file);
    *resolved = (via_resolved){0};
}
