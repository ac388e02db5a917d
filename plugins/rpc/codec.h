/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wire format, behind one small table.
 *
 * Owns: what a codec can do: write a message value by value, and read one value by value, in the order in which the interface
 * knows them. A codec builds no tree of what it reads unless its format needs one, and allocates nothing that a message only
 * claims. Must never know a method, a type of the interface or a channel.
 *
 * Sources: MessagePack specification (github.com/msgpack/msgpack/blob/master/spec.md), MessagePack-RPC specification,
 * JSON-RPC 2.0 specification, RFC 8259 (JSON), RFC 4648 (base64).
 */
#ifndef RPC_CODEC_H
#define RPC_CODEC_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <viaduct/types.h>

enum {
    RPC_DEPTH = 64,             /* arrays and maps in each other, the message's own included */
    RPC_ELEMENTS = 1024 * 1024, /* values in one message that is read */
    RPC_NAME_BYTES = 255        /* of a method */
};

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* A message that is being written. Once something fails, the rest does nothing and `status` says why. */
typedef struct rpc_writer {
    unsigned char *data;
    size_t size;
    size_t capacity;
    size_t limit; /* of `size`; above it VIA_ETOOBIG */
    via_status status;
    uint32_t depth;           /* the rest is for codecs that put something between values */
    uint64_t open[RPC_DEPTH]; /* how many values each open array or map has so far */
} rpc_writer;

/* `limit`: bytes of a message at most. The memory is kept from message to message. */
void rpc_writer_init(rpc_writer *writer, size_t limit);
void rpc_writer_fini(rpc_writer *writer);
/* Begins a new message. */
void rpc_writer_reset(rpc_writer *writer);
/* Room for `size` more bytes, already counted as written; NULL: `status` says why. */
unsigned char *rpc_writer_room(rpc_writer *writer, size_t size);

/* ---- what a message is -------------------------------------------------------------------------------------- */

/*
 * The number of a call. JSON-RPC allows texts too: then `text` is the whole JSON value as it stands in the message ("\"a\"",
 * "null"), borrowed from the reader, and is what a reply repeats.
 */
typedef struct rpc_id {
    uint64_t number;
    const char *text; /* NULL = it is a number */
    size_t text_size;
} rpc_id;

typedef enum rpc_message_kind {
    RPC_REQUEST = 1,
    RPC_NOTIFICATION,
    RPC_RESULT, /* a reply; the reader stands at the value */
    RPC_FAULT   /* a reply that is an error; `fault` is filled */
} rpc_message_kind;

/* Error codes of JSON-RPC 2.0 and of the Language Server Protocol, used with both codecs. */
enum {
    RPC_CODE_PARSE = -32700,
    RPC_CODE_INVALID = -32600,
    RPC_CODE_NO_METHOD = -32601,
    RPC_CODE_PARAMS = -32602,
    RPC_CODE_INTERNAL = -32603,
    RPC_CODE_LATE = -32001,    /* the deadline passed before it was begun or done */
    RPC_CODE_REFUSED = -32002, /* by the authorize hook */
    RPC_CODE_BUSY = -32003,    /* too many calls, or nested too deeply */
    RPC_CODE_CANCELLED = -32800
};

/*
 * What a call failed with at the other end. Texts: borrowed from the reader, or whatever the writer's caller has; not
 * terminated. In MessagePack-RPC `[code, text, name]` to a peer that is known to be a Viaduct (`is_rich`), else `[0, text]`, which
 * Neovim shows; what other dialects send (a string, `[type, text]`, a map with "message", anything else) is read too: a code that
 * is not given is RPC_CODE_INTERNAL, and a value of no known shape is shown as JSON text in the text.
 */
typedef struct rpc_fault {
    int32_t code;
    const char *text;
    size_t text_size;
    const char *name; /* of the interface's error; NULL = none. JSON-RPC: data.name */
    size_t name_size;
} rpc_fault;

