/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's manifest: the outer fields.
 *
 * Owns: the JSON tree, in which every text of the record stands.
 */
#include "manifest/plugin_manifest.h"

#include "kit/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#define SYSTEM_ "windows"
#else
#define SYSTEM_ "linux"
#endif
#if defined(__x86_64__) || defined(_M_X64)
#define MACHINE_ "x86_64"
#elif defined(__aarch64__)
#define MACHINE_ "aarch64"
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE_ "riscv64"
#elif defined(__i386__)
#define MACHINE_ "i386"
#elif defined(__arm__)
#define MACHINE_ "arm"
#else
#define MACHINE_ "unknown"
#endif

const char via_platform[] = SYSTEM_ "-" MACHINE_;

/* ---- forms of texts ----------------------------------------------------------------------------------------- */

static bool is_plugin_name(const char *text)
{
    size_t size = strlen(text);

    return size <= 63 && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == size;
}

/* MAJOR.MINOR.PATCH in digits, then perhaps "-" and a word. */
static bool is_version(const char *text)
{
    size_t digits;

    for (int part = 0; part < 3; part++) {
        digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 6 || (part < 2 && text[digits] != '.'))
            return false;
        text += digits + (part < 2 ? 1 : 0);
    }
    if (!*text)
        return true;
    return *text == '-' && text[1] && !text[1 + strspn(text + 1, "abcdefghijklmnopqrstuvwxyz0123456789.")];
}

static bool is_platform(const char *text)
{
    static const char *const systems[] = {"linux-", "windows-"};

    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(systems[i]);
        if (strncmp(text, systems[i], size) == 0)
            return text[size] && !text[size + strspn(text + size, "abcdefghijklmnopqrstuvwxyz0123456789_")];
    }
    return false;
}

/* Relative paths stay below the manifest's folder. */
static bool has_dots(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return true;
    }
    return false;
}

static bool is_hex(const char *text, size_t size)
{
    return strlen(text) == size && strspn(text, "0123456789abcdef") == size;
}

static bool is_abi(const char *text)
{
    size_t major = strspn(text, "0123456789");
    size_t minor = text[major] == '.' ? strspn(text + major + 1, "0123456789") : 0;
    const char *rest = text + major + 1 + minor;

    return major && major <= 5 && minor && minor <= 5 && *rest == ':' && is_hex(rest + 1, 16);
}

/* ---- fields ------------------------------------------------------------------------------------------------- */

via_status via_manifest_version_read(via_check *check, json_t *value, void *unused)
{
    (void)unused;
    if (!json_is_integer(value))
        return via_check_fail_type(check, value, "the number 1, the version of this format");
    if (json_integer_value(value) == 1)
        return VIA_OK;
    return via_check_fail(check, "write 1, or use a newer Viaduct", "\"manifest\" is %lld; this host reads version 1",
                          (long long)json_integer_value(value));
}

static via_status read_kind(via_check *check, json_t *value, void *target)
{
    static const via_word words[] = {{"transport", 0}, {"layer", 1}, {NULL, 0}};
    uint32_t kind = 0;
    via_status status = via_check_word(check, value, words, &kind);

    if (status == VIA_OK)
        ((via_plugin_manifest *)target)->kind = words[kind].name;
    return status;
}

static via_status read_name(via_check *check, json_t *value, void *target)
{
    const char *text = NULL;
    via_status status = via_check_text(check, value, 1, 63, &text);

    if (status != VIA_OK)
        return status;
    if (!is_plugin_name(text))
        return via_check_fail(check, NULL,
                              "\"name\" is \"%s\"; expected a lower-case letter, then lower-case letters, digits, "
                              "\"_\" and \"-\"",
                              text);
    ((via_plugin_manifest *)target)->name = text;
    return VIA_OK;
}

static via_status read_version(via_check *check, json_t *value, void *target)
{
    const char **version = &((via_plugin_manifest *)target)->version;
    via_status status = via_check_text(check, value, 1, 31, version);

    if (status == VIA_OK && !is_version(*version))
        return via_check_fail(check, NULL, "\"version\" is \"%s\"; expected MAJOR.MINOR.PATCH, such as 1.0.0",
                              *version);
    return status;
}

static via_status read_summary(via_check *check, json_t *value, void *target)
{
    return via_check_text(check, value, 1, 127, &((via_plugin_manifest *)target)->summary);
}

static via_status read_path(via_check *check, json_t *value, const char **out)
{
    via_status status = via_check_text(check, value, 1, 511, out);

    if (status == VIA_OK && **out != '/' && has_dots(*out))
        return via_check_fail(check, "put the library below the manifest, or write its absolute path",
                              "the library's path leaves the manifest's folder by \"..\"");
    return status;
}

static via_status read_sha256(via_check *check, json_t *value, const char **out)
{
    via_status status = via_check_text(check, value, 1, 255, out);

    if (status == VIA_OK && !is_hex(*out, 64))
        return via_check_fail(check, "seal the plugin again: via seal MANIFEST",
                              "\"%.80s\" is no SHA-256; expected 64 lower-case hexadecimal digits", *out);
    return status;
}

