/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that sleep: deadlines, interruption from threads and signal handlers, tails that a receiver flushes.
 */
#include "kit_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kit/deadline.h"

static void test_blocking__receive_keeps_its_deadline(void **state)
{
    static const int64_t waits_ns[] = {0, 1000000, 15000000, 60000000, 61000000, 5000000};

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;

        pair_open(&pair, kind, &config);
        for (size_t i = 0; i < sizeof(waits_ns) / sizeof(waits_ns[0]); i++) {
            uint64_t before = via_deadline_clock();

            assert_int_equal(via_stream_recv(pair.end[0], via_deadline_after(waits_ns[i]), &(via_msg){0}),
                             VIA_ETIMEDOUT);
            assert_true(via_deadline_clock() - before >= (uint64_t)waits_ns[i]);
        }
        send_text(pair.end[1], "still works", 0);
        expect_text(pair.end[0], "still works");
        pair_close(&pair);
    }
}

static void test_blocking__send_keeps_its_deadline(void **state)
{
    enum { SIZE = 200000 };
    uint8_t *body = make_body(SIZE, 3);
    via_slice slice = {body, SIZE};

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;
        unsigned accepted = 0;
        uint64_t before;

        pair_open(&pair, kind, &config);
        while (via_stream_send(pair.end[0], &slice, 1, NULL, VIA_NOW) == VIA_OK)
            accepted++;
        before = via_deadline_clock();
        assert_int_equal(via_stream_send(pair.end[0], &slice, 1, NULL, via_deadline_after(20000000)), VIA_ETIMEDOUT);
        assert_true(via_deadline_clock() - before >= 20000000);
        /* What was accepted comes whole; what was refused, not at all. */
        for (unsigned i = 0; i < accepted; i++) {
            via_msg message;
            via_status status;

            while ((status = via_stream_recv(pair.end[1], VIA_NOW, &message)) == VIA_ETIMEDOUT)
                (void)via_stream_flush(pair.end[0], VIA_NOW);
            assert_int_equal(status, VIA_OK);
            expect_body(&message, SIZE, 3);
            via_stream_release(pair.end[1], &message);
        }
        assert_int_equal(via_stream_recv(pair.end[1], VIA_NOW, &(via_msg){0}), VIA_ETIMEDOUT);
        pair_close(&pair);
    }
    free(body);
}

/* ---- interruption ------------------------------------------------------------------------------------------- */

struct blocked {
    via_stream *stream;
    bool sends;
    atomic_bool started;
    via_status status;
};

static void *block(void *argument)
{
    static uint8_t body[100000];
    struct blocked *blocked = argument;
    via_slice slice = {body, sizeof(body)};

    atomic_store(&blocked->started, true);
    if (blocked->sends) {
        do
            blocked->status = via_stream_send(blocked->stream, &slice, 1, NULL, VIA_FOREVER);
        while (blocked->status == VIA_OK);
    } else {
        blocked->status = via_stream_recv(blocked->stream, VIA_FOREVER, &(via_msg){0});
    }
    return NULL;
}

static void test_blocking__interrupt_wakes_a_thread(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        for (int round = 0; round < 40; round++) {
            via_stream_config config = config_of(&via_framing_sp_ipc);
            struct blocked blocked = {.sends = round % 2 == 1};
            stream_pair pair;
            pthread_t thread;

            pair_open(&pair, kind, &config);
            blocked.stream = pair.end[0];
            assert_int_equal(pthread_create(&thread, NULL, block, &blocked), 0);
            while (!atomic_load(&blocked.started))
                sched_yield();
            for (volatile int spin = 0; spin < round * 1000; spin++)
                ;
            via_stream_interrupt(pair.end[0]);
            assert_int_equal(pthread_join(thread, NULL), 0);
            assert_int_equal(blocked.status, VIA_ECANCELED);
            assert_int_equal(via_stream_recv(pair.end[0], VIA_NOW, &(via_msg){0}), VIA_ECANCELED);
            assert_int_equal(via_stream_send(pair.end[0], NULL, 0, NULL, VIA_NOW), VIA_ECANCELED);
            assert_int_equal(via_stream_flush(pair.end[0], VIA_NOW), VIA_ECANCELED);
            assert_int_equal(via_stream_arm(pair.end[0], VIA_READ), VIA_EREADY);
            assert_int_equal(via_stream_arm(pair.end[0], VIA_WRITE), VIA_EREADY);
            via_stream_close(pair.end[1], VIA_CLOSE_FLUSH); /* nobody reads, so end[0] need not linger */
            pair.end[1] = NULL;
            pair_close(&pair);
        }
    }
}

/* ThreadSanitizer holds a handler back until the system call returns, which SA_RESTART keeps it from doing. */
#if defined(__SANITIZE_THREAD__)
#define RESTARTS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RESTARTS 1
#endif
#endif
#ifndef RESTARTS
#define RESTARTS 2
#endif