/* What stands before the values of a message. Texts are borrowed from the reader and not terminated. */
typedef struct rpc_envelope {
    rpc_message_kind kind;
    bool has_id;   /* false in a fault that answers no particular call (JSON-RPC: "id": null) */
    bool is_named; /* the parameters are an object by name: only rpc_codec.member finds them */
    rpc_id id;     /* of requests and replies */
    const char *method;
    size_t method_size;
    size_t count;        /* of parameters */
    uint64_t timeout_ms; /* what the caller still has; 0 = it did not say */
    rpc_fault fault;
} rpc_envelope;

/* Is it of that method? */
static inline bool rpc_envelope_is(const rpc_envelope *envelope, const char *method)
{
    return envelope->method_size == strlen(method) && memcmp(envelope->method, method, envelope->method_size) == 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* One message that is being read, value by value. Everything it gives out lives until `close`. */
typedef struct rpc_reader {
    const unsigned char *data;
    size_t size;
    size_t at;          /* MessagePack: the next byte */
    uint32_t depth;     /* how deep it stands */
    uint64_t elements;  /* values read so far */
    rpc_arena *arena;   /* for what does not stand in the message as it is meant */
    const char *wrong;  /* what was wrong with the value that could not be read; static text, NULL = nothing yet */
    void *tree;         /* JSON: the parsed message */
    const void *cursor; /* JSON: the rest is the codec's own */
    uint32_t index[RPC_DEPTH];
    const void *path[RPC_DEPTH];
    void *place[RPC_DEPTH]; /* where in an object it stands */
    const void *named;      /* the parameters, if they are by name */
} rpc_reader;

/* What the next value is. */
typedef enum rpc_token {
    RPC_NOTHING, /* there is none, or it cannot be read */
    RPC_NIL,
    RPC_BOOLEAN,
    RPC_UNSIGNED, /* an integer that is not negative */
    RPC_NEGATIVE, /* an integer that is */
    RPC_FLOAT,
    RPC_TEXT,
    RPC_BINARY,
    RPC_OTHER, /* an extension type: it can be skipped */
    RPC_LIST,
    RPC_MAP
} rpc_token;

/* What it is in words: "text", "a list". */
const char *rpc_token_words(rpc_token token);

/* Where measuring a message has come to. All 0 = at its beginning. */
typedef struct rpc_measure {
    size_t at;
    uint32_t depth;
    uint64_t elements;
    uint64_t left[RPC_DEPTH]; /* values that each open array or map still lacks */
} rpc_measure;

typedef struct rpc_codec {
    const char *name;
    /*
     * Is each message of a channel one of its frames? False: they can also be told apart in a stream of bytes, by `measure`.
     */
    bool needs_boundaries;
    /* Does reading go over the bytes more than once? Then they must not be in memory that the other end can change. */
    bool reads_twice;

    /*
     * How many bytes the first message in `data` takes. VIA_OK; VIA_ETIMEDOUT: more bytes are needed; VIA_EPROTO: it never will be
     * one, *why says why (static text); VIA_ETOOBIG: above `limit`. *state is 0 for the first bytes of a message and lets the next
     * call go on where this one stopped, so that a message that comes byte by byte is looked at once. NULL if needs_boundaries.
     */
    via_status (*measure)(const unsigned char *data, size_t size, size_t limit, rpc_measure *state, size_t *used,
                          const char **why);

    /*
     * Messages. Each begins and `end` finishes it; between them stand `count` values, or for result() one. They are written behind
     * what the writer has already: rpc_writer_reset() is the caller's.
     */
    void (*request)(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms, size_t count);
    void (*notification)(rpc_writer *writer, const char *method, size_t count);
    void (*result)(rpc_writer *writer, const rpc_id *id);
    void (*end)(rpc_writer *writer);
    /*
     * A whole message, without `end`. `id` NULL = it answers no particular call (JSON-RPC only). Of a text that is not UTF-8 only
     * what is before that is written.
     */
    void (*fault)(rpc_writer *writer, const rpc_id *id, const rpc_fault *fault, bool is_rich);
    /* JSON-RPC: {"jsonrpc", "method", "params": PARAMS}: what follows is one map, by name. NULL = the format has no such thing. */
    void (*request_named)(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms);
    void (*notification_named)(rpc_writer *writer, const char *method);
    /* Asks to give up a call: the notification by which this format's programs do so. A whole message, without `end`. */
    void (*cancel)(rpc_writer *writer, uint64_t id);

    /* Values. */
    void (*put_nil)(rpc_writer *writer);
    void (*put_bool)(rpc_writer *writer, bool value);
    void (*put_unsigned)(rpc_writer *writer, uint64_t value);
    void (*put_signed)(rpc_writer *writer, int64_t value);
    void (*put_float)(rpc_writer *writer, double value); /* JSON: VIA_EINVAL for what is not finite */
    void (*put_single)(rpc_writer *writer, float value);
    void (*put_text)(rpc_writer *writer, const char *text, size_t size); /* VIA_EINVAL: not UTF-8 */
    void (*put_bytes)(rpc_writer *writer, const void *bytes, size_t size);
    void (*begin_list)(rpc_writer *writer, size_t count);
    void (*end_list)(rpc_writer *writer);
    void (*begin_map)(rpc_writer *writer, size_t count); /* then a text and a value, `count` times */
    void (*put_key)(rpc_writer *writer, const char *key, size_t size);
    void (*end_map)(rpc_writer *writer);

    /*
     * Reads what stands before the values. VIA_OK; VIA_EPROTO: not a message of this format, reader->wrong says why, and
     * `envelope` has the id if one could be found (has_id). Close the reader in either case.
     */
    via_status (*open)(rpc_reader *reader, const void *data, size_t size, rpc_arena *arena, rpc_envelope *envelope);
    void (*close)(rpc_reader *reader);

    /*
     * Values, in order. False: the next value is not that (reader->wrong says what it is), and it stays the next. Integers: a
     * float without a fraction is not one; JSON: beyond 2^53 a text of digits is one, too. get_float takes integers that a double
     * holds exactly. get_text: valid UTF-8. get_bytes: MessagePack: bin or str; JSON: base64. Both borrowed, not terminated.
     */
    rpc_token (*next)(rpc_reader *reader);
    bool (*get_nil)(rpc_reader *reader);
    bool (*get_bool)(rpc_reader *reader, bool *value);
    bool (*get_unsigned)(rpc_reader *reader, uint64_t *value);
    bool (*get_signed)(rpc_reader *reader, int64_t *value);
    bool (*get_float)(rpc_reader *reader, double *value);
    bool (*get_text)(rpc_reader *reader, const char **text, size_t *size);
    bool (*get_bytes)(rpc_reader *reader, const unsigned char **bytes, size_t *size);
    /* The values of a list follow, then leave_list. *count is never more than the rest of the message could hold. */
    bool (*enter_list)(rpc_reader *reader, size_t *count);
    void (*leave_list)(rpc_reader *reader); /* skips what was not read */
    bool (*enter_map)(rpc_reader *reader, size_t *count);
    bool (*get_key)(rpc_reader *reader, const char **text, size_t *size); /* before each value of a map */
    void (*leave_map)(rpc_reader *reader);
    bool (*skip)(rpc_reader *reader); /* any one value */
    /*
     * Of parameters by name (is_named): makes this one the next value. False: it is not there. NULL = never by name. Until the first
     * call the next value is the map of all of them.
     */
    bool (*member)(rpc_reader *reader, const char *name);
} rpc_codec;

extern const rpc_codec rpc_msgpack, rpc_json;

/* What to do where `data` is no message of `codec`: names the codec that it looks like. Static text. */
const char *rpc_codec_mend(const rpc_codec *codec, const unsigned char *data, size_t size);
/* The codec of that name, or NULL. */
const rpc_codec *rpc_codec_find(const char *name);

#endif
