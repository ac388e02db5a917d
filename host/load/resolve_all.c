/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving all candidates of an endpoint.
 *
 * Owns: which of their troubles ends the whole, and the error that tells of all of them. Runs no plugin code.
 */
#include "kit/error.h"
#include "load/rank.h"
#include "load/settings.h"
#include "load/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What all of them are resolved with. */
typedef struct resolving {
    const via_registry *registry;
    via_request *request;
    uint32_t role;
    bool connects;
    const via_open_options *options;
} resolving;

static via_status fail_memory(via_error *error)
{
    return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
}

/* The candidate that the request points at. Its status is kept in it, unless it is one of the whole. */
static via_status add(const resolving *now, via_candidates *out, via_error *error)
{
    const via_address *target = now->request->target;
    via_candidate *candidate = &out->list[out->count];

    via_error_init(&candidate->error);
    if (asprintf(&candidate->address, "%s:%s", target->scheme, target->rest) < 0) {
        candidate->address = NULL;
        return fail_memory(error);
    }
    out->count++;
    candidate->resolved.role = now->role;
    candidate->resolved.pattern = via_role_pattern(now->role);
    const via_status status = via_target_resolve(now->registry, now->request, now->connects, now->options,
                                                 &candidate->resolved, &candidate->error);
    if (status == VIA_OK)
        return VIA_OK;
    via_resolved_fini(&candidate->resolved);
    if (out->is_choice && status != VIA_ENOMEM && (out->is_ranked || candidate->error.stage != VIA_STAGE_OPTIONS))
        return VIA_OK;
    *error = candidate->error;
    if (out->is_choice && status != VIA_ENOMEM)
        via_error_more(error, "the candidate is %s", candidate->address);
    return status;
}

/* An option that means nothing to any candidate is a mistake, unless the one it is meant for is not installed here. */
static via_status check_shared(const resolving *now, const via_candidates *all, via_error *error)
{
    const via_scheme_manifest *schemes[VIA_CANDIDATES];
    via_choice choice;
    via_error reason;

    for (size_t i = 0; i < all->count; i++) {
        char *scheme = strndup(all->list[i].address, strcspn(all->list[i].address, ":"));
        if (!scheme)
            return fail_memory(error);
        const via_status status = via_choose(now->registry, scheme, &choice, &reason);
        free(scheme);
        if (status != VIA_OK)
            return VIA_OK;
        schemes[i] = choice.scheme;
    }
    return via_settings_check_shared(now->request, schemes, all->count, error);
}

static via_status resolve_any_of(const resolving *now, via_candidates *out, via_error *error)
{
    const json_t *any_of = now->request->endpoint->any_of;
    via_status status = VIA_OK;

    for (size_t i = 0; i < json_array_size(any_of) && status == VIA_OK; i++) {
        status = via_request_point(now->request, json_string_value(json_array_get(any_of, i)), error);
        if (status == VIA_OK)
            status = add(now, out, error);
    }
    return status;
}

/* One that fits, by the endpoint's own name. */
static via_status add_ranked(const resolving *now, const via_ranked *ranked, via_candidates *out, via_error *error)
{
    char *address = via_ranked_address(ranked, now->request->given.rest);

    if (!address)
        return fail_memory(error);
    via_status status = via_request_point(now->request, address, error);
    free(address);
    return status == VIA_OK ? add(now, out, error) : status;
}

/* One that does not, for its reason. */
static via_status add_unfit(const via_ranked *ranked, via_candidates *out, via_error *error)
{
    via_candidate *candidate = &out->list[out->count];

    if (asprintf(&candidate->address, "%s:", ranked->scheme->name) < 0) {
        candidate->address = NULL;
        return fail_memory(error);
    }
    out->count++;
    (void)via_error_set(&candidate->error, VIA_ENOTSUP, VIA_STAGE_RESOLVE, ranked->mend, "%s",
                        ranked->fits ? "takes no plain name: give its address" : ranked->reason);
    return VIA_OK;
}

/* The best first; of those that do not fit is told only if none does. */
static via_status resolve_need(const resolving *now, via_candidates *out, via_error *error)
{
    via_ranking ranking;
    via_endpoint_need need = *now->request->need;

    need.pattern = via_role_pattern(now->role);
    via_status status = via_rank(now->registry, &need, now->request->condition, &ranking, error);
    for (size_t i = 0; i < ranking.count && status == VIA_OK && out->count < VIA_CANDIDATES; i++) {
        if (ranking.list[i].fits && ranking.list[i].is_named)
            status = add_ranked(now, &ranking.list[i], out, error);
    }
    const bool none = out->count == 0;
    for (size_t i = 0; none && i < ranking.count && status == VIA_OK && out->count < VIA_CANDIDATES; i++)
        status = add_unfit(&ranking.list[i], out, error);
    via_ranking_fini(&ranking);
    return status;
}

static via_status resolve_choice(const resolving *now, via_candidates *out, via_error *error)
{
    const via_status status = out->is_ranked ? resolve_need(now, out, error) : resolve_any_of(now, out, error);

    return status == VIA_OK ? check_shared(now, out, error) : status;
}

static bool copy_name(via_candidates *out, const via_request *request)
{
    out->name = request->given.scheme ? NULL : strdup(request->given.rest);
    out->file = request->file ? strdup(request->file->path) : NULL;
    out->line = request->endpoint ? request->endpoint->line : 0;
    out->column = request->endpoint ? request->endpoint->column : 0;
    return (request->given.scheme || out->name) && (!request->file || out->file);
}

