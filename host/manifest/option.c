/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading option declarations, and fitting values to them.
 *
 * Owns: the cross rules of a declaration (bounds, default, values).
 */
#include "manifest/option.h"

#include "kit/json/nearest.h"
#include "manifest/plugin_manifest.h"
#include "manifest/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the host understands in every address by itself. */
static const char *const reserved_names[] = {"bind", "threads", "max_message", "pattern",
                                             "side", "layers",  "layer",       NULL};

bool via_option_is_reserved(const char *name)
{
    for (const char *const *reserved = reserved_names; *reserved; reserved++) {
        if (strcmp(*reserved, name) == 0)
            return true;
    }
    return false;
}

bool via_option_is_name(const char *text)
{
    size_t size = strlen(text);

    return size >= 1 && size <= 31 && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

static bool is_value_name(const char *text)
{
    return strlen(text) <= 63;
}

/* ---- fields ------------------------------------------------------------------------------------------------- */

static const via_word type_words[] = {
    {"bool", VIA_OPTION_BOOL},         {"int", VIA_OPTION_INT},       {"size", VIA_OPTION_SIZE},
    {"duration", VIA_OPTION_DURATION}, {"string", VIA_OPTION_STRING}, {"enum", VIA_OPTION_ENUM},
    {"path", VIA_OPTION_PATH},         {"mode", VIA_OPTION_MODE},     {NULL, 0},
};

static via_status read_type(via_check *check, json_t *value, void *target)
{
    return via_check_word(check, value, type_words, &((via_option_spec *)target)->type);
}

static via_status read_summary(via_check *check, json_t *value, void *target)
{
    return via_check_text(check, value, 1, 255, &((via_option_spec *)target)->summary);
}

static via_status read_values(via_check *check, json_t *value, void *target)
{
    return via_check_names(check, value, 1, is_value_name, "a value of at most 63 bytes",
                           &((via_option_spec *)target)->values);
}

static via_status read_patterns(via_check *check, json_t *value, void *target)
{
    return via_check_words(check, value, via_pattern_words, 1, &((via_option_spec *)target)->patterns);
}

static via_status read_secret(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((via_option_spec *)target)->secret);
}

/* default, min and max wait for the type, which may stand behind them. */
static const via_field fields[] = {
    {"type", read_type, true},
    {"summary", read_summary, true},
    {"default", NULL, false},
    {"min", NULL, false},
    {"max", NULL, false},
    {"values", read_values, false},
    {"patterns", read_patterns, false},
    {"secret", read_secret, false},
};

/* ---- values written in JSON ----------------------------------------------------------------------------------- */

