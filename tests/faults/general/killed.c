/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that is killed (SIGKILL): the survivor is not blocked, and the name is free for the next one.
 */
#include "child.h"

#include <string.h>

static void expect_end(const via_way *way, via_ends *ends)
{
    via_status status = VIA_OK;
    via_msg message;

    if (way->sender != VIA_PAIR)
        return; /* members of queues and topics wait for the next peer instead */
    status = via_recv(ends->sender, via_after_ms(VIA_WAY_PATIENCE_MS), &message);
    if (status != VIA_ECLOSED && status != VIA_EPEER)
        fail_msg("receiving from a dead peer answers %s", via_status_name(status));
    for (uint64_t number = 1; status == VIA_OK || number == 1; number++)
        status = via_child_send(ends, number, via_after_ms(VIA_WAY_PATIENCE_MS));
    if (status != VIA_ECLOSED && status != VIA_EPEER)
        fail_msg("sending to a dead peer answers %s", via_status_name(status));
}

static void test_killed(void **state)
{
    const via_way *way = *state;
    via_child child;
    via_ends ends;
    via_ends next = {0};
    via_error error;

    via_child_start(way, &ends, &child);
    via_child_kill(&child);
    expect_end(way, &ends);

    /* Whoever bound the name has died with it, or still serves the next one. */
    memcpy(next.address, ends.address, sizeof next.address);
    if (way->sender == VIA_PAIR) {
        assert_int_equal(via_listen(NULL, next.address, via_way_options(way), &next.listener, &error), VIA_OK);
        via_way_close(&ends);
        assert_int_equal(via_way_open_sender(way, &next, &error), VIA_OK);
        assert_int_equal(via_way_open_receiver(way, &next, &error), VIA_OK);
        via_way_exchange(&next, "the next ones");
        via_way_close(&next);
        return;
    }
    assert_int_equal(via_way_open_receiver(way, &next, &error), VIA_OK);
    next.sender = ends.sender;
    if (way->sender == VIA_PUBLISH)
        via_way_exchange(&next, "published again");
    else { /* a message that was on its way to the dead one may be gone; the next ones are not */
        via_msg message;
        do
            assert_int_equal(via_child_send(&ends, 1, via_after_ms(VIA_WAY_PATIENCE_MS)), VIA_OK);
        while (via_recv(next.receiver, via_after_ms(50), &message) != VIA_OK);
        via_release(next.receiver, &message);
    }
    via_way_close(&next);
}

int main(void)
{
    return via_ways_run("killed", test_killed);
}
