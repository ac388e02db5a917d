/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once.
 *
 * Owns: the names of the manifest's options.
 */
#ifndef SHM_SETTINGS_H
#define SHM_SETTINGS_H

#include <viaduct/plugin.h>

typedef struct shm_settings {
    const via_host_api *host;
    via_context *context;
    via_counters *counters;
    uint64_t max_message;
    uint32_t slots;   /* a power of two */
    size_t ring;      /* bytes of the arena */
    uint32_t how;     /* SHM_TOUCH, SHM_HUGE */
    uint64_t spin_ns; /* how long a wait spins at most before it sleeps; UINT64_MAX = for ever */
    bool is_crossed;  /* the barriers of others reach this process (barrier.h) */
    bool copies;      /* received messages are copied out of the other end's memory */
    bool any_user;
    uint32_t mode;
    int backlog;
    uint64_t handshake_ns;
    uint32_t handshake_limit;
    /* of a topic */
    bool many;         /* several publish on one name */
    uint32_t overflow; /* SHM_BLOCK, ... */
    uint64_t history;  /* how many older messages a subscriber asks for */
    uint32_t peers;    /* how many may be attached at once */
    uint64_t reconnect_ns;
    const char *filter; /* valid while opening; see via_open */
} shm_settings;

/* shm_settings.overflow, in the manifest's order */
enum { SHM_BLOCK, SHM_DROP_OLDEST, SHM_DROP_NEWEST, SHM_FAIL };

void shm_settings_read(const via_host_api *host, const via_open *open, shm_settings *settings);
/* Bytes of the memory that one end of a pair, or a publisher, makes. */
size_t shm_settings_size(const shm_settings *settings);
/* Reports that it cannot be had, with errno. Returns `status`. */
via_status shm_settings_no_memory(const shm_settings *settings, via_status status, via_error *error);

#endif
