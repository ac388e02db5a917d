/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that is stopped (SIGSTOP): the sender's deadline holds, nobody is declared dead, and once the peer goes on,
 * everything that was accepted arrives, once and in order.
 */
#include "child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { MESSAGES_MAX = 100000 }; /* far more than all buffers of any transport hold */

/* Sends from number `first` on, until one found no room for `patience_ms`. Returns how many were accepted. */
static uint64_t fill(via_ends *ends, uint64_t first, uint64_t patience_ms)
{
    uint64_t number = first;
    via_status status = VIA_OK;

    while (status == VIA_OK && number < MESSAGES_MAX)
        if ((status = via_child_send(ends, number, via_after_ms(patience_ms))) == VIA_OK)
            number++;
    assert_int_equal(status, VIA_ETIMEDOUT);
    return number - first;
}

static void test_stopped(void **state)
{
    const via_way *way = *state;
    uint64_t sent = 1;
    via_status status;
    via_child child;
    via_ends ends;
    int wait_status;

    via_child_start(way, &ends, &child);
    assert_int_equal(kill(child.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(child.pid, &wait_status, WUNTRACED), child.pid);
    assert_true(WIFSTOPPED(wait_status));

    /* The system may still move bytes from one of its buffers to the next, as TCP does: full is what stays full. */
    do {
        sent += fill(&ends, sent, 100);
        if ((status = via_child_send(&ends, sent, VIA_NOW)) == VIA_OK)
            sent++;
    } while (status == VIA_OK && sent < MESSAGES_MAX);
    assert_int_equal(status, VIA_ETIMEDOUT);

    assert_int_equal(kill(child.pid, SIGCONT), 0);
    assert_int_equal(via_child_send(&ends, sent++, via_after_ms(VIA_WAY_PATIENCE_MS)), VIA_OK);
    via_child_finish(&ends, &child, sent);
    via_way_close(&ends);
}

int main(void)
{
    return via_ways_run("stopped", test_stopped);
}
