/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about addresses; see facts.h. Owns: nothing. */
#include "facts.h"

#include <string.h>

#include "session.h"

static json_t *find_in(const json_t *list, const char *name)
{
    size_t index;
    json_t *option;
    json_array_foreach(list, index, option)
    {
        const char *found = json_string_value(json_object_get(option, "name"));
        if (found && strcmp(found, name) == 0)
            return option;
    }
    return NULL;
}

json_t *via_cli_option_of(const via_cli_args *args, via_host *host, const char *address, const char *name)
{
    via_error error;
    via_open_options options;
    char *text = NULL;
    via_error_init(&error);
    via_cli_open_options(args, &options);
    via_status status = via_explain(host, address, &options, &text, &error);
    json_t *root = status == VIA_OK && text ? json_loads(text, 0, NULL) : NULL;
    json_t *option = find_in(json_object_get(root, "options"), name);
    if (!option)
        option = find_in(json_object_get(root, "host_options"), name);
    json_incref(option);
    json_decref(root);
    via_free(text);
    return option;
}

uint64_t via_cli_max_message_of(const via_cli_args *args, via_host *host, const char *address)
{
    uint64_t bytes = UINT64_MAX;
    json_t *option = via_cli_option_of(args, host, address, "max_message");
    const char *value = json_string_value(json_object_get(option, "value"));
    if (!value || !via_cli_parse_size(value, &bytes))
        bytes = UINT64_MAX;
    json_decref(option);
    return bytes;
}
