/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an interface, as the other end may send them.
 *
 * A refusal must name a place inside the text, what is wrong and the way out. What loads must describe itself so that the
 * description loads again, with the same hash and the same words, and means the same calls.
 */
#include "interface.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_refusal(const via_error *error, const char *text, size_t size)
{
    size_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    demand(error->what[0] && error->mend[0]);
    demand(error->line >= 1 && error->line <= lines && error->column >= 1);
    demand(strcmp(error->file, "fuzz.json") == 0);
    demand(error->stage == VIA_STAGE_PARSE || error->stage == VIA_STAGE_SCHEMA);
}

/* Counts and links must fit: whoever uses the model asks nothing twice. */
static void check_method(const rpc_method *method)
{
    size_t sent = 0, returned = method->result.kind != RPC_KIND_VOID && method->result.kind != RPC_KIND_STATUS;
    char line[64];

    for (size_t i = 0; i < method->count; i++) {
        const rpc_param *param = &method->params[i];
        sent += param->is_sent;
        returned += param->is_returned;
        demand(param->size_is < (int)method->count && param->length_is < (int)method->count);
        demand(param->type.ffi != NULL);
        demand(param->counts_in == RPC_NONE || method->params[param->counts_in].is_sent);
        demand(param->counts_out == RPC_NONE || method->params[param->counts_out].is_returned);
    }
    demand(sent == method->sent && returned == method->returned);
    demand(rpc_method_write(method, line, sizeof(line)) > 0 && strlen(line) < sizeof(line));
}

static void check_again(const rpc_interface *interface)
{
    rpc_interface *again = NULL;
    char why[64];

    demand(rpc_interface_parse("again", interface->text, interface->text_size, &again, NULL) == VIA_OK);
    demand(again->hash == interface->hash && strcmp(again->text, interface->text) == 0);
    for (size_t i = 0; i < interface->method_count; i++) {
        const rpc_method *method = &interface->methods[i];
        const rpc_method *same = rpc_interface_find(again, method->name, strlen(method->name));
        demand(same && rpc_method_is_like(method, same, why, sizeof(why)));
    }
    rpc_interface_drop(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rpc_interface *interface = NULL;
    via_error error;

    via_error_init(&error);
    via_status status = rpc_interface_parse("fuzz.json", (const char *)data, size, &interface, &error);
    if (status == VIA_EINVAL)
        check_refusal(&error, (const char *)data, size);
    for (size_t i = 0; status == VIA_OK && i < interface->method_count; i++)
        check_method(&interface->methods[i]);
    for (size_t i = 0; status == VIA_OK && i < interface->callback_count; i++)
        check_method(&interface->callbacks[i]);
    if (status == VIA_OK)
        check_again(interface);
    rpc_interface_drop(interface);
    return 0;
}
