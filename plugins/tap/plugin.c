/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer tap: the channel, its slots, and the table.
 *
 * Owns: what is done for each message, which is little: while nobody records, one look at a word. Must never wait for whoever
 * records, and never change a byte.
 */
#include "tap.h"

#include "kit/barrier.h"
#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { AREA_TRIES = 1000 };
#define LOOK_NS UINT64_C(100000000)

typedef struct tap_channel {
    tap_state *state;
    via_inner *inner;
    const via_channel_ops *below;
    bool has_area; /* somebody records, or may */
    via_tap_area area;
    char area_path[TAP_PATH]; /* "" = private */
    tap_recorder *recorder;   /* NULL = whoever comes from outside */
    _Alignas(64) via_tap_writer sent;
    _Alignas(64) via_tap_writer received;
    uint64_t looked_ns[2]; /* for the recorder from outside */
} tap_channel;

/* ---- one message -------------------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool is_wanted(const tap_channel *tap)
{
    return tap->has_area && via_tap_is_wanted(&tap->area);
}

static via_tap_writer *writer_of(tap_channel *tap, unsigned direction)
{
    return direction == VIA_TAP_SENT ? &tap->sent : &tap->received;
}

static bool begin(tap_channel *tap, unsigned direction, uint64_t time_ns, const via_slice *slices, size_t count,
                  const via_meta *meta)
{
    via_pcapng_message message = {.time_ns = time_ns,
                                  .direction = direction == VIA_TAP_SENT ? VIA_PCAPNG_SENT : VIA_PCAPNG_RECEIVED};
    for (size_t i = 0; i < count; i++)
        message.size += (uint32_t)slices[i].size;
    if (meta != NULL)
        message.meta = *meta;
    return via_tap_write(&tap->area, direction, writer_of(tap, direction), &message, slices, count);
}

/* A recorder from outside that was killed has not said that it wants no more. */
static void lose(tap_channel *tap, unsigned direction, uint64_t time_ns)
{
    via_tap_lose(&tap->area, direction, writer_of(tap, direction));
    if (tap->recorder != NULL) {
        tap_recorder_nudge(tap->recorder, direction);
    } else if (time_ns - tap->looked_ns[direction] > LOOK_NS) {
        tap->looked_ns[direction] = time_ns;
        if (!via_tap_area_is_read(&tap->area))
            atomic_store(&tap->area.head->wanted, 0);
    }
}

static void publish(tap_channel *tap, unsigned direction)
{
    via_tap_publish(&tap->area, direction, writer_of(tap, direction));
    if (tap->recorder != NULL)
        tap_recorder_nudge(tap->recorder, direction);
}

static void note(tap_channel *tap, unsigned direction, uint64_t time_ns, const via_slice *slices, size_t count,
                 const via_meta *meta)
{
    if (begin(tap, direction, time_ns, slices, count, meta))
        publish(tap, direction);
    else
        lose(tap, direction, time_ns);
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

/* The time is that of the call: an answer to it may be received before it returns. */
static via_status tap_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                           via_deadline deadline)
{
    tap_channel *tap = channel;
    if (!is_wanted(tap))
        return tap->below->send(tap->inner, slices, count, meta, deadline);
    const uint64_t time_ns = now_ns();
    const via_status status = tap->below->send(tap->inner, slices, count, meta, deadline);
    if (status == VIA_OK)
        note(tap, VIA_TAP_SENT, time_ns, slices, count, meta);
    return status;
}

static via_status tap_recv(void *channel, via_deadline deadline, via_msg *out)
{
    tap_channel *tap = channel;
    const via_status status = tap->below->recv(tap->inner, deadline, out);
    if (status == VIA_OK && is_wanted(tap)) {
        const via_slice slice = {out->data, out->size};
        note(tap, VIA_TAP_RECEIVED, now_ns(), &slice, 1, &out->meta);
    }
    return status;
}

static via_status tap_loan(void *channel, size_t size, via_deadline deadline, via_msg *out)
{
    const tap_channel *tap = channel;
    return tap->below->loan(tap->inner, size, deadline, out);
}