static via_status resolve_request(const resolving *now, via_candidates *out, via_error *error)
{
    out->is_choice = now->request->has_choice;
    out->is_ranked = out->is_choice && now->request->need;
    out->list = calloc(VIA_CANDIDATES, sizeof(*out->list));
    if (!out->list || !copy_name(out, now->request))
        return fail_memory(error);
    const via_status status = via_target_check_pattern(now->request, via_role_pattern(now->role), error);
    if (status != VIA_OK)
        return status;
    return out->is_choice ? resolve_choice(now, out, error) : add(now, out, error);
}

static via_status check_usable(const via_candidates *all, via_error *error)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].error.status == VIA_OK)
            return VIA_OK;
    }
    return via_candidates_fail(all, error);
}

via_status via_resolve_all(via_registry *registry, const char *address, uint32_t role, bool connects,
                           const via_open_options *options, via_candidates *out, via_error *error)
{
    resolving now = {registry, NULL, role, connects, options};

    *out = (via_candidates){0};
    if (via_role_pattern(role) == 0)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE, "use VIA_PUSH, VIA_PULL, VIA_PUBLISH, ...",
                             "the role %u; there is no such role", role);
    via_mutex_take(&registry->lock);
    via_registry_refresh(registry);
    via_status status = via_request_create(registry, address, options, &now.request, error);
    if (status == VIA_OK)
        status = resolve_request(&now, out, error);
    if (status != VIA_OK && now.request)
        via_request_tell_stale(now.request, error);
    via_request_destroy(now.request);
    via_mutex_give(&registry->lock);
    if (status == VIA_OK)
        status = check_usable(out, error);
    if (status != VIA_OK)
        via_candidates_fini(out);
    return status;
}

via_status via_resolve(via_registry *registry, const char *address, uint32_t role, bool connects,
                       const via_open_options *options, via_resolved *out, via_error *error)
{
    via_candidates all;
    size_t first = 0;

    *out = (via_resolved){0};
    const via_status status = via_resolve_all(registry, address, role, connects, options, &all, error);
    if (status != VIA_OK)
        return status;
    while (first < all.count && all.list[first].error.status != VIA_OK)
        first++;
    if (first < all.count) { /* it is: one at least is resolved */
        *out = all.list[first].resolved;
        all.list[first].resolved = (via_resolved){0};
    }
    via_candidates_fini(&all);
    return VIA_OK;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

/* The status of most hope: somebody may come; else the first that was no lack of this machine; else the first. */
static const via_error *find_leading(const via_candidates *all)
{
    const via_error *leading = &all->list[0].error;

    for (size_t i = 0; i < all->count; i++) {
        const via_error *error = &all->list[i].error;
        if (error->status == VIA_ENOPEER)
            return error;
        if (error->stage > VIA_STAGE_RESOLVE && leading->stage <= VIA_STAGE_RESOLVE)
            leading = error;
    }
    return leading;
}

/* "unix:orders: VIA_ENOPEER: nobody listens", where the reason does not repeat the address; cut to `share` bytes. */
static void tell_one(const via_candidate *candidate, size_t share, via_error *error)
{
    const size_t length = strlen(candidate->address);
    const char *what = candidate->error.what;
    char line[sizeof(error->more)];

    if (candidate->error.status == VIA_OK) {
        via_error_more(error, "%s: not tried", candidate->address);
        return;
    }
    if (strncmp(what, candidate->address, length) == 0 && what[length] == ':')
        what += length + 1 + strspn(what + length + 1, " ");
    (void)snprintf(line, sizeof(line), "%s: %s: %s", candidate->address, via_status_name(candidate->error.status),
                   what);
    if (strlen(line) > share)
        (void)snprintf(line + share - 3, 4, "...");
    via_error_more(error, "%s", line);
}

/* All candidates have room in `more`, none more than its share. */
static void tell_each(const via_candidates *all, via_error *error)
{
    for (size_t i = 0; i < all->count; i++)
        tell_one(&all->list[i], sizeof(error->more) / all->count - 2, error);
}

via_status via_candidates_fail(const via_candidates *all, via_error *error)
{
    if (all->count == 0)
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_RESOLVE,
                             "set VIADUCT_PLUGIN_PATH to the folder of the plugins",
                             "no plugin is installed that could serve \"%s\"", all->name);
    const via_error leading = *find_leading(all);
    const via_status status =
        via_error_set(error, leading.status, leading.stage, NULL,
                      leading.status == VIA_ENOPEER ? "nobody answers at any candidate of \"%s\""
                                                    : "no candidate of \"%s\" can be used; see each below",
                      all->name);

    via_error_mend(error, "%s", leading.mend[0] ? leading.mend : "see each candidate: via explain NAME");
    via_error_at(error, all->file, NULL, all->line, all->column);
    tell_each(all, error);
    return status;
}

void via_candidates_fini(via_candidates *candidates)
{
    for (size_t i = 0; candidates->list && i < candidates->count; i++) {
        free(candidates->list[i].address);
        via_resolved_fini(&candidates->list[i].resolved);
    }
    free(candidates->list);
    free(candidates->name);
    free(candidates->file);
    *candidates = (via_candidates){0};
}
