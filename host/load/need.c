/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Needs.
 */
#include "load/need.h"

#include "kit/error.h"
#include "kit/json/nearest.h"
#include "manifest/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 64, USUAL_SIZE = 1024 };

/* ---- reading ------------------------------------------------------------------------------------------------ */

static via_status fail_value(const char *key, const char *value, const char *expected, via_error *error)
{
    return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "give it such a value, or leave it out",
                         "what is required: %s is \"%.60s\"; expected %s", key, value, expected);
}

static via_status read_word(const char *key, const char *value, const via_word *words, uint32_t *out, via_error *error)
{
    char expected[128] = "";
    size_t at = 0;

    for (const via_word *word = words; word->name; word++) {
        if (strcmp(word->name, value) == 0) {
            *out = word->value;
            return VIA_OK;
        }
        at += (size_t)snprintf(expected + at, sizeof(expected) - at, "%s%s", at ? ", " : "", word->name);
    }
    return fail_value(key, value, expected, error);
}

static via_status read_size(const char *key, const char *value, uint64_t *out, via_error *error)
{
    int64_t bytes = 0;

    if (!via_value_read(VIA_OPTION_SIZE, value, &bytes) || bytes < 1)
        return fail_value(key, value, via_value_expected(VIA_OPTION_SIZE), error);
    *out = (uint64_t)bytes;
    return VIA_OK;
}

static via_status read_feature(const char *value, via_endpoint_need *need, via_error *error)
{
    if (!via_feature_is_name(value))
        return fail_value("feature", value, "lower-case letters, digits and \"-\"", error);
    if (!need->features)
        need->features = json_array();
    if (json_array_append_new(need->features, json_string(value)) != 0)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPTIONS, NULL, "out of memory");
    return VIA_OK;
}

static via_status fail_key(const char *key, bool has_pattern, via_error *error)
{
    static const char *const keys[] = {"scope", "feature", "max_message", "message", "pattern"};
    via_nearest nearest;

    via_nearest_begin(&nearest, key);
    for (size_t i = 0; i < (has_pattern ? 5u : 4u); i++)
        via_nearest_offer(&nearest, keys[i]);
    via_status status =
        via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "take it out",
                      "what is required: \"%.60s\" is no key; expected %sscope, feature, max_message or message", key,
                      has_pattern ? "pattern, " : "");
    if (nearest.best)
        via_error_mend(error, "write \"%s\"", nearest.best);
    return status;
}

static via_status read_pair(const char *key, const char *value, bool has_pattern, via_endpoint_need *need,
                            via_error *error)
{
    if (strcmp(key, "pattern") == 0 && has_pattern)
        return read_word(key, value, via_pattern_words, &need->pattern, error);
    if (strcmp(key, "scope") == 0)
        return read_word(key, value, via_scope_words, &need->scope, error);
    if (strcmp(key, "feature") == 0)
        return read_feature(value, need, error);
    if (strcmp(key, "max_message") == 0)
        return read_size(key, value, &need->max_message, error);
    if (strcmp(key, "message") == 0)
        return read_size(key, value, &need->message, error);
    return fail_key(key, has_pattern, error);
}

static via_status read_part(const char *text, size_t size, bool has_pattern, via_endpoint_need *need, via_error *error)
{
    char word[WORD_BYTES + 1];

    (void)snprintf(word, sizeof(word), "%.*s", (int)(size < WORD_BYTES ? size : WORD_BYTES), text);
    char *equals = strchr(word, '=');
    if (size > WORD_BYTES || !equals || equals == word)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "write key=value, with commas between",
                             "what is required: \"%.60s\" is not of the form key=value", word);
    *equals = '\0';
    return read_pair(word, equals + 1, has_pattern, need, error);
}

via_status via_need_read(const char *text, bool has_pattern, via_endpoint_need *need, via_error *error)
{
    via_status status = VIA_OK;

    *need = (via_endpoint_need){0};
    while (*text && status == VIA_OK) {
        const size_t size = strcspn(text, ",");
        status = read_part(text, size, has_pattern, need, error);
        text += size + (text[size] == ',');
    }
    return status;
}

void via_need_fini(via_endpoint_need *need)
{
    json_decref(need->features);
    *need = (via_endpoint_need){0};
}

/* ---- holding against a scheme ------------------------------------------------------------------------------- */

static bool lacks_feature(const via_endpoint_need *need, const via_scheme_manifest *scheme, char *reason,
                          size_t capacity)
{
    size_t index;
    json_t *feature;

    json_array_foreach(need->features, index, feature)
    {
        if (via_scheme_manifest_has(scheme, json_string_value(feature)))
            continue;
        (void)snprintf(reason, capacity, "lacks the feature \"%.40s\"", json_string_value(feature));
        return true;
    }
    return false;
}

bool via_need_is_lacking(const via_endpoint_need *need, const via_scheme_manifest *scheme, char *reason,
                         size_t capacity)
{
    char text[64];

    if (need->pattern && !(scheme->patterns & need->pattern)) {
        (void)snprintf(reason, capacity, "offers %s only", via_pattern_list(scheme->patterns, text, sizeof(text)));
    } else if (need->scope > scheme->scope) {
        (void)snprintf(reason, capacity, "does not reach that far");
    } else if (need->max_message > scheme->max_message || need->message > scheme->max_message) {
        via_value_write_size(scheme->max_message, text, sizeof(text));
        (void)snprintf(reason, capacity, "carries messages of at most %s", text);
    } else {
        return lacks_feature(need, scheme, reason, capacity);
    }
    return true;
}

uint64_t via_need_size(const via_endpoint_need *need)
{
    if (need->message)
        return need->message;
    return need->max_message ? need->max_message : USUAL_SIZE;
}
