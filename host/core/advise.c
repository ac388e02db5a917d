/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_explain(), via_advise() and via_lint(): what is known without running anything.
 *
 * Owns: the host for the time of the call.
 */
#include "core/host.h"
#include "core/routes.h"
#include "kit/error.h"

typedef struct question {
    const char *text;
    const via_open_options *options;
    char **json;
} question;

typedef via_status (*answer_fn)(via_registry *registry, const question *asked, via_error *error);

static via_status ask(via_host *given, answer_fn answer, const question *asked, via_error *error)
{
    via_host *host = NULL;
    via_error own;
    via_error_init(&own);
    *asked->json = NULL;
    via_status status = via_host_borrow(given, &host, &own);
    if (status == VIA_OK) {
        status = answer(host->registry, asked, &own);
        via_host_drop(host);
    }
    if (error != NULL)
        *error = own;
    return status;
}

static via_status advise(via_registry *registry, const question *asked, via_error *error)
{
    return via_registry_advise(registry, asked->text, asked->json, error);
}

static via_status lint(via_registry *registry, const question *asked, via_error *error)
{
    return via_registry_lint(registry, asked->text, asked->json, error);
}

via_status via_advise(via_host *host, const char *need, char **json, via_error *error)
{
    const question asked = {need, NULL, json};
    return ask(host, advise, &asked, error);
}

via_status via_lint(via_host *host, const char *file, char **json, via_error *error)
{
    const question asked = {file, NULL, json};
    return ask(host, lint, &asked, error);
}
