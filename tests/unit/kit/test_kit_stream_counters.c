/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream counts of itself: that it was made, and that it has ended, once.
 */
#include "kit_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

static void expect_counts(stream_pair *pair, uint64_t disconnects, uint64_t peers)
{
    via_stream_refresh_counters(pair->end[0]);
    assert_int_equal(pair->counters[0].connects, 1);
    assert_int_equal(pair->counters[0].disconnects, disconnects);
    assert_int_equal(pair->counters[0].peers, peers);
}

static void test_counters__half_an_end_is_none(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;

        pair_open(&pair, kind, &config);
        expect_counts(&pair, 0, 1);
        assert_int_equal(via_stream_finish(pair.end[1], soon_enough()), VIA_OK);
        expect_end(pair.end[0], VIA_ECLOSED);
        expect_counts(&pair, 0, 1);
        send_text(pair.end[0], "still there", 0);
        expect_text(pair.end[1], "still there");
        assert_int_equal(via_stream_finish(pair.end[0], soon_enough()), VIA_OK);
        expect_counts(&pair, 1, 0);
        assert_int_equal(via_stream_finish(pair.end[0], soon_enough()), VIA_OK);
        expect_counts(&pair, 1, 0);
        pair_close(&pair);
        assert_int_equal(pair.counters[0].disconnects, 1);
        assert_int_equal(pair.counters[0].peers, 0);
    }
}

/* On TCP a close looks like half of one as long as nothing is sent. */
static void test_counters__a_close_is_an_end(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;

        pair_open(&pair, kind, &config);
        via_stream_close(pair.end[1], VIA_CLOSE_FLUSH);
        pair.end[1] = NULL;
        expect_end(pair.end[0], VIA_ECLOSED);
        if (kind == KIND_TCP)
            assert_int_equal(via_stream_finish(pair.end[0], soon_enough()), VIA_OK);
        expect_counts(&pair, 1, 0);
        pair_close(&pair);
        assert_int_equal(pair.counters[0].disconnects, 1);
    }
}

static void test_counters__a_death_is_an_end(void **state)
{
    static const uint8_t begin_of_a_message[] = {1, 0, 0, 0, 0, 0, 0, 0, 9, 'x'};

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;

        pair_open_half(&pair, kind, &config);
        assert_int_equal(write(pair.peer_fd[0], begin_of_a_message, sizeof(begin_of_a_message)),
                         sizeof(begin_of_a_message));
        pair_close_peer_fds(&pair);
        expect_end(pair.end[0], VIA_EPEER);
        expect_counts(&pair, 1, 0);
        pair_close(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters__half_an_end_is_none),
        cmocka_unit_test(test_counters__a_close_is_an_end),
        cmocka_unit_test(test_counters__a_death_is_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
