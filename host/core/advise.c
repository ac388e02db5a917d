/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_advise() and via_lint(): what is known without running anything.
 *
 * Owns: the host for the time of the call.
 */
#include "core/host.h"
#include "core/routes.h"
#include "kit/error.h"

typedef via_status (*answer_fn)(via_registry *registry, const char *text, char **json, via_error *error);

static via_status ask(via_host *given, answer_fn answer, const char *text, char **json, via_error *error)
{
    via_host *host = NULL;
    via_error own;
    via_error_init(&own);
    *json = NULL;
    via_status status = via_host_borrow(given, &host, &own);
    if (status == VIA_OK) {
        status = answer(host->registry, text, json, &own);
        via_host_drop(host);
    }
    if (error != NULL)
        *error = own;
    return status;
}

via_status via_advise(via_host *host, const char *need, char **json, via_error *error)
{
    return ask(host, via_registry_advise, need, json, error);
}

via_status via_lint(via_host *host, const char *file, char **json, via_error *error)
{
    return ask(host, via_registry_lint, file, json, error);
}