static via_status read_abi(via_check *check, json_t *value, const char **out)
{
    via_status status = via_check_text(check, value, 1, 255, out);

    if (status == VIA_OK && !is_abi(*out))
        return via_check_fail(check, "seal the plugin again: via seal MANIFEST",
                              "\"%.80s\" is no ABI; expected MAJOR.MINOR:HASH with 16 hexadecimal digits", *out);
    return status;
}

/* An object with one entry a platform; this build's own goes to `out`. */
static via_status read_platforms(via_check *check, json_t *value, const char **out,
                                 via_status (*read)(via_check *, json_t *, const char **))
{
    const char *key, *text = NULL;
    json_t *part;

    if (!json_is_object(value) || json_object_size(value) == 0)
        return via_check_fail_type(check, value, "an object with an entry such as \"linux-x86_64\"");
    json_object_foreach(value, key, part)
    {
        via_check_enter(check, key, 0);
        via_status status = is_platform(key)
                                ? read(check, part, &text)
                                : via_check_fail_key(check, NULL,
                                                     "unknown platform \"%.80s\"; expected SYSTEM-MACHINE, such as "
                                                     "linux-x86_64",
                                                     key);
        via_check_leave(check);
        if (status != VIA_OK)
            return status;
        if (strcmp(key, via_platform) == 0)
            *out = text;
    }
    return VIA_OK;
}

static via_status read_library(via_check *check, json_t *value, void *target)
{
    return read_platforms(check, value, &((via_plugin_manifest *)target)->library, read_path);
}

static via_status read_hashes(via_check *check, json_t *value, void *target)
{
    return read_platforms(check, value, &((via_plugin_manifest *)target)->sha256, read_sha256);
}

static via_status read_abis(via_check *check, json_t *value, void *target)
{
    return read_platforms(check, value, &((via_plugin_manifest *)target)->abi, read_abi);
}

static via_status read_priority(via_check *check, json_t *value, void *target)
{
    int64_t priority = 0;
    via_status status = via_check_integer(check, value, 0, 1000, &priority);

    ((via_plugin_manifest *)target)->priority = (int32_t)priority;
    return status;
}

static via_status read_critical(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((via_plugin_manifest *)target)->critical);
}

static via_status read_enabled(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((via_plugin_manifest *)target)->enabled);
}

static via_status read_threads(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((via_plugin_manifest *)target)->threads);
}

static via_status read_resident(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((via_plugin_manifest *)target)->resident);
}

/* A plugin that is a layer has "layers" where a transport has "schemes". */
static const via_field fields[] = {
    {"$schema", NULL, false},           {"manifest", via_manifest_version_read, true},
    {"kind", read_kind, true},          {"name", read_name, true},
    {"version", read_version, true},    {"summary", read_summary, true},
    {"library", read_library, true},    {"schemes", via_schemes_read, true}, /* at OFFERS_AT */
    {"priority", read_priority, false}, {"critical", read_critical, false},
    {"enabled", read_enabled, false},   {"threads", read_threads, false},
    {"resident", read_resident, false}, {"abi", read_abis, false},
    {"sha256", read_hashes, false},
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]), OFFERS_AT = 7 };

static via_status read_fields(via_check *check, via_plugin_manifest *manifest)
{
    const char *kind = json_string_value(json_object_get(manifest->root, "kind"));
    via_field known[FIELD_COUNT];

    memcpy(known, fields, sizeof(known));
    if (kind && strcmp(kind, "layer") == 0)
        known[OFFERS_AT] = (via_field){"layers", via_layers_read, true};
    return via_check_object(check, manifest->root, known, FIELD_COUNT, manifest);
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

/* A manifest with a mistake still has a name to be listed by, and may be the one that must not be missed. */
static void read_what_can_be_read(via_plugin_manifest *manifest)
{
    const char *name = json_string_value(json_object_get(manifest->root, "name"));

    if (name && is_plugin_name(name))
        manifest->name = name;
    manifest->critical = json_is_true(json_object_get(manifest->root, "critical")) &&
                         !json_is_false(json_object_get(manifest->root, "enabled"));
}

via_status via_plugin_manifest_read(via_plugin_manifest *manifest, const char *file, const char *text, size_t size,
                                    via_error *error)
{
    via_check check;

    *manifest = (via_plugin_manifest){.priority = 50, .enabled = true};
    via_status status = via_manifest_parse(&check, file, text, size, &manifest->root, error);
    if (status != VIA_OK)
        return status;
    status = read_fields(&check, manifest);
    if (status == VIA_OK)
        status = via_aliases_check(&check, manifest);
    if (status == VIA_ENOMEM)
        return via_error_set(error, status, VIA_STAGE_SCHEMA, NULL, "out of memory");
    if (status != VIA_OK)
        read_what_can_be_read(manifest);
    return status;
}

void via_plugin_manifest_fini(via_plugin_manifest *manifest)
{
    for (size_t i = 0; i < manifest->scheme_count; i++)
        via_scheme_manifest_fini(&manifest->schemes[i]);
    free(manifest->schemes);
    for (size_t i = 0; i < manifest->layer_count; i++)
        via_layer_manifest_fini(&manifest->layers[i]);
    free(manifest->layers);
    json_decref(manifest->root);
    json_decref(manifest->options_root);
    *manifest = (via_plugin_manifest){0};
}
