/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the application calls.
 *
 * Owns: the slots of the extension "via.rpc/1" (<viaduct/rpc.h> says what they do), and what they share.
 */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include "call.h"

typedef struct rpc_peer rpc_peer;

/* One call of the application, before it is one on the wire. */
typedef struct rpc_request {
    const rpc_method *method;
    void *cells[RPC_PARAMS_MAX]; /* by parameter of the method */
    void *result;
    via_deadline deadline; /* or VIA_RPC_USUAL, which begins when it is sent */
} rpc_request;

/* Calls, and waits. Fills `error` on failure, and zeroes what a result would have written. */
via_status rpc_call_function(rpc_peer *peer, rpc_thread *thread, rpc_request *request, via_rpc_error *error);
/* Fills an error record that may be NULL: refused here, nothing sent. */
void rpc_explain(via_rpc_error *error, const char *method, via_status status, const char *format, ...)
    __attribute__((cold, format(printf, 4, 5)));
/* The same as the status that it is, so that a refusal is one statement. */
#define rpc_refuse(error, method, status, ...) (rpc_explain((error), (method), (status), __VA_ARGS__), (status))
/* The deadline that a call of the method (NULL = of none) really has. */
via_deadline rpc_deadline(const rpc_peer *peer, const rpc_method *method, via_deadline deadline);
/* What of it is left, in ms, as it is sent along; 0 = it is not. */
uint64_t rpc_timeout(rpc_peer *peer, const rpc_method *method, via_deadline deadline);
/* Copies the error of a call to `error`, which may be NULL. */
void rpc_tell(const rpc_call *call, via_rpc_error *error);
/* How ffi_call() and closures hand over what is returned: integers fill a whole register. */
void rpc_return_store(const rpc_type *type, void *to, const void *from);

extern const via_rpc rpc_table;
via_status rpc_table_serve(void *self, const via_rpc_function *functions, size_t count, void *user, via_error *error);
via_status rpc_table_serve_library(void *self, const char *library, void *user, via_error *error);
via_status rpc_table_import(void *self, const char *method, void *function, size_t bytes, via_error *error);
void rpc_stubs_fini(rpc_peer *peer, bool is_forked);
via_status rpc_table_last_error(void *self, via_rpc_error *error);
via_status rpc_table_call(void *self, const char *method, void *result, void *const *arguments, size_t count,
                          via_deadline deadline, via_rpc_error *error);
via_status rpc_table_start(void *self, const char *method, void *result, void *const *arguments, size_t count,
                           via_deadline deadline, via_rpc_done_fn done, void *user, uint64_t *number,
                           via_rpc_error *error);
via_status rpc_table_cancel(void *self, uint64_t number);
via_status rpc_table_notify(void *self, const char *method, void *const *arguments, size_t count, via_deadline deadline,
                            via_rpc_error *error);
via_status rpc_table_call_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                               char **result, via_rpc_event_fn event, void *user, via_rpc_error *error);
via_status rpc_table_start_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                                via_rpc_json_fn done, void *user, uint64_t *number, via_rpc_error *error);
via_status rpc_table_notify_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                                 via_rpc_error *error);
via_status rpc_table_describe(void *self, via_deadline deadline, char **text, via_rpc_error *error);

#endif
