/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text becomes a model.
 *
 * Owns: the keys of the whole, and the order in which sections are read: names first, since any type may name any of
 * them; then structs, since their sizes are needed; then what uses them.
 */
#include "interface_internal.h"

#include "kit/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const via_check_form form = {
    .subject = "the interface",
    .reference = "manifests/README.md describes every field",
    .split = "split it: each file is an interface of its own",
    .bytes = RPC_FILE_BYTES,
    .depth = VIA_CHECK_DEPTH,
};

/* ---- helpers of all sections --------------------------------------------------------------------------------- */

via_status rpc_fail_memory(rpc_reader *reader)
{
    return via_error_set(reader->check.error, VIA_ENOMEM, VIA_STAGE_SCHEMA, NULL, "out of memory");
}

via_status rpc_fail_in(rpc_reader *reader, const char *key, const char *mend, const char *format, ...)
{
    char what[400];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    via_check_enter(&reader->check, key, 0);
    via_status status = via_check_fail(&reader->check, mend, "%s", what);
    via_check_leave(&reader->check);
    return status;
}

via_status rpc_check_name(via_check *check, json_t *value, bool (*is_name)(const char *), const char *expected,
                          const char **out)
{
    char name[96];
    via_status status = via_check_text(check, value, 1, 255, out);

    if (status != VIA_OK || is_name(*out))
        return status;
    return via_check_fail(check, NULL, "%s is \"%.80s\"; expected %s", via_check_name(check, name, sizeof(name)), *out,
                          expected);
}

via_status rpc_check_summary(via_check *check, json_t *value, const char **out)
{
    return via_check_text(check, value, 0, RPC_SUMMARY_BYTES, out);
}

/* Lines are counted on from item to item: from the start for each would take as long as the text is large, squared. */
via_status rpc_each(rpc_reader *reader, const char *section, json_t *values, rpc_item_fn item)
{
    via_check *check = &reader->check;
    size_t index = 0, at = 0, key_at = 0;
    uint32_t line = 1, column = 1;
    const char *key;
    json_t *value;
    via_status status = VIA_OK;

    if (!values)
        return VIA_OK;
    via_check_enter(check, section, 0);
    (void)via_locate_value(check->text, check->size, check->path, check->depth, false, &at);
    size_t counted = 0;
    json_object_foreach(values, key, value)
    {
        (void)via_locate_member(check->text, check->size, &at, &key_at);
        uint32_t more = 0;
        via_locate_offset(check->text + counted, check->size - counted, key_at - counted, &more, &column);
        line += more - 1;
        counted = key_at;
        reader->line = line;
        via_check_enter(check, key, 0);
        status = item(reader, value, index++);
        via_check_leave(check);
        if (status != VIA_OK)
            break;
    }
    via_check_leave(check);
    return status;
}

/* ---- names --------------------------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A letter first, then letters, digits and some others. */
static bool is_made_of(const char *text, const char *first, const char *others, size_t longest)
{
    if (!*text || (!is_letter(*text) && !strchr(first, *text)))
        return false;
    for (const char *c = text; *c; c++) {
        if (!is_letter(*c) && !is_digit(*c) && !strchr(others, *c))
            return false;
    }
    return strlen(text) <= longest;
}

bool rpc_is_identifier(const char *text)
{
    return is_made_of(text, "", "", RPC_NAME_BYTES);
}

bool rpc_is_symbol(const char *text)
{
    return is_made_of(text, "", "", 255);
}

bool rpc_is_interface_name(const char *text)
{
    return is_made_of(text, "", ".-", RPC_NAME_BYTES);
}

/* As wide as other people's protocols need: "nvim_eval", "textDocument/hover", "$/cancelRequest". */
bool rpc_is_method_name(const char *text)
{
    return is_made_of(text, "$", "./:$-", RPC_METHOD_NAME_BYTES);
}

bool rpc_is_version(const char *text)
{
    for (int part = 0; part < 3; part++) {
        size_t digits = strspn(text, "0123456789");
        if (digits < 1 || digits > 6 || (digits > 1 && *text == '0'))
            return false;
        text += digits;
        if (*text != (part < 2 ? '.' : '\0'))
            return false;
        text += part < 2;
    }
    return true;
}

/* ---- the whole ----------------------------------------------------------------------------------------------- */

