/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two ends of shared memory meet.
 *
 * Owns: the notation of the addresses, `shm:NAME` for a socket in the runtime folder and `shm:/PATH` for one anywhere; the
 * name of who binds, and the hellos of those who connect. Must never know what follows the hello.
 */
#ifndef SHM_MEETING_H
#define SHM_MEETING_H

#include "kit/acceptor.h"
#include "kit/unix_name.h"
#include "settings.h"
#include "words.h"

/* What one who connects has said; the descriptor is of its memory. */
typedef struct shm_greeting {
    shm_word word;
    int memory; /* plus one: 0 = none */
} shm_greeting;

typedef struct shm_meeting {
    shm_settings settings;
    /* Is it a hello that we can work with? Otherwise *why says why not. */
    bool (*is_hello)(const shm_word *word, int memory, const char **why);
    via_unix_name name;
    via_acceptor *acceptor;
} shm_meeting;

via_status shm_meeting_path(const via_host_api *host, const via_open *open, char path[108], via_error *error);

/* Nothing is held yet; then, and after a failure, shm_meeting_close() is harmless. */
void shm_meeting_init(shm_meeting *meeting, const shm_settings *settings,
                      bool (*is_hello)(const shm_word *word, int memory, const char **why));
/* Takes the name. Nobody can connect yet. VIA_OK, VIA_EBUSY and others of via_unix_name_take(). */
via_status shm_meeting_take(shm_meeting *meeting, const char *path, via_error *error);
/* From now on others connect; they show in `set` under `tag`. */
via_status shm_meeting_listen(shm_meeting *meeting, const via_pollset *set, void *tag, via_error *error);
void shm_meeting_close(shm_meeting *meeting, uint32_t how);
/* Gives up what a greeting holds. */
void shm_greeting_drop(shm_greeting *greeting);

/* Connects. VIA_OK, VIA_ENOPEER, VIA_EPERM and others of via_unix_name_dial(). */
via_status shm_meeting_dial(const shm_settings *settings, const char *path, int *descriptor, via_error *error);

#endif
