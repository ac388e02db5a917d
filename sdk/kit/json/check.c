/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing, places, and the checks of single values.
 *
 * Owns: the limits before parsing and the form of an error. Must never keep anything after an answer.
 */
#include "kit/json/check.h"

#include "kit/error.h"
#include "kit/json/nearest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- parsing ------------------------------------------------------------------------------------------------ */

static via_status fail_parse(via_check *check, size_t offset, const char *mend, const char *what)
{
    uint32_t line, column;
    via_status status = via_error_set(check->error, VIA_EINVAL, VIA_STAGE_PARSE, mend, "%s", what);

    via_locate_offset(check->text, check->size, offset, &line, &column);
    via_error_at(check->error, check->file, NULL, line, column);
    return status;
}

/* jansson's offset stands behind the token it choked on, and names short tokens: "... near 'TOKEN'". */
static size_t token_start(const via_check *check, const json_error_t *json)
{
    size_t end = json->position > 0 ? (size_t)json->position : 1;
    const char *near = strstr(json->text, " near '");
    const char *token = near ? near + strlen(" near '") : "";
    size_t size = *token ? strlen(token) - 1 : 0; /* without the closing quote */

    if (size && size <= end && end <= check->size && memcmp(check->text + end - size, token, size) == 0)
        return end - size;
    return end - 1;
}

static via_status fail_jansson(via_check *check, const json_error_t *json)
{
    char what[sizeof(json->text) + 32];
    size_t offset = token_start(check, json);

    if (json_error_code(json) == json_error_out_of_memory)
        return via_error_set(check->error, VIA_ENOMEM, VIA_STAGE_PARSE, NULL, "out of memory");
    if (json_error_code(json) == json_error_invalid_utf8)
        return fail_parse(check, offset, "save the file as UTF-8", "not valid JSON: a byte that is not UTF-8");
    if (json_error_code(json) == json_error_duplicate_key) {
        (void)snprintf(what, sizeof(what), "a key is there twice: %s", json->text);
        return fail_parse(check, offset, "take one of the two out", what);
    }
    (void)snprintf(what, sizeof(what), "not valid JSON: %s", json->text);
    return fail_parse(check, offset, "mend the JSON here; comments and trailing commas are not part of it", what);
}

via_status via_check_parse(via_check *check, const via_check_form *form, const char *file, const char *text,
                           size_t size, json_t **root, via_error *error)
{
    json_error_t json;
    size_t offset;
    char what[96];

    *check = (via_check){.form = form, .file = file, .text = text, .size = size, .error = error};
    *root = NULL;
    (void)snprintf(what, sizeof(what), "%s is larger than %zu KiB", form->subject, form->bytes / 1024);
    if (size > form->bytes)
        return fail_parse(check, form->bytes, form->split, what);
    (void)snprintf(what, sizeof(what), "nested deeper than %zu levels", form->depth);
    if (via_locate_depth(text, size, form->depth, &offset))
        return fail_parse(check, offset, "take this level out", what);
    *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json);
    return *root ? VIA_OK : fail_jansson(check, &json);
}

/* ---- places ------------------------------------------------------------------------------------------------- */

void via_check_enter(via_check *check, const char *key, size_t index)
{
    check->path[check->depth++] = (via_step){key, index};
}

void via_check_leave(via_check *check)
{
    check->depth--;
}

void via_check_place(const via_check *check, uint32_t *line, uint32_t *column)
{
    size_t offset = 0;

    (void)via_locate_value(check->text, check->size, check->path, check->depth, false, &offset);
    via_locate_offset(check->text, check->size, offset, line, column);
}

/* RFC 6901: "~" and "/" in a key become "~0" and "~1". What does not fit is cut by via_error_at(). */
static void write_pointer(const via_check *check, char *pointer, size_t capacity)
{
    size_t at = 0;

    pointer[0] = '\0';
    for (size_t i = 0; i < check->depth && at + 24 < capacity; i++) {
        const char *c = check->path[i].key;
        if (!c) {
            at += (size_t)snprintf(pointer + at, capacity - at, "/%zu", check->path[i].index);
            continue;
        }
        pointer[at++] = '/';
        for (; *c && at + 3 < capacity; c++) {
            if (*c == '~' || *c == '/') {
                pointer[at++] = '~';
                pointer[at++] = *c == '~' ? '0' : '1';
            } else {
                pointer[at++] = *c;
            }
        }
        pointer[at] = '\0';
    }
}

