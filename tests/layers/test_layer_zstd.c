/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer zstd: what is compressed and what is not, and frames of those who mean harm.
 */
#include "layers_fixture.h"

#include "zstd_layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <viaduct/layer.h>

enum { MEBIBYTE = 1024 * 1024 };

static const char both[] = "layers=zstd";

/* ---- through a channel -------------------------------------------------------------------------------------- */

static void pass(via_channel *from, via_channel *to, const unsigned char *bytes, size_t size)
{
    via_msg message;

    assert_int_equal(via_send(from, bytes, size, NULL, layers_soon()), VIA_OK);
    assert_int_equal(via_recv(to, layers_soon(), &message), VIA_OK);
    assert_int_equal(message.size, size);
    assert_memory_equal(message.data, bytes, size);
    via_release(to, &message);
}

static void fill(unsigned char *bytes, size_t size, bool is_random)
{
    uint64_t state = 88172645463325252U;
    for (size_t i = 0; i < size; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        bytes[i] = (unsigned char)(is_random ? state : i / 64);
    }
}

static void test_zstd__brings_messages_of_any_kind(void **state)
{
    static const size_t sizes[] = {0, 1, 511, 512, 513, 4096, 65536, 200000};
    unsigned char *bytes = malloc(200000);
    layers_pair pair;
    (void)state;

    layers_open(&pair, both, both);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int is_random = 0; is_random < 2; is_random++) {
            fill(bytes, sizes[i], is_random);
            pass(pair.near, pair.far, bytes, sizes[i]);
            pass(pair.far, pair.near, bytes, sizes[i]);
        }
    }
    free(bytes);
    layers_close(&pair);
}

/* Many slices, with nothing in some, of what shrinks and of what does not. */
static void test_zstd__brings_many_slices(void **state)
{
    unsigned char bytes[40 * 100];
    via_slice slices[40];
    layers_pair pair;
    via_msg message;
    (void)state;

    layers_open(&pair, both, both);
    for (int is_random = 0; is_random < 2; is_random++) {
        fill(bytes, sizeof(bytes), is_random);
        for (size_t i = 0; i < 40; i++)
            slices[i] = (via_slice){bytes + i * 100, i % 8 == 7 ? 0 : 100};
        assert_int_equal(via_sendv(pair.near, slices, 40, NULL, layers_soon()), VIA_OK);
        assert_int_equal(via_recv(pair.far, layers_soon(), &message), VIA_OK);
        assert_int_equal(message.size, 3500);
        assert_memory_equal(message.data, bytes, 700);
        assert_memory_equal((unsigned char *)message.data + 700, bytes + 800, 700);
        via_release(pair.far, &message);
    }
    layers_close(&pair);
}

/* ---- on the wire -------------------------------------------------------------------------------------------- */

/* The other end as a plain socket: each message is four bytes of length, the host's mark, and what the layer made. */
typedef struct raw_pair {
    via_listener *listener;
    via_channel *channel;
    int descriptor;
} raw_pair;

static void raw_open(raw_pair *pair, const char *more)
{
    char address[256];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    via_error error;

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s/zstd-%ld.sock", getenv("XDG_RUNTIME_DIR"), (long)getpid());
    (void)snprintf(address, sizeof(address), "unix:%s?framing=length32&layers=zstd%s", name.sun_path, more);
    assert_int_equal(via_listen(NULL, address, NULL, &pair->listener, &error), VIA_OK);
    pair->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(pair->descriptor >= 0);
    assert_int_equal(connect(pair->descriptor, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(via_accept(pair->listener, layers_soon(), &pair->channel, &error), VIA_OK);
}

static void raw_close(raw_pair *pair)
{
    (void)close(pair->descriptor);
    via_close(pair->channel);
    via_listener_close(pair->listener);
}

static void read_whole(int descriptor, unsigned char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        const ssize_t got = read(descriptor, bytes + at, size - at);
        assert_true(got > 0);
        at += (size_t)got;
    }
}

/* Sends `size` bytes and gives the kind and the size of what leaves. */
static size_t size_on_the_wire(const char *more, size_t size, bool is_random, unsigned char *kind)
{
    unsigned char *bytes = malloc(size + 64), length[4];
    raw_pair pair;

    raw_open(&pair, more);
    fill(bytes, size, is_random);
    assert_int_equal(via_send(pair.channel, bytes, size, NULL, layers_soon()), VIA_OK);
    read_whole(pair.descriptor, length, sizeof(length));
    const size_t whole = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
    assert_in_range(whole, VIA_MARK_SIZE + 1, size + 64);
    read_whole(pair.descriptor, bytes, whole);
    *kind = bytes[VIA_MARK_SIZE];
    free(bytes);
    raw_close(&pair);
    return whole - VIA_MARK_SIZE - ZSTD_HEADER;
}

static void test_zstd__compresses_what_is_worth_it(void **state)
{
    static const struct {
        const char *more;
        size_t size;
        bool is_random;
        unsigned char kind;
    } cases[] = {
        {"", 511, false, ZSTD_KIND_PLAIN},
        {"", 512, false, ZSTD_KIND_FRAME},
        {"&zstd.threshold=100B", 511, false, ZSTD_KIND_FRAME},
        {"", 65536, false, ZSTD_KIND_FRAME},
        {"&zstd.level=19", 65536, false, ZSTD_KIND_FRAME},
        {"&zstd.level=-7", 65536, false, ZSTD_KIND_FRAME},
        {"", 65536, true, ZSTD_KIND_PLAIN},
    };
    unsigned char kind;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t size = size_on_the_wire(cases[i].more, cases[i].size, cases[i].is_random, &kind);
        assert_int_equal(kind, cases[i].kind);
        if (kind == ZSTD_KIND_PLAIN)
            assert_int_equal(size, cases[i].size);
        else
            assert_true(size < cases[i].size / 2);
    }
}

