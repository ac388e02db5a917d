/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calling a function whose parameters are known only at run time; see invoke.h.
 *
 * Sources: System V ABI, AMD64 supplement, 3.2.3 (six registers; what is narrower than int is widened to int by everybody); Procedure
 * Call Standard for the Arm 64-bit Architecture, 6.8 (eight registers; whoever is called widens). Both lie little-endian here.
 */
#include "invoke.h"

#include <stdint.h>
#include <string.h>

#if (defined(__x86_64__) && !defined(__ILP32__) && !defined(_WIN32)) ||                                                \
    (defined(__aarch64__) && !defined(__ILP32__) && defined(__AARCH64EL__))
enum { HAS_WORDS = true };
#else
enum { HAS_WORDS = false };
#endif

enum { WORDS = 6 };

typedef uint64_t (*of_words)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

static bool is_word(const ffi_type *type)
{
    switch (type->type) {
    case FFI_TYPE_UINT8:
    case FFI_TYPE_SINT8:
    case FFI_TYPE_UINT16:
    case FFI_TYPE_SINT16:
    case FFI_TYPE_UINT32:
    case FFI_TYPE_SINT32:
    case FFI_TYPE_UINT64:
    case FFI_TYPE_SINT64:
    case FFI_TYPE_POINTER:
        return true;
    default:
        return false;
    }
}

bool rpc_invoke_is_of_words(const ffi_cif *cif)
{
    bool are_words = HAS_WORDS && cif->abi == FFI_DEFAULT_ABI && cif->nargs <= WORDS &&
                     (cif->rtype->type == FFI_TYPE_VOID || is_word(cif->rtype));

    for (unsigned i = 0; i < cif->nargs && are_words; i++)
        are_words = is_word(cif->arg_types[i]);
    return are_words;
}

static bool is_signed(const ffi_type *type)
{
    return type->type == FFI_TYPE_SINT8 || type->type == FFI_TYPE_SINT16 || type->type == FFI_TYPE_SINT32;
}

/* A word of which the value takes the first bytes, widened. */
static uint64_t widen(const ffi_type *type, uint64_t word)
{
    const unsigned rest = (unsigned)(8 * (sizeof(word) - type->size));

    return is_signed(type) ? (uint64_t)((int64_t)(word << rest) >> rest) : word << rest >> rest;
}

void rpc_invoke_words(const ffi_cif *cif, via_rpc_any function, void *result, void *const *cells)
{
    uint64_t words[WORDS] = {0};

    for (unsigned i = 0; i < cif->nargs; i++) {
        memcpy(&words[i], cells[i], sizeof(words[i]));
        words[i] = widen(cif->arg_types[i], words[i]);
    }
    uint64_t returned = ((of_words)function)(words[0], words[1], words[2], words[3], words[4], words[5]);
    if (cif->rtype->type == FFI_TYPE_VOID)
        return;
    returned = widen(cif->rtype, returned);
    memcpy(result, &returned, sizeof(returned));
}
