/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening for pairs, and dialing one.
 *
 * Owns: the slots of a listener.
 */
#ifndef SHM_LISTENER_H
#define SHM_LISTENER_H

#include <viaduct/plugin.h>

via_status shm_listener_open(const via_host_api *host, const via_open *open, void **listener, via_error *error);
/* Connects; sends its memory and waits for nothing. */
via_status shm_dial(const via_host_api *host, const via_open *open, void **channel, via_error *error);
extern const via_listener_ops shm_listener_ops;

#endif