/* The bytes are the other end's afterwards, so they are copied before; nobody sees that if it fails. */
static via_status tap_commit(void *channel, via_msg *message, via_deadline deadline)
{
    tap_channel *tap = channel;
    if (!is_wanted(tap))
        return tap->below->commit(tap->inner, message, deadline);
    const uint64_t time_ns = now_ns();
    const via_slice slice = {message->data, message->size};
    const bool fits = begin(tap, VIA_TAP_SENT, time_ns, &slice, 1, &message->meta);
    const via_status status = tap->below->commit(tap->inner, message, deadline);
    if (status == VIA_OK && fits)
        publish(tap, VIA_TAP_SENT);
    else if (status == VIA_OK)
        lose(tap, VIA_TAP_SENT, time_ns);
    return status;
}

static void tap_discard(void *channel, via_msg *message)
{
    const tap_channel *tap = channel;
    tap->below->discard(tap->inner, message);
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

/* In a child the thread is not there, and the file is the parent's. */
static void tap_close(void *channel, uint32_t how)
{
    tap_channel *tap = channel;
    if (how == VIA_CLOSE_FORKED) {
        if (tap->recorder != NULL) {
            tap_file_close(&tap->recorder->file);
            (void)close(tap->recorder->wake);
        }
    } else if (tap->recorder != NULL) {
        tap_recorder_stop(tap->recorder);
    } else if (tap->has_area) {
        atomic_store(&tap->area.head->is_over, 1);
        (void)unlink(tap->area_path);
    }
    free(tap->recorder);
    if (tap->has_area)
        via_tap_area_close(&tap->area);
    free(tap);
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

static const char *word_for(uint32_t pattern)
{
    return pattern == VIA_PATTERN_PAIR ? "pair" : pattern == VIA_PATTERN_QUEUE ? "queue" : "topic";
}

static const char *role_for(uint32_t role)
{
    static const char *const names[] = {"pair", "push", "pull", "publish", "subscribe"};
    return role < sizeof(names) / sizeof(names[0]) ? names[role] : "other";
}

/* What stands above the messages in the file. */
static void write_header(const tap_channel *tap, const via_open *open, uint32_t snaplen, tap_file *file)
{
    char address[VIA_TAP_ADDRESS], about[256], peer_text[64] = "";
    via_peer_info peer = {.size = sizeof(peer)};
    (void)snprintf(address, sizeof(address), "%s:%s", open->scheme, open->rest);
    if (tap->below->peer(tap->inner, &peer) == VIA_OK && (peer.known & VIA_PEER_PROCESS) != 0)
        (void)snprintf(peer_text, sizeof(peer_text), " peer=%lld", (long long)peer.pid);
    (void)snprintf(about, sizeof(about), "address=%.120s pattern=%s role=%s side=%s pid=%ld%s", address,
                   word_for(open->pattern), role_for(open->role), open->side == VIA_SIDE_BIND ? "bind" : "connect",
                   (long)getpid(), peer_text);
    file->head = via_pcapng_put_section(file->header, sizeof(file->header), about);
    file->head +=
        via_pcapng_put_interface(file->header + file->head, sizeof(file->header) - file->head, address, about, snaplen);
}

static void describe(const via_open *open, via_tap_head *head)
{
    head->pattern = open->pattern;
    head->role = open->role;
    head->side = open->side;
    head->snaplen = (uint32_t)via_option_find(open, "snaplen")->number;
    (void)snprintf(head->address, sizeof(head->address), "%s:%s", open->scheme, open->rest);
}

static via_status fail_start(const tap_channel *tap, via_status status, via_error *error)
{
    return via_fail(tap->state->host, error, status, errno, NULL, "tap: the thread that records cannot be started");
}

static via_status start_recorder(tap_channel *tap, const via_open *open, const char *path, via_error *error)
{
    tap_recorder *recorder = calloc(1, sizeof(*recorder));
    if (recorder == NULL)
        return VIA_ENOMEM;
    tap_file *file = &recorder->file;
    recorder->host = tap->state->host;
    recorder->context = open->context;
    recorder->area = &tap->area;
    file->keeps_last = via_option_find(open, "keep")->number != 0;
    file->limit = (uint64_t)via_option_find(open, "limit")->number / (file->keeps_last ? 2 : 1);
    write_header(tap, open, tap->area.head->snaplen, file);
    via_status status = tap_file_open(tap->state, file, path, error);
    if (status == VIA_OK) {
        atomic_store(&tap->area.head->wanted, 1);
        status = tap_recorder_start(recorder);
        if (status == VIA_OK) {
            tap->recorder = recorder;
            return VIA_OK;
        }
        status = fail_start(tap, status, error);
        tap_file_close(file);
    }
    free(recorder);
    return status;
}

static via_status record_to_file(tap_channel *tap, const via_open *open, const char *path, via_error *error)
{
    via_status status = via_tap_area_open_private(&tap->area, (uint64_t)via_option_find(open, "buffer")->number);
    if (status != VIA_OK)
        return status;
    describe(open, tap->area.head);
    status = start_recorder(tap, open, path, error);
    if (status == VIA_OK)
        tap->has_area = true;
    else
        via_tap_area_close(&tap->area);
    return status;
}

/* A name that is left from a process of the same number is no obstacle. */
static via_status name_area(tap_channel *tap, via_error *error)
{
    char name[64];
    (void)pthread_mutex_lock(&tap->state->lock);
    const unsigned number = ++tap->state->areas;
    (void)pthread_mutex_unlock(&tap->state->lock);
    (void)snprintf(name, sizeof(name), "%ld-%u", (long)getpid(), number);
    return via_runtime_path(tap->state->host, name, VIA_TAP_SUFFIX, tap->area_path, sizeof(tap->area_path), error);
}

static via_status allow_from_outside(tap_channel *tap, const via_open *open, via_error *error)
{
    const uint64_t size = (uint64_t)via_option_find(open, "buffer")->number;
    via_status status = VIA_EBUSY;
    for (int i = 0; i < AREA_TRIES && status == VIA_EBUSY; i++) {
        status = name_area(tap, error);
        if (status != VIA_OK)
            return status;
        status = via_tap_area_create(&tap->area, tap->area_path, size);
    }
    if (status != VIA_OK)
        return via_fail(tap->state->host, error, status, errno, "set tap.allow=false, or mend the runtime folder",
                        "tap.allow: %s cannot be made", tap->area_path);
    describe(open, tap->area.head);
    tap->has_area = true;
    return VIA_OK;
}

static via_status set_up(tap_channel *tap, const via_open *open, via_error *error)
{
    const char *path = via_option_find(open, "file")->text;
    const bool allows = via_option_find(open, "allow")->number != 0;
    const bool has_file = path != NULL && path[0] != '\0';
    if (has_file && allows)
        return via_fail(tap->state->host, error, VIA_EINVAL, 0, "leave one of them out",
                        "tap: a channel is recorded to tap.file, or from outside (tap.allow), not both");
    if (has_file)
        return record_to_file(tap, open, path, error);
    return allows ? allow_from_outside(tap, open, error) : VIA_OK;
}

static via_status tap_wrap(void *state, const via_open *open, via_inner *inner, void **channel, via_error *error)
{
    tap_channel *tap = aligned_alloc(64, sizeof(*tap));
    if (tap == NULL)
        return VIA_ENOMEM;
    memset(tap, 0, sizeof(*tap));
    tap->state = state;
    tap->inner = inner;
    tap->below = tap->state->host->inner;
    const via_status status = set_up(tap, open, error);
    if (status != VIA_OK) {
        free(tap);
        return status;
    }
    *channel = tap;
    return VIA_OK;
}

static via_status tap_init(const via_host_api *host, void **state, via_error *error)
{
    tap_state *made = calloc(1, sizeof(*made));
    (void)error;
    if (made == NULL)
        return VIA_ENOMEM;
    made->host = host;
    via_barrier_register();
    (void)pthread_mutex_init(&made->lock, NULL);
    *state = made;
    return VIA_OK;
}

static void tap_fini(void *state)
{
    tap_state *made = state;
    (void)pthread_mutex_destroy(&made->lock);
    free(made);
}

static const via_channel_ops channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = tap_send,
    .recv = tap_recv,
    .loan = tap_loan,
    .commit = tap_commit,
    .discard = tap_discard,
    .close = tap_close,
};

static const via_layer layers[] = {
    {.size = sizeof(via_layer),
     .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE | VIA_PATTERN_TOPIC,
     .name = "tap",
     .wrap = tap_wrap,
     .channel_ops = &channel_ops},
};

VIA_LAYER_PLUGIN("tap", tap_init, tap_fini, layers);
