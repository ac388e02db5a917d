/* SPDX-License-Identifier: Apache-2.0 */
/* Refused messages; see refusal.h. Owns: what is known about separators of framings. */
#include "refusal.h"

#include <string.h>

#include "facts.h"

bool via_cli_is_refusal(via_status status)
{
    return status == VIA_EINVAL || status == VIA_ETOOBIG || status == VIA_EDROPPED;
}

/* ---- too large ---------------------------------------------------------------------------------------------- */

/* The limit can be raised up to the scheme's own; beyond that only smaller messages help. */
static void mend_size(const via_cli_letter *letter, char *mend, size_t capacity)
{
    char bound_text[32];
    uint64_t bound = via_cli_max_message_of_scheme(letter->args, letter->host, letter->address);
    via_cli_format_size(bound, bound_text, sizeof bound_text);
    if (bound == UINT64_MAX)
        (void)snprintf(mend, capacity, "%s", via_cli_usual_mend(VIA_ETOOBIG));
    else if (letter->body.size > bound)
        (void)snprintf(mend, capacity, "send it in parts: no message here can have more than %s", bound_text);
    else
        (void)snprintf(mend, capacity,
                       "send it in parts, or give both ends a larger max_message=, which is %s at most here",
                       bound_text);
}

static int tell_size(const via_cli_letter *letter)
{
    char mend[256];
    via_channel_info info = {.size = sizeof info};
    unsigned long long number = letter->number;
    mend_size(letter, mend, sizeof mend);
    if (via_info(letter->channel, &info) != VIA_OK || info.max_message >= letter->body.size)
        return via_cli_complain(VIA_EXIT_FAILED, mend, "%s: message %llu is too large: it has %zu bytes",
                                letter->address, number, letter->body.size);
    return via_cli_complain(
        VIA_EXIT_FAILED, mend, "%s: message %llu has %zu bytes%s; this channel carries at most %llu", letter->address,
        number, letter->body.size, letter->is_part ? " or more" : "", (unsigned long long)info.max_message);
}

/* ---- the separator in it ------------------------------------------------------------------------------------ */

/* "framing=raw, framing=length32": all values but the present one. */
static void list_others(const json_t *option, char *list, size_t capacity)
{
    const char *present = json_string_value(json_object_get(option, "value"));
    size_t index, used = 0;
    const json_t *value;
    list[0] = '\0';
    json_array_foreach(json_object_get(option, "values"), index, value)
    {
        const char *name = json_string_value(value);
        if (!name || strcmp(name, present) == 0 || used >= capacity)
            continue;
        used += (size_t)snprintf(list + used, capacity - used, "%sframing=%s", used ? ", " : "", name);
    }
}

static int tell_newline(const via_cli_letter *letter, const json_t *framing)
{
    char others[160], mend[256];
    list_others(framing, others, sizeof others);
    (void)snprintf(mend, sizeof mend, "give both ends another framing (%s), or take the newline out", others);
    return via_cli_complain(VIA_EXIT_FAILED, mend,
                            "%s: message %llu holds a newline, the delimiter of framing=line, which cannot carry it",
                            letter->address, (unsigned long long)letter->number);
}

static int tell_content(const via_cli_letter *letter)
{
    int result;
    json_t *framing = via_cli_option_of(letter->args, letter->host, letter->address, "framing");
    const char *name = json_string_value(json_object_get(framing, "value"));
    bool has_newline = letter->body.size > 0 && memchr(letter->body.data, '\n', letter->body.size);
    if (name && strcmp(name, "line") == 0 && has_newline)
        result = tell_newline(letter, framing);
    else if (letter->args->priority != 0)
        result =
            via_cli_complain(VIA_EXIT_FAILED, "choose a --priority in the range that the line above tells",
                             "%s: message %llu is refused: priority %lld, or another label, is not carried here",
                             letter->address, (unsigned long long)letter->number, (long long)letter->args->priority);
    else
        result = via_cli_complain(VIA_EXIT_FAILED,
                                  "take it out, or choose other options for both ends ('via explain ADDRESS' lists "
                                  "them)",
                                  "%s: message %llu has something in it or in its labels that this channel's options "
                                  "cannot carry, such as a delimiter",
                                  letter->address, (unsigned long long)letter->number);
    json_decref(framing);
    return result;
}

int via_cli_refused(const via_cli_letter *letter, via_status status)
{
    if (status == VIA_ETOOBIG)
        return tell_size(letter);
    if (status == VIA_EINVAL)
        return tell_content(letter);
    return via_cli_complain(via_cli_exit_of(status), via_cli_usual_mend(status), "%s: message %llu: %s",
                            letter->address, (unsigned long long)letter->number, via_status_text(status));
}

/* ---- labels ------------------------------------------------------------------------------------------------- */

static int tell_label(via_host *host, const char *address, const char *name)
{
    char schemes[128], mend[256];
    via_cli_list_carriers(host, name, schemes, sizeof schemes);
    (void)snprintf(mend, sizeof mend,
                   "leave the %s out (--%s, or \"%s\" in JSON), or use a scheme whose messages have one (%s)", name,
                   name, name, schemes[0] ? schemes : "no plugin here has such");
    return via_cli_complain(VIA_EXIT_FAILED, mend, "%s: messages have no %s here, so it would be lost", address, name);
}

int via_cli_check_meta(via_host *host, const char *address, via_channel *channel, const via_meta *meta)
{
    via_channel_info info = {.size = sizeof info};
    if ((!meta->key && !meta->content_type && meta->priority == 0) || via_info(channel, &info) != VIA_OK)
        return VIA_EXIT_OK;
    if (info.pattern == VIA_PATTERN_TOPIC)
        info.flags |= VIA_INFO_CARRIES_KEY; /* where no field does, it is the beginning of the message */
    if (meta->key && !(info.flags & VIA_INFO_CARRIES_KEY))
        return tell_label(host, address, "key");
    if (meta->content_type && !(info.flags & VIA_INFO_CARRIES_TYPE))
        return tell_label(host, address, "type");
    if (meta->priority != 0 && !(info.flags & VIA_INFO_CARRIES_PRIORITY))
        return tell_label(host, address, "priority");
    return VIA_EXIT_OK;
}
