/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what processes have open; see observe.h.
 *
 * A send that is inside the transport may be there for a moment or for ever. So one that is seen inside is looked at twice.
 */
#include <string.h>

#include "observe.h"
#include "wait.h"

enum { LOOK_AGAIN_NS = 100 * 1000 * 1000 };

/* ---- reading ------------------------------------------------------------------------------------------------ */

const char *via_cli_observed_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

uint64_t via_cli_observed_number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

bool via_cli_observed_is(const json_t *object, const char *key, const char *text)
{
    return strcmp(via_cli_observed_text(object, key), text) == 0;
}

uint64_t via_cli_observed_drops(const json_t *object)
{
    static const char *const keys[] = {"dropped_oldest", "dropped_newest", "dropped_nobody", "dropped_filter",
                                       "dropped_closing"};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        sum += via_cli_observed_number(object, keys[i]);
    return sum;
}

const char *via_cli_observed_name(const json_t *channel)
{
    const char *endpoint = via_cli_observed_text(channel, "endpoint");
    return endpoint[0] ? endpoint : via_cli_observed_text(channel, "address");
}

const json_t *via_cli_observed_find(const json_t *list, const char *key, uint64_t wanted)
{
    size_t index;
    json_t *object;
    json_array_foreach(list, index, object)
    {
        if (via_cli_observed_number(object, key) == wanted)
            return object;
    }
    return NULL;
}

const char *via_cli_observed_role(const json_t *channel)
{
    return via_cli_observed_is(channel, "kind", "listener") ? "listener" : via_cli_observed_text(channel, "role");
}

/* ---- asking ------------------------------------------------------------------------------------------------- */

static int ask(int64_t pid, json_t **processes)
{
    char *text = NULL;
    via_error error;
    via_status status = via_observe(pid, &text, &error);
    if (status != VIA_OK)
        return via_cli_error(NULL, &error);
    json_t *whole = json_loads(text, 0, NULL);
    via_free(text);
    *processes = json_incref(json_object_get(whole, "processes"));
    json_decref(whole);
    return *processes ? VIA_EXIT_OK : via_cli_out_of_memory();
}

static bool is_waiting(const json_t *channel)
{
    return via_cli_observed_is(channel, "sending", "waits");
}

static bool any_waits(const json_t *processes)
{
    size_t i, j;
    json_t *process, *channel;
    json_array_foreach(processes, i, process)
    {
        json_array_foreach(json_object_get(process, "channels"), j, channel)
        {
            if (is_waiting(channel))
                return true;
        }
    }
    return false;
}

/* What was inside at the first look and has got any further was only passing. */
static void settle(json_t *channel, const json_t *before)
{
    bool is_same =
        before && is_waiting(before) &&
        via_cli_observed_number(before, "sent_messages") == via_cli_observed_number(channel, "sent_messages");
    if (is_waiting(channel) && !is_same)
        (void)json_object_set_new(channel, "sending", json_string("idle"));
}

static void settle_all(json_t *processes, const json_t *before)
{
    size_t i, j;
    json_t *process, *channel;
    json_array_foreach(processes, i, process)
    {
        const json_t *was = via_cli_observed_find(before, "pid", via_cli_observed_number(process, "pid"));
        const json_t *channels = json_object_get(was, "channels");
        json_array_foreach(json_object_get(process, "channels"), j, channel)
        {
            settle(channel, via_cli_observed_find(channels, "number", via_cli_observed_number(channel, "number")));
        }
    }
}

int via_cli_observe(int64_t pid, json_t **processes)
{
    json_t *again = NULL;
    int result = ask(pid, processes);
    if (result != VIA_EXIT_OK || !any_waits(*processes))
        return result;
    via_cli_pause_until(via_now_ns() + LOOK_AGAIN_NS);
    result = ask(pid, &again);
    if (result == VIA_EXIT_OK)
        settle_all(again, *processes);
    json_decref(*processes);
    *processes = again;
    return result;
}

/* ---- states ------------------------------------------------------------------------------------------------- */

static void tell_full(const json_t *channel, char *text, size_t capacity)
{
    const char *state = via_cli_observed_text(channel, "peer_state");
    unsigned long long pid = via_cli_observed_number(channel, "peer_pid");
    if (pid == 0)
        (void)snprintf(text, capacity, "FULL: nobody reads, or not fast enough");
    else if (strcmp(state, "running") == 0)
        (void)snprintf(text, capacity, "FULL: peer not reading, pid %llu", pid);
    else
        (void)snprintf(text, capacity, "FULL: peer not reading, pid %llu %s", pid,
                       strcmp(state, "ended") == 0 ? "has ended" : "is stopped");
}

void via_cli_observed_state(const json_t *process, const json_t *channel, char *text, size_t capacity)
{
    text[0] = '\0';
    if (via_cli_observed_is(process, "state", "ended"))
        (void)snprintf(text, capacity, "ended without closing it");
    else if (!via_cli_observed_is(channel, "sending", "idle"))
        tell_full(channel, text, capacity);
    else if (via_cli_observed_is(process, "state", "stopped"))
        (void)snprintf(text, capacity, "stopped: kill -CONT %llu",
                       (unsigned long long)via_cli_observed_number(process, "pid"));
    else if (via_cli_observed_is(channel, "peer_state", "stopped"))
        (void)snprintf(text, capacity, "peer stopped, pid %llu",
                       (unsigned long long)via_cli_observed_number(channel, "peer_pid"));
}
