/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run-time interface: which functions there are, and how their values look in C and on the wire.
 *
 * Owns: the model that a file (*.rpc.json) or a description from the other end is read into, checked whole: what can be
 * loaded can be called. Must never know a codec, a channel or an address of a function.
 *
 * An interface is immutable once it is read, and shared: it is counted.
 *
 * How a type looks in C:
 *
 *   type        by value (in, returns)            dir out / inout
 *   bool..f64   bool, int8_t .. double, size_t    T *
 *   string      const char * (ends with NUL)      char * into the caller's memory (size_is); transfer full: char **
 *   bytes       const void *, with length_is or size_is    void * (size_is); transfer full: void **
 *   T[]         const T *, with length_is or size_is       T * (size_is); transfer full: T **
 *   T[n]        const T * (a parameter); T[n] (a field)   T *
 *   a struct    the struct by value               the struct *
 *   a handle    an opaque pointer                 an opaque pointer *
 *   a callback  a function pointer                -
 *   context     const via_rpc_context *           -        (the served function only: no parameter of the caller's, not on the wire)
 *   user        void *                            -        (what a callback is given back; not on the wire)
 *   status      int32_t, 0 = good                 -        (returns only)
 *
 * On the wire the parameters are the values of those that are `sent`, in order; the result is the list of what is `returned`:
 * the returned value, if the function has one (void and status have none), then those parameters. A list of exactly one is that
 * value alone, and an empty one is nil.
 */
#ifndef RPC_INTERFACE_H
#define RPC_INTERFACE_H

#include <ffi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <viaduct/plugin.h>

enum {
    RPC_PARAMS_MAX = 20,
    RPC_METHODS_MAX = 4096,
    RPC_NONE = -1, /* no such parameter */
    RPC_FILE_BYTES = 1024 * 1024,
    RPC_STRUCT_DEPTH = 8
};

typedef enum rpc_kind {
    RPC_KIND_VOID, /* returns only */
    RPC_KIND_BOOL,
    RPC_KIND_I8,
    RPC_KIND_U8,
    RPC_KIND_I16,
    RPC_KIND_U16,
    RPC_KIND_I32,
    RPC_KIND_U32,
    RPC_KIND_I64,
    RPC_KIND_U64,
    RPC_KIND_SIZE,
    RPC_KIND_F32,
    RPC_KIND_F64,
    RPC_KIND_STRING,
    RPC_KIND_BYTES,
    RPC_KIND_ARRAY, /* T[] */
    RPC_KIND_FIXED, /* T[n] */
    RPC_KIND_STRUCT,
    RPC_KIND_HANDLE,
    RPC_KIND_CALLBACK,
    RPC_KIND_CONTEXT,
    RPC_KIND_USER,
    RPC_KIND_STATUS /* returns only */
} rpc_kind;

typedef struct rpc_struct rpc_struct;
typedef struct rpc_handle rpc_handle;
typedef struct rpc_method rpc_method;

/* A type as a parameter, a field, an element or a returned value has it. */
typedef struct rpc_type {
    rpc_kind kind;
    uint32_t count; /* FIXED: elements */
    size_t size;    /* bytes of one value in C as a field or an element: of a STRING a pointer's */
    size_t alignment;
    ffi_type *ffi;                  /* of such a value, never NULL except VOID */
    const struct rpc_type *element; /* ARRAY, FIXED: never ARRAY, BYTES, CALLBACK, CONTEXT, USER, STATUS */
    const rpc_struct *record;       /* STRUCT */
    const rpc_handle *handle;       /* HANDLE */
    const rpc_method *callback;     /* CALLBACK: its parameters and what it returns */
} rpc_type;

typedef struct rpc_field {
    const char *name;
    const char *summary; /* "" = none */
    rpc_type type;       /* never ARRAY or BYTES, which would need a second field */
    size_t offset;
    uint64_t max;  /* STRING: bytes without the NUL, 0 = as many as a message holds */
    bool nullable; /* STRING */
} rpc_field;

struct rpc_struct {
    const char *name;
    const char *summary;
    rpc_field *fields;
    size_t count;
    size_t size; /* libffi's layout, to which a declared "sizeof" was compared */
    size_t alignment;
    ffi_type ffi; /* with `elements` */
    uint32_t line;
};

/* Something that lives at the serving end, and is closed there when its connection ends. */
struct rpc_handle {
    const char *name;
    const char *summary;
    const char *close; /* symbol of `void or int f(T *)`, NULL = nothing to do */
    size_t index;      /* in the interface */
    uint32_t line;
};

enum { RPC_IN = 1, RPC_OUT = 2 };

typedef struct rpc_param {
    const char *name;
    const char *summary;
    rpc_type type;
    uint32_t direction;     /* RPC_IN, RPC_OUT or both */
    bool nullable;          /* the pointer may be NULL; nil on the wire */
    bool nullable_elements; /* ARRAY of STRING or HANDLE */
    bool
        is_full; /* "transfer": "full": out: the callee allocates, `free` frees at the serving end; of a HANDLE that is in: the
                            call closes it */
    const char *free; /* symbol, NULL = none */
    int size_is;   /* index of the parameter with the capacity in elements (bytes of STRING and BYTES), or RPC_NONE */
    int length_is; /* the same for how many there are, also afterwards */
    int user;      /* CALLBACK: index of its USER parameter, or RPC_NONE */
    uint64_t max;  /* STRING, BYTES, ARRAY: at most that many bytes or elements, 0 = as a message holds */
    bool is_sent;  /* it has a place among the parameters on the wire */
    bool is_returned; /* ... in the result */
    int counts_in;    /* this is the number of elements of that parameter that is sent: derived from it, or RPC_NONE */
    int counts_out;   /* ... of that parameter that is returned */
} rpc_param;

/* A method; also a callback's signature (then symbol, since and the rest are empty). */
struct rpc_method {
    const char *name;
    const char *symbol; /* the name by default */
    const char *since;  /* "" = from the first */
    const char *summary;
    rpc_param *params;
    size_t count;
    rpc_type result;
    bool result_is_nullable; /* STRING, HANDLE */
    bool result_is_full; /* STRING: to be freed by `result_free` at the serving end, by via_free() at the caller's */
    const char *result_free;
    uint64_t result_max;
    bool is_idempotent;
    bool is_oneway; /* no reply: returns void, nothing out, no callback */
    bool has_callbacks;
    bool wants_context;
    bool is_plain;    /* each parameter is one value that goes in, and nothing follows from another or is closed */
    bool is_of_words; /* the served function takes and returns integers and pointers only, few enough for registers */
    uint64_t deadline_ms; /* 0 = the layer's */
    size_t sent;          /* values on the wire */
    size_t returned;      /* ... of the result, the returned value included */
    uint32_t line;

    /* For libffi. The C parameters of the served function, and of the caller, who has no context. */
    ffi_cif serve;
    ffi_cif call;
    ffi_type **types; /* `count` for serve, then those for call */
    size_t call_count;
    int *call_params; /* for each C parameter of the caller its index in `params` */
    size_t index;     /* in the interface */
};

typedef struct rpc_error_name {
    const char *name;
    int32_t code;
    const char *summary;
} rpc_error_name;

typedef struct rpc_interface {
    const char *name;
    const char *version;
    const char *summary;
    rpc_method *methods; /* in the file's order */
    size_t method_count;
    rpc_method *callbacks;
    size_t callback_count;
    rpc_struct *structs;
    size_t struct_count;
    rpc_handle *handles;
    size_t handle_count;
    rpc_error_name *errors;
    size_t error_count;
    uint64_t hash; /* FNV-1a (64 bit) over the canonical description: what callers see, without summaries and symbols */
    const char *text; /* what rpc.describe answers: JSON without symbols, free and close functions, NUL-terminated */
    size_t text_size;
} rpc_interface;

/*
 * Reads and checks a text; `file` is for errors only. Every error says file:line:column, JSON pointer, what was expected and the
 * nearest right name. VIA_OK (counted once for the caller), VIA_EINVAL, VIA_ENOMEM.
 */
via_status rpc_interface_parse(const char *file, const char *text, size_t size, rpc_interface **out, via_error *error);
/* The same of a file. Also VIA_ENOENT, VIA_EPERM, VIA_EIO. */
via_status rpc_interface_read(const char *file, rpc_interface **out, via_error *error);
rpc_interface *rpc_interface_hold(rpc_interface *interface);
void rpc_interface_drop(rpc_interface *interface); /* NULL is allowed */

/* NULL: there is none. `size` bytes, not terminated. Fast: hashed. */
const rpc_method *rpc_interface_find(const rpc_interface *interface, const char *name, size_t size);
/* The name of an error code, or NULL. */
const char *rpc_interface_error(const rpc_interface *interface, int32_t code);
/*
 * A method as people read it: "add(a: i32, b: i32) -> i32". Cut with "..." where it does not fit. Returns its whole length, as
 * snprintf does.
 */
size_t rpc_method_write(const rpc_method *method, char *text, size_t capacity);
/* Do callers of one fit the other? Names of parameters may differ. False: *why (of `capacity`) says what is unlike. */
bool rpc_method_is_like(const rpc_method *one, const rpc_method *other, char *why, size_t capacity);

#endif
