/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of one channel or listener, and the functions that plugins call.
 */
#include "core/context.h"

#include "core/crowd.h"
#include "core/stack.h"
#include "core/waitset.h"
#include "kit/error.h"
#include "platform/mutex.h"
#include <stdlib.h>
#include <string.h>

static _Thread_local const via_log *present_log;

const via_log *via_context_log_enter(const via_log *log)
{
    const via_log *before = present_log;
    present_log = log;
    return before;
}

void via_context_init(via_context *context, via_route *route)
{
    context->generation = route->generation;
    context->route = via_route_hold(route);
    atomic_init(&context->is_interrupted, false);
    atomic_init(&context->entry, NULL);
    atomic_init(&context->suspensions, 0);
    atomic_init(&context->notifiers, 0);
    for (size_t i = 0; i < 2; i++)
        atomic_init(&context->crowds[i], NULL);
    atomic_init(&context->failure, NULL);
    context->whole = context;
    context->plugin = route->loaded->name;
}

void via_context_init_part(via_context *part, via_context *whole, const char *plugin)
{
    memset(part, 0, sizeof(*part));
    part->generation = whole->generation;
    part->route = whole->route;
    part->whole = whole;
    part->plugin = plugin;
}

void via_context_reset(via_context *context)
{
    free(atomic_exchange(&context->failure, NULL));
}

void via_context_fini(via_context *context)
{
    via_context_reset(context);
    via_route_drop(context->route);
}

/* ---- failures ----------------------------------------------------------------------------------------------- */

static void fill_failure(via_error *error, const via_context *context, via_status status, int32_t os_code,
                         const char *what, const char *mend)
{
    const via_route *route = context->route;
    (void)via_error_set(error, status, VIA_STAGE_DATA, mend, "%s: %s", route->resolved.address,
                        what != NULL ? what : via_status_text(status));
    if (os_code != 0)
        via_error_os(error, os_code);
    if (route->resolved.file != NULL)
        via_error_at(error, route->resolved.file, NULL, route->resolved.line, route->resolved.column);
    const size_t length = strnlen(context->plugin, sizeof(error->plugin) - 1);
    memcpy(error->plugin, context->plugin, length);
    if (error->mend[0] == '\0')
        via_error_mend(error, "see why it ended, then connect again");
}

void via_context_fail(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    via_context *whole = context->whole;
    if (atomic_load(&whole->failure) != NULL)
        return;
    via_error *error = malloc(sizeof(*error));
    if (error == NULL)
        return; /* the status of the call tells as much as is left */
    fill_failure(error, context, status, os_code, what, mend);
    via_error *none = NULL;
    if (!atomic_compare_exchange_strong(&whole->failure, &none, error)) {
        free(error);
        return;
    }
    via_log_line(context->route->log, VIA_LOG_INFO, error->plugin, "%s: %s", via_status_name(status), error->what);
}

/* ---- waking a waitset --------------------------------------------------------------------------------------- */

void via_context_notify(via_context *context)
{
    (void)atomic_fetch_add(&context->notifiers, 1);
    via_entry *entry = atomic_load(&context->entry);
    if (entry != NULL)
        via_entry_notify(entry);
    (void)atomic_fetch_sub(&context->notifiers, 1);
}

void via_context_leave(via_context *context)
{
    atomic_store(&context->entry, NULL);
    while (atomic_load(&context->notifiers) != 0)
        via_mutex_yield();
}

/* ---- what plugins call -------------------------------------------------------------------------------------- */

static via_status api_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)via_error_set(error, status, VIA_STAGE_NONE, mend, "%s", what != NULL ? what : via_status_text(status));
    via_error_os(error, os_code);
    return status;
}

static void api_log(via_context *context, uint32_t level, const char *text)
{
    const via_log *log = context != NULL ? context->route->log : present_log;
    const char *plugin = context != NULL ? context->plugin : NULL;
    via_log_line(log, level, plugin, "%s", text != NULL ? text : "");
}

static void api_failed(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    if (context != NULL)
        via_context_fail(context, status, os_code, what, mend);
}

static void api_attention(via_context *given)
{
    if (given == NULL)
        return;
    via_context *context = given->whole;
    via_context_notify(context);
    for (size_t i = 0; i < 2; i++) {
        via_crowd *crowd = atomic_load(&context->crowds[i]);
        if (crowd != NULL)
            via_crowd_stir(crowd);
    }
}

const via_host_api via_context_api = {
    .size = sizeof(via_host_api),
    .error = api_error,
    .log = api_log,
    .failed = api_failed,
    .attention = api_attention,
    .inner = &via_inner_ops,
};
