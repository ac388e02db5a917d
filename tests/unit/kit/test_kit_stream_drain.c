/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draining: until nothing that was accepted depends on this process, or until it never will.
 */
#include "kit_fixture.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/deadline.h"

enum { SENT_SIZE = 120000 };

/* A TCP connection with more sent than the other end has room for. */
static void open_crowded(stream_pair *pair)
{
    static uint8_t body[SENT_SIZE];
    via_stream_config config = config_of(&via_framing_raw);
    via_slice slice = {body, sizeof(body)};
    int small = 4096;

    config.linger_ns = 0;
    pair_open_half(pair, KIND_TCP, &config);
    assert_int_equal(setsockopt(pair->peer_fd[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_int_equal(via_stream_send(pair->end[0], &slice, 1, NULL, soon_enough()), VIA_OK);
    assert_int_equal(via_stream_flush(pair->end[0], soon_enough()), VIA_OK);
}

static void *read_all(void *argument)
{
    uint8_t piece[4096];
    int large = 1 << 20;
    size_t sum = 0;
    ssize_t moved;

    (void)setsockopt(*(int *)argument, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large));
    while ((moved = read(*(int *)argument, piece, sizeof(piece))) > 0)
        sum += (size_t)moved;
    return (void *)(uintptr_t)sum;
}

/* Nobody is dead where both have said all they had to say: one of them may still read. */
static void test_drain__goes_on_when_both_have_finished(void **state)
{
    uint64_t undelivered;
    stream_pair pair;
    pthread_t reader;
    void *sum;

    (void)state;
    open_crowded(&pair);
    assert_int_equal(via_stream_finish(pair.end[0], soon_enough()), VIA_OK);
    assert_int_equal(shutdown(pair.peer_fd[0], SHUT_WR), 0);
    expect_end(pair.end[0], VIA_ECLOSED);
    assert_int_equal(via_stream_drain(pair.end[0], via_deadline_after(20000000), &undelivered), VIA_ETIMEDOUT);
    assert_true(undelivered > 0);
    assert_int_equal(pthread_create(&reader, NULL, read_all, &pair.peer_fd[1]), 0);
    assert_int_equal(via_stream_drain(pair.end[0], soon_enough(), &undelivered), VIA_OK);
    assert_int_equal(pthread_join(reader, &sum), 0);
    assert_int_equal((uintptr_t)sum, SENT_SIZE);
    pair_close(&pair);
}

/* Its system resets the connection, and whoever receives is told so first. */
static void test_drain__sees_a_death(void **state)
{
    (void)state;
    for (int told = 0; told < 2; told++) {
        uint64_t undelivered = 0;
        stream_pair pair;

        open_crowded(&pair);
        pair_close_peer_fds(&pair);
        if (told)
            expect_end(pair.end[0], VIA_EPEER);
        assert_int_equal(via_stream_drain(pair.end[0], soon_enough(), &undelivered), VIA_EPEER);
        pair_close(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drain__goes_on_when_both_have_finished),
        cmocka_unit_test(test_drain__sees_a_death),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
