/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals at a high rate, handled without SA_RESTART, make no call fail and no message suffer.
 */
#include "ways.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

enum { ROUNDS = 300, SMALL = 100, LARGE = 60000 };

static void ignore(int signal)
{
    (void)signal;
}

static void test_storm(void **state)
{
    static uint8_t body[LARGE];
    struct itimerval storm = {{0, 100}, {0, 100}};
    struct itimerval calm = {0};
    const via_way *way = *state;
    via_ends ends;

    via_way_open(way, &ends);
    assert_int_equal(setitimer(ITIMER_REAL, &storm, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        via_msg message;
        size_t size = i % 8 == 0 ? LARGE : SMALL;
        memset(body, i, size);
        assert_int_equal(via_send(ends.sender, body, size, NULL, VIA_FOREVER), VIA_OK);
        assert_int_equal(via_recv(ends.receiver, VIA_FOREVER, &message), VIA_OK);
        assert_int_equal(message.size, size);
        assert_memory_equal(message.data, body, size);
        via_release(ends.receiver, &message);
    }
    assert_int_equal(setitimer(ITIMER_REAL, &calm, NULL), 0);
    via_way_close(&ends);
}

int main(void)
{
    struct sigaction action = {.sa_handler = ignore};

    if (sigaction(SIGALRM, &action, NULL) != 0)
        return 1;
    return via_ways_run("storm", test_storm);
}