static via_stream *signalled;

static void interrupt_from_handler(int number)
{
    (void)number;
    via_stream_interrupt(signalled);
}

static void *signal_soon(void *argument)
{
    pthread_t target = *(pthread_t *)argument;

    for (volatile int spin = 0; spin < 2000000; spin++)
        ;
    pthread_kill(target, SIGUSR1);
    return NULL;
}

static void test_blocking__interrupt_from_a_signal_handler(void **state)
{
    struct sigaction action = {.sa_handler = interrupt_from_handler, .sa_flags = SA_RESTART};

    (void)state;
    for (int restart = 0; restart < RESTARTS; restart++) {
        action.sa_flags = restart ? SA_RESTART : 0;
        assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
        for (int kind = 0; kind < KIND_COUNT; kind++) {
            for (int way = 0; way < 3; way++) {
                via_stream_config config = config_of(&via_framing_sp_ipc);
                struct blocked blocked = {.sends = way == 1};
                pthread_t self = pthread_self();
                stream_pair pair;
                pthread_t thread;

                pair_open(&pair, kind, &config);
                signalled = blocked.stream = pair.end[0];
                assert_int_equal(pthread_create(&thread, NULL, signal_soon, &self), 0);
                if (way < 2)
                    block(&blocked);
                else
                    blocked.status = via_stream_recv(pair.end[0], soon_enough(), &(via_msg){0});
                assert_int_equal(blocked.status, VIA_ECANCELED);
                assert_int_equal(pthread_join(thread, NULL), 0);
                via_stream_close(pair.end[1], VIA_CLOSE_FLUSH);
                pair.end[1] = NULL;
                pair_close(&pair);
            }
        }
    }
    signal(SIGUSR1, SIG_DFL);
}

/* ---- progress ----------------------------------------------------------------------------------------------- */

static void *answer_when_complete(void *argument)
{
    via_stream *stream = argument;
    via_msg message;
    via_slice slice = {"answer", 6};

    if (via_stream_recv(stream, soon_enough(), &message) != VIA_OK)
        return (void *)1;
    via_stream_release(stream, &message);
    return (void *)(uintptr_t)(via_stream_send(stream, &slice, 1, NULL, soon_enough()) == VIA_OK ? 0 : 1);
}

/* A question that leaves in part, then a receive of the answer to it: the receive has to send the rest. */
static void test_blocking__receive_flushes_the_tail(void **state)
{
    enum { SIZE = 20000000 };
    uint8_t *body = make_body(SIZE, 5);
    via_slice slice = {body, SIZE};

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;
        pthread_t thread;
        void *failed;

        pair_open(&pair, kind, &config);
        assert_int_equal(via_stream_send(pair.end[0], &slice, 1, NULL, VIA_NOW), VIA_OK);
        assert_true(via_stream_backlog(pair.end[0]) > 0);
        assert_int_equal(pthread_create(&thread, NULL, answer_when_complete, pair.end[1]), 0);
        expect_text(pair.end[0], "answer");
        assert_int_equal(pthread_join(thread, &failed), 0);
        assert_null(failed);
        assert_int_equal(via_stream_backlog(pair.end[0]), 0);
        pair_close(&pair);
    }
    free(body);
}

struct receiver {
    via_stream *stream;
    atomic_uint answers;
};

static void *receive_answers(void *argument)
{
    struct receiver *receiver = argument;
    via_msg message;

    while (via_stream_recv(receiver->stream, soon_enough(), &message) == VIA_OK) {
        via_stream_release(receiver->stream, &message);
        atomic_fetch_add(&receiver->answers, 1);
    }
    return NULL;
}

/* The other way round: the receive was there first, and the sender waits for it. */
static void test_blocking__receive_that_sleeps_flushes_the_tail(void **state)
{
    enum { SIZE = 6000000, ROUNDS = 5 };
    uint8_t *body = make_body(SIZE, 7);
    via_slice slice = {body, SIZE};
    via_msg message;

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        struct receiver receiver = {NULL, 0};
        stream_pair pair;
        pthread_t thread;

        pair_open(&pair, kind, &config);
        receiver.stream = pair.end[0];
        assert_int_equal(pthread_create(&thread, NULL, receive_answers, &receiver), 0);
        for (unsigned i = 0; i < ROUNDS; i++) {
            /* A short sleep and a long one of the receive differ, and so does what the sender leaves. */
            via_deadline until = via_deadline_after((int64_t)i * 12000000);

            assert_int_equal(via_stream_send(pair.end[0], &slice, 1, NULL, until), VIA_OK);
            assert_int_equal(via_stream_recv(pair.end[1], soon_enough(), &message), VIA_OK);
            assert_int_equal(message.size, SIZE);
            via_stream_release(pair.end[1], &message);
            send_text(pair.end[1], "answer", 0);
            while (atomic_load(&receiver.answers) == i)
                sched_yield();
        }
        via_stream_interrupt(pair.end[0]);
        assert_int_equal(pthread_join(thread, NULL), 0);
        pair_close(&pair);
    }
    free(body);
}