/* ---- harm --------------------------------------------------------------------------------------------------- */

static size_t put_mark(unsigned char *to)
{
    static const char name[] = "zstd"; /* with its NUL */
    uint32_t stack = UINT32_C(2166136261);

    for (size_t i = 0; i < sizeof(name); i++)
        stack = (stack ^ (unsigned char)name[i]) * UINT32_C(16777619);
    memset(to, 0, VIA_MARK_SIZE);
    memcpy(to, VIA_MARK_MAGIC, VIA_MARK_MAGIC_SIZE);
    for (size_t i = 0; i < 4; i++)
        to[VIA_MARK_MAGIC_SIZE + i] = (unsigned char)(stack >> (8 * i));
    return VIA_MARK_SIZE;
}

static void raw_send(const raw_pair *pair, const unsigned char *body, size_t size)
{
    unsigned char bytes[4096];
    const size_t whole = VIA_MARK_SIZE + size;

    assert_true(4 + whole <= sizeof(bytes));
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(whole >> (8 * (3 - i)));
    const size_t at = 4 + put_mark(bytes + 4);
    if (size > 0)
        memcpy(bytes + at, body, size);
    assert_int_equal(write(pair->descriptor, bytes, at + size), (ssize_t)(at + size));
}

/* A frame of `size` equal bytes. */
static size_t make_bomb(unsigned char *to, size_t capacity, size_t size)
{
    unsigned char *zeros = calloc(1, size);
    to[0] = ZSTD_KIND_FRAME;
    const size_t frame = ZSTD_compress(to + 1, capacity - 1, zeros, size, 1);
    assert_int_equal(ZSTD_isError(frame), 0);
    free(zeros);
    return frame + 1;
}

static void expect_refusal(const unsigned char *body, size_t size, const char *why)
{
    raw_pair pair;
    via_msg message;
    via_error error;
    via_counters counters = {.size = sizeof(counters)};

    raw_open(&pair, "&max_message=1MiB");
    raw_send(&pair, body, size);
    assert_int_equal(via_recv(pair.channel, layers_soon(), &message), VIA_EPROTO);
    assert_int_equal(via_recv(pair.channel, layers_soon(), &message), VIA_EPROTO);
    assert_int_equal(via_failure(pair.channel, &error), VIA_OK);
    assert_non_null(strstr(error.what, why));
    assert_int_equal(via_stats(pair.channel, &counters), VIA_OK);
    assert_int_equal(counters.protocol_errors, 1);
    raw_close(&pair);
}

static void test_zstd__refuses_harm(void **state)
{
    static const unsigned char announced[] = "\1\x28\xb5\x2f\xfd\xe0\0\0\0\x40\0\0\0\0\1\0\0"; /* 1 GiB, and nothing */
    static const unsigned char empty[] = "\1\x28\xb5\x2f\xfd\xa0\0\0\x08\0\1\0\0"; /* 512 KiB, and nothing */
    unsigned char bomb[2048];
    (void)state;

    expect_refusal((const unsigned char *)"\2x", 2, "a message of a kind that there is not");
    expect_refusal(NULL, 0, "a message of a kind that there is not");
    expect_refusal((const unsigned char *)"\1no frame", 9, "no frame that announces its size");
    expect_refusal(announced, sizeof(announced) - 1, "a frame announces more than max_message");
    expect_refusal(empty, sizeof(empty) - 1, "zstd: the other end sent a frame ");
    const size_t size = make_bomb(bomb, sizeof(bomb), MEBIBYTE + 1);
    expect_refusal(bomb, size, "a frame announces more than max_message");
    const size_t fits = make_bomb(bomb, sizeof(bomb), MEBIBYTE / 2);
    expect_refusal(bomb, fits - 1, "a frame is cut short");
    bomb[fits] = 'x';
    expect_refusal(bomb, fits + 1, "something follows a frame");
}

/* As large as it may be, it is a message. */
static void test_zstd__takes_the_largest(void **state)
{
    unsigned char bomb[2048];
    raw_pair pair;
    via_msg message;
    (void)state;

    raw_open(&pair, "&max_message=1MiB");
    raw_send(&pair, bomb, make_bomb(bomb, sizeof(bomb), MEBIBYTE / 2));
    assert_int_equal(via_recv(pair.channel, layers_soon(), &message), VIA_OK);
    assert_int_equal(message.size, MEBIBYTE / 2);
    via_release(pair.channel, &message);
    raw_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zstd__brings_messages_of_any_kind), cmocka_unit_test(test_zstd__brings_many_slices),
        cmocka_unit_test(test_zstd__compresses_what_is_worth_it), cmocka_unit_test(test_zstd__refuses_harm),
        cmocka_unit_test(test_zstd__takes_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
