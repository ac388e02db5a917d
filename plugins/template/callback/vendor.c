/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in for a vendor's library; see vendor.h. Owns: its thread, and a queue of some messages. */
#include "vendor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_MOST = 64 };

typedef struct vendor_message {
    struct vendor_message *next;
    size_t size;
    unsigned char bytes[];
} vendor_message;

struct vendor_bus {
    vendor_callbacks callbacks;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    vendor_message *first, **last;
    unsigned count;
    bool refused; /* somebody waits for room */
    bool closing;
};

/* Waits for a message. NULL: the bus is being closed. */
static vendor_message *next_message(vendor_bus *bus, bool *tell_room)
{
    pthread_mutex_lock(&bus->lock);
    while (!bus->first && !bus->closing)
        pthread_cond_wait(&bus->news, &bus->lock);
    vendor_message *message = bus->closing ? NULL : bus->first;
    if (message) {
        bus->first = message->next;
        if (!bus->first)
            bus->last = &bus->first;
        bus->count--;
        *tell_room = bus->refused;
        bus->refused = false;
    }
    pthread_mutex_unlock(&bus->lock);
    return message;
}

static void *run(void *argument)
{
    vendor_bus *bus = argument;
    vendor_message *message;
    bool tell_room = false;

    while ((message = next_message(bus, &tell_room)) != NULL) {
        if (tell_room)
            bus->callbacks.room(bus->callbacks.user);
        bus->callbacks.message(bus->callbacks.user, message->bytes, message->size);
        free(message);
    }
    return NULL;
}

/* Signals are the application's: the thread blocks them all. */
static int start(vendor_bus *bus)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(&bus->thread, NULL, run, bus);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

vendor_bus *vendor_open(const char *name, const vendor_callbacks *callbacks)
{
    vendor_bus *bus = calloc(1, sizeof(*bus));

    (void)name; /* every open has a bus to itself */
    if (!bus)
        return NULL;
    bus->callbacks = *callbacks;
    bus->last = &bus->first;
    (void)pthread_mutex_init(&bus->lock, NULL);
    (void)pthread_cond_init(&bus->news, NULL);
    const int code = start(bus);
    if (code == 0)
        return bus;
    free(bus);
    errno = code;
    return NULL;
}

bool vendor_send(vendor_bus *bus, const void *data, size_t size)
{
    vendor_message *message = malloc(sizeof(*message) + size);

    if (!message)
        return false;
    message->next = NULL;
    message->size = size;
    memcpy(message->bytes, data, size);
    pthread_mutex_lock(&bus->lock);
    const bool taken = bus->count < QUEUE_MOST;
    if (taken) {
        *bus->last = message;
        bus->last = &message->next;
        bus->count++;
        pthread_cond_signal(&bus->news);
    }
    bus->refused = bus->refused || !taken;
    pthread_mutex_unlock(&bus->lock);
    if (!taken)
        free(message);
    errno = EAGAIN;
    return taken;
}

void vendor_close(vendor_bus *bus)
{
    pthread_mutex_lock(&bus->lock);
    bus->closing = true;
    pthread_cond_signal(&bus->news);
    pthread_mutex_unlock(&bus->lock);
    pthread_join(bus->thread, NULL);
    while (bus->first) {
        vendor_message *message = bus->first;
        bus->first = message->next;
        free(message);
    }
    pthread_cond_destroy(&bus->news);
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}
