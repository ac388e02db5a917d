/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends whose layers do not make the same of the bytes: each finds out, and neither hands out what it was not sent.
 */
#include "support.h"

#include <stdio.h>
#include <viaduct/layer.h>

typedef struct ends {
    via_listener *listener;
    via_channel *server;
    via_channel *client;
} ends;

static ends open_ends(via_host *host, const char *listens, const char *dials, uint32_t threads)
{
    ends both = {NULL, NULL, NULL};
    via_error error;
    via_open_options options;
    via_open_options_init(&options);
    options.threads = threads;
    options.layers = listens;
    if (via_listen(host, "loop:unlike", &options, &both.listener, &error) != VIA_OK)
        fail_msg("%s", error.what);
    options.layers = dials;
    if (via_dial(host, "loop:unlike", &options, CORE_PATIENCE, &both.client, &error) != VIA_OK ||
        via_accept(both.listener, CORE_PATIENCE, &both.server, &error) != VIA_OK)
        fail_msg("%s", error.what);
    return both;
}

static void close_ends(ends *both)
{
    via_close(both->client);
    via_close(both->server);
    via_listener_close(both->listener);
}

/* The status is for good, the reason is told, and a wait would end at once. */
static void expect_unlike(via_channel *channel, const char *what)
{
    via_msg message;
    via_error error;
    char buffer[8];
    char text[600];
    assert_int_equal(via_arm(channel, VIA_READ), VIA_EREADY);
    assert_int_equal(via_recv(channel, CORE_PATIENCE, &message), VIA_EPROTO);
    assert_int_equal(via_recv(channel, CORE_PATIENCE, &message), VIA_EPROTO);
    assert_int_equal(via_recv_into(channel, buffer, sizeof(buffer), NULL, NULL, CORE_PATIENCE), VIA_EPROTO);
    assert_int_equal(via_arm(channel, VIA_READ), VIA_EREADY);
    assert_int_equal(via_failure(channel, &error), VIA_OK);
    assert_int_equal(error.status, VIA_EPROTO);
    (void)snprintf(text, sizeof(text), "loop:unlike: %s", what);
    assert_string_equal(error.what, text);
    assert_string_equal(error.mend, "open both ends with the same layers; via explain ADDRESS shows an end's");
}

typedef struct unlike_case {
    const char *listens;
    const char *dials;
    const char *server_says;
    const char *client_says;
} unlike_case;

#define LACKS "the other end lacks the layers that this one has"
#define HAS "the other end has layers that this one lacks"
#define OTHER "the other end has other layers than this one, or in another order"

static const unlike_case cases[] = {
    {"flip", "", LACKS, HAS},
    {"", "flip", HAS, LACKS},
    {"pass", "flip,pass", HAS, LACKS},
    {"flip", "flop", OTHER, OTHER},
    {"flip,flop", "flop,flip", OTHER, OTHER},
    {"flip", "flip,flop", OTHER, OTHER},
    {"thin,flip", "flop,pass", OTHER, OTHER},
};

static void test_unlike__both_ends_find_out(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (uint32_t threads = VIA_TWO; threads <= VIA_MANY; threads++) {
            ends both = open_ends(*state, cases[i].listens, cases[i].dials, threads);
            core_send(both.client, "from the client");
            core_send(both.server, "from the server");
            expect_unlike(both.server, cases[i].server_says);
            expect_unlike(both.client, cases[i].client_says);
            close_ends(&both);
        }
    }
}

static void test_unlike__a_marked_end_sends_no_more(void **state)
{
    ends both = open_ends(*state, "flip", "", VIA_TWO);
    core_send(both.client, "plain");
    expect_unlike(both.server, LACKS);
    assert_int_equal(via_send(both.server, "x", 1, NULL, CORE_PATIENCE), VIA_EPROTO);
    close_ends(&both);
}

/* What does not change bytes is nobody else's business. */
static void test_unlike__layers_that_keep_bytes_need_no_like(void **state)
{
    static const struct {
        const char *listens, *dials;
    } alike[] = {{"pass", ""}, {"", "thin,pass"}, {"pass,flip", "flip,thin"}, {"flip,pass,flop", "flip,flop"}};
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
        ends both = open_ends(*state, alike[i].listens, alike[i].dials, VIA_TWO);
        core_send(both.client, "there");
        core_expect(both.server, "there");
        core_send(both.server, "back");
        core_expect(both.client, "back");
        close_ends(&both);
    }
}

/* Only the first message is looked at where nothing is to be marked: the others may be anything. */
static void test_unlike__a_mark_later_on_is_a_message(void **state)
{
    static const char marked[VIA_MARK_SIZE + 1] = VIA_MARK_MAGIC "\x1\x2\x3\x4\0\0\0\0x";
    ends both = open_ends(*state, "", "", VIA_TWO);
    via_msg message;
    core_send(both.client, VIA_MARK_MAGIC); /* too short to be one */
    core_expect(both.server, VIA_MARK_MAGIC);
    assert_int_equal(via_send(both.client, marked, sizeof(marked), NULL, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_recv(both.server, CORE_PATIENCE, &message), VIA_OK);
    assert_int_equal(message.size, sizeof(marked));
    assert_memory_equal(message.data, marked, sizeof(marked));
    via_release(both.server, &message);
    close_ends(&both);
}

/* The form of the mark is a promise to programs that are not this one: here it is written by hand. */
static void test_unlike__the_mark_is_as_documented(void **state)
{
    static const unsigned char by_hand[] = {0xf5, 'V', 'I', 'A', 'L', 'A',        'Y',  '\n', 0x92, 0xb4, 0xa1,
                                            0x86, 0,   0,   0,   0,   'h' ^ 0x5a, 0x5a, 0x5a, 0x5a, 0x5a};
    ends both = open_ends(*state, "", "flip", VIA_TWO);
    assert_int_equal(via_send(both.server, by_hand, sizeof(by_hand), NULL, CORE_PATIENCE), VIA_OK);
    core_expect(both.client, "h");
    close_ends(&both);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_unlike__both_ends_find_out),
        TEST(test_unlike__a_marked_end_sends_no_more),
        TEST(test_unlike__layers_that_keep_bytes_need_no_like),
        TEST(test_unlike__a_mark_later_on_is_a_message),
        TEST(test_unlike__the_mark_is_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
