/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in JSON: for people, scripts and programs whose interface nobody has.
 *
 * Owns: how a JSON value becomes a value on the wire, held to the interface where there is one. Must never call a C function of
 * the interface.
 */
#ifndef RPC_DYNAMIC_H
#define RPC_DYNAMIC_H

#include "peer.h"

#include <jansson.h>

/* Without an interface: the wire's own kinds. Bytes that are no text become {"base64": ...}; other types of the wire a text. */
via_status rpc_json_put_any(rpc_marshal *marshal, const json_t *value);
via_status rpc_json_get_any(rpc_marshal *marshal, json_t **out);

/* By a type of the interface. */
via_status rpc_json_put(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, const json_t *value);
via_status rpc_json_get(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, json_t **out);

/* All that is sent, from an array in order or an object by name. `callbacks`: the number of the first parameter's. */
via_status rpc_json_put_sent(rpc_marshal *marshal, const rpc_method *method, const json_t *params, uint64_t callbacks);
/* ... read again as an array. */
via_status rpc_json_get_sent(rpc_marshal *marshal, const rpc_method *method, size_t count, json_t **out);
/* A result: one value as it is; several as an object, the returned value under "return". */
via_status rpc_json_get_returned(rpc_marshal *marshal, const rpc_method *method, json_t **out);
/* ... written from one value, or an object of several. */
via_status rpc_json_put_returned(rpc_marshal *marshal, const rpc_method *method, const json_t *value);

/* A callback of a call in JSON is called. */
void rpc_dynamic_callback(rpc_peer *peer, rpc_call *call, size_t index, rpc_opened *request);

#endif
