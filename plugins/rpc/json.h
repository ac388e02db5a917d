/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0, inside.
 *
 * Owns: what the files of this codec share. Must never let the parser loose on text that has not been scanned.
 */
#ifndef RPC_JSON_H
#define RPC_JSON_H

#include "codec.h"

#include <jansson.h>

#define RPC_JSON_EXACT (UINT64_C(1) << 53) /* integers above it, in magnitude, are written as texts of digits */

/* ---- numbers ------------------------------------------------------------------------------------------------ */

enum { RPC_JSON_NUMBER_BYTES = 48 };

/* The shortest text with 15 to 17 digits (for a single 6 to 9) that reads back as the same; not terminated. Finite numbers only. */
size_t rpc_json_write_float(double value, char text[RPC_JSON_NUMBER_BYTES]);
size_t rpc_json_write_single(float value, char text[RPC_JSON_NUMBER_BYTES]);
size_t rpc_json_write_unsigned(uint64_t value, char text[RPC_JSON_NUMBER_BYTES]);
/* Digits and nothing else, as this codec would write them, that fit. */
bool rpc_json_read_digits(const char *text, size_t size, uint64_t *value);

/* ---- before parsing ----------------------------------------------------------------------------------------- */

/* What was found in a text before it was parsed. It may turn out not to be JSON at all. */
typedef struct rpc_json_scan {
    size_t weight;  /* bytes of memory that its tree takes at most */
    const char *id; /* the member "id" of the outermost object as it stands there; NULL = none was found */
    size_t id_size;
} rpc_json_scan;

/* False: it must not be parsed; *wrong says why. `id` is filled as far as it went. */
bool rpc_json_scan_text(const char *text, size_t size, rpc_json_scan *scan, const char **wrong);

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* Makes the reader stand before one value, which nothing follows, or before the values of a list. */
void rpc_json_stand_at(rpc_reader *reader, json_t *value);
void rpc_json_stand_in(rpc_reader *reader, json_t *list);
/* Whose member `member` can make the next value; until then it is the next value itself. */
void rpc_json_stand_at_named(rpc_reader *reader, json_t *map);

/* The error of a reply, in whatever dialect it is. */
void rpc_json_read_fault(rpc_reader *reader, const json_t *error, rpc_fault *fault);

/* ---- the codec's table ---------------------------------------------------------------------------------------- */

via_status rpc_json_open(rpc_reader *reader, const void *data, size_t size, rpc_arena *arena, rpc_envelope *envelope);
void rpc_json_close(rpc_reader *reader);

rpc_token rpc_json_next(rpc_reader *reader);
bool rpc_json_get_nil(rpc_reader *reader);
bool rpc_json_get_bool(rpc_reader *reader, bool *value);
bool rpc_json_get_unsigned(rpc_reader *reader, uint64_t *value);
bool rpc_json_get_signed(rpc_reader *reader, int64_t *value);
bool rpc_json_get_float(rpc_reader *reader, double *value);
bool rpc_json_get_text(rpc_reader *reader, const char **text, size_t *size);
bool rpc_json_get_bytes(rpc_reader *reader, const unsigned char **bytes, size_t *size);
bool rpc_json_enter_list(rpc_reader *reader, size_t *count);
bool rpc_json_enter_map(rpc_reader *reader, size_t *count);
bool rpc_json_get_key(rpc_reader *reader, const char **text, size_t *size);
void rpc_json_leave_entered(rpc_reader *reader);
bool rpc_json_skip(rpc_reader *reader);
bool rpc_json_member(rpc_reader *reader, const char *name);

void rpc_json_request(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms, size_t count);
void rpc_json_notification(rpc_writer *writer, const char *method, size_t count);
void rpc_json_result(rpc_writer *writer, const rpc_id *id);
void rpc_json_end(rpc_writer *writer);
void rpc_json_fault(rpc_writer *writer, const rpc_id *id, const rpc_fault *fault, bool is_rich);
void rpc_json_request_named(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms);
void rpc_json_notification_named(rpc_writer *writer, const char *method);
void rpc_json_cancel(rpc_writer *writer, uint64_t id);

void rpc_json_put_nil(rpc_writer *writer);
void rpc_json_put_bool(rpc_writer *writer, bool value);
void rpc_json_put_unsigned(rpc_writer *writer, uint64_t value);
void rpc_json_put_signed(rpc_writer *writer, int64_t value);
void rpc_json_put_float(rpc_writer *writer, double value);
void rpc_json_put_single(rpc_writer *writer, float value);
void rpc_json_put_text(rpc_writer *writer, const char *text, size_t size);
void rpc_json_put_bytes(rpc_writer *writer, const void *bytes, size_t size);
void rpc_json_begin_list(rpc_writer *writer, size_t count);
void rpc_json_begin_map(rpc_writer *writer, size_t count);
void rpc_json_put_key(rpc_writer *writer, const char *key, size_t size);
void rpc_json_leave(rpc_writer *writer); /* the list or map that is open */
void rpc_json_put_verbatim(rpc_writer *writer, const char *json, size_t size);

#endif
