/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types, as they are written and as they lie in memory.
 *
 * Owns: the notation "T", "T[]", "T[n]". Must never know where a type may stand: that is for parameters and structs.
 */
#include "interface_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds --------------------------------------------------------------------------------------------------- */

bool rpc_kind_is_integer(rpc_kind kind)
{
    return kind >= RPC_KIND_I8 && kind <= RPC_KIND_SIZE;
}

bool rpc_kind_is_counted(rpc_kind kind)
{
    return kind == RPC_KIND_STRING || kind == RPC_KIND_BYTES || kind == RPC_KIND_ARRAY;
}

static ffi_type *plain_ffi(rpc_kind kind)
{
    switch (kind) {
    case RPC_KIND_VOID:
        return &ffi_type_void;
    case RPC_KIND_BOOL:
    case RPC_KIND_U8:
        return &ffi_type_uint8;
    case RPC_KIND_I8:
        return &ffi_type_sint8;
    case RPC_KIND_I16:
        return &ffi_type_sint16;
    case RPC_KIND_U16:
        return &ffi_type_uint16;
    case RPC_KIND_I32:
    case RPC_KIND_STATUS:
        return &ffi_type_sint32;
    case RPC_KIND_U32:
        return &ffi_type_uint32;
    case RPC_KIND_I64:
        return &ffi_type_sint64;
    case RPC_KIND_U64:
        return &ffi_type_uint64;
    case RPC_KIND_SIZE:
        return sizeof(size_t) == sizeof(uint64_t) ? &ffi_type_uint64 : &ffi_type_uint32;
    case RPC_KIND_F32:
        return &ffi_type_float;
    case RPC_KIND_F64:
        return &ffi_type_double;
    default:
        return &ffi_type_pointer;
    }
}

void rpc_type_settle(rpc_type *type)
{
    if (type->kind == RPC_KIND_STRUCT) { /* `ffi` is the struct's own already */
        type->size = type->record->size;
        type->alignment = type->record->alignment;
        return;
    }
    type->ffi = plain_ffi(type->kind);
    type->size = type->kind == RPC_KIND_VOID ? 0 : type->ffi->size;
    type->alignment = type->ffi->alignment;
    if (type->kind == RPC_KIND_FIXED) { /* a parameter's is a pointer to so much */
        type->size = type->count * type->element->size;
        type->alignment = type->element->alignment;
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

/* The word before the brackets. */
static via_status read_base(rpc_reader *reader, const char *text, size_t size, rpc_type *type)
{
    rpc_interface *interface = &reader->model->interface;
    char word[128];

    if (rpc_word_find(text, size, &type->kind)) {
        rpc_type_settle(type);
        return VIA_OK;
    }
    const rpc_entry *entry = rpc_table_find(&reader->types, text, size);
    if (!entry) {
        (void)snprintf(word, sizeof(word), "%.*s", (int)(size < 100 ? size : 100), text);
        return rpc_word_refuse(reader, word);
    }
    type->kind = entry->kind;
    if (entry->kind == RPC_KIND_STRUCT) {
        type->record = &interface->structs[entry->index];
        type->ffi = &interface->structs[entry->index].ffi;
    } else if (entry->kind == RPC_KIND_HANDLE) {
        type->handle = &interface->handles[entry->index];
    } else {
        type->callback = &interface->callbacks[entry->index];
    }
    rpc_type_settle(type);
    return VIA_OK;
}

static via_status check_element(rpc_reader *reader, const rpc_type *element, const char *text)
{
    switch (element->kind) {
    case RPC_KIND_VOID:
    case RPC_KIND_CONTEXT:
    case RPC_KIND_USER:
    case RPC_KIND_STATUS:
    case RPC_KIND_CALLBACK:
        return via_check_fail(&reader->check, NULL, "\"%.80s\": there are no arrays of this", text);
    case RPC_KIND_BYTES:
        return via_check_fail(&reader->check, "write \"u8[]\" or \"bytes\" for one, \"string[]\" for a list of texts",
                              "\"%.80s\": a list of bytes would need a length for each", text);
    default:
        return VIA_OK;
    }
}

/* What stands between the brackets: nothing, or how many. */
static via_status read_count(rpc_reader *reader, const char *text, const char *digits, rpc_type *type)
{
    size_t size = strspn(digits, "0123456789");

    type->kind = size ? RPC_KIND_FIXED : RPC_KIND_ARRAY;
    if (strcmp(digits + size, "]") != 0)
        return via_check_fail(&reader->check, "put the inner array into a struct if there are two",
                              "\"%.80s\" is no array; expected T[] or T[n], with n a number", text);
    unsigned long count = size && size < 8 ? strtoul(digits, NULL, 10) : 0;
    if (size && (count < 1 || count > RPC_FIXED_MAX || digits[0] == '0'))
        return via_check_fail(&reader->check, NULL, "\"%.80s\" has an impossible length; expected 1 to %d", text,
                              RPC_FIXED_MAX);
    type->count = (uint32_t)count;
    return VIA_OK;
}

via_status rpc_type_read(rpc_reader *reader, json_t *value, rpc_type *type)
{
    const char *text = "";
    via_status status = via_check_text(&reader->check, value, 1, 160, &text);

    *type = (rpc_type){.kind = RPC_KIND_VOID};
    if (status != VIA_OK)
        return status;
    const char *bracket = strchr(text, '[');
    if (!bracket)
        return read_base(reader, text, strlen(text), type);
    rpc_type *element = rpc_model_take(reader->model, 1, sizeof(*element));
    if (!element)
        return rpc_fail_memory(reader);
    status = read_base(reader, text, (size_t)(bracket - text), element);
    if (status == VIA_OK)
        status = check_element(reader, element, text);
    if (status == VIA_OK)
        status = read_count(reader, text, bracket + 1, type);
    type->element = element;
    if (status == VIA_OK)
        rpc_type_settle(type);
    return status;
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

static const char *base_name(const rpc_type *type)
{
    if (type->kind == RPC_KIND_STRUCT)
        return type->record->name;
    if (type->kind == RPC_KIND_HANDLE)
        return type->handle->name;
    return type->kind == RPC_KIND_CALLBACK ? type->callback->name : rpc_kind_name(type->kind);
}

size_t rpc_type_write(const rpc_type *type, char *text, size_t capacity)
{
    int length;

    if (type->kind == RPC_KIND_ARRAY)
        length = snprintf(text, capacity, "%s[]", base_name(type->element));
    else if (type->kind == RPC_KIND_FIXED)
        length = snprintf(text, capacity, "%s[%u]", base_name(type->element), type->count);
    else
        length = snprintf(text, capacity, "%s", base_name(type));
    return length > 0 ? (size_t)length : 0;
}
