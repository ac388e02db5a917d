/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One layer of a plugin's manifest.
 *
 * Owns: its table of fields and the rules between them.
 */
#include "manifest/layer_manifest.h"

#include "manifest/manifest.h"

#include "manifest/plugin_manifest.h"

#include <string.h>

enum { EXTENSION_BYTES = 63 };

const via_word via_bytes_words[] = {
    {"kept", VIA_BYTES_KEPT}, {"changed", VIA_BYTES_CHANGED}, {"own", VIA_BYTES_OWN}, {NULL, 0}};

bool via_layer_is_name(const char *text)
{
    size_t size = strlen(text);

    return size <= VIA_LAYER_NAME_BYTES && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == size;
}

static bool is_extension(const char *text)
{
    const char *slash = strchr(text, '/');
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");

    return slash && text + size == slash && size > 0 && strlen(text) <= EXTENSION_BYTES && slash[1] &&
           strspn(slash + 1, "0123456789") == strlen(slash + 1);
}

/* ---- fields ------------------------------------------------------------------------------------------------- */

static via_status read_patterns(via_check *check, json_t *value, void *target)
{
    return via_check_words(check, value, via_pattern_words, 1, &((via_layer_manifest *)target)->patterns);
}

static via_status read_terminal(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((via_layer_manifest *)target)->is_terminal);
}

static via_status read_bytes(via_check *check, json_t *value, void *target)
{
    return via_check_word(check, value, via_bytes_words, &((via_layer_manifest *)target)->bytes);
}

/* Unlike other sizes it may be 0; it is a header, or what a packer adds to what does not pack. */
static via_status read_overhead(via_check *check, json_t *value, void *target)
{
    int64_t bytes = 0;
    via_status status = via_check_integer(check, value, 0, 65536, &bytes);

    ((via_layer_manifest *)target)->overhead = (uint64_t)bytes;
    return status;
}

static via_status read_max_message(via_check *check, json_t *value, void *target)
{
    return via_manifest_size(check, value, &((via_layer_manifest *)target)->max_message);
}

static via_status read_passes(via_check *check, json_t *value, void *target)
{
    return via_check_names(check, value, 0, is_extension, "an extension's id such as via.region/1",
                           &((via_layer_manifest *)target)->passes);
}

static via_status read_clears(via_check *check, json_t *value, void *target)
{
    return via_check_words(check, value, via_promise_words, 0, &((via_layer_manifest *)target)->clears);
}

static bool is_key(const char *text)
{
    static const char *const taken[] = {"manifest", "endpoints", "kind",    "name",   "version",
                                        "summary",  "library",   "schemes", "layers", NULL};
    const char *const *word = taken;

    while (*word && strcmp(*word, text) != 0)
        word++;
    return !*word && via_layer_is_name(text) && strncmp(text, "x-", 2) != 0;
}

static via_status read_checks(via_check *check, json_t *value, void *target)
{
    const char **key = &((via_layer_manifest *)target)->checks;
    via_status status = via_check_text(check, value, 1, 255, key);

    if (status != VIA_OK || is_key(*key))
        return status;
    return via_check_fail(
        check, "choose a word of your own",
        "\"checks\" is \"%.80s\"; expected a lower-case letter, then lower-case letters, digits, _ or -, "
        "at most %d, and no key of a manifest",
        *key, VIA_LAYER_NAME_BYTES);
}

static via_status read_options(via_check *check, json_t *value, void *target)
{
    return via_option_list_read(check, value, &((via_layer_manifest *)target)->options);
}

static const via_field fields[] = {
    {"patterns", read_patterns, true},  {"bytes", read_bytes, true},    {"terminal", read_terminal, false},
    {"overhead", read_overhead, false}, {"passes", read_passes, false}, {"clears", read_clears, false},
    {"options", read_options, false},   {"checks", read_checks, false}, {"max_message", read_max_message, false},
};

/* ---- the whole ---------------------------------------------------------------------------------------------- */

/* A terminal layer carries no messages, so the host has none to mark. */
static via_status check_terminal(via_check *check, const via_layer_manifest *layer)
{
    if (!layer->is_terminal || layer->bytes != VIA_BYTES_CHANGED)
        return VIA_OK;
    via_check_enter(check, "bytes", 0);
    via_status status = via_check_fail(check, "write \"own\"", "a terminal layer has a format of its own");
    via_check_leave(check);
    return status;
}

via_status via_layer_manifest_read(via_check *check, json_t *value, via_layer_manifest *layer)
{
    via_status status = via_check_object(check, value, fields, sizeof(fields) / sizeof(fields[0]), layer);

    if (status == VIA_OK)
        status = check_terminal(check, layer);
    return status == VIA_OK ? via_option_list_check(check, &layer->options, layer->patterns, "layer") : status;
}

void via_layer_manifest_fini(via_layer_manifest *layer)
{
    via_option_list_fini(&layer->options);
}

bool via_layer_manifest_passes(const via_layer_manifest *layer, const char *extension)
{
    return via_names_hold(layer->passes, extension);
}
