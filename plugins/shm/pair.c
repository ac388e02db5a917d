/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one end of a pair; see pair.h.
 *
 * Owns: making and giving up. What was sent stays where it is when this end closes: the other end has the memory too.
 */
#include "pair.h"

#include "kit/credentials.h"
#include "kit/fail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GREETING_NS = 1000 * 1000 * 1000 };

static via_status tell_of_segment(void *user, shm_word *word, int descriptor)
{
    const shm_pair *pair = user;

    return shm_word_send(pair->socket, word, &descriptor, descriptor >= 0 ? 1 : 0);
}

static void set_up(shm_pair *pair)
{
    const shm_settings *settings = &pair->settings;

    pair->ours = (shm_control *)(void *)pair->mine.base;
    pair->writer.slots = (shm_slot *)(void *)(pair->mine.base + SHM_SLOTS_AT);
    pair->writer.mask = settings->slots - 1;
    pair->writer.ours = pair->ours;
    pair->writer.heard = pair->reader.heard = &pair->heard;
    shm_arena_init(&pair->arena, pair->mine.base + shm_head_size(settings->slots), settings->ring);
    pair->pool.how = settings->how;
    pair->pool.tell = tell_of_segment;
    pair->pool.user = pair;
    pair->reader.ours = pair->ours;
    via_spin_init(&pair->send_patience.spin, settings->spin_ns);
    via_spin_init(&pair->receive_patience.spin, settings->spin_ns);
}

static void dispose(shm_pair *pair)
{
    shm_pair_drop_bells(pair);
    if (pair->socket >= 0)
        (void)close(pair->socket);
    shm_pool_drop(&pair->pool);
    shm_views_drop(&pair->views);
    shm_memory_drop(&pair->theirs);
    shm_memory_drop(&pair->mine);
    via_wake_fini(&pair->wake);
    (void)pthread_mutex_destroy(&pair->lock);
    free(pair->given_back);
    shm_holds_fini(&pair->holds);
    free(pair);
}

static const via_channel_ops pair_ops;

static shm_pair *allocate(const shm_settings *settings, int socket)
{
    shm_pair *pair = aligned_alloc(SHM_LINE, (sizeof(*pair) + SHM_LINE - 1) / SHM_LINE * SHM_LINE);

    if (!pair)
        return NULL;
    memset(pair, 0, sizeof(*pair));
    pair->base.ops = &pair_ops;
    pair->settings = *settings;
    pair->socket = socket;
    via_wake_init(&pair->wake);
    (void)pthread_mutex_init(&pair->lock, NULL);
    shm_pair_init_bells(pair);
    return pair;
}

/* Makes our memory and shows it to the other end. */
static via_status introduce(shm_pair *pair, via_error *error)
{
    const shm_settings *settings = &pair->settings;
    int memory = -1;
    via_status status = shm_memory_create(shm_settings_size(settings), settings->how, &pair->mine, &memory);

    if (status != VIA_OK)
        return shm_settings_no_memory(settings, status, error);
    set_up(pair);
    status = shm_pair_say_hello(pair, memory);
    (void)close(memory);
    if (status == VIA_OK || status == VIA_EPEER) /* who has sent and closed is to be received all the same */
        return VIA_OK;
    return via_fail(settings->host, error, status, errno, NULL, "the other end takes no hello");
}

via_status shm_pair_create(const shm_settings *settings, int socket, const shm_word *hello, int memory, void **channel,
                           via_error *error)
{
    shm_pair *pair = allocate(settings, socket);
    via_status status;

    if (!pair) {
        (void)close(socket);
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    }
    pair->greeted_by = via_deadline_after(GREETING_NS);
    status = introduce(pair, error);
    if (status == VIA_OK && hello && (status = shm_pair_meet(pair, hello, memory)) != VIA_OK)
        status = via_fail(settings->host, error, status, errno, NULL, "the other end's memory cannot be mapped");
    if (status != VIA_OK) {
        dispose(pair);
        return status;
    }
    via_count(&settings->counters->connects, 1);
    via_count(&settings->counters->peers, 1);
    *channel = pair;
    return VIA_OK;
}

void shm_pair_close(void *channel, uint32_t how)
{
    shm_pair *pair = channel;

    if (how != VIA_CLOSE_FORKED) {
        SHM_PUBLISH(&pair->ours->ended, SHM_FINISHED | SHM_GOODBYE);
        (void)shm_pair_finish(pair, VIA_NOW);
        (void)shm_pair_has_message(pair, NULL); /* if it has not done so, the reading end meets the other now */
        if (pair->reader.theirs)
            shm_pair_wake_writer(pair);
    }
    dispose(pair);
}

static via_status peer(void *channel, via_peer_info *out)
{
    const shm_pair *pair = channel;

    return via_credentials_of_socket(pair->socket, out);
}

static void refresh_counters(void *channel)
{
    shm_pair *pair = channel;

    pair->settings.counters->peers = atomic_load(&pair->gone) == VIA_OK;
}

static const via_channel_ops pair_ops = {
    .size = sizeof(via_channel_ops),
    .send = shm_pair_send,
    .recv = shm_pair_receive,
    .release = shm_pair_release,
    .loan = shm_pair_loan,
    .commit = shm_pair_commit,
    .discard = shm_pair_discard,
    .flush = shm_pair_flush,
    .finish = shm_pair_finish,
    .drain = shm_pair_drain,
    .pollable = shm_pair_pollable,
    .arm = shm_pair_arm,
    .interrupt = shm_pair_interrupt,
    .close = shm_pair_close,
    .peer = peer,
    .refresh_counters = refresh_counters,
};
