/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The porter: a thread that does what has to be done while nobody is inside a call: it lets newcomers in, and wakes the many who
 * sleep for a publisher.
 *
 * Owns: one thread for all who need it in this process (the manifest says "threads"), started with the first and joined with the
 * last. All its signals are blocked, and it runs nothing of the application's. It may run where the process's first thread may, and
 * has the scheduling policy of the one whose call started it. It waits at the doors and, for those who ask for it, comes by every
 * 50 ms, since a dead process rings no bell. A child that is forked has no porter.
 */
#ifndef SHM_PORTER_H
#define SHM_PORTER_H

#include <pthread.h>
#include <stdbool.h>
#include <viaduct/plugin.h>

typedef struct shm_door {
    struct shm_door *next;
    int descriptor;           /* shown to `open` whenever it is readable */
    bool visited;             /* also every 50 ms */
    bool rests;               /* shown again at the next round; the porter's */
    bool (*open)(void *user); /* does a little, and is called again if there is more. False: not now, in a while */
    void (*visit)(void *user);
    void *user;
} shm_door;

typedef struct shm_porter {
    pthread_mutex_t lock; /* held while a door is served: what is removed is served no more */
    pthread_mutex_t gate; /* held by whoever waits for the lock: who has just had it comes after */
    pthread_mutex_t turn; /* of whoever starts or ends the thread */
    shm_door *doors;
    pthread_t thread;
    int set;  /* epoll; -1 = no thread */
    int wake; /* eventfd: look at the doors again */
    bool stops;
} shm_porter;

void shm_porter_init(shm_porter *porter);
void shm_porter_fini(shm_porter *porter);
/* Neither function of the door may wait. VIA_OK, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO with errno. */
via_status shm_porter_add(shm_porter *porter, shm_door *door);
/* Afterwards neither runs any more. Harmless for a door that was never added. */
void shm_porter_remove(shm_porter *porter, shm_door *door);
/* Comes by this door from now on. */
void shm_porter_visit(shm_porter *porter, shm_door *door);

#endif
