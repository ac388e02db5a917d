/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via explain --live`: who listens at each candidate.
 *
 * Owns: the one dial that finds out. What it meets sees a client that comes and goes, so it is done only when asked for.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "choose.h"

enum { LOOK_MS = 200 };

/* The program's name as the system shows it; "" = it does not. */
static void read_name(uint64_t pid, char *name, size_t capacity)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%llu/comm", (unsigned long long)pid);
    FILE *file = fopen(path, "re");
    name[0] = '\0';
    if (!file)
        return;
    if (fgets(name, (int)capacity, file))
        name[strcspn(name, "\n")] = '\0';
    (void)fclose(file);
}

static json_t *describe_peer(via_channel *channel)
{
    char name[64];
    via_peer_info peer = {.size = sizeof peer};
    if (via_peer(channel, &peer) != VIA_OK || peer.pid == 0)
        return json_string("listening");
    read_name((uint64_t)peer.pid, name, sizeof name);
    return name[0] ? json_sprintf("listening: pid %llu (%s)", (unsigned long long)peer.pid, name)
                   : json_sprintf("listening: pid %llu", (unsigned long long)peer.pid);
}

static json_t *look(via_host *host, const char *address)
{
    via_error error;
    via_channel *channel = NULL;
    const via_status status = via_dial(host, address, NULL, via_after_ms(LOOK_MS), &channel, &error);
    if (status == VIA_ENOPEER)
        return json_string("no listener now");
    if (status != VIA_OK)
        return json_sprintf("%s: %s", via_status_name(status), error.what);
    json_t *text = describe_peer(channel);
    via_close(channel);
    return text;
}

static bool is_worth_it(const json_t *candidate)
{
    const char *verdict = json_string_value(json_object_get(candidate, "verdict"));
    return verdict && (strcmp(verdict, "fits") == 0 || strcmp(verdict, "chosen") == 0);
}

void via_cli_look_live(via_host *host, json_t *root)
{
    size_t index;
    json_t *candidate;
    const char *pattern = json_string_value(json_object_get(root, "pattern"));
    const char *only = json_string_value(json_object_get(root, "address"));
    if (pattern && strcmp(pattern, "pair") != 0)
        return;
    json_array_foreach(json_object_get(root, "candidates"), index, candidate)
    {
        const char *own = json_string_value(json_object_get(candidate, "address"));
        const char *address = own ? own : only;
        if (address && is_worth_it(candidate))
            (void)json_object_set_new(candidate, "live", look(host, address));
    }
}