const char *via_check_name(const via_check *check, char *name, size_t capacity)
{
    const via_step *last = check->depth ? &check->path[check->depth - 1] : NULL;

    if (!last)
        (void)snprintf(name, capacity, "%s", check->form->subject);
    else if (last->key)
        (void)snprintf(name, capacity, "\"%.80s\"", last->key);
    else
        (void)snprintf(name, capacity, "element %zu", last->index + 1);
    return name;
}

static via_status fail_at(via_check *check, bool at_key, const char *mend, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

static via_status fail_at(via_check *check, bool at_key, const char *mend, const char *format, va_list arguments)
{
    char what[512], pointer[512];
    uint32_t line, column;
    size_t offset = 0;

    (void)vsnprintf(what, sizeof(what), format, arguments);
    if (!mend || !*mend)
        mend = check->form->reference;
    via_status status = via_error_set(check->error, VIA_EINVAL, VIA_STAGE_SCHEMA, mend, "%s", what);
    (void)via_locate_value(check->text, check->size, check->path, check->depth, at_key, &offset);
    via_locate_offset(check->text, check->size, offset, &line, &column);
    write_pointer(check, pointer, sizeof(pointer));
    via_error_at(check->error, check->file, pointer, line, column);
    return status;
}

via_status via_check_fail(via_check *check, const char *mend, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    via_status status = fail_at(check, false, mend, format, arguments);
    va_end(arguments);
    return status;
}

via_status via_check_fail_key(via_check *check, const char *mend, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    via_status status = fail_at(check, true, mend, format, arguments);
    va_end(arguments);
    return status;
}

static const char *type_words(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_NULL:
        return "null";
    default:
        return json_is_true(value) ? "true" : "false";
    }
}

via_status via_check_fail_type(via_check *check, const json_t *value, const char *expected)
{
    char name[96];

    return via_check_fail(check, NULL, "%s is %s; expected %s", via_check_name(check, name, sizeof(name)),
                          type_words(value), expected);
}

/* ---- objects ------------------------------------------------------------------------------------------------ */

static via_status fail_unknown_key(via_check *check, const char *key, const via_field *fields, size_t count)
{
    via_nearest nearest;
    char mend[256];

    via_nearest_begin(&nearest, key);
    for (size_t i = 0; i < count; i++)
        via_nearest_offer(&nearest, fields[i].name);
    if (nearest.best) {
        (void)snprintf(mend, sizeof(mend), "write \"%s\"", nearest.best);
        return via_check_fail_key(check, mend, "unknown key \"%.80s\"; did you mean \"%s\"?", key, nearest.best);
    }
    char known[320];
    size_t at = 0;
    for (size_t i = 0; i < count && at + 40 < sizeof(known); i++)
        at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "", fields[i].name);
    return via_check_fail_key(check, "take it out, or begin its name with \"x-\" to keep it for yourself",
                              "unknown key \"%.80s\"; expected one of %s", key, known);
}

static via_status check_key(via_check *check, const char *key, json_t *value, const via_field *fields, size_t count,
                            void *target)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, key) == 0)
            return fields[i].read ? fields[i].read(check, value, target) : VIA_OK;
    }
    return strncmp(key, "x-", 2) == 0 ? VIA_OK : fail_unknown_key(check, key, fields, count);
}

via_status via_check_object(via_check *check, json_t *value, const via_field *fields, size_t count, void *target)
{
    const char *key;
    json_t *part;
    char name[96], mend[256];

    if (!json_is_object(value))
        return via_check_fail_type(check, value, "an object");
    json_object_foreach(value, key, part)
    {
        via_check_enter(check, key, 0);
        via_status status = check_key(check, key, part, fields, count, target);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (!fields[i].required || json_object_get(value, fields[i].name))
            continue;
        (void)snprintf(mend, sizeof(mend), "add \"%s\" here", fields[i].name);
        return via_check_fail(check, mend, "%s lacks the key \"%s\"", via_check_name(check, name, sizeof(name)),
                              fields[i].name);
    }
    return VIA_OK;
}

/* ---- single values ------------------------------------------------------------------------------------------ */

/* Control characters would end up on terminals and in logs. */
static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

via_status via_check_text(via_check *check, json_t *value, size_t shortest, size_t longest, const char **out)
{
    char name[96];

    if (!json_is_string(value))
        return via_check_fail_type(check, value, "a string");
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    (void)via_check_name(check, name, sizeof(name));
    if (strlen(text) != size || !is_printable(text))
        return via_check_fail(check, "take the control character out", "%s holds a control character", name);
    if (size < shortest)
        return via_check_fail(check, NULL, "%s is empty; expected text", name);
    if (size > longest)
        return via_check_fail(check, NULL, "%s is %zu bytes long; expected at most %zu", name, size, longest);
    *out = text;
    return VIA_OK;
}