static via_status read_format(via_check *check, json_t *value, void *target)
{
    (void)target;
    if (!json_is_integer(value))
        return via_check_fail_type(check, value, "the number 1, the version of this format");
    if (json_integer_value(value) == 1)
        return VIA_OK;
    return via_check_fail(check, "write 1, or use a newer Viaduct", "\"rpc\" is %lld; this reads version 1",
                          (long long)json_integer_value(value));
}

static via_status read_name(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_interface_name, "letters, digits, _ - and ., a letter first",
                          &((rpc_interface *)target)->name);
}

static via_status read_version(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_version, "MAJOR.MINOR.PATCH, such as 1.0.0",
                          &((rpc_interface *)target)->version);
}

static via_status read_summary(via_check *check, json_t *value, void *target)
{
    return rpc_check_summary(check, value, &((rpc_interface *)target)->summary);
}

static via_status keep_section(via_check *check, json_t *value, size_t most, json_t **out)
{
    char name[96];

    if (!json_is_object(value))
        return via_check_fail_type(check, value, "an object");
    if (json_object_size(value) > most)
        return via_check_fail(check, "split the interface", "%s has %zu entries; expected at most %zu",
                              via_check_name(check, name, sizeof(name)), json_object_size(value), most);
    *out = value;
    return VIA_OK;
}

static via_status keep_structs(via_check *check, json_t *value, void *target)
{
    (void)target;
    return keep_section(check, value, RPC_SECTION_MAX, &rpc_reader_of(check)->structs);
}

static via_status keep_handles(via_check *check, json_t *value, void *target)
{
    (void)target;
    return keep_section(check, value, RPC_SECTION_MAX, &rpc_reader_of(check)->handles);
}

static via_status keep_callbacks(via_check *check, json_t *value, void *target)
{
    (void)target;
    return keep_section(check, value, RPC_SECTION_MAX, &rpc_reader_of(check)->callbacks);
}

static via_status keep_errors(via_check *check, json_t *value, void *target)
{
    (void)target;
    return keep_section(check, value, RPC_SECTION_MAX, &rpc_reader_of(check)->errors);
}

static via_status keep_methods(via_check *check, json_t *value, void *target)
{
    (void)target;
    return keep_section(check, value, RPC_METHODS_MAX, &rpc_reader_of(check)->methods);
}

static const via_field fields[] = {
    {"$schema", NULL, false},         {"rpc", read_format, true},           {"name", read_name, true},
    {"version", read_version, true},  {"summary", read_summary, false},     {"structs", keep_structs, false},
    {"handles", keep_handles, false}, {"callbacks", keep_callbacks, false}, {"errors", keep_errors, false},
    {"methods", keep_methods, true},
};

static via_status read_sections(rpc_reader *reader)
{
    via_status status = rpc_names_declare(reader);

    if (status == VIA_OK)
        status = rpc_each(reader, "handles", reader->handles, rpc_handle_read);
    if (status == VIA_OK)
        status = rpc_each(reader, "structs", reader->structs, rpc_struct_read);
    if (status == VIA_OK)
        status = rpc_structs_lay_out(reader);
    if (status == VIA_OK)
        status = rpc_each(reader, "callbacks", reader->callbacks, rpc_callback_read);
    if (status == VIA_OK)
        status = rpc_each(reader, "errors", reader->errors, rpc_error_read);
    if (status == VIA_OK)
        status = rpc_each(reader, "methods", reader->methods, rpc_method_read);
    if (status == VIA_OK && !rpc_model_describe(reader->model))
        status = rpc_fail_memory(reader);
    return status;
}

via_status rpc_interface_parse(const char *file, const char *text, size_t size, rpc_interface **out, via_error *error)
{
    rpc_reader reader = {.model = rpc_model_create()};

    *out = NULL;
    if (!reader.model)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_SCHEMA, NULL, "out of memory");
    rpc_interface *interface = &reader.model->interface;
    interface->summary = "";
    via_status status = via_check_parse(&reader.check, &form, file, text, size, &reader.model->root, error);
    if (status == VIA_OK)
        status = rpc_keys_refuse(&reader, reader.model->root);
    if (status == VIA_OK)
        status =
            via_check_object(&reader.check, reader.model->root, fields, sizeof(fields) / sizeof(fields[0]), interface);
    if (status == VIA_OK)
        status = read_sections(&reader);
    if (status == VIA_OK)
        *out = interface;
    else
        rpc_interface_drop(interface);
    return status;
}
