/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of topics share: a private folder, joining, and other processes to talk to.
 */
#ifndef TOPIC_SCENE_H
#define TOPIC_SCENE_H

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

enum { PATIENCE_MS = 20000 };

typedef struct scene {
    char folder[64];
    char name[96]; /* "shm:" and a path there */
} scene;

int open_scene(void **state);
/* Fails if something is left in the folder. */
int close_scene(void **state);
/* `options`: "" or "?..." */
via_channel *join(const scene *s, uint32_t role, const char *options);
/* Arms one that has nothing to receive, until its handle is quiet. */
void fall_asleep(via_channel *subscriber, struct pollfd *waits);

/* Another process. It dies with this one. */
typedef struct other {
    pid_t pid;
    int line; /* a socket to it */
} other;

other start(const scene *s, void (*run)(const scene *s, int line));
/* Kills it, unless signal is 0, and waits for its end. */
void end(other *one, int signal);
void tell(int line, uint64_t number);
/* UINT64_MAX: the other end has gone. */
uint64_t hear(int line);

#endif
