/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of an interface, and the sections that hold little else: handles and errors.
 *
 * Owns: that a name stands for one thing.
 */
#include "interface_internal.h"

#include <string.h>

/* ---- names of types ------------------------------------------------------------------------------------------ */

static via_status declare_type(rpc_reader *reader, rpc_kind kind, size_t index, const char *name)
{
    static const char *const kinds[] = {
        [RPC_KIND_STRUCT] = "struct", [RPC_KIND_HANDLE] = "handle", [RPC_KIND_CALLBACK] = "callback"};

    if (!rpc_is_identifier(name))
        return via_check_fail_key(&reader->check, NULL, "\"%.80s\" is no name of a %s; expected %s", name, kinds[kind],
                                  RPC_IDENTIFIER);
    if (rpc_type_is_word(name))
        return via_check_fail_key(&reader->check, "choose another name", "\"%s\" is a type already", name);
    const rpc_entry *before = rpc_table_add(&reader->types, name, kind, index);
    if (before)
        return via_check_fail_key(&reader->check, "choose another name", "there is a %s \"%s\" already",
                                  kinds[before->kind], name);
    return VIA_OK;
}

static via_status declare_struct(rpc_reader *reader, json_t *value, size_t index)
{
    const char *name = reader->check.path[reader->check.depth - 1].key;

    (void)value;
    reader->model->interface.structs[index].name = name;
    return declare_type(reader, RPC_KIND_STRUCT, index, name);
}

static via_status declare_handle(rpc_reader *reader, json_t *value, size_t index)
{
    const char *name = reader->check.path[reader->check.depth - 1].key;

    (void)value;
    reader->model->interface.handles[index].name = name;
    return declare_type(reader, RPC_KIND_HANDLE, index, name);
}

static via_status declare_callback(rpc_reader *reader, json_t *value, size_t index)
{
    const char *name = reader->check.path[reader->check.depth - 1].key;

    (void)value;
    reader->model->interface.callbacks[index].name = name;
    return declare_type(reader, RPC_KIND_CALLBACK, index, name);
}

/* "rpc." is ours: rpc.describe is answered for every interface. */
static via_status declare_method(rpc_reader *reader, json_t *value, size_t index)
{
    const char *name = reader->check.path[reader->check.depth - 1].key;

    (void)value;
    reader->model->interface.methods[index].name = name;
    if (!rpc_is_method_name(name))
        return via_check_fail_key(
            &reader->check, NULL,
            "\"%.80s\" is no name of a method; expected letters, digits and _ . / : $ -, a letter, _ or "
            "$ first, at most %d bytes",
            name, RPC_METHOD_NAME_BYTES);
    if (strncmp(name, "rpc.", 4) == 0)
        return via_check_fail_key(&reader->check, "choose another name", "names that begin with \"rpc.\" are reserved");
    (void)rpc_table_add(&reader->model->methods, name, RPC_KIND_VOID, index);
    return VIA_OK;
}

static bool take_sections(rpc_reader *reader)
{
    rpc_model *model = reader->model;
    rpc_interface *interface = &model->interface;

    interface->struct_count = json_object_size(reader->structs);
    interface->handle_count = json_object_size(reader->handles);
    interface->callback_count = json_object_size(reader->callbacks);
    interface->error_count = json_object_size(reader->errors);
    interface->method_count = json_object_size(reader->methods);
    interface->structs = rpc_model_take(model, interface->struct_count, sizeof(*interface->structs));
    interface->handles = rpc_model_take(model, interface->handle_count, sizeof(*interface->handles));
    interface->callbacks = rpc_model_take(model, interface->callback_count, sizeof(*interface->callbacks));
    interface->errors = rpc_model_take(model, interface->error_count, sizeof(*interface->errors));
    interface->methods = rpc_model_take(model, interface->method_count, sizeof(*interface->methods));
    reader->sizeofs = rpc_model_take(model, interface->struct_count, sizeof(*reader->sizeofs));
    reader->depths = rpc_model_take(model, interface->struct_count, sizeof(*reader->depths));
    return interface->structs && interface->handles && interface->callbacks && interface->errors &&
           interface->methods && reader->sizeofs && reader->depths &&
           rpc_table_init(&model->methods, model, interface->method_count) &&
           rpc_table_init(&reader->types, model,
                          interface->struct_count + interface->handle_count + interface->callback_count);
}

via_status rpc_names_declare(rpc_reader *reader)
{
    if (!take_sections(reader))
        return rpc_fail_memory(reader);
    via_status status = rpc_each(reader, "structs", reader->structs, declare_struct);
    if (status == VIA_OK)
        status = rpc_each(reader, "handles", reader->handles, declare_handle);
    if (status == VIA_OK)
        status = rpc_each(reader, "callbacks", reader->callbacks, declare_callback);
    if (status == VIA_OK)
        status = rpc_each(reader, "methods", reader->methods, declare_method);
    return status;
}

/* ---- handles ------------------------------------------------------------------------------------------------- */

static via_status read_close(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_symbol, RPC_SYMBOL, &((rpc_handle *)target)->close);
}

static via_status read_handle_summary(via_check *check, json_t *value, void *target)
{
    return rpc_check_summary(check, value, &((rpc_handle *)target)->summary);
}

static const via_field handle_fields[] = {{"close", read_close, false}, {"summary", read_handle_summary, false}};

via_status rpc_handle_read(rpc_reader *reader, json_t *value, size_t index)
{
    rpc_handle *handle = &reader->model->interface.handles[index];

    handle->summary = "";
    handle->index = index;
    handle->line = reader->line;
    return via_check_object(&reader->check, value, handle_fields, sizeof(handle_fields) / sizeof(handle_fields[0]),
                            handle);
}

/* ---- errors -------------------------------------------------------------------------------------------------- */

static via_status read_code(via_check *check, json_t *value, void *target)
{
    int64_t code = 0;
    via_status status = via_check_integer(check, value, INT32_MIN, INT32_MAX, &code);

    if (status == VIA_OK && code == 0)
        return via_check_fail(check, "choose another number", "\"code\" is 0, which stands for success");
    ((rpc_error_name *)target)->code = (int32_t)code;
    return status;
}

static via_status read_error_summary(via_check *check, json_t *value, void *target)
{
    return rpc_check_summary(check, value, &((rpc_error_name *)target)->summary);
}

static const via_field error_fields[] = {{"code", read_code, true}, {"summary", read_error_summary, false}};

via_status rpc_error_read(rpc_reader *reader, json_t *value, size_t index)
{
    rpc_error_name *errors = reader->model->interface.errors;
    const char *name = reader->check.path[reader->check.depth - 1].key;

    errors[index].name = name;
    errors[index].summary = "";
    if (!rpc_is_identifier(name))
        return via_check_fail_key(&reader->check, NULL, "\"%.80s\" is no name of an error; expected %s", name,
                                  RPC_IDENTIFIER);
    via_status status = via_check_object(&reader->check, value, error_fields,
                                         sizeof(error_fields) / sizeof(error_fields[0]), &errors[index]);
    for (size_t i = 0; status == VIA_OK && i < index; i++) {
        if (errors[i].code == errors[index].code)
            return rpc_fail_in(reader, "code", "choose another number", "the code %d is that of \"%s\" already",
                               errors[i].code, errors[i].name);
    }
    return status;
}
