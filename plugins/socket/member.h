/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking part in a queue or topic; and dialling a pair that makes a lost connection again, which is a hub of one.
 *
 * Owns: the join slot, and the port through which a hub of the kit gets its connections.
 */
#ifndef SOCKET_MEMBER_H
#define SOCKET_MEMBER_H

#include <viaduct/plugin.h>

via_status socket_member_join(const via_host_api *host, const via_open *open, void **channel, via_error *error);

#endif
