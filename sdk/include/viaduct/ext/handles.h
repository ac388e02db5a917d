/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "via.handles/1": OS handles (file descriptors) that travel with a message.
 *
 * Owns: the table a transport offers and libviaduct's forwarders to it. Source: SCM_RIGHTS, unix(7).
 * At most VIA_HANDLES_MAX handles go with one message. unix: offers it when opened with `handles=true`.
 */
#ifndef VIADUCT_EXT_HANDLES_H
#define VIADUCT_EXT_HANDLES_H

#include <viaduct/viaduct.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_HANDLES_ID "via.handles/1"
#define VIA_HANDLES_MAX 64

/* Offered by a transport. The functions keep the thread and blocking rules of send and recv. */
typedef struct via_handles {
    uint32_t size;
    uint32_t reserved;
    /* Sends one message with `count` handles, which stay the caller's (the other end gets duplicates). */
    via_status (*send)(void *self, const void *data, size_t bytes, const intptr_t *handles, size_t count,
                       via_deadline deadline);
    /*
     * Takes the handles that came with the message received last; they are close-on-exec and now the caller's.
     * VIA_OK with *count (0 = none came), VIA_EBUFFER with *count needed and nothing taken. Handles nobody takes are
     * closed by the next receive. Does not block.
     */
    via_status (*take)(void *self, intptr_t *handles, size_t capacity, size_t *count);
} via_handles;

/* Forwarders; VIA_ENOTSUP where the channel does not offer the extension. */
VIA_API VIA_CHECK_RESULT via_status via_handles_send(via_channel *channel, const void *data, size_t bytes,
                                                     const intptr_t *handles, size_t count, via_deadline deadline);
VIA_API VIA_CHECK_RESULT via_status via_handles_take(via_channel *channel, intptr_t *handles, size_t capacity,
                                                     size_t *count);

#ifdef __cplusplus
}
#endif
#endif