via_status via_check_bool(via_check *check, json_t *value, bool *out)
{
    if (!json_is_boolean(value))
        return via_check_fail_type(check, value, "true or false");
    *out = json_is_true(value);
    return VIA_OK;
}

via_status via_check_integer(via_check *check, json_t *value, int64_t least, int64_t most, int64_t *out)
{
    char name[96];

    if (!json_is_integer(value))
        return via_check_fail_type(check, value, "a whole number");
    *out = json_integer_value(value);
    if (*out >= least && *out <= most)
        return VIA_OK;
    return via_check_fail(check, NULL, "%s is %lld; expected a whole number from %lld to %lld",
                          via_check_name(check, name, sizeof(name)), (long long)*out, (long long)least,
                          (long long)most);
}

static via_status fail_word(via_check *check, const char *text, const via_word *words)
{
    via_nearest nearest;
    char list[256], name[96], mend[128] = "";
    size_t at = 0;

    via_nearest_begin(&nearest, text);
    for (const via_word *word = words; word->name; word++) {
        via_nearest_offer(&nearest, word->name);
        if (at + 40 < sizeof(list))
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "", word->name);
    }
    if (nearest.best)
        (void)snprintf(mend, sizeof(mend), "write \"%s\"", nearest.best);
    return via_check_fail(check, mend, "%s is \"%.80s\"; expected one of %s", via_check_name(check, name, sizeof(name)),
                          text, list);
}

via_status via_check_word(via_check *check, json_t *value, const via_word *words, uint32_t *out)
{
    const char *text = "";
    via_status status = via_check_text(check, value, 1, 255, &text);

    if (status != VIA_OK)
        return status;
    for (const via_word *word = words; word->name; word++) {
        if (strcmp(word->name, text) == 0) {
            *out = word->value;
            return VIA_OK;
        }
    }
    return fail_word(check, text, words);
}

static via_status check_array(via_check *check, json_t *value, size_t shortest)
{
    char name[96];

    if (!json_is_array(value))
        return via_check_fail_type(check, value, "an array");
    if (json_array_size(value) < shortest)
        return via_check_fail(check, NULL, "%s is empty; expected at least one element",
                              via_check_name(check, name, sizeof(name)));
    return VIA_OK;
}

via_status via_check_words(via_check *check, json_t *value, const via_word *words, size_t shortest, uint32_t *out)
{
    via_status status = check_array(check, value, shortest);
    size_t index;
    json_t *part;

    *out = 0;
    if (status != VIA_OK)
        return status;
    json_array_foreach(value, index, part)
    {
        uint32_t bit = 0;
        via_check_enter(check, NULL, index);
        status = via_check_word(check, part, words, &bit);
        if (status == VIA_OK && (*out & bit))
            status = via_check_fail(check, "take it out", "\"%s\" is there twice", json_string_value(part));
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
        *out |= bit;
    }
    return VIA_OK;
}

static bool appears_before(const json_t *array, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (json_equal(json_array_get(array, i), json_array_get(array, index)))
            return true;
    }
    return false;
}

via_status via_check_names(via_check *check, json_t *value, size_t shortest, bool (*is_name)(const char *),
                           const char *expected, json_t **out)
{
    via_status status = check_array(check, value, shortest);
    size_t index;
    json_t *part;

    if (status == VIA_OK && json_array_size(value) > 64)
        return via_check_fail(check, NULL, "more than 64 elements");
    if (status != VIA_OK)
        return status;
    json_array_foreach(value, index, part)
    {
        const char *text = "";
        via_check_enter(check, NULL, index);
        status = via_check_text(check, part, 1, 255, &text);
        if (status == VIA_OK && !is_name(text))
            status = via_check_fail(check, NULL, "\"%.80s\" is not right here; expected %s", text, expected);
        if (status == VIA_OK && appears_before(value, index))
            status = via_check_fail(check, "take it out", "\"%.80s\" is there twice", text);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
    }
    *out = value;
    return VIA_OK;
}

bool via_names_hold(const json_t *names, const char *name)
{
    size_t index;
    json_t *value;

    json_array_foreach(names, index, value)
    {
        if (strcmp(json_string_value(value), name) == 0)
            return true;
    }
    return false;
}
