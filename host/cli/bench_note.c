/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket between the two processes of a bench. Owns: one note is one packet. */
#include <errno.h>
#include <sys/socket.h>

#include "bench.h"

bool via_bench_note_send(int control, const via_bench_note *note)
{
    ssize_t sent;
    do
        sent = send(control, note, sizeof *note, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof *note;
}

bool via_bench_note_recv(int control, uint32_t kind, via_bench_note *note)
{
    ssize_t taken;
    do
        taken = recv(control, note, sizeof *note, 0);
    while (taken < 0 && errno == EINTR);
    return taken == (ssize_t)sizeof *note && note->kind == kind;
}
