/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After fork: a child cannot use its parent's channels, and closing them there takes nothing from the parent.
 */
#include "ways.h"

#include <string.h>
#include <unistd.h>

/* In the child. 0 = as promised; otherwise the number of the check that failed. */
static int use_in_child(via_ends *ends)
{
    via_channel_info info = {.size = sizeof info};
    via_channel *other = NULL;
    via_msg message;

    if (via_send(ends->sender, "x", 1, NULL, VIA_NOW) != VIA_EFORK)
        return 1;
    if (via_recv(ends->receiver, VIA_NOW, &message) != VIA_EFORK)
        return 2;
    if (via_info(ends->sender, &info) != VIA_EFORK)
        return 3;
    if (via_arm(ends->receiver, VIA_READ) != VIA_EFORK)
        return 4;
    if (via_drain(ends->sender, VIA_NOW, NULL) != VIA_EFORK)
        return 5;
    if (ends->listener && via_accept(ends->listener, VIA_NOW, &other, NULL) != VIA_EFORK)
        return 6;
    via_way_close(ends);
    return 0;
}

static void test_fork(void **state)
{
    const via_way *way = *state;
    via_ends ends;
    pid_t child;

    via_way_open(way, &ends);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(use_in_child(&ends));
    via_way_reap(child);

    via_way_exchange(&ends, "the parent's channel is as it was");
    if (way->sender == VIA_PAIR) {
        via_ends more = {.host = ends.host, .listener = ends.listener};
        via_error error;
        memcpy(more.address, ends.address, sizeof more.address);
        assert_int_equal(via_way_open_sender(way, &more, &error), VIA_OK);
        assert_int_equal(via_way_open_receiver(way, &more, &error), VIA_OK);
        via_way_exchange(&more, "the parent's listener too");
        more.listener = NULL;
        via_way_close(&more);
    }
    via_way_close(&ends);
}

int main(void)
{
    return via_ways_run("fork", test_fork);
}
