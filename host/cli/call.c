/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via call`: a function in another process, with JSON.
 *
 * Owns: the order of things: connect, find out what there is, call. A signal ends it at once: the other end learns of it by
 * the end of the connection.
 */
#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "session.h"

enum { DIAL_S = 5, ASK_MS = 2000 };

/* ---- what is known of the other end ------------------------------------------------------------------------- */

/* A program that never answers what it does not know must not use the time up that the call is to have. */
static via_deadline limit_of_asking(const via_cli_caller *caller)
{
    uint64_t most = ASK_MS;
    bool lists = caller->args->operands.count < 2;
    if (lists)
        return caller->deadline;
    if (caller->deadline != VIA_RPC_USUAL && caller->args->timeout_ns / 4 / 1000000 < most)
        most = caller->args->timeout_ns / 4 / 1000000;
    return via_after_ms(most);
}

/* An exit status; not to be told, to a caller that can do without, is no failure. */
static int get_acquainted(via_cli_caller *caller)
{
    bool lists = caller->args->operands.count < 2;
    via_rpc_error error;
    char *text = NULL;
    caller->interface = via_cli_rpc_read(&caller->rpc);
    if (caller->interface)
        return VIA_EXIT_OK;
    via_rpc_error_init(&error);
    via_status status = via_rpc_describe(caller->channel, limit_of_asking(caller), &text, &error);
    if (status == VIA_OK)
        caller->interface = json_loads(text, 0, NULL);
    via_free(text);
    if (caller->interface || (!lists && (status == VIA_EREMOTE || status == VIA_ETIMEDOUT || status == VIA_OK)))
        return VIA_EXIT_OK;
    error.status = status == VIA_OK ? VIA_ETYPE : status;
    return via_cli_call_failed(caller, "rpc.describe", &error);
}

/* ---- one call ----------------------------------------------------------------------------------------------- */

static void put_line(const char *text)
{
    (void)fputs(text, stdout);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

/* Every callback returns 0, false or nothing, which is how C says: go on. */
static void show_event(void *user, const char *parameters, char *result, size_t capacity)
{
    (void)user;
    (void)result;
    (void)capacity;
    put_line(parameters);
}

/* An exit status. */
static int send_call(const via_cli_caller *caller, const char *method, const char *parameters)
{
    via_rpc_error error;
    char *result = NULL;
    via_status status;
    via_rpc_error_init(&error);
    if (caller->args->notify)
        status = via_rpc_notify_json(caller->channel, method, parameters, caller->deadline, &error);
    else
        status =
            via_rpc_call_json(caller->channel, method, parameters, caller->deadline, &result, show_event, NULL, &error);
    if (status == VIA_OK && result)
        put_line(result);
    via_free(result);
    if (status == VIA_OK)
        return VIA_EXIT_OK;
    error.status = status;
    return via_cli_call_failed(caller, method, &error);
}

/* Takes the parameters' reference. */
static int call(const via_cli_caller *caller, const char *method, json_t *parameters)
{
    char *text = json_dumps(parameters, JSON_COMPACT);
    int result = text ? send_call(caller, method, text) : via_cli_out_of_memory();
    free(text);
    json_decref(parameters);
    return result;
}

/* ---- the command line, or lines ----------------------------------------------------------------------------- */

static int call_words(const via_cli_caller *caller)
{
    const via_cli_list *operands = &caller->args->operands;
    const char *method = operands->items[1];
    int result = via_cli_call_check(caller, method);
    if (result != VIA_EXIT_OK)
        return result;
    json_t *parameters = via_cli_call_words(caller, method, operands->items + 2, operands->count - 2, &result);
    return parameters ? call(caller, method, parameters) : result;
}

static int call_line(const via_cli_caller *caller, const char *line, uint64_t number)
{
    json_error_t wrong = {.text = ""};
    json_t *parameters = json_loads(line, JSON_REJECT_DUPLICATES, &wrong);
    const char *name = json_string_value(json_array_get(parameters, 0));
    char method[128];
    if (!name || strlen(name) >= sizeof method) {
        int refused = via_cli_complain(VIA_EXIT_FAILED, "write [\"method\", argument, ...], a line each",
                                       "line %llu of the input is no call%s%s", (unsigned long long)number,
                                       parameters ? "" : ": ", parameters ? "" : wrong.text);
        json_decref(parameters);
        return refused;
    }
    (void)snprintf(method, sizeof method, "%s", name);
    int result = via_cli_call_check(caller, method);
    if (result != VIA_EXIT_OK) {
        json_decref(parameters);
        return result;
    }
    (void)json_array_remove(parameters, 0);
    return call(caller, method, parameters);
}

static int call_lines(const via_cli_caller *caller)
{
    char *line = NULL;
    size_t capacity = 0;
    int result = VIA_EXIT_OK;
    for (uint64_t number = 1; result == VIA_EXIT_OK && getline(&line, &capacity, stdin) >= 0; number++)
        result = call_line(caller, line, number);
    free(line);
    return result;
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

static int connect_to(via_cli_caller *caller)
{
    via_error error;
    via_open_options options;
    const via_cli_rpc *rpc = &caller->rpc;
    via_error_init(&error);
    via_cli_rpc_options(rpc, &options);
    via_deadline deadline = via_cli_deadline(caller->args, DIAL_S * UINT64_C(1000000000));
    if (via_dial(rpc->host, rpc->address, &options, deadline, &caller->channel, &error) != VIA_OK)
        return via_cli_error(rpc->address, &error);
    caller->deadline = via_cli_given(caller->args, VIA_CLI_TIMEOUT) ? deadline : VIA_RPC_USUAL;
    return VIA_EXIT_OK;
}

/* What was sent without waiting for an answer has to leave. */
static int see_off(const via_cli_caller *caller, int result)
{
    if (result != VIA_EXIT_OK || !caller->args->notify)
        return result;
    via_status status = via_drain(caller->channel, via_cli_deadline(caller->args, DIAL_S * UINT64_C(1000000000)), NULL);
    return status == VIA_OK ? result : via_cli_status(caller->rpc.address, caller->channel, status);
}

static int run(via_cli_caller *caller)
{
    const via_cli_list *operands = &caller->args->operands;
    int result = connect_to(caller);
    if (result == VIA_EXIT_OK)
        result = get_acquainted(caller);
    if (result != VIA_EXIT_OK)
        return result;
    if (operands->count < 2)
        return via_cli_call_list(caller);
    bool reads = strcmp(operands->items[1], "-") == 0;
    return see_off(caller, reads ? call_lines(caller) : call_words(caller));
}

static int check_words(const via_cli_args *args)
{
    const via_cli_list *operands = &args->operands;
    if (operands->count < 2 && args->notify)
        return via_cli_usage(args->command, NULL, "--notify wants a METHOD to call");
    if (operands->count > 2 && strcmp(operands->items[1], "-") == 0)
        return via_cli_usage(args->command, "write the calls to standard input, or name the method",
                             "'%s' is one word too many: METHOD - takes its arguments from standard input",
                             operands->items[2]);
    return VIA_EXIT_OK;
}

int via_cli_run_call(const via_cli_args *args)
{
    via_cli_caller caller = {.args = args};
    via_host *host;
    int result = check_words(args);
    if (result == VIA_EXIT_OK)
        result = via_cli_host_open(args, &host);
    if (result != VIA_EXIT_OK)
        return result;
    result = via_cli_rpc_init(&caller.rpc, args, host);
    if (result == VIA_EXIT_OK)
        result = run(&caller);
    json_decref(caller.interface);
    if (result != VIA_EXIT_OK && caller.channel)
        via_interrupt(caller.channel); /* what cannot be delivered any more is not waited for */
    via_close(caller.channel);
    via_cli_rpc_fini(&caller.rpc);
    via_host_close(host);
    return result;
}
