/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client library of a broker may look like: a connection that it keeps up by itself, and a thread that calls back.
 *
 * The seam: my_engine.c knows of the broker what stands here, and nothing else. engine.c and broker.c are stand-ins, to be
 * replaced by a few lines over a vendor's library and by that vendor's broker. Must never know of Viaduct.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { ENGINE_PLACE_MOST = 107, ENGINE_TOPIC_MOST = 255, ENGINE_MESSAGE_MOST = 65536 };

typedef struct engine_client engine_client;

/* What the engine's thread calls, one at a time; nothing any more once engine_close() has returned. */
typedef struct engine_callbacks {
    /* The memory is the engine's. It may wait: the engine reads no more meanwhile, and so the broker waits. */
    void (*message)(void *user, const void *data, size_t size);
    void (*room)(void *user); /* a publish that answered EAGAIN may work now */
    void (*lost)(void *user); /* the connection is gone; the engine tries again until it has one */
    void (*found)(
        void *user); /* and here it is, with what was subscribed to; what was published meanwhile was missed */
    void *user;
} engine_callbacks;

/*
 * Connects to the broker whose socket is `place`; never waits. `retry_ns`: between attempts after a loss. NULL with errno:
 * ENOENT, ECONNREFUSED: there is no broker.
 */
engine_client *engine_connect(const char *place, uint64_t retry_ns, const engine_callbacks *callbacks);
/* Once. Waits until the broker knows, at most until `deadline_ns` (CLOCK_MONOTONIC). False: it did not answer. */
bool engine_subscribe(engine_client *client, const char *topic, uint64_t deadline_ns);
/* Any thread, never waits. False with errno: EAGAIN: not now, `room` will tell; others: not at all. */
bool engine_publish(engine_client *client, const char *topic, const struct iovec *pieces, size_t count);
/* Ends the thread, which must not be waiting in `message`. What was published is the broker's already. */
void engine_close(engine_client *client);
/* In a forked child, where the thread is not: closes descriptors and frees memory, and asks for no lock. */
void engine_forget(engine_client *client);

#endif
