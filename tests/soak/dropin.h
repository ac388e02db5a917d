/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic of soak_dropin, and what the process holds.
 *
 * Owns: the threads and their channels. Must never know what happens to the plugin's files.
 */
#ifndef VIADUCT_TESTS_SOAK_DROPIN_H
#define VIADUCT_TESTS_SOAK_DROPIN_H

#include <viaduct/viaduct.h>

enum {
    SOAK_LANES = 3,
    /* The long channel's; of each lane the listener's and the dialer's; and what the next opening call brings. */
    SOAK_OBJECTS_MOST = 1 + 2 * SOAK_LANES + 1
};

typedef struct soak_state {
    size_t descriptors;
    size_t objects;  /* code objects loaded from sealed copies */
    size_t mappings; /* of them */
    size_t heap;     /* bytes in use; 0 under a sanitizer, which counts leaks itself */
} soak_state;

typedef struct soak_result {
    uint64_t channels, messages, lost;
    char failed[256]; /* "" = no call failed */
} soak_result;

/* Opens the long channel. Everything below is called by one thread. */
void soak_lanes_open(via_host *host);
/* Starts the threads. */
void soak_lanes_start(void);
/* Waits until each lane has opened a channel that it began to open after this call, or has failed. */
void soak_lanes_await_opens(void);
/* Ends the threads; the long channel stays. */
void soak_lanes_rest(void);
void soak_lanes_close(void);
soak_result soak_lanes_result(void);

size_t soak_count_objects(void);
soak_state soak_state_now(void);

#endif
