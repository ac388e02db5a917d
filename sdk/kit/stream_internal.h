/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of kit/stream share with each other and with nobody else.
 */
#ifndef VIADUCT_KIT_STREAM_INTERNAL_H
#define VIADUCT_KIT_STREAM_INTERNAL_H

#include "kit/stream.h"

#include <errno.h>

/* ---- stream.c ----------------------------------------------------------------------------------------------- */

enum { VIA_STREAM_OVER_RECEIVING = 1u, VIA_STREAM_OVER_SENDING = 2u, VIA_STREAM_OVER = 3u };

/* These halves have ended. With the second of them the connection has, and that is counted. Any thread. */
void via_stream_end(via_stream *stream, unsigned halves);
/* The other end has finished. Has it gone as well? */
void via_stream_look_for_end(via_stream *stream);

/* ---- stream_receive.c --------------------------------------------------------------------------------------- */

/* Gives back every block; messages that are still lent keep theirs. */
void via_stream_receive_fini(via_stream *stream);
/* Would a receive answer without looking at the descriptor? */
bool via_stream_receive_ready(const via_stream *stream);
/* Nothing is coming: gives the memory back that an idle channel does not need. */
void via_stream_receive_idle(via_stream *stream);

/* ---- stream_send.c ------------------------------------------------------------------------------------------ */

/* Writes what `out` holds. Needs the lock. VIA_OK = all of it; VIA_ETIMEDOUT = the rest is due. */
via_status via_stream_send_out(via_stream *stream, via_deadline deadline);
/* Tries to write a due tail, unless a sender is at it. True: a tail is still due, and it is ours to wait for. */
bool via_stream_send_due(via_stream *stream);
/* Gives the lock back. If a tail is due, a receive that sleeps hears of it: it may have found the lock taken. */
void via_stream_send_unlock(via_stream *stream);
/* Messages in `out`, the torn one at its start among them. */
uint64_t via_stream_send_count(const via_stream *stream);
/* Gives back an empty buffer, unless a sender is at work. */
void via_stream_send_idle(via_stream *stream);
void via_stream_send_fini(via_stream *stream);

/* How often drain looks whether the other system has everything. */
enum { VIA_STREAM_LOOK_NS = 1000000 };

/* ---- stream_wait.c ------------------------------------------------------------------------------------------ */

/* Sleeps as via_wake_poll does; while the stream closes, interrupts no longer count. */
via_status via_stream_wait(via_stream *stream, int descriptor, short events, via_deadline deadline);
/* After a write that failed, with its errno: VIA_OK = write again. */
via_status via_stream_await_room(via_stream *stream, via_deadline deadline);
/* The status for an errno of read or write: what it means for a stream that somebody is at the other end of. */
via_status via_stream_status_of_errno(int os_code);
/* What mends a write that ended in it; NULL = the host's usual words will do. */
const char *via_stream_mend_for(int os_code);

/* ---- stream_handles.c --------------------------------------------------------------------------------------- */

void via_stream_handles_fini(via_stream *stream);

/* ---- stream_answer.c ---------------------------------------------------------------------------------------- */

/* Around a receive that may take the greeting. */
void via_stream_answer_taking(via_stream *stream);
void via_stream_answer_taken(via_stream *stream);
/* `status`, or the refusal that is behind it, which is kept as the reason. */
via_status via_stream_judge(via_stream *stream, via_status status);
/* For drain. VIA_OK: admitted, or not to be known in time; VIA_ETIMEDOUT, VIA_ECANCELED; VIA_EPROTO, VIA_EPEER: refused. */
via_status via_stream_await_answer(via_stream *stream, via_deadline deadline);

/* ---- stream_quiet.c ----------------------------------------------------------------------------------------- */

/* writev(2) with flags of pwritev2(2) that never raises SIGPIPE. Returns what writev would. */
int64_t via_stream_write_quietly(int descriptor, const via_slice *from, size_t count, int flags);

#endif
