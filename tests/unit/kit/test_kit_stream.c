/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages through streams of every kind: split points, sizes, loans, gathering.
 */
#include "kit_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const via_framing *const framed[] = {&via_framing_sp_ipc, &via_framing_sp_tcp, &via_framing_line,
                                            &via_framing_length32, &via_framing_content_length};
enum { FRAMED_COUNT = sizeof(framed) / sizeof(framed[0]) };

static void put(int descriptor, const void *data, size_t size)
{
    const uint8_t *at = data;

    while (size > 0) {
        ssize_t written = write(descriptor, at, size);

        assert_true(written > 0);
        at += written;
        size -= (size_t)written;
    }
}

/* Three frames as they look on the wire. */
static size_t write_three(const via_framing *framing, uint8_t *out)
{
    static const char *const bodies[] = {"first", "", "the third one"};
    uint8_t *at = out;

    for (size_t i = 0; i < 3; i++) {
        at += framing->header(strlen(bodies[i]), at);
        at = (uint8_t *)mempcpy(at, bodies[i], strlen(bodies[i]));
        at = (uint8_t *)mempcpy(at, framing->trailer, strlen(framing->trailer));
    }
    return (size_t)(at - out);
}

/* Takes what is complete; nothing may be torn. */
static unsigned take_ready(via_stream *stream, unsigned next)
{
    static const char *const bodies[] = {"first", "", "the third one"};
    via_msg message;
    via_status status;

    while ((status = via_stream_recv(stream, VIA_NOW, &message)) == VIA_OK) {
        const char *body = next < 3 ? bodies[next] : "no fourth one";
        assert_int_equal(message.size, strlen(body));
        assert_memory_equal(message.data, body, message.size);
        via_stream_release(stream, &message);
        next++;
    }
    assert_int_equal(status, VIA_ETIMEDOUT);
    return next;
}

static void test_stream__survives_every_split_point(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        for (size_t f = 0; f < FRAMED_COUNT; f++) {
            via_stream_config config = config_of(framed[f]);
            uint8_t wire[256];
            size_t size = write_three(framed[f], wire);
            stream_pair pair;
            unsigned next;

            if (kind == KIND_TCP) /* is not there at once after a write, and no different */
                continue;
            pair_open_half(&pair, kind, &config);
            for (size_t split = 0; split <= size; split++) {
                put(pair.peer_fd[0], wire, split);
                next = take_ready(pair.end[0], 0);
                put(pair.peer_fd[0], wire + split, size - split);
                assert_int_equal(take_ready(pair.end[0], next), 3);
            }
            next = 0;
            for (size_t at = 0; at < size; at++) { /* byte by byte */
                put(pair.peer_fd[0], wire + at, 1);
                next = take_ready(pair.end[0], next);
            }
            assert_int_equal(next, 3);
            pair_close(&pair);
        }
    }
}

struct writer {
    int descriptor;
    const uint8_t *data;
    size_t size;
    unsigned seed;
};

static void *write_in_pieces(void *argument)
{
    struct writer *writer = argument;
    size_t at = 0;

    while (at < writer->size) {
        size_t piece = (size_t)rand_r(&writer->seed) % 5000 + 1;

        if (piece > writer->size - at)
            piece = writer->size - at;
        ssize_t written = send(writer->descriptor, writer->data + at, piece, MSG_NOSIGNAL);

        if (written <= 0)
            return "write failed";
        at += (size_t)written;
    }
    return NULL;
}

static size_t wire_size(unsigned index)
{
    static const size_t sizes[] = {0, 1, 63, 64, 1000, 5000, 16300, 16384, 17000, 40000, 65000, 66000, 150000, 3};

    return sizes[index % (sizeof(sizes) / sizeof(sizes[0]))];
}

