/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that fail; see call.h.
 *
 * Owns: the words for it, and the way out: what the method wants, or which methods there are.
 */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "rpc_text.h"

enum { NO_METHOD = -32601, WRONG_PARAMETERS = -32602 }; /* JSON-RPC 2.0, which the other codec uses too */

/* ---- ways out ----------------------------------------------------------------------------------------------- */

static void write_signature(const via_cli_caller *caller, const char *method, char *text, size_t capacity)
{
    const json_t *known = via_cli_rpc_method(caller->interface, method);
    char *signature = known ? via_cli_rpc_signature(method, known) : NULL;
    if (signature)
        (void)snprintf(text, capacity, "give what it takes: %s", signature);
    else
        (void)snprintf(text, capacity, "see what '%s' takes, or name its interface with --interface", method);
    free(signature);
}

static const char *list_hint(const via_cli_caller *caller, char *text, size_t capacity)
{
    (void)snprintf(text, capacity, "'via call %s' lists the methods", caller->rpc.address);
    return text;
}

/* What the interface says of a named error. */
static const char *summary_of(const via_cli_caller *caller, const char *name)
{
    const json_t *error = json_object_get(json_object_get(caller->interface, "errors"), name);
    return json_string_value(json_object_get(error, "summary"));
}

static void write_remote_mend(const via_cli_caller *caller, const char *method, const via_rpc_error *error, char *text,
                              size_t capacity)
{
    const char *summary = summary_of(caller, error->name);
    if (error->code == WRONG_PARAMETERS)
        write_signature(caller, method, text, capacity);
    else if (error->code == NO_METHOD)
        (void)snprintf(text, capacity, "correct the name; 'via call %s' lists the methods of who can tell them",
                       caller->rpc.address);
    else if (error->code <= -32000 && error->code > -33000)
        (void)snprintf(text, capacity, "see what the other end says; both ends need the same codec and framing, too");
    else if (summary)
        (void)snprintf(text, capacity, "%s means: %s", error->name, summary);
    else
        (void)snprintf(text, capacity, "ask who wrote the function what it means");
}

/* ---- telling ------------------------------------------------------------------------------------------------ */

int via_cli_call_wrong(const via_cli_caller *caller, const char *method, const char *what)
{
    char mend[1200];
    write_signature(caller, method, mend, sizeof mend);
    return via_cli_complain(VIA_EXIT_FAILED, mend, "%s: %s: %s", caller->rpc.address, method, what);
}

int via_cli_call_check(const via_cli_caller *caller, const char *method)
{
    char mend[600];
    if (!caller->interface || via_cli_rpc_method(caller->interface, method))
        return VIA_EXIT_OK;
    const char *nearest = via_cli_rpc_nearest(caller->interface, method);
    (void)list_hint(caller, mend, sizeof mend);
    if (nearest)
        return via_cli_complain(VIA_EXIT_FAILED, mend, "%s: there is no method '%s'; did you mean '%s'?",
                                caller->rpc.address, method, nearest);
    return via_cli_complain(VIA_EXIT_FAILED, mend, "%s: there is no method '%s'", caller->rpc.address, method);
}

static int tell_remote(const via_cli_caller *caller, const char *method, const via_rpc_error *error)
{
    char mend[1200], name[80] = "";
    write_remote_mend(caller, method, error, mend, sizeof mend);
    if (error->name[0])
        (void)snprintf(name, sizeof name, " (%s)", error->name);
    return via_cli_complain(VIA_EXIT_REMOTE, mend, "%s: the other end answered error %d%s: %s", caller->rpc.address,
                            (int)error->code, name, error->text[0] ? error->text : "without a word");
}

/* The other end gives no description, which a list needs. */
static int tell_undescribed(const via_cli_caller *caller, via_status status)
{
    const char *why = status == VIA_ETIMEDOUT ? "has not answered what methods it has" : "does not tell its methods";
    return via_cli_complain(via_cli_exit_of(status), "name its interface with --interface, or the METHOD to call",
                            "%s: the other end %s", caller->rpc.address, why);
}

/* The channel, or the deadline. What the channel itself knows of its end says more. */
static int tell_transport(const via_cli_caller *caller, const char *method, const via_rpc_error *error)
{
    char what[1200];
    via_error failure;
    via_error_init(&failure);
    if (error->status != VIA_ETIMEDOUT && via_failure(caller->channel, &failure) == VIA_OK && failure.what[0])
        return via_cli_error(caller->rpc.address, &failure);
    (void)snprintf(what, sizeof what, "%s: %s%s%s", method, via_status_text(error->status), error->text[0] ? ": " : "",
                   error->text);
    return via_cli_complain(via_cli_exit_of(error->status), via_cli_usual_mend(error->status), "%s: %s",
                            caller->rpc.address, what);
}

int via_cli_call_failed(const via_cli_caller *caller, const char *method, const via_rpc_error *error)
{
    bool asks = strcmp(method, "rpc.describe") == 0;
    if (asks && (error->status == VIA_EREMOTE || error->status == VIA_ETIMEDOUT || error->status == VIA_ETYPE))
        return tell_undescribed(caller, error->status);
    if (error->status == VIA_EREMOTE)
        return tell_remote(caller, method, error);
    if (error->status == VIA_ETYPE || error->status == VIA_EINVAL || error->status == VIA_ENOENT)
        return via_cli_call_wrong(caller, method, error->text);
    return tell_transport(caller, method, error);
}
