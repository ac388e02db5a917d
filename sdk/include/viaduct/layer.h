/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin ABI of layers: what wraps a channel and is itself a channel.
 *
 * Owns: the table of a layer, and what its slots mean where that differs from a transport's. Rules and statuses of the
 * slots are those of via_channel_ops in <viaduct/plugin.h>.
 *
 * A layer writes the slots that it changes; the others stay empty, and the call goes to the channel below. Which slots
 * are instead of the channel below, and which before it:
 *
 *  - send, recv, release, loan, commit, discard, flush, finish, drain, pollable, arm, peer: a filled slot is instead. It
 *    calls the channel below itself, through the host's table: `host->inner->send(inner, ...)`. A layer that holds
 *    something back fills flush, finish and drain too; one whose recv lends memory of its own fills release.
 *  - loan, commit, discard: used only if the channel below lends (elsewhere the host emulates loans with send). A layer
 *    that fills send and not these lists "loan" under "clears" in its manifest: then they are emulated, and nothing
 *    passes it by. One that changes bytes has them emulated always.
 *  - info: is called after the one below; it may take promises back, and cannot make any.
 *  - interrupt, refresh_counters, close: the layer's comes first, then the host calls the one below. So close ends what is
 *    the layer's own; `inner` can still be used in it, unless `how` is VIA_CLOSE_FORKED.
 *  - extension: what it answers NULL for is asked of the channel below, if "passes" in the manifest lists the id.
 *
 * A *filter* has send and recv. A *terminal* layer offers an extension instead: the host answers VIA_ENOTSUP to data
 * calls, and nothing can stand on it.
 *
 * The layer's slots and its calls on `inner` follow the same rule of threads: one may send while another receives.
 */
#ifndef VIADUCT_LAYER_H
#define VIADUCT_LAYER_H

#include <viaduct/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The channel that a layer stands on; opaque. Valid until the layer's close slot has returned. */
typedef struct via_inner via_inner;

/* via_layer.flags; the manifest says the same */
enum {
    VIA_LAYER_TERMINAL = 1u, /* "terminal": true */
    VIA_LAYER_CHANGES = 2u   /* "bytes": "changed" */
};

/* One layer. */
struct via_layer {
    uint32_t size;
    uint32_t patterns; /* VIA_PATTERN_*; the manifest's claim must be the same set */
    uint32_t flags;    /* VIA_LAYER_* */
    uint32_t reserved;
    const char *name;
    /*
     * Stands on `inner`, an open channel of which nothing has been sent or received yet. `open` describes the stack:
     * pattern, role, side, scheme and rest as the transport sees them; options and max_message are the layer's own: no
     * larger message is sent to it, and `inner` takes that size plus the manifest's "overhead". Never waits for the other
     * end. On failure `inner` is the host's again, which closes it.
     * VIA_EINVAL ENOTSUP EPERM ELIMIT ENOMEM EIO.
     */
    via_status (*wrap)(void *state, const via_open *open, via_inner *inner, void **channel, via_error *error);
    const via_channel_ops *channel_ops;
    /*
     * Optional, mandatory if the manifest has "checks": is the file, one with that key, right? Looks at the file only; no
     * channel is there. `error` is never NULL, and says the place. May be called by any thread, in the order of init and
     * fini. VIA_OK; VIA_EINVAL: it is wrong; VIA_ENOENT EPERM EIO ENOMEM.
     */
    via_status (*check)(void *state, const char *file, via_error *error);
};

/*
 * "bytes": "changed" in the manifest: the bytes that leave are not those that were sent, so the other end needs the same
 * layer. The host then sees to it that unlike ends find out: below the innermost such layer it sets this mark before each
 * message, and takes it off. A message without it, or with another `stack`, ends the channel with VIA_EPROTO; so does a
 * first message with a mark at an end that has no such layer.
 *
 * `stack` is via_open.stack_id, little endian: FNV-1a (32 bit) over the names of those layers, outermost first, each with
 * its NUL.
 */
#define VIA_MARK_MAGIC "\xf5VIALAY\n"
enum { VIA_MARK_MAGIC_SIZE = 8, VIA_MARK_SIZE = 16 }; /* magic, stack, four bytes 0 */

/*
 * Defines the plugin's entry and its ABI note. `layer_table` is an array of via_layer.
 *
 *     VIA_LAYER_PLUGIN("tap", tap_init, tap_fini, tap_layers)
 */
#define VIA_LAYER_PLUGIN(plugin_name, init_function, fini_function, layer_table)                                       \
    VIA_PLUGIN_ENTRY_(plugin_name, init_function, fini_function, NULL, 0, 0, layer_table, VIA_LENGTH_(layer_table),    \
                      sizeof(via_layer))

#ifdef __cplusplus
}
#endif
#endif