/* Sizes around every threshold, in pieces of any size, while up to 7 messages are held back. */
static void test_stream__reads_random_pieces(void **state)
{
    enum { COUNT = 140, HELD = 7 };

    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        via_stream_config config = config_of(&via_framing_sp_tcp);
        via_msg held[HELD] = {{0}};
        size_t capacity = 0;
        uint8_t *wire;
        stream_pair pair;
        pthread_t thread;
        void *trouble;

        for (unsigned i = 0; i < COUNT; i++)
            capacity += wire_size(i * (round + 1)) + 8;
        wire = malloc(capacity);
        assert_non_null(wire);
        uint8_t *at = wire;
        for (unsigned i = 0; i < COUNT; i++) {
            size_t size = wire_size(i * (round + 1));
            uint8_t *body = make_body(size, i);

            at += via_framing_sp_tcp.header(size, at);
            at = (uint8_t *)mempcpy(at, body, size);
            free(body);
        }
        pair_open_half(&pair, KIND_SOCKET, &config);
        struct writer writer = {pair.peer_fd[0], wire, capacity, round};
        assert_int_equal(pthread_create(&thread, NULL, write_in_pieces, &writer), 0);
        for (unsigned i = 0; i < COUNT; i++) {
            via_msg *slot = &held[(i * 5) % HELD];

            if (i >= HELD) /* it must still be what it was */
                via_stream_release(pair.end[0], slot);
            assert_int_equal(via_stream_recv(pair.end[0], soon_enough(), slot), VIA_OK);
            expect_body(slot, wire_size(i * (round + 1)), i);
        }
        for (unsigned i = COUNT - HELD; i < COUNT; i++) {
            expect_body(&held[(i * 5) % HELD], wire_size(i * (round + 1)), i);
            via_stream_release(pair.end[0], &held[(i * 5) % HELD]);
        }
        assert_int_equal(pthread_join(thread, &trouble), 0);
        assert_null(trouble);
        pair_close(&pair);
        free(wire);
    }
}

static void test_stream__carries_both_ways(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        for (size_t f = 0; f < FRAMED_COUNT; f++) {
            via_stream_config config = config_of(framed[f]);
            stream_pair pair;

            pair_open(&pair, kind, &config);
            send_text(pair.end[0], "there", 0);
            expect_text(pair.end[1], "there");
            send_text(pair.end[1], "and back", 0);
            send_text(pair.end[1], "", 0);
            expect_text(pair.end[0], "and back");
            expect_text(pair.end[0], "");
            pair_close(&pair);
        }
    }
}

static void test_stream__joins_many_slices(void **state)
{
    enum { COUNT = 1024 };
    via_stream_config config = config_of(&via_framing_sp_ipc);
    via_slice slices[COUNT];
    uint8_t *body = make_body((size_t)COUNT * 9, 1);
    stream_pair pair;
    via_msg message;

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        size_t at = 0;

        for (size_t i = 0; i < COUNT; i++) {
            slices[i].data = body + at;
            slices[i].size = i % 3 == 0 ? 0 : 9;
            at += slices[i].size;
        }
        pair_open(&pair, kind, &config);
        assert_int_equal(via_stream_send(pair.end[0], slices, COUNT, NULL, soon_enough()), VIA_OK);
        assert_int_equal(via_stream_recv(pair.end[1], soon_enough(), &message), VIA_OK);
        expect_body(&message, at, 1);
        via_stream_release(pair.end[1], &message);
        pair_close(&pair);
    }
    free(body);
}

static void test_stream__gathers_until_a_send_without_more(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;
        via_msg message;

        pair_open(&pair, kind, &config);
        send_text(pair.end[0], "one", VIA_MORE);
        send_text(pair.end[0], "two", VIA_MORE);
        assert_int_equal(via_stream_recv(pair.end[1], VIA_NOW, &message), VIA_ETIMEDOUT);
        assert_int_equal(via_stream_backlog(pair.end[0]), 24);
        assert_int_equal(via_stream_arm(pair.end[0], VIA_WORK), VIA_ENOENT); /* it waits for us, not for the OS */
        send_text(pair.end[0], "three", 0);
        assert_int_equal(via_stream_backlog(pair.end[0]), 0);
        expect_text(pair.end[1], "one");
        assert_true(via_stream_has_message(pair.end[1]));
        expect_text(pair.end[1], "two");
        expect_text(pair.end[1], "three");
        assert_false(via_stream_has_message(pair.end[1]));
        send_text(pair.end[0], "four", VIA_MORE);
        assert_int_equal(via_stream_flush(pair.end[0], soon_enough()), VIA_OK);
        expect_text(pair.end[1], "four");
        send_text(pair.end[0], "five", VIA_MORE); /* close flushes, too */
        via_stream_close(pair.end[0], VIA_CLOSE_FLUSH);
        pair.end[0] = NULL;
        expect_text(pair.end[1], "five");
        expect_end(pair.end[1], VIA_ECLOSED);
        pair_close(&pair);
    }
}

