/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener of pairs.
 *
 * Owns: the slots of via_listener_ops, around one acceptor with an epoll of its own.
 */
#ifndef SOCKET_LISTENER_H
#define SOCKET_LISTENER_H

#include <viaduct/plugin.h>

via_status socket_listener_open(const via_host_api *host, const via_open *open, void **listener, via_error *error);

extern const via_listener_ops socket_listener_ops;

#endif
