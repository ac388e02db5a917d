/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair; see pair.h. How one is opened is in pair_open.c.
 */
#include "pair.h"

#include "body.h"
#include "kit/credentials.h"
#include "kit/fail.h"
#include "kit/packet.h"
#include "parcels.h"
#include "words.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct mqueue_pair {
    mqueue_channel base; /* first */
    pthread_mutex_t lock;
    mqueue_parcels parcels; /* under the lock */
    bool has_finished;      /* the other end has; under the lock */
    bool has_ended;         /* told, and counted; under the lock */
    uint64_t sent;          /* parcels; the sending thread's */
} mqueue_pair;

/* ---- news --------------------------------------------------------------------------------------------------- */

static void end(mqueue_pair *pair, via_status status, const char *what)
{
    const mqueue_settings *settings = &pair->base.settings;

    if (pair->has_ended)
        return;
    pair->has_ended = true;
    if (status != VIA_ECLOSED)
        (void)via_fail_channel(settings->host, settings->context, status, 0, NULL, "%s", what);
    via_count(&settings->counters->disconnects, 1);
    via_count(&settings->counters->peers, UINT64_MAX); /* one less */
    mqueue_channel_end(&pair->base, VIA_WRITE, status);
    mqueue_channel_end(&pair->base, VIA_READ, pair->has_finished && status == VIA_EPEER ? VIA_ECLOSED : status);
}

static via_status keep_parcel(mqueue_pair *pair, const mqueue_word *word, int descriptors[MQUEUE_WORD_DESCRIPTORS])
{
    via_status status =
        descriptors[0] < 0 ? VIA_EPROTO : mqueue_parcels_put(&pair->parcels, word->number, descriptors[0]);

    if (status == VIA_OK)
        descriptors[0] = -1;
    return status;
}

static void hear(mqueue_pair *pair, const mqueue_word *word, int descriptors[MQUEUE_WORD_DESCRIPTORS])
{
    if (word->kind == MQUEUE_FINISH) {
        pair->has_finished = true;
        mqueue_channel_end(&pair->base, VIA_READ, VIA_ECLOSED);
    } else if (word->kind == MQUEUE_BYE) {
        end(pair, VIA_ECLOSED, "");
    } else if (word->kind != MQUEUE_PARCEL || keep_parcel(pair, word, descriptors) != VIA_OK) {
        end(pair, VIA_EPROTO, "the other end said something that makes no sense, or sent more than was agreed");
    }
    via_packet_close(descriptors, MQUEUE_WORD_DESCRIPTORS);
}

/* After the goodbye nothing follows but the end, which is not to be taken for a death. */
static void pair_look(mqueue_channel *channel)
{
    mqueue_pair *pair = (mqueue_pair *)channel;
    int descriptors[MQUEUE_WORD_DESCRIPTORS];
    mqueue_word word;

    (void)pthread_mutex_lock(&pair->lock);
    while (!pair->has_ended) {
        via_status status = mqueue_word_receive(channel->control, &word, descriptors);
        if (status == VIA_OK)
            hear(pair, &word, descriptors);
        else if (status == VIA_EPEER)
            end(pair, VIA_EPEER, "the other end died");
        else if (status == VIA_EPROTO)
            end(pair, VIA_EPROTO, "the other end does not speak mq");
        else if (status == VIA_ELIMIT)
            end(pair, VIA_EIO, "the limit of open files kept a large message out: raise it (ulimit -n)");
        else
            break;
    }
    (void)pthread_mutex_unlock(&pair->lock);
}

/* ---- large messages ----------------------------------------------------------------------------------------- */

typedef struct parcel {
    mqueue_word word;
    int memory;
    bool has_left;
    unsigned priority;
} parcel;

/*
 * Nobody else sends into this queue, so room that is there stays there: the memory goes first, the reference right after it, and a
 * deadline can pass only before both.
 */
static via_status post_parcel(mqueue_channel *channel, void *argument)
{
    parcel *what = argument;
    unsigned char reference[MQUEUE_REFERENCE_SIZE];
    const mqueue_header header = {MQUEUE_BODY, what->word.size, what->word.number};
    long count = mqueue_kernel_count(&channel->out);

    if (!what->has_left && count >= channel->out.depth)
        return VIA_ETIMEDOUT;
    if (!what->has_left) {
        via_status status = mqueue_word_send(channel->control, what->word, &what->memory, 1);
        if (status != VIA_OK)
            return status == VIA_ETIMEDOUT ? VIA_EBUSY : status;
        what->has_left = true;
    }
    size_t size = mqueue_header_write(&header, reference);
    return mqueue_kernel_send(&channel->out, reference, size, what->priority);
}

/* How it looks to the host: of the statuses of a memory file some are no statuses of sending. */
static via_status fail_memory(mqueue_channel *channel, uint64_t size)
{
    int code = errno;

    via_note(channel->settings.host, channel->settings.context, VIA_LOG_WARNING,
             code == EFBIG ? "no memory for a message of %ju bytes: the limit of file sizes counts for it (ulimit -f)"
                           : "no memory for a message of %ju bytes",
             (uintmax_t)size);
    return code == EFBIG ? VIA_ETOOBIG : VIA_ENOMEM;
}

