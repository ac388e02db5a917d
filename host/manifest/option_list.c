/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of a scheme or a layer.
 *
 * Owns: their names. What a value may be is for option.c to say.
 */
#include "manifest/option.h"
#include "manifest/plugin_manifest.h"

#include <stdlib.h>
#include <string.h>

static via_status read_option(via_check *check, const char *name, json_t *value, via_option_spec *spec)
{
    if (!via_option_is_name(name))
        return via_check_fail_key(check, NULL,
                                  "\"%.80s\" is no option name; expected a lower-case letter, then lower-case letters, "
                                  "digits and \"_\", at most 31",
                                  name);
    if (via_option_is_reserved(name))
        return via_check_fail_key(check, "choose another name", "the option \"%s\" is the host's own", name);
    spec->name = name;
    return via_option_spec_read(check, value, spec);
}

via_status via_option_list_read(via_check *check, json_t *value, via_option_list *list)
{
    const char *name;
    json_t *part;

    if (!json_is_object(value))
        return via_check_fail_type(check, value, "an object of options");
    if (json_object_size(value) > 64)
        return via_check_fail(check, NULL, "more than 64 options");
    list->specs = calloc(json_object_size(value) + 1, sizeof(*list->specs));
    if (!list->specs)
        return VIA_ENOMEM;
    json_object_foreach(value, name, part)
    {
        via_check_enter(check, name, 0);
        via_status status = read_option(check, name, part, &list->specs[list->count++]);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

void via_option_list_fini(via_option_list *list)
{
    free(list->specs);
    *list = (via_option_list){NULL, 0};
}

static via_status check_option(via_check *check, const via_option_spec *spec, uint32_t patterns, const char *noun)
{
    char text[64];

    if (!(spec->patterns & ~patterns))
        return VIA_OK;
    via_check_enter(check, spec->name, 0);
    via_check_enter(check, "patterns", 0);
    via_status status = via_check_fail(check, "take it out", "the %s does not offer the pattern \"%s\"", noun,
                                       via_pattern_list(spec->patterns & ~patterns, text, sizeof(text)));
    via_check_leave(check);
    via_check_leave(check);
    return status;
}

via_status via_option_list_check(via_check *check, const via_option_list *list, uint32_t patterns, const char *noun)
{
    via_status status = VIA_OK;

    via_check_enter(check, "options", 0);
    for (size_t i = 0; i < list->count && status == VIA_OK; i++)
        status = check_option(check, &list->specs[i], patterns, noun);
    via_check_leave(check);
    return status;
}

const via_option_spec *via_option_list_find(const via_option_list *list, const char *name, size_t *index)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->specs[i].name, name) != 0)
            continue;
        *index = i;
        return &list->specs[i];
    }
    return NULL;
}
