/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection over two private FIFOs: `up` from dialer to listener, `down` back.
 *
 * Owns: the time before the listener has taken a dialer up, and the way both ends part.
 *
 * A dialer is attached from the moment it has announced itself: its reading end of `down` is open. Until the listener's
 * word it also holds a reading end of `up`, so that what it sends has somewhere to be, and the listener's own FIFO,
 * whose last reader's death is the only sign of a listener that dies first.
 *
 * The name `up` decides: whoever takes it away has the connection, and only one can.
 *   dialer    open the listener's FIFO; read its card: is it going to refuse us? make `up` and `down`; announce. Who
 *             will be refused removes both again, and no call accepts anything. Otherwise
 *   secure    (drain) `up` becomes `hold`; pipe into `rest`; `hold` becomes `up`; announce again; look at `down`
 *   leave     (close) `up` becomes `hold`; pipe into `rest`, marked; announce `rest`; remove `hold` and `down`
 *   take up   open `up`; claim it: remove the name; open `down`, then `rest`; greet; remove the names
 *   turn away claim `up`; open `down`; say why; mark; close; remove the names
 * A listener that finds `hold` instead of `up` touches nothing: the dialer announces itself again. A dialer that does not
 * find `up` has been claimed: it touches no name and accepts no more, but waits for the word on `down` (a greeting, or
 * an end without one) or for the listener's death. If it closes instead, it marks `down` first, and the listener,
 * which then cannot open that, knows that the pipe's content counts.
 * So every step may be anybody's last. A listener that dies shows on its FIFO (VIA_EPEER); a new one has another FIFO and
 * hears nothing of old announcements. A dialer that dies shows as a `down` without reader and without mark: what it
 * secured counts, what was in its pipe does not. No listener refuses what drain or close have put into `rest`: the
 * refusal was known before there was anything to put there.
 *
 * Ending: whoever finishes properly sets the sticky bit of the FIFO that it wrote to. An end of file without it is a
 * death.
 */
#ifndef PIPE_LINK_H
#define PIPE_LINK_H

#include "kit/pollset.h"
#include "kit/stream.h"
#include "place.h"
#include "record.h"
#include "settings.h"

typedef struct pipe_link pipe_link;

/* How the bytes of a connection move; via_stream_config.user is the link, which goes with the stream. */
extern const via_stream_io pipe_link_io;

/*
 * Makes the two FIFOs and announces them. VIA_ENOPEER: nobody listens; VIA_ETIMEDOUT: the listener does not keep up with
 * announcements (not with `deadline` VIA_FOREVER); VIA_EPROTO: it serves something else, in a queue; a pair learns that
 * from its first call; VIA_EPERM: somebody else's FIFO; VIA_EINVAL, VIA_ELIMIT, VIA_EIO.
 */
via_status pipe_link_dial(const pipe_settings *settings, const pipe_place *place, via_deadline deadline,
                          via_stream_config *config, via_error *error);

/*
 * Takes up the dialer that `record` tells of. VIA_OK; VIA_ENOPEER: it is gone, or was turned away; VIA_EBUSY: it is just
 * securing what it has sent, and will announce itself again unless it dies meanwhile; VIA_EPROTO: what is
 * there is not a dialer's; VIA_ELIMIT, VIA_ENOMEM: keep the record and try again later.
 */
via_status pipe_link_accept(const pipe_settings *settings, const pipe_place *place, const pipe_record *record,
                            via_stream_config *config);
/*
 * Tells the dialer of `record` that nobody will take it up, with PIPE_GREETING_*, or 0: the listener closes. VIA_ENOPEER:
 * done, or it is gone or taken up already; VIA_EBUSY: as pipe_link_accept.
 */
via_status pipe_link_turn_away(const pipe_place *place, const pipe_record *record, uint8_t verdict);

/* For a hub: its set shows the listener's death under `tag`, as long as that matters. The set outlives the link. */
via_status pipe_link_watch(pipe_link *link, const via_pollset *set, void *tag);
/* Calls `forget` before the link goes. */
void pipe_link_on_destroy(pipe_link *link, void (*forget)(void *user), void *user);
/* Ends a connection that no stream was made of. */
void pipe_link_abandon(pipe_link *link);
/* Looks, without blocking: VIA_OK: taken up; VIA_ETIMEDOUT: not yet; VIA_EPEER: never more. */
via_status pipe_link_check(pipe_link *link);
/* Waits for that. VIA_ECANCELED as well. `or_room`: returns VIA_OK also when something can be written. */
via_status pipe_link_await(pipe_link *link, via_wake *wake, bool or_room, via_deadline deadline);
/* The same for a receive, which keeps a tail moving while it sleeps. */
via_status pipe_link_await_word(pipe_link *link, via_stream *stream, via_deadline deadline);
/* The handle for an event; see via_channel_ops.pollable. */
via_status pipe_link_pollable(pipe_link *link, via_stream *stream, uint32_t event, via_poll_handle *out);
/*
 * Moves what is in the pipe of a dialer that was not taken up to where it survives this process. VIA_OK; VIA_ENOENT:
 * the listener has given its word, see pipe_link_verdict; VIA_EPEER; VIA_ETIMEDOUT: not now, or the listener is just
 * about to give its word; VIA_EIO.
 */
via_status pipe_link_secure(pipe_link *link);
/*
 * Whether what was sent before the listener's word has reached it. VIA_OK, also while there is none; VIA_EPROTO: it was
 * turned away; VIA_EPEER: the listener left without taking it up. Keeps the reason, as calls that move bytes do.
 */
via_status pipe_link_verdict(const pipe_link *link);
/* Was it turned away? Then no descriptor shows anything, and no call waits. */
bool pipe_link_is_refused(const pipe_link *link);
/* Who owns the FIFOs at the other end. */
void pipe_link_peer(const pipe_link *link, via_peer_info *out);

#endif
