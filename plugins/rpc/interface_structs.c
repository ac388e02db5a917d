/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs and their fields.
 *
 * Owns: what a struct may hold. Where it lies is for interface_layout.c, when all structs are read.
 */
#include "interface_internal.h"

/* ---- fields -------------------------------------------------------------------------------------------------- */

static via_status read_field_name(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_identifier, RPC_IDENTIFIER, &((rpc_field *)target)->name);
}

static via_status read_field_type(via_check *check, json_t *value, void *target)
{
    rpc_type *type = &((rpc_field *)target)->type;
    via_status status = rpc_type_read(rpc_reader_of(check), value, type);

    if (status != VIA_OK)
        return status;
    switch (type->kind) {
    case RPC_KIND_ARRAY:
    case RPC_KIND_BYTES:
        return via_check_fail(check, "write \"T[n]\" if its length is fixed; else make it a parameter of its own",
                              "a field cannot be \"%s\": its length would be another field's",
                              json_string_value(value));
    case RPC_KIND_VOID:
    case RPC_KIND_CALLBACK:
    case RPC_KIND_CONTEXT:
    case RPC_KIND_USER:
    case RPC_KIND_STATUS:
        return via_check_fail(check, NULL,
                              "a field cannot be \"%s\"; expected a number, bool, string, a struct, a "
                              "handle or T[n]",
                              json_string_value(value));
    default:
        return VIA_OK;
    }
}

static via_status read_field_summary(via_check *check, json_t *value, void *target)
{
    return rpc_check_summary(check, value, &((rpc_field *)target)->summary);
}

static via_status read_field_max(via_check *check, json_t *value, void *target)
{
    int64_t max = 0;
    via_status status = via_check_integer(check, value, 1, INT32_MAX, &max);

    ((rpc_field *)target)->max = (uint64_t)max;
    return status;
}

static via_status read_field_nullable(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((rpc_field *)target)->nullable);
}

static const via_field field_fields[] = {
    {"name", read_field_name, true},        {"type", read_field_type, true},          {"max", read_field_max, false},
    {"summary", read_field_summary, false}, {"nullable", read_field_nullable, false},
};

static via_status read_field(rpc_reader *reader, json_t *value, rpc_field *field)
{
    via_status status = rpc_keys_refuse(reader, value);

    field->summary = "";
    if (status == VIA_OK)
        status = via_check_object(&reader->check, value, field_fields, sizeof(field_fields) / sizeof(field_fields[0]),
                                  field);
    if (status != VIA_OK || field->type.kind == RPC_KIND_STRING)
        return status;
    if (field->max)
        return rpc_fail_in(reader, "max", "take it out", "\"max\" is for strings: the size of this field is fixed");
    if (json_object_get(value, "nullable"))
        return rpc_fail_in(reader, "nullable", "take it out", "only a string can be NULL in a struct");
    return VIA_OK;
}

static via_status check_twice(rpc_reader *reader, rpc_table *names, const rpc_field *field, size_t index)
{
    if (!rpc_table_add(names, field->name, RPC_KIND_VOID, index))
        return VIA_OK;
    return rpc_fail_in(reader, "name", "give each field a name of its own", "there are two fields \"%s\"", field->name);
}

static via_status read_fields(via_check *check, json_t *value, void *target)
{
    rpc_reader *reader = rpc_reader_of(check);
    rpc_struct *record = target;
    rpc_table names;
    size_t index;
    json_t *part;
    via_status status = VIA_OK;

    if (!json_is_array(value))
        return via_check_fail_type(check, value, "an array of fields, in the order in which C has them");
    if (json_array_size(value) == 0)
        return via_check_fail(check, NULL, "\"fields\" is empty; expected at least one");
    record->fields = rpc_model_take(reader->model, json_array_size(value), sizeof(*record->fields));
    if (!record->fields || !rpc_table_init(&names, reader->model, json_array_size(value)))
        return rpc_fail_memory(reader);
    record->count = json_array_size(value);
    json_array_foreach(value, index, part)
    {
        via_check_enter(check, NULL, index);
        status = read_field(reader, part, &record->fields[index]);
        if (status == VIA_OK)
            status = check_twice(reader, &names, &record->fields[index], index);
        via_check_leave(check);
        if (status != VIA_OK)
            break;
    }
    return status;
}

/* ---- structs ------------------------------------------------------------------------------------------------- */

static via_status read_summary(via_check *check, json_t *value, void *target)
{
    return rpc_check_summary(check, value, &((rpc_struct *)target)->summary);
}

static via_status read_sizeof(via_check *check, json_t *value, void *target)
{
    rpc_reader *reader = rpc_reader_of(check);
    const rpc_struct *record = target;

    return via_check_integer(check, value, 1, RPC_STRUCT_BYTES,
                             &reader->sizeofs[record - reader->model->interface.structs]);
}

static const via_field struct_fields[] = {
    {"summary", read_summary, false},
    {"sizeof", read_sizeof, false},
    {"fields", read_fields, true},
};

via_status rpc_struct_read(rpc_reader *reader, json_t *value, size_t index)
{
    rpc_struct *record = &reader->model->interface.structs[index];
    via_status status = rpc_keys_refuse(reader, value);

    record->summary = "";
    record->line = reader->line;
    if (status != VIA_OK)
        return status;
    return via_check_object(&reader->check, value, struct_fields, sizeof(struct_fields) / sizeof(struct_fields[0]),
                            record);
}