struct flood {
    via_stream *stream;
    unsigned count;
    size_t size;
};

static void *send_flood(void *argument)
{
    struct flood *flood = argument;
    uint8_t *body = malloc(flood->size + 1);
    uintptr_t failed = body ? 0 : 1;

    for (unsigned i = 0; i < flood->count && !failed; i++) {
        via_meta meta = {.flags = i + 1 < flood->count ? VIA_MORE : 0};
        via_slice slice = {body, flood->size};

        memset(body, (int)(i & 0xff), flood->size);
        if (via_stream_send(flood->stream, &slice, 1, &meta, VIA_FOREVER) != VIA_OK)
            failed = 1;
    }
    free(body);
    return (void *)failed;
}

static void test_stream__gathers_more_than_a_buffer(void **state)
{
    static const size_t sizes[] = {1, 64, 1000, 30000, 70000, 300000};

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            via_stream_config config = config_of(&via_framing_length32);
            unsigned count = sizes[s] > 5000 ? 20 : 3000;
            pthread_t thread;
            stream_pair pair;
            void *failed;

            pair_open(&pair, kind, &config);
            struct flood flood = {pair.end[0], count, sizes[s]};
            assert_int_equal(pthread_create(&thread, NULL, send_flood, &flood), 0);
            for (unsigned i = 0; i < count; i++) {
                via_msg message;

                assert_int_equal(via_stream_recv(pair.end[1], soon_enough(), &message), VIA_OK);
                assert_int_equal(message.size, sizes[s]);
                assert_int_equal(((uint8_t *)message.data)[0], i & 0xff);
                assert_int_equal(((uint8_t *)message.data)[sizes[s] - 1], i & 0xff);
                via_stream_release(pair.end[1], &message);
            }
            assert_int_equal(pthread_join(thread, &failed), 0);
            assert_null(failed);
            pair_close(&pair);
        }
    }
}

static void test_stream__refuses_what_is_too_big(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;
    via_slice slices[2] = {{"0123456789", 10}, {"x", 1}};

    (void)state;
    config.max_message = 10;
    pair_open(&pair, KIND_SOCKET, &config);
    assert_int_equal(via_stream_send(pair.end[0], slices, 2, NULL, soon_enough()), VIA_ETOOBIG);
    assert_int_equal(via_stream_send(pair.end[0], slices, 1, NULL, soon_enough()), VIA_OK);
    expect_text(pair.end[1], "0123456789");
    pair_close(&pair);
}

static void test_stream__ends_at_a_hostile_size(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;
    uint8_t header[VIA_FRAME_HEADER_MAX];
    size_t size = via_framing_sp_ipc.header(UINT64_C(1) << 40, header);

    (void)state;
    pair_open_half(&pair, KIND_SOCKET, &config);
    put(pair.peer_fd[0], header, size);
    expect_end(pair.end[0], VIA_ETOOBIG);
    assert_int_equal(pair.host[0].failures, 1);
    assert_int_equal(pair.host[0].failure.status, VIA_ETOOBIG);
    assert_int_equal(pair.counters[0].protocol_errors, 1);
    pair_close(&pair);
}

static via_status greet(void *user, const uint8_t *bytes)
{
    return memcmp(bytes, user, 4) == 0 ? VIA_OK : VIA_EPROTO;
}