static via_status pair_send_large(mqueue_channel *channel, const mqueue_load *load, via_deadline deadline)
{
    mqueue_pair *pair = (mqueue_pair *)channel;
    parcel what = {.word = {.kind = MQUEUE_PARCEL, .number = pair->sent + 1, .size = load->size},
                   .memory = memfd_create("viaduct-mq", MFD_CLOEXEC),
                   .priority = load->priority};

    if (what.memory < 0)
        return fail_memory(channel, load->size);
    via_status status = VIA_OK;
    if (!mqueue_body_fill(what.memory, load->slices, load->count, load->size))
        status = fail_memory(channel, load->size);
    if (status == VIA_OK) {
        status = mqueue_channel_try_until(channel, VIA_WRITE, post_parcel, &what, deadline);
        pair->sent += what.has_left;
    }
    (void)close(what.memory);
    if (status != VIA_EPEER) /* of the socket: whether it was a goodbye or a death, its words tell */
        return status;
    pair_look(channel);
    int state = atomic_load(&channel->write_state);
    return state == VIA_OK ? VIA_EPEER : state;
}

static via_status pair_fetch(mqueue_channel *channel, const mqueue_header *header, void *data)
{
    mqueue_pair *pair = (mqueue_pair *)channel;
    struct stat file;

    pair_look(channel); /* it was sent before the reference */
    (void)pthread_mutex_lock(&pair->lock);
    int memory = mqueue_parcels_take(&pair->parcels, header->body);
    (void)pthread_mutex_unlock(&pair->lock);
    if (memory < 0)
        return VIA_EPROTO;
    bool is_sound = fstat(memory, &file) == 0 && S_ISREG(file.st_mode) && mqueue_body_fetch(memory, data, header->size);
    (void)close(memory);
    return is_sound ? VIA_OK : VIA_EPROTO;
}

static via_status pair_refuse(mqueue_channel *channel, const char *why)
{
    mqueue_pair *pair = (mqueue_pair *)channel;

    via_count(&channel->settings.counters->protocol_errors, 1);
    (void)pthread_mutex_lock(&pair->lock);
    end(pair, VIA_EPROTO, why);
    mqueue_channel_end(channel, VIA_READ | VIA_WRITE, VIA_EPROTO);
    (void)pthread_mutex_unlock(&pair->lock);
    return VIA_EPROTO;
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

static via_status say_finish(mqueue_channel *channel, void *argument)
{
    (void)argument;
    via_status status = mqueue_word_send(channel->control, (mqueue_word){.kind = MQUEUE_FINISH}, NULL, 0);
    return status == VIA_ETIMEDOUT ? VIA_EBUSY : status;
}

static via_status pair_finish(mqueue_channel *channel, via_deadline deadline)
{
    via_status status = say_finish(channel, NULL);

    if (status == VIA_EBUSY)
        status = mqueue_channel_try_until(channel, VIA_WRITE, say_finish, NULL, deadline);
    return status == VIA_EPEER ? VIA_OK : status; /* nobody is there to be told */
}

/* What the kernel holds is delivered, or will be, as long as the other end has its descriptors. */
static via_status pair_drain(mqueue_channel *channel, uint64_t *undelivered)
{
    long count = mqueue_kernel_count(&channel->out);

    pair_look(channel);
    int state = atomic_load(&channel->write_state);
    if (state == VIA_OK || count <= 0)
        return VIA_OK;
    *undelivered = (uint64_t)count;
    return state;
}

static via_status pair_peer(mqueue_channel *channel, via_peer_info *out)
{
    return via_credentials_of_socket(channel->control, out);
}

static void dispose(mqueue_pair *pair)
{
    mqueue_channel_fini(&pair->base);
    mqueue_parcels_fini(&pair->parcels);
    (void)close(pair->base.control);
    (void)pthread_mutex_destroy(&pair->lock);
    free(pair);
}

static void pair_close(mqueue_channel *channel, uint32_t how)
{
    if (how != VIA_CLOSE_FORKED)
        (void)mqueue_word_send(channel->control, (mqueue_word){.kind = MQUEUE_BYE}, NULL, 0);
    dispose((mqueue_pair *)channel);
}

static const mqueue_pattern pattern = {
    .look = pair_look,
    .refresh = pair_look,
    .send_large = pair_send_large,
    .fetch = pair_fetch,
    .refuse = pair_refuse,
    .finish = pair_finish,
    .drain = pair_drain,
    .peer = pair_peer,
    .close = pair_close,
};

via_status mqueue_pair_create(const mqueue_settings *settings, int socket, mqueue_kernel *in, mqueue_kernel *out,
                              void **channel, via_error *error)
{
    mqueue_pair *made = calloc(1, sizeof(*made));

    if (!made) {
        (void)close(socket);
        mqueue_kernel_close(in);
        mqueue_kernel_close(out);
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    }
    mqueue_channel_init(&made->base, &pattern, settings);
    (void)pthread_mutex_init(&made->lock, NULL);
    made->base.in = *in;
    made->base.out = *out;
    made->base.control = socket;
    /* One for each reference in the queue, one for a reference that was taken out of it, and one that has just left. */
    mqueue_parcels_init(&made->parcels, (size_t)in->depth + 2);
    via_status status = mqueue_channel_start(&made->base, error);
    if (status != VIA_OK) {
        dispose(made);
        return status;
    }
    via_count(&settings->counters->connects, 1);
    via_count(&settings->counters->peers, 1);
    *channel = made;
    return VIA_OK;
}
