/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where libffi lays the fields of structs.
 *
 * Owns: how large and how deep a struct may be. Must never trust a declared size: it is compared.
 */
#include "interface_internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { LAYING_OUT = RPC_STRUCT_DEPTH + 1 }; /* deeper than any */

static via_status fail_struct(rpc_reader *reader, const rpc_struct *record, const char *key, const char *mend,
                              const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Structs are laid out when all are read: the check is led back to the place. `key` NULL = the struct itself. */
static via_status fail_struct(rpc_reader *reader, const rpc_struct *record, const char *key, const char *mend,
                              const char *format, ...)
{
    char what[320];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    reader->check.depth = 0;
    via_check_enter(&reader->check, "structs", 0);
    via_check_enter(&reader->check, record->name, 0);
    if (key)
        via_check_enter(&reader->check, key, 0);
    via_status status = via_check_fail(&reader->check, mend, "%s", what);
    reader->check.depth = 0;
    return status;
}

static via_status fail_field(rpc_reader *reader, const rpc_struct *record, size_t index, const char *mend,
                             const char *what)
{
    reader->check.depth = 0;
    via_check_enter(&reader->check, "structs", 0);
    via_check_enter(&reader->check, record->name, 0);
    via_check_enter(&reader->check, "fields", 0);
    via_check_enter(&reader->check, NULL, index);
    via_check_enter(&reader->check, "type", 0);
    via_status status = via_check_fail(&reader->check, mend, "%s", what);
    reader->check.depth = 0;
    return status;
}

/* libffi has no arrays in structs: T[n] is a struct of n times T, which lies alike. */
static via_status lay_out_fixed(rpc_reader *reader, const rpc_struct *record, size_t index, rpc_type *type)
{
    ffi_type *element = type->element->ffi;

    if (type->element->size * type->count > RPC_STRUCT_BYTES)
        return fail_field(reader, record, index, "make it a parameter of its own",
                          "an array in a struct is larger than 64 KiB");
    reader->elements += type->count;
    if (reader->elements > RPC_ELEMENTS_MAX)
        return fail_field(reader, record, index, "split the interface",
                          "the arrays in structs have more than 1048576 elements together");
    ffi_type *all = rpc_model_take(reader->model, 1, sizeof(*all));
    ffi_type **elements = rpc_model_take(reader->model, (size_t)type->count + 1, sizeof(*elements));
    if (!all || !elements)
        return rpc_fail_memory(reader);
    for (uint32_t i = 0; i < type->count; i++)
        elements[i] = element;
    *all = (ffi_type){.type = FFI_TYPE_STRUCT, .elements = elements};
    if (ffi_get_struct_offsets(FFI_DEFAULT_ABI, all, NULL) != FFI_OK)
        return fail_field(reader, record, index, NULL, "libffi cannot lay this array out");
    type->ffi = all;
    type->size = all->size;
    type->alignment = all->alignment;
    return VIA_OK;
}

static via_status lay_out(rpc_reader *reader, size_t index, uint32_t level);

/* The struct inside a field first. Answers how deep it is. */
static via_status lay_out_inner(rpc_reader *reader, size_t outer, size_t index, uint32_t level, uint32_t *depth)
{
    rpc_struct *records = reader->model->interface.structs;
    rpc_type *type = &records[outer].fields[index].type;
    const rpc_type *inner = type->kind == RPC_KIND_FIXED ? type->element : type;

    *depth = 0;
    if (inner->kind != RPC_KIND_STRUCT)
        return VIA_OK;
    size_t at = (size_t)(inner->record - records);
    if (reader->depths[at] == LAYING_OUT)
        return fail_field(
            reader, &records[outer], index, "declare a handle for what the pointer points to",
            "a struct that holds itself has no size; C would have a pointer here, and pointers to structs "
            "inside structs cannot be carried");
    via_status status = level < RPC_STRUCT_DEPTH ? lay_out(reader, at, level + 1) : VIA_OK;
    if (status != VIA_OK)
        return status;
    *depth = reader->depths[at];
    if (level >= RPC_STRUCT_DEPTH || *depth >= RPC_STRUCT_DEPTH)
        return fail_field(reader, &records[outer], index, "take one level out",
                          "structs are nested deeper than 8 levels");
    if (type->kind == RPC_KIND_FIXED)
        rpc_type_settle((rpc_type *)type->element);
    else
        rpc_type_settle(type);
    return VIA_OK;
}

static via_status lay_out_fields(rpc_reader *reader, size_t index, uint32_t level, uint32_t *depth)
{
    rpc_struct *record = &reader->model->interface.structs[index];

    for (size_t i = 0; i < record->count; i++) {
        rpc_type *type = &record->fields[i].type;
        uint32_t inner = 0;
        via_status status = lay_out_inner(reader, index, i, level, &inner);
        if (status == VIA_OK && type->kind == RPC_KIND_FIXED)
            status = lay_out_fixed(reader, record, i, type);
        if (status != VIA_OK)
            return status;
        *depth = inner + 1 > *depth ? inner + 1 : *depth;
        record->ffi.elements[i] = type->ffi;
    }
    return VIA_OK;
}

static via_status take_offsets(rpc_reader *reader, rpc_struct *record, int64_t declared)
{
    size_t *offsets = rpc_model_take(reader->model, record->count, sizeof(*offsets));

    if (!offsets)
        return rpc_fail_memory(reader);
    if (ffi_get_struct_offsets(FFI_DEFAULT_ABI, &record->ffi, offsets) != FFI_OK)
        return fail_struct(reader, record, NULL, NULL, "libffi cannot lay this struct out");
    record->size = record->ffi.size;
    record->alignment = record->ffi.alignment;
    for (size_t i = 0; i < record->count; i++)
        record->fields[i].offset = offsets[i];
    if (record->size > RPC_STRUCT_BYTES)
        return fail_struct(reader, record, NULL, "carry it as \"bytes\", or in parts",
                           "this struct is %zu bytes large; expected at most %d", record->size, RPC_STRUCT_BYTES);
    if (declared && (uint64_t)declared != record->size)
        return fail_struct(reader, record, "sizeof", "compare the fields and their order with the declaration in C",
                           "\"sizeof\" is %lld, but these fields take %zu bytes", (long long)declared, record->size);
    return VIA_OK;
}

static via_status lay_out(rpc_reader *reader, size_t index, uint32_t level)
{
    rpc_struct *record = &reader->model->interface.structs[index];
    uint32_t depth = 1;

    if (reader->depths[index])
        return VIA_OK;
    reader->depths[index] = LAYING_OUT;
    record->ffi.type = FFI_TYPE_STRUCT;
    record->ffi.elements = rpc_model_take(reader->model, record->count + 1, sizeof(ffi_type *));
    if (!record->ffi.elements)
        return rpc_fail_memory(reader);
    via_status status = lay_out_fields(reader, index, level, &depth);
    if (status == VIA_OK)
        status = take_offsets(reader, record, reader->sizeofs[index]);
    reader->depths[index] = depth;
    return status;
}

via_status rpc_structs_lay_out(rpc_reader *reader)
{
    via_status status = VIA_OK;

    for (size_t i = 0; status == VIA_OK && i < reader->model->interface.struct_count; i++)
        status = lay_out(reader, i, 1);
    return status;
}
