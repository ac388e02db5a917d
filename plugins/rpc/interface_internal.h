/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the interface loader share.
 *
 * Owns: the model while it is filled, and the reader, which is where a check stands. For interface*.c only.
 */
#ifndef RPC_INTERFACE_INTERNAL_H
#define RPC_INTERFACE_INTERNAL_H

#include "interface.h"

#include "kit/json/check.h"

#include <stdatomic.h>

enum {
    RPC_NAME_BYTES = 63,
    RPC_METHOD_NAME_BYTES = 127,
    RPC_SUMMARY_BYTES = 1024,
    RPC_SECTION_MAX = 1024,       /* structs, handles, callbacks, errors: each */
    RPC_STRUCT_BYTES = 64 * 1024, /* of one struct: it may lie on the stack */
    RPC_FIXED_MAX = 64 * 1024,    /* elements of one T[n] */
    RPC_FIXED_BYTES = 16 * 1024 * 1024,
    RPC_ELEMENTS_MAX = 1024 * 1024 /* of the T[n] in all structs: libffi wants each told by itself */
};

/* ---- the model, interface.c ---------------------------------------------------------------------------------- */

/* One name. `kind` and `index` say what it stands for. */
typedef struct rpc_entry {
    const char *name; /* NULL = free */
    size_t size;
    rpc_kind kind;
    size_t index;
} rpc_entry;

/* Names, hashed, at most half full. */
typedef struct rpc_table {
    rpc_entry *entries;
    size_t mask;
} rpc_table;

typedef struct rpc_chunk {
    struct rpc_chunk *next;
    _Alignas(max_align_t) unsigned char bytes[];
} rpc_chunk;

/* An interface with what it stands on. */
typedef struct rpc_model {
    rpc_interface interface; /* first: the one is reached from the other */
    atomic_uint holds;
    json_t *root; /* every text of the file stands in it */
    rpc_chunk *chunks;
    rpc_table methods;
} rpc_model;

rpc_model *rpc_model_create(void); /* counted once; NULL: no memory */
/* Cleared memory that lives as long as the model. `count` 0 is one. NULL: no memory. */
void *rpc_model_take(rpc_model *model, size_t count, size_t size);
bool rpc_table_init(rpc_table *table, rpc_model *model, size_t count);
/* What stands there already, or NULL: it was added. */
const rpc_entry *rpc_table_add(rpc_table *table, const char *name, rpc_kind kind, size_t index);
const rpc_entry *rpc_table_find(const rpc_table *table, const char *name, size_t size);
uint64_t rpc_hash(const char *bytes, size_t size); /* FNV-1a, 64 bit */

/* ---- the reader ---------------------------------------------------------------------------------------------- */

typedef struct rpc_reader {
    via_check check; /* first: a reader is reached from its check */
    rpc_model *model;
    json_t *structs; /* the sections of the file, NULL = it has none */
    json_t *handles;
    json_t *callbacks;
    json_t *errors;
    json_t *methods;
    rpc_table types;  /* names of structs, handles and callbacks */
    size_t elements;  /* of fixed arrays in structs so far */
    int64_t *sizeofs; /* for each struct what it declares, 0 = nothing */
    uint32_t *depths; /* for each struct: 0 = not laid out yet */
    uint32_t line;    /* of the item that rpc_each() is at */
} rpc_reader;

static inline rpc_reader *rpc_reader_of(via_check *check)
{
    return (rpc_reader *)(void *)check;
}

typedef via_status (*rpc_item_fn)(rpc_reader *reader, json_t *value, size_t index);

/* Every item of a section, in the file's order, with the check standing at it. NULL: there is no such section. */
via_status rpc_each(rpc_reader *reader, const char *section, json_t *values, rpc_item_fn item);
via_status rpc_fail_memory(rpc_reader *reader);
/* Fails at a key of the present object. */
via_status rpc_fail_in(rpc_reader *reader, const char *key, const char *mend, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
via_status rpc_check_name(via_check *check, json_t *value, bool (*is_name)(const char *), const char *expected,
                          const char **out);
via_status rpc_check_summary(via_check *check, json_t *value, const char **out);
bool rpc_is_identifier(const char *text);
bool rpc_is_method_name(const char *text);
bool rpc_is_interface_name(const char *text);
bool rpc_is_version(const char *text);
bool rpc_is_symbol(const char *text);
#define RPC_IDENTIFIER "a name of letters, digits and _ as C has them, of at most 63 bytes"
#define RPC_SYMBOL "the name of a function as C has it"

/* ---- types, interface_types.c and interface_words.c ----------------------------------------------------------- */

/* The type word at the present place. Sizes of structs count only when all are laid out. */
via_status rpc_type_read(rpc_reader *reader, json_t *value, rpc_type *type);
/* Size, alignment and ffi as a parameter, an element or a returned value has them. */
void rpc_type_settle(rpc_type *type);
/* Is there such a word in the language itself, right or refused? Then nothing else can have the name. */
bool rpc_type_is_word(const char *name);
bool rpc_kind_is_integer(rpc_kind kind);
bool rpc_kind_is_counted(rpc_kind kind); /* STRING, BYTES, ARRAY */
const char *rpc_kind_name(rpc_kind kind);
/* "i32", "point[4]". Returns the length as snprintf does. */
size_t rpc_type_write(const rpc_type *type, char *text, size_t capacity);
/* Fails at the present place because C can say `word` and this cannot carry it, or because there is no such word. */
via_status rpc_word_refuse(rpc_reader *reader, const char *word);
bool rpc_word_is_refused(const char *word);
bool rpc_word_find(const char *word, size_t size, rpc_kind *kind);
const char *rpc_word_at(size_t index); /* NULL behind the last */
/* Fails if the object has a key that stands for something that cannot be carried: "bits", "packed", "union" ... */
via_status rpc_keys_refuse(rpc_reader *reader, json_t *value);

/* ---- sections ------------------------------------------------------------------------------------------------ */

/* Takes the memory of all sections, and the names of types and methods. */
via_status rpc_names_declare(rpc_reader *reader);
via_status rpc_handle_read(rpc_reader *reader, json_t *value, size_t index);
via_status rpc_error_read(rpc_reader *reader, json_t *value, size_t index);
via_status rpc_struct_read(rpc_reader *reader, json_t *value, size_t index);
via_status rpc_structs_lay_out(rpc_reader *reader);
via_status rpc_callback_read(rpc_reader *reader, json_t *value, size_t index);
via_status rpc_method_read(rpc_reader *reader, json_t *value, size_t index);

/* The keys of a parameter that name others. NULL = not there. */
typedef struct rpc_links {
    const char *size_is;
    const char *length_is;
    const char *user;
} rpc_links;

/* Reads "params" at the present place. */
via_status rpc_params_read(rpc_reader *reader, json_t *value, rpc_method *method, bool is_callback);
/* The rules between parameters, and what follows from them: what is sent, what is returned. At "params". */
via_status rpc_params_link(rpc_reader *reader, rpc_method *method, const rpc_links *links, bool is_callback);
/* The rules of one parameter alone. The check stands at it. */
via_status rpc_param_check(rpc_reader *reader, const rpc_param *param, const rpc_links *links, bool is_callback);

/* ---- texts, interface_text.c ---------------------------------------------------------------------------------- */

/* Fills text and hash. False: no memory. */
bool rpc_model_describe(rpc_model *model);

#endif
