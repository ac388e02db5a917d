/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a command line as JSON values; see call.h.
 *
 * Owns: what a word means that is no JSON.
 */
#include <string.h>

#include "call.h"
#include "rpc_text.h"

static bool is_digits(const char *word)
{
    return word[0] && word[strspn(word, "0123456789")] == '\0';
}

/* Is a text what is expected here? Bytes are one too, in base64. */
static bool takes_text(const json_t *param)
{
    const char *type = via_cli_rpc_type(param);
    return strcmp(type, "string") == 0 || strcmp(type, "bytes") == 0;
}

/* NULL: it is no value. A number that JSON readers are not sure to read is given by its digits. */
static json_t *read_word(const via_cli_caller *caller, const json_t *param, const char *word, json_error_t *wrong)
{
    json_t *value = json_loads(word, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, wrong);
    if (value && param && takes_text(param) && (json_is_number(value) || json_is_boolean(value))) {
        json_decref(value); /* 2024 where a text is wanted is that text */
        return json_string(word);
    }
    if (value || strchr("\"[{", word[0]))
        return value;
    if (param && via_cli_rpc_is_callback(caller->interface, param))
        return json_true();
    return !param || takes_text(param) || is_digits(word) ? json_string(word) : NULL;
}

static int refuse(const via_cli_caller *caller, const char *method, const json_t *param, const char *word,
                  const json_error_t *wrong)
{
    char what[512];
    const char *name = json_string_value(json_object_get(param, "name"));
    (void)snprintf(what, sizeof what, "%s%s'%.200s' cannot be read (%.120s); expected %s", name ? name : "",
                   name ? ": " : "", word, via_cli_is_utf8(word, strlen(word)) ? wrong->text : "it is no UTF-8",
                   param ? via_cli_rpc_type(param) : "JSON, or a text");
    return via_cli_call_wrong(caller, method, what);
}

json_t *via_cli_call_words(const via_cli_caller *caller, const char *method, const char *const *words, size_t count,
                           int *result)
{
    const json_t *known = via_cli_rpc_method(caller->interface, method);
    json_t *list = json_array();
    for (size_t i = 0; i < count && list; i++) {
        const json_t *param = known ? via_cli_rpc_param(known, i) : NULL;
        json_error_t wrong = {.text = ""};
        json_t *value = read_word(caller, param, words[i], &wrong);
        if (!value)
            *result = refuse(caller, method, param, words[i], &wrong);
        if (!value || json_array_append_new(list, value) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    /* Parameters by name are how many programs speak JSON-RPC. */
    if (known || !caller->rpc.is_json || json_array_size(list) != 1 || !json_is_object(json_array_get(list, 0)))
        return list;
    json_t *named = json_incref(json_array_get(list, 0));
    json_decref(list);
    return named;
}