/* Leaves none of the descriptors that this process may have. Returns the limit as it was. */
static struct rlimit take_all_descriptors(int taken[64], size_t *count)
{
    struct rlimit before;
    struct rlimit few;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){64, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (*count = 0; *count < 64 && (taken[*count] = dup(STDERR_FILENO)) >= 0; (*count)++)
        ;
    return before;
}

static void test_blocking__tail_needs_no_descriptor(void **state)
{
    enum { SIZE = 6000000 };
    uint8_t *body = make_body(SIZE, 9);
    via_slice slice = {body, SIZE};
    int taken[64];
    size_t count;

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;
        pthread_t thread;

        pair_open(&pair, kind, &config);
        struct rlimit before = take_all_descriptors(taken, &count);
        assert_int_equal(via_stream_send(pair.end[0], &slice, 1, NULL, VIA_NOW), VIA_OK);
        assert_int_equal(via_stream_recv(pair.end[0], via_deadline_after(30000000), &(via_msg){0}), VIA_ETIMEDOUT);
        assert_int_equal(pthread_create(&thread, NULL, answer_when_complete, pair.end[1]), 0);
        expect_text(pair.end[0], "answer");
        assert_int_equal(pthread_join(thread, NULL), 0);
        while (count > 0)
            close(taken[--count]);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        pair_close(&pair);
    }
    free(body);
}

struct worker {
    via_stream *stream;
    atomic_bool stop;
};

static void *keep_working(void *argument)
{
    struct worker *worker = argument;

    while (!atomic_load(&worker->stop)) {
        (void)via_stream_arm(worker->stream, VIA_WORK);
        (void)via_stream_backlog(worker->stream);
        via_stream_refresh_counters(worker->stream);
        sched_yield();
    }
    return NULL;
}

struct traffic {
    via_stream *stream;
    unsigned count;
};

static void *send_traffic(void *argument)
{
    struct traffic *traffic = argument;

    for (unsigned i = 0; i < traffic->count; i++) {
        size_t size = (i * 7919) % 30000;
        uint8_t *body = make_body(size, i);
        via_slice slice = {body, size};
        via_meta meta = {.flags = i % 3 == 0 ? VIA_MORE : 0};
        via_status status;

        do
            status = via_stream_send(traffic->stream, &slice, 1, &meta, i % 2 ? VIA_NOW : via_deadline_after(100000));
        while (status == VIA_ETIMEDOUT);
        free(body);
        if (status != VIA_OK)
            return (void *)1;
    }
    return (void *)(uintptr_t)(via_stream_flush(traffic->stream, soon_enough()) == VIA_OK ? 0 : 1);
}

/* Senders with short deadlines both ways, a third thread doing the work of a waitset: nothing lost, nothing torn. */
static void test_blocking__three_threads_on_one_stream(void **state)
{
    enum { COUNT = 600 };

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_length32);
        stream_pair pair;
        struct worker worker;
        pthread_t threads[3];
        void *failed;

        pair_open(&pair, kind, &config);
        struct traffic there = {pair.end[0], COUNT};
        struct traffic back = {pair.end[1], 0};
        worker.stream = pair.end[0];
        atomic_init(&worker.stop, false);
        assert_int_equal(pthread_create(&threads[0], NULL, send_traffic, &there), 0);
        assert_int_equal(pthread_create(&threads[1], NULL, send_traffic, &back), 0);
        assert_int_equal(pthread_create(&threads[2], NULL, keep_working, &worker), 0);
        for (unsigned i = 0; i < COUNT; i++) {
            via_msg message;

            assert_int_equal(via_stream_recv(pair.end[1], soon_enough(), &message), VIA_OK);
            expect_body(&message, (i * 7919) % 30000, i);
            via_stream_release(pair.end[1], &message);
        }
        atomic_store(&worker.stop, true);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(pthread_join(threads[i], &failed), 0);
            assert_null(failed);
        }
        pair_close(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocking__receive_keeps_its_deadline),
        cmocka_unit_test(test_blocking__send_keeps_its_deadline),
        cmocka_unit_test(test_blocking__interrupt_wakes_a_thread),
        cmocka_unit_test(test_blocking__interrupt_from_a_signal_handler),
        cmocka_unit_test(test_blocking__receive_flushes_the_tail),
        cmocka_unit_test(test_blocking__receive_that_sleeps_flushes_the_tail),
        cmocka_unit_test(test_blocking__tail_needs_no_descriptor),
        cmocka_unit_test(test_blocking__three_threads_on_one_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