static void test_stream__checks_the_greeting(void **state)
{
    via_stream_config config = config_of(&via_framing_line);
    stream_pair pair;

    (void)state;
    config.greeting_size = 4;
    config.greeting = greet;
    config.user = (void *)(uintptr_t) "HELO";
    pair_open_half(&pair, KIND_SOCKET, &config);
    put(pair.peer_fd[0], "HE", 2);
    assert_int_equal(via_stream_recv(pair.end[0], VIA_NOW, &(via_msg){0}), VIA_ETIMEDOUT);
    put(pair.peer_fd[0], "LOa\nb\n", 6);
    expect_text(pair.end[0], "a");
    expect_text(pair.end[0], "b");
    pair_close(&pair);

    pair_open_half(&pair, KIND_SOCKET, &config);
    put(pair.peer_fd[0], "HELP", 4);
    expect_end(pair.end[0], VIA_EPROTO);
    assert_int_equal(pair.host[0].failures, 1);
    pair_close(&pair);
}

static via_status check_hop(void *user, const uint8_t *bytes)
{
    (void)user;
    return memcmp(bytes, "\0\0\0\1", 4) == 0 ? VIA_OK : VIA_EPROTO;
}

static void test_stream__puts_and_takes_the_prefix(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_tcp);
    stream_pair pair;

    (void)state;
    config.prefix_size = 4;
    memcpy(config.prefix, "\0\0\0\1", 4);
    config.check_prefix = check_hop;
    pair_open(&pair, KIND_SOCKET, &config);
    send_text(pair.end[0], "body", 0);
    expect_text(pair.end[1], "body");
    send_text(pair.end[0], "", 0);
    expect_text(pair.end[1], "");
    pair_close(&pair);

    pair_open_half(&pair, KIND_SOCKET, &config);
    put(pair.peer_fd[0], "\0\0\0\0\0\0\0\4\0\0\0\2", 12);
    expect_end(pair.end[0], VIA_EPROTO);
    pair_close(&pair);

    pair_open_half(&pair, KIND_SOCKET, &config);
    put(pair.peer_fd[0], "\0\0\0\0\0\0\0\3\0\0\0", 11); /* no room for the prefix */
    expect_end(pair.end[0], VIA_EPROTO);
    pair_close(&pair);
}

static void test_stream__an_idle_one_keeps_no_buffers(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;
    via_msg message;

    (void)state;
    pair_open(&pair, KIND_SOCKET, &config);
    send_text(pair.end[0], "a", VIA_MORE);
    send_text(pair.end[0], "b", 0);
    expect_text(pair.end[1], "a");
    assert_int_equal(via_stream_arm(pair.end[1], VIA_READ), VIA_EREADY);
    assert_int_equal(via_stream_recv(pair.end[1], VIA_NOW, &message), VIA_OK);
    assert_int_equal(via_stream_arm(pair.end[1], VIA_READ), VIA_OK);
    assert_null(pair.end[1]->block);
    assert_memory_equal(message.data, "b", 1); /* still lent */
    via_stream_release(pair.end[1], &message);
    assert_null(pair.end[1]->spare);
    assert_int_equal(via_stream_arm(pair.end[0], VIA_READ), VIA_OK);
    assert_null(pair.end[0]->out);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream__survives_every_split_point),
        cmocka_unit_test(test_stream__reads_random_pieces),
        cmocka_unit_test(test_stream__carries_both_ways),
        cmocka_unit_test(test_stream__joins_many_slices),
        cmocka_unit_test(test_stream__gathers_until_a_send_without_more),
        cmocka_unit_test(test_stream__gathers_more_than_a_buffer),
        cmocka_unit_test(test_stream__refuses_what_is_too_big),
        cmocka_unit_test(test_stream__ends_at_a_hostile_size),
        cmocka_unit_test(test_stream__checks_the_greeting),
        cmocka_unit_test(test_stream__puts_and_takes_the_prefix),
        cmocka_unit_test(test_stream__an_idle_one_keeps_no_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