/* JSON's own types are welcome where the notation is the same. */
static const char *text_of(via_check *check, json_t *value, uint32_t type, char *room, size_t capacity)
{
    const char *text = NULL;
    bool has_number = type == VIA_OPTION_INT || type == VIA_OPTION_SIZE;

    if (json_is_boolean(value) && type == VIA_OPTION_BOOL)
        return json_is_true(value) ? "true" : "false";
    if (json_is_integer(value) && has_number) {
        (void)snprintf(room, capacity, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return room;
    }
    if (!json_is_string(value) || type == VIA_OPTION_BOOL || type == VIA_OPTION_INT) {
        (void)via_check_fail_type(check, value, via_value_expected(type));
        return NULL;
    }
    return via_check_text(check, value, 0, 4096, &text) == VIA_OK ? text : NULL;
}

static via_status read_number(via_check *check, json_t *object, const char *key, uint32_t type, const char **text,
                              char *room, size_t capacity, int64_t *number)
{
    json_t *value = json_object_get(object, key);
    via_status status = VIA_OK;

    if (!value)
        return VIA_OK;
    via_check_enter(check, key, 0);
    if (!via_value_is_ordered(type))
        status = via_check_fail_key(check, "take it out", "\"%s\" has no meaning for the type \"%s\"", key,
                                    via_value_type_name(type));
    else if (!(*text = text_of(check, value, type, room, capacity)))
        status = VIA_EINVAL;
    else if (!via_value_read(type, *text, number))
        status = via_check_fail(check, NULL, "\"%s\" is \"%.80s\"; expected %s", key, *text, via_value_expected(type));
    via_check_leave(check);
    return status;
}

static via_status read_default(via_check *check, json_t *object, via_option_spec *spec)
{
    json_t *value = json_object_get(object, "default");
    via_status status = VIA_OK, unused;
    char what[512];
    via_option option;

    if (!value && (spec->type == VIA_OPTION_STRING || spec->type == VIA_OPTION_PATH)) {
        spec->default_text = "";
        return VIA_OK;
    }
    if (!value)
        return via_check_fail(check, "add \"default\" here", "%s lacks the key \"default\"", "this option");
    via_check_enter(check, "default", 0);
    spec->default_text = text_of(check, value, spec->type, spec->default_room, sizeof(spec->default_room));
    if (!spec->default_text)
        status = VIA_EINVAL;
    else if (!via_option_fit(spec, spec->default_text, &option, &unused, what, sizeof(what)))
        status = via_check_fail(check, NULL, "the default does not fit: %s", what);
    else
        spec->default_number = option.number;
    via_check_leave(check);
    return status;
}

static via_status check_values(via_check *check, via_option_spec *spec)
{
    if (spec->type == VIA_OPTION_ENUM && !spec->values)
        return via_check_fail(check, "add \"values\" here", "an enum lacks the key \"values\"");
    if (spec->type == VIA_OPTION_ENUM || !spec->values)
        return VIA_OK;
    via_check_enter(check, "values", 0);
    via_status status =
        via_check_fail_key(check, "take it out, or make the type \"enum\"",
                           "\"values\" has no meaning for the type \"%s\"", via_value_type_name(spec->type));
    via_check_leave(check);
    return status;
}

static via_status read_bounds(via_check *check, json_t *value, via_option_spec *spec)
{
    spec->min = INT64_MIN;
    spec->max = INT64_MAX;
    via_status status = read_number(check, value, "min", spec->type, &spec->min_text, spec->min_room,
                                    sizeof(spec->min_room), &spec->min);
    if (status == VIA_OK)
        status = read_number(check, value, "max", spec->type, &spec->max_text, spec->max_room, sizeof(spec->max_room),
                             &spec->max);
    if (status != VIA_OK)
        return status;
    if (spec->type == VIA_OPTION_DURATION && spec->max == -1)
        spec->max = INT64_MAX; /* forever */
    if (spec->min > spec->max)
        return via_check_fail(check, NULL, "\"min\" is %s and \"max\" is %s; expected min to be at most max",
                              spec->min_text, spec->max_text);
    return VIA_OK;
}

via_status via_option_spec_read(via_check *check, json_t *value, via_option_spec *spec)
{
    via_status status = via_check_object(check, value, fields, sizeof(fields) / sizeof(fields[0]), spec);

    if (status == VIA_OK)
        status = check_values(check, spec);
    if (status == VIA_OK)
        status = read_bounds(check, value, spec);
    return status == VIA_OK ? read_default(check, value, spec) : status;
}

/* ---- fitting ------------------------------------------------------------------------------------------------ */

/* Where a secret stands in an error, its name has to do. */
static const char *shown(const via_option_spec *spec, const char *text)
{
    return spec->secret ? "(hidden)" : text;
}

static bool fit_enum(const via_option_spec *spec, const char *text, via_option *out, char *what, size_t capacity)
{
    char list[256] = "";
    via_nearest nearest;
    size_t at = 0, index;
    json_t *value;

    via_nearest_begin(&nearest, text);
    json_array_foreach(spec->values, index, value)
    {
        const char *known = json_string_value(value);
        if (strcmp(known, text) == 0) {
            out->number = (int64_t)index;
            return true;
        }
        via_nearest_offer(&nearest, known);
        if (at + 70 < sizeof(list))
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "", known);
    }
    (void)snprintf(what, capacity, "%s is \"%.80s\"; expected one of %s%s%s%s", spec->name, shown(spec, text), list,
                   nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "",
                   nearest.best ? "\"?" : "");
    return false;
}

/* Forever is longer than every duration, whatever its number. */
static bool is_within(const via_option_spec *spec, int64_t number)
{
    if (spec->type == VIA_OPTION_DURATION && number == -1)
        return spec->max == INT64_MAX;
    return number >= spec->min && number <= spec->max;
}

static void write_bounds(const via_option_spec *spec, const char *text, char *what, size_t capacity)
{
    if (spec->min_text && spec->max_text)
        (void)snprintf(what, capacity, "%s is %s; expected from %s to %s", spec->name, text, spec->min_text,
                       spec->max_text);
    else
        (void)snprintf(what, capacity, "%s is %s; expected at %s %s", spec->name, text,
                       spec->min_text ? "least" : "most", spec->min_text ? spec->min_text : spec->max_text);
}

bool via_option_fit(const via_option_spec *spec, const char *text, via_option *out, via_status *status, char *what,
                    size_t capacity)
{
    *out = (via_option){spec->name, text, 0, spec->type, 1};
    *status = VIA_OK;
    if (spec->type == VIA_OPTION_STRING || spec->type == VIA_OPTION_PATH)
        return true;
    *status = VIA_EINVAL;
    if (spec->type == VIA_OPTION_ENUM)
        return fit_enum(spec, text, out, what, capacity);
    if (!via_value_read(spec->type, text, &out->number)) {
        *status = VIA_ETYPE;
        (void)snprintf(what, capacity, "%s is \"%.80s\"; expected %s", spec->name, shown(spec, text),
                       via_value_expected(spec->type));
        return false;
    }
    if (via_value_is_ordered(spec->type) && !is_within(spec, out->number)) {
        write_bounds(spec, shown(spec, text), what, capacity);
        return false;
    }
    return true;
}

void via_option_default(const via_option_spec *spec, via_option *out)
{
    *out = (via_option){spec->name, spec->default_text, spec->default_number, spec->type, 0};
}
