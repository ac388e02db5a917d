/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from another thread; see inbox.h. Owns: the order of lock and descriptor: it changes under the lock only. */
#include "kit/inbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct via_inbox_item {
    struct via_inbox_item *next;
    size_t size;
    unsigned char bytes[];
};

via_status via_inbox_init(via_inbox *inbox, unsigned most)
{
    *inbox = (via_inbox){.most = most, .descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (inbox->descriptor < 0)
        return VIA_ELIMIT;
    inbox->last = &inbox->first;
    (void)pthread_mutex_init(&inbox->lock, NULL);
    (void)pthread_cond_init(&inbox->room, NULL);
    return VIA_OK;
}

void via_inbox_fini(via_inbox *inbox)
{
    while (inbox->first) {
        via_inbox_item *item = inbox->first;
        inbox->first = item->next;
        free(item);
    }
    (void)pthread_cond_destroy(&inbox->room);
    (void)pthread_mutex_destroy(&inbox->lock);
    (void)close(inbox->descriptor);
}

void via_inbox_forget(via_inbox *inbox)
{
    (void)close(inbox->descriptor);
}

/* Shows that there is something, or that there is nothing. */
static void show(const via_inbox *inbox, bool something)
{
    uint64_t count = 1;
    ssize_t moved =
        something ? write(inbox->descriptor, &count, sizeof(count)) : read(inbox->descriptor, &count, sizeof(count));
    (void)moved; /* an eventfd that shows it already */
}

/* ---- the library's thread ----------------------------------------------------------------------------------- */

static via_inbox_item *copy(const void *data, size_t size)
{
    via_inbox_item *item = malloc(sizeof(*item) + size);

    if (!item)
        return NULL;
    item->next = NULL;
    item->size = size;
    if (size > 0)
        memcpy(item->bytes, data, size);
    return item;
}

/* For memory, which nobody announces. False: nobody receives any more. */
static bool wait_a_moment(via_inbox *inbox)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 5000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&inbox->lock);
    if (!inbox->shut)
        (void)pthread_cond_timedwait(&inbox->room, &inbox->lock, &until);
    const bool goes_on = !inbox->shut;
    (void)pthread_mutex_unlock(&inbox->lock);
    return goes_on;
}

via_status via_inbox_put(via_inbox *inbox, const void *data, size_t size)
{
    via_inbox_item *item;

    while (!(item = copy(data, size)))
        if (!wait_a_moment(inbox))
            return VIA_ECANCELED;
    (void)pthread_mutex_lock(&inbox->lock);
    while (inbox->count >= inbox->most && !inbox->shut)
        (void)pthread_cond_wait(&inbox->room, &inbox->lock);
    const bool taken = !inbox->shut && inbox->end == VIA_OK;
    if (taken) {
        *inbox->last = item;
        inbox->last = &item->next;
        if (inbox->count++ == 0)
            show(inbox, true);
    }
    (void)pthread_mutex_unlock(&inbox->lock);
    if (!taken)
        free(item);
    return taken ? VIA_OK : VIA_ECANCELED;
}

void via_inbox_end(via_inbox *inbox, via_status why)
{
    (void)pthread_mutex_lock(&inbox->lock);
    if (inbox->end == VIA_OK)
        inbox->end = why;
    show(inbox, true);
    (void)pthread_mutex_unlock(&inbox->lock);
}

void via_inbox_shut(via_inbox *inbox)
{
    (void)pthread_mutex_lock(&inbox->lock);
    inbox->shut = true;
    (void)pthread_cond_broadcast(&inbox->room);
    (void)pthread_mutex_unlock(&inbox->lock);
}

/* ---- the receiver ------------------------------------------------------------------------------------------- */

/* VIA_ETIMEDOUT: nothing yet. */
static via_status take(via_inbox *inbox, via_inbox_item **item)
{
    (void)pthread_mutex_lock(&inbox->lock);
    via_status status = inbox->end == VIA_OK ? VIA_ETIMEDOUT : inbox->end;
    *item = inbox->first;
    if (*item) {
        status = VIA_OK;
        inbox->first = (*item)->next;
        if (!inbox->first)
            inbox->last = &inbox->first;
        inbox->count--;
        (void)pthread_cond_signal(&inbox->room);
        if (inbox->count == 0 && inbox->end == VIA_OK)
            show(inbox, false);
    }
    (void)pthread_mutex_unlock(&inbox->lock);
    return status;
}

via_status via_inbox_recv(via_inbox *inbox, via_wake *wake, via_deadline deadline, via_msg *out)
{
    via_inbox_item *item = NULL;

    for (;;) {
        via_status status = via_wake_is_raised(wake) ? VIA_ECANCELED : take(inbox, &item);
        if (status == VIA_ETIMEDOUT && deadline != VIA_NOW) {
            status = via_wake_poll(wake, inbox->descriptor, POLLIN, deadline);
            if (status == VIA_OK)
                continue;
        }
        if (status != VIA_OK)
            return status;
        memset(out, 0, sizeof(*out));
        out->data = item->bytes;
        out->size = item->size;
        out->token[0] = (uintptr_t)item;
        return VIA_OK;
    }
}

void via_inbox_release(via_msg *message)
{
    free((void *)message->token[0]);
}

via_status via_inbox_arm(via_inbox *inbox)
{
    (void)pthread_mutex_lock(&inbox->lock);
    const bool ready = inbox->first || inbox->end != VIA_OK;
    (void)pthread_mutex_unlock(&inbox->lock);
    return ready ? VIA_EREADY : VIA_OK;
}
