/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarders to the extension "via.rpc/1": <viaduct/rpc.h>.
 *
 * Owns: nothing but the way. The layer takes calls from any thread, so no turn is taken.
 */
#include "core/channel.h"
#include "kit/error.h"
#include <viaduct/rpc.h>

#include <stdio.h>

/* The table, if it reaches as far as the field. */
#define OFFERS(table, field)                                                                                           \
    ((table) != NULL && (table)->size >= offsetof(via_rpc, field) + sizeof((table)->field) && (table)->field != NULL)

static const via_rpc *rpc_of(via_channel *channel, void **self)
{
    return via_context_is_foreign(&channel->context) ? NULL : via_extension(channel, VIA_RPC_ID, self);
}

/* ---- why not ------------------------------------------------------------------------------------------------ */

static const char no_rpc[] = "this channel has no layer rpc", foreign[] = "this channel belongs to the parent process",
                  mend[] = "open it with layers=rpc";

static via_status set_up_refused(const via_channel *channel, via_error *error)
{
    if (via_context_is_foreign(&channel->context))
        return via_error_set(error, VIA_EFORK, VIA_STAGE_DATA, NULL, "%s", foreign);
    return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_DATA, mend, "%s", no_rpc);
}

static via_status refused(const via_channel *channel)
{
    return via_context_is_foreign(&channel->context) ? VIA_EFORK : VIA_ENOTSUP;
}

static via_status call_refused(const via_channel *channel, via_rpc_error *error)
{
    const via_status status = refused(channel);
    if (error == NULL)
        return status;
    via_rpc_error empty = {.size = sizeof(empty), .origin = VIA_RPC_HERE, .status = status, .not_sent = 1};
    *error = empty;
    (void)snprintf(error->text, sizeof(error->text), "%s", status == VIA_EFORK ? foreign : no_rpc);
    return status;
}

/* ---- serving ------------------------------------------------------------------------------------------------ */

via_status via_rpc_serve(via_channel *channel, const via_rpc_function *functions, size_t count, void *user,
                         via_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, serve) ? table->serve(self, functions, count, user, error) : set_up_refused(channel, error);
}

via_status via_rpc_serve_library(via_channel *channel, const char *library, void *user, via_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, serve_library) ? table->serve_library(self, library, user, error)
                                        : set_up_refused(channel, error);
}

via_status via_rpc_authorize(via_channel *channel, via_rpc_authorize_fn ask, void *user)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, authorize) ? table->authorize(self, ask, user) : refused(channel);
}

via_status via_rpc_pump(via_channel *channel, via_deadline deadline)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, pump) ? table->pump(self, deadline) : refused(channel);
}

via_status via_rpc_stats_get(via_channel *channel, via_rpc_stats *stats)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, stats) ? table->stats(self, stats) : refused(channel);
}

/* ---- calling ------------------------------------------------------------------------------------------------ */

via_status via_rpc_import(via_channel *channel, const char *method, void *function, size_t bytes, via_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, import) ? table->import(self, method, function, bytes, error) : set_up_refused(channel, error);
}

via_status via_rpc_last_error(via_channel *channel, via_rpc_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, last_error) ? table->last_error(self, error) : call_refused(channel, error);
}

via_status via_rpc_call(via_channel *channel, const char *method, void *result, void *const *arguments, size_t count,
                        via_deadline deadline, via_rpc_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, call) ? table->call(self, method, result, arguments, count, deadline, error)
                               : call_refused(channel, error);
}

via_status via_rpc_start(via_channel *channel, const char *method, void *result, void *const *arguments, size_t count,
                         via_deadline deadline, via_rpc_done_fn done, void *user, uint64_t *call, via_rpc_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, start)
               ? table->start(self, method, result, arguments, count, deadline, done, user, call, error)
               : call_refused(channel, error);
}

via_status via_rpc_cancel(via_channel *channel, uint64_t call)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, cancel) ? table->cancel(self, call) : refused(channel);
}

via_status via_rpc_notify(via_channel *channel, const char *method, void *const *arguments, size_t count,
                          via_deadline deadline, via_rpc_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, notify) ? table->notify(self, method, arguments, count, deadline, error)
                                 : call_refused(channel, error);
}

/* ---- calling in JSON ---------------------------------------------------------------------------------------- */

via_status via_rpc_call_json(via_channel *channel, const char *method, const char *parameters, via_deadline deadline,
                             char **result, via_rpc_event_fn event, void *user, via_rpc_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    *result = NULL;
    return OFFERS(table, call_json) ? table->call_json(self, method, parameters, deadline, result, event, user, error)
                                    : call_refused(channel, error);
}

via_status via_rpc_start_json(via_channel *channel, const char *method, const char *parameters, via_deadline deadline,
                              via_rpc_json_fn done, void *user, uint64_t *call, via_rpc_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, start_json) ? table->start_json(self, method, parameters, deadline, done, user, call, error)
                                     : call_refused(channel, error);
}

via_status via_rpc_notify_json(via_channel *channel, const char *method, const char *parameters, via_deadline deadline,
                               via_rpc_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    return OFFERS(table, notify_json) ? table->notify_json(self, method, parameters, deadline, error)
                                      : call_refused(channel, error);
}

via_status via_rpc_describe(via_channel *channel, via_deadline deadline, char **text, via_rpc_error *error)
{
    void *self;
    const via_rpc *table = rpc_of(channel, &self);
    *text = NULL;
    return OFFERS(table, describe) ? table->describe(self, deadline, text, error) : call_refused(channel, error);
}
