/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host, an address of its own, and raw sockets that speak SP badly on purpose.
 */
#ifndef TESTS_FAULTS_SOCKET_SCENE_H
#define TESTS_FAULTS_SOCKET_SCENE_H

#include <sys/types.h>
#include <viaduct/viaduct.h>

typedef struct scene {
    via_host *host;
    char folder[64];
    char path[96];     /* of the socket file */
    char address[128]; /* "unix:PATH" */
} scene;

int scene_open(void **state);
int scene_close(void **state);

via_deadline scene_patience(void);

/* Address with "?options" appended (NULL = none). Failing fails the test. */
via_listener *scene_listen(scene *s, const char *options);
via_channel *scene_dial(scene *s, const char *options);
via_channel *scene_accept(via_listener *listener);
via_channel *scene_join(scene *s, uint32_t role, uint32_t side, const char *options);

/* Makes and connects a plain socket; a number of SP_* is greeted with unless it is 0. */
enum { SP_PAIR = 0x10, SP_PUB = 0x20, SP_SUB = 0x21, SP_PUSH = 0x50, SP_PULL = 0x51 };
int scene_raw(scene *s, uint16_t protocol);
/* Listens without a lock, as other programs do. */
int scene_raw_listen(scene *s);
void scene_raw_send(int descriptor, const void *data, size_t size);
/* Sends an SP IPC frame that claims `claimed` bytes and holds the `size` first of `body`. */
void scene_raw_frame(int descriptor, uint64_t claimed, const void *body, size_t size);
/* Reads until the other end has closed; false if it takes too long. */
bool scene_raw_is_closed(int descriptor);

void scene_send(via_channel *channel, const char *text);
void scene_expect(via_channel *channel, const char *text);
/* Lets a channel do its work until `peers` are attached. */
void scene_wait_peers(via_channel *channel, uint64_t peers);
/* Lets a channel do its work until `field` of its counters is at least `value`. */
void scene_wait_counter(via_channel *channel, size_t field, uint64_t value);

#endif
