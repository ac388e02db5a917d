/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the layer share: its settings, its dice, and the state of one channel.
 *
 * Owns: these types. A fault depends on seed, direction and number of a message only, never on time or memory.
 */
#ifndef VIADUCT_CHAOS_H
#define VIADUCT_CHAOS_H

#include "kit/timed.h"
#include "kit/wake.h"

#include <stdatomic.h>
#include <viaduct/ext/chaos.h>
#include <viaduct/layer.h>

/* A chance as a share of 2^32: 0 = never, 2^32 = always. */
typedef uint64_t chaos_chance;

/* The options of the manifest, read. Durations in nanoseconds. */
typedef struct chaos_settings {
    uint64_t seed;
    bool receives, sends; /* which directions it happens to */
    chaos_chance drop, duplicate, reorder;
    uint32_t reorder_by;
    int64_t reorder_wait_ns, delay_ns, jitter_ns;
    uint64_t cut;         /* messages; 0 = never */
    int64_t cut_after_ns; /* -1 = never */
    uint32_t hold;
} chaos_settings;

/* VIA_OK; VIA_EINVAL with `error` filled. */
via_status chaos_settings_read(const via_host_api *host, const via_open *open, chaos_settings *out, via_error *error);
/* "5%", "0.1%", "1/200", "0". false = it is no chance. */
bool chaos_chance_read(const char *text, chaos_chance *out);

/* ---- dice --------------------------------------------------------------------------------------------------- */

enum { CHAOS_RECEIVING = 0, CHAOS_SENDING = 1 };

/* What happens to one message. */
typedef struct chaos_fate {
    bool drops, duplicates;
    uint32_t behind;   /* how many others overtake it; 0 = none */
    int64_t jitter_ns; /* beside the delay */
} chaos_fate;

/* The fate of message `number` (from 0) of one direction. */
chaos_fate chaos_fate_of(const chaos_settings *settings, unsigned direction, uint64_t number);

/* ---- a channel ---------------------------------------------------------------------------------------------- */

/* One message on its way to the receiver: lent by the channel below, or a copy of one that was. */
typedef struct chaos_slot {
    struct chaos_slot *next;
    via_msg message;
    bool is_copy;
    uint32_t behind;  /* messages that have to overtake it before `due` */
    via_deadline due; /* when it may go at the latest */
    size_t capacity;  /* of `bytes` */
    unsigned char *bytes;
    char key[256], content_type[256];
} chaos_slot;

typedef struct chaos_list {
    chaos_slot *first, *last;
} chaos_list;

typedef struct chaos_tally {
    atomic_uint_fast64_t seen, dropped, duplicated, reordered, delayed;
} chaos_tally;

typedef struct chaos_channel {
    const via_host_api *host;
    via_inner *inner;
    via_context *context;
    chaos_settings settings;
    bool has_slots; /* received messages pass through slots */
    bool is_late;   /* some are not handed out at once */
    via_deadline cut_at;
    via_wake wake;
    atomic_bool is_cut;
    chaos_tally tally;
    atomic_uint_fast64_t passed; /* messages that count for `cut` */
    /* the receiving thread's */
    uint64_t received;
    uint32_t held;
    chaos_list queue, stragglers, spare;
    via_deadline last_due;
    via_status ended; /* what the channel below said last, once what is held has gone */
    bool has_waiting; /* `waiting` is received, and there was no memory for its slot */
    via_msg waiting;
    via_timed reading;
    /* the sending thread's */
    uint64_t sent;
    bool owes_flush; /* something was sent with VIA_MORE */
    via_timed writing;
} chaos_channel;

/* Has the connection been cut, or is it to be cut now? Cuts it then. Any thread. */
bool chaos_is_cut(chaos_channel *chaos);
/* Counts one message for `cut`, and cuts if it was the last that passes. */
void chaos_note_passed(chaos_channel *chaos);
/* What the channel below answered, as the program is to see it: after a cut, VIA_EPEER. */
via_status chaos_answer(chaos_channel *chaos, via_status status);

/* Slots of via_channel_ops; see there. */
via_status chaos_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                      via_deadline deadline);
via_status chaos_recv(void *channel, via_deadline deadline, via_msg *out);
void chaos_release(void *channel, via_msg *message);
/* Looks for received messages without blocking; VIA_EREADY: one can be handed out. Otherwise *due is when to look again. */
via_status chaos_look(chaos_channel *chaos, via_deadline *due);
/* Gives back what is held, and frees the slots; with `forgets` nothing below is touched. */
void chaos_line_fini(chaos_channel *chaos, bool forgets);

#endif
