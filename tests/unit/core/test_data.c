/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages through the host: sending, receiving, loans.
 */
#include "support.h"

#include <malloc.h>
#include <stdlib.h>

static void test_data__message_arrives_whole_with_its_meta(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    const via_meta meta = {0, 0, 7, "orders.eu", "text/plain"};
    via_msg message;
    assert_int_equal(via_send(pair.client, "hello", 5, &meta, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_OK);
    assert_int_equal(message.size, 5);
    assert_memory_equal(message.data, "hello", 5);
    assert_string_equal(message.meta.key, "orders.eu");
    assert_string_equal(message.meta.content_type, "text/plain");
    assert_int_equal(message.meta.priority, 7);
    assert_int_equal(message.meta.sequence, 1);
    via_release(pair.server, &message);
    assert_int_equal(message.size, 0);
    core_pair_close(&pair);
}

static void test_data__messages_stay_in_order_and_may_be_out_together(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    via_msg first;
    via_msg second;
    core_send(pair.server, "one");
    core_send(pair.server, "two");
    assert_int_equal(via_recv(pair.client, VIA_NOW, &first), VIA_OK);
    assert_int_equal(via_recv(pair.client, VIA_NOW, &second), VIA_OK);
    via_release(pair.client, &second);
    assert_memory_equal(first.data, "one", 3);
    via_release(pair.client, &first);
    assert_int_equal(via_recv(pair.client, VIA_NOW, &first), VIA_ETIMEDOUT);
    core_pair_close(&pair);
}

static void test_data__slices_are_joined(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    const via_slice slices[] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    assert_int_equal(via_sendv(pair.client, slices, 3, NULL, CORE_PATIENCE), VIA_OK);
    core_expect(pair.server, "abcde");
    assert_int_equal(via_sendv(pair.client, NULL, 0, NULL, CORE_PATIENCE), VIA_OK);
    core_expect(pair.server, "");
    core_pair_close(&pair);
}

static void test_data__what_cannot_be_sent_is_refused(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?max_message=1KiB", VIA_TWO);
    char text[257];
    memset(text, 'k', 256);
    text[256] = '\0';
    const via_meta long_key = {0, 0, 0, text, NULL};
    const via_meta long_type = {0, 0, 0, NULL, text};
    const via_meta fits = {0, 0, 0, text + 1, NULL};
    const via_slice halves[] = {{NULL, SIZE_MAX}, {NULL, SIZE_MAX}};
    via_slice *many = calloc(1025, sizeof(*many));
    void *large = calloc(1, 1025);
    assert_int_equal(via_send(pair.client, large, 1025, NULL, VIA_NOW), VIA_ETOOBIG);
    assert_int_equal(via_send(pair.client, large, 1024, NULL, VIA_NOW), VIA_OK);
    assert_int_equal(via_sendv(pair.client, many, 1025, NULL, VIA_NOW), VIA_EINVAL);
    assert_int_equal(via_sendv(pair.client, many, 1024, NULL, VIA_NOW), VIA_OK);
    assert_int_equal(via_sendv(pair.client, halves, 2, NULL, VIA_NOW), VIA_ETOOBIG);
    assert_int_equal(via_send(pair.client, "x", 1, &long_key, VIA_NOW), VIA_EINVAL);
    assert_int_equal(via_send(pair.client, "x", 1, &long_type, VIA_NOW), VIA_EINVAL);
    assert_int_equal(via_send(pair.client, "x", 1, &fits, VIA_NOW), VIA_OK);
    free(large);
    free(many);
    core_pair_close(&pair);
}

static void test_data__full_receiver_holds_the_sender(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=2", VIA_TWO);
    core_send(pair.client, "1");
    core_send(pair.client, "2");
    assert_int_equal(via_send(pair.client, "3", 1, NULL, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(via_send(pair.client, "3", 1, NULL, via_after_ms(2)), VIA_ETIMEDOUT);
    core_expect(pair.server, "1");
    core_send(pair.client, "3");
    core_expect(pair.server, "2");
    core_expect(pair.server, "3");
    core_pair_close(&pair);
}

/* ---- via_recv_into ------------------------------------------------------------------------------------------ */

static void receive_into_keeps_what_does_not_fit(void **state, uint32_t threads)
{
    core_pair pair = core_pair_open(*state, "loop", "", threads);
    char buffer[8] = "";
    size_t size = 99;
    core_send(pair.client, "too long for it");
    core_send(pair.client, "next");
    assert_int_equal(via_recv_into(pair.server, buffer, 4, &size, NULL, VIA_NOW), VIA_EBUFFER);
    assert_int_equal(size, 15);
    assert_int_equal(via_recv_into(pair.server, buffer, 8, &size, NULL, VIA_NOW), VIA_EBUFFER);
    assert_int_equal(via_arm(pair.server, VIA_READ), VIA_EREADY);
    core_expect(pair.server, "too long for it");
    assert_int_equal(via_recv_into(pair.server, buffer, 8, &size, NULL, VIA_NOW), VIA_OK);
    assert_int_equal(size, 4);
    assert_memory_equal(buffer, "next", 4);
    assert_int_equal(via_recv_into(pair.server, buffer, 8, &size, NULL, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(size, 0);
    core_pair_close(&pair);
}

static void test_data__receive_into_keeps_what_does_not_fit(void **state)
{
    receive_into_keeps_what_does_not_fit(state, VIA_TWO);
}

static void test_data__receive_into_keeps_what_does_not_fit_for_many(void **state)
{
    receive_into_keeps_what_does_not_fit(state, VIA_MANY);
}

static void test_data__kept_message_comes_to_receive_into_again(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    char buffer[16] = "";
    size_t size = 0;
    core_send(pair.client, "twelve bytes");
    assert_int_equal(via_recv_into(pair.server, buffer, 1, &size, NULL, VIA_NOW), VIA_EBUFFER);
    assert_int_equal(via_recv_into(pair.server, buffer, size, &size, NULL, VIA_NOW), VIA_OK);
    assert_string_equal(buffer, "twelve bytes");
    core_pair_close(&pair);
}

static void test_data__texts_stay_valid_until_the_next_receive(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    const via_meta first = {0, 0, 0, "first.key", NULL};
    const via_meta second = {0, 0, 0, "second.key", "a/b"};
    char buffer[8];
    size_t size;
    via_meta meta;
    assert_int_equal(via_send(pair.client, "1", 1, &first, VIA_NOW), VIA_OK);
    assert_int_equal(via_send(pair.client, "2", 1, &second, VIA_NOW), VIA_OK);
    assert_int_equal(via_recv_into(pair.server, buffer, 8, &size, &meta, VIA_NOW), VIA_OK);
    assert_int_equal(via_arm(pair.server, VIA_READ), VIA_EREADY);
    assert_string_equal(meta.key, "first.key");
    assert_int_equal(via_recv_into(pair.server, buffer, 8, &size, &meta, VIA_NOW), VIA_OK);
    assert_string_equal(meta.key, "second.key");
    assert_string_equal(meta.content_type, "a/b");
    core_pair_close(&pair);
}

static void test_data__close_gives_the_kept_message_back(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    size_t size;
    core_send(pair.client, "left behind");
    assert_int_equal(via_recv_into(pair.server, NULL, 0, &size, NULL, VIA_NOW), VIA_EBUFFER);
    core_pair_close(&pair); /* a leak checker sees it otherwise */
}

/* ---- loans -------------------------------------------------------------------------------------------------- */

static void loans_are_sent_in_the_order_of_their_commits(void **state, const char *scheme, uint32_t threads)
{
    core_pair pair = core_pair_open(*state, scheme, "", threads);
    via_msg first;
    via_msg second;
    via_msg third;
    assert_int_equal(via_loan(pair.client, 100, VIA_NOW, &first), VIA_OK);
    assert_int_equal(via_loan(pair.client, 6, VIA_NOW, &second), VIA_OK);
    assert_int_equal(via_loan(pair.client, 70000, VIA_NOW, &third), VIA_OK);
    memcpy(first.data, "late", 4);
    first.size = 4;
    memcpy(second.data, "sooner", 6);
    second.meta.key = "k";
    assert_int_equal(via_commit(pair.client, &second, VIA_NOW), VIA_OK);
    assert_null(second.data);
    assert_int_equal(via_commit(pair.client, &first, VIA_NOW), VIA_OK);
    via_discard(pair.client, &third);
    assert_null(third.data);
    core_expect(pair.server, "sooner");
    core_expect(pair.server, "late");
    core_pair_close(&pair);
}

static void test_data__native_loans_keep_the_order_of_commits(void **state)
{
    loans_are_sent_in_the_order_of_their_commits(state, "loop", VIA_TWO);
    loans_are_sent_in_the_order_of_their_commits(state, "loop", VIA_MANY);
}

static void test_data__emulated_loans_keep_the_order_of_commits(void **state)
{
    loans_are_sent_in_the_order_of_their_commits(state, "bare", VIA_TWO);
    loans_are_sent_in_the_order_of_their_commits(state, "bare", VIA_MANY);
}

static void failed_commit_leaves_the_loan(void **state, const char *scheme)
{
    core_pair pair = core_pair_open(*state, scheme, "?capacity=1", VIA_TWO);
    via_msg loan;
    core_send(pair.client, "full");
    assert_int_equal(via_loan(pair.client, 3, VIA_NOW, &loan), VIA_OK);
    memcpy(loan.data, "abc", 3);
    assert_int_equal(via_commit(pair.client, &loan, VIA_NOW), VIA_ETIMEDOUT);
    assert_non_null(loan.data);
    core_expect(pair.server, "full");
    assert_int_equal(via_commit(pair.client, &loan, VIA_NOW), VIA_OK);
    core_expect(pair.server, "abc");
    core_pair_close(&pair);
}

static void test_data__failed_commit_leaves_the_loan(void **state)
{
    failed_commit_leaves_the_loan(state, "loop");
    failed_commit_leaves_the_loan(state, "bare");
}

/* Behind the loan lies what an earlier one has left there. */
static void commit_above_the_loan_is_refused(void **state, const char *scheme)
{
    core_pair pair = core_pair_open(*state, scheme, "", VIA_TWO);
    via_msg loan;
    assert_int_equal(via_loan(pair.client, 200, VIA_NOW, &loan), VIA_OK);
    memset(loan.data, 's', 200);
    via_discard(pair.client, &loan);
    assert_int_equal(via_loan(pair.client, 3, VIA_NOW, &loan), VIA_OK);
    memcpy(loan.data, "abc", 3);
    loan.size = 4;
    assert_int_equal(via_commit(pair.client, &loan, VIA_NOW), VIA_EINVAL);
    assert_non_null(loan.data);
    loan.size = 3;
    assert_int_equal(via_commit(pair.client, &loan, VIA_NOW), VIA_OK);
    core_expect(pair.server, "abc");
    core_pair_close(&pair);
}

static void test_data__commit_above_the_loan_is_refused(void **state)
{
    commit_above_the_loan_is_refused(state, "loop");
    commit_above_the_loan_is_refused(state, "bare");
}

static void test_data__emulated_buffer_is_used_again(void **state)
{
    core_pair pair = core_pair_open(*state, "bare", "", VIA_TWO);
    via_msg loan;
    assert_int_equal(via_loan(pair.client, 100, VIA_NOW, &loan), VIA_OK);
    const void *buffer = loan.data;
    via_discard(pair.client, &loan);
    assert_int_equal(via_loan(pair.client, 200, VIA_NOW, &loan), VIA_OK);
    assert_ptr_equal(loan.data, buffer);
    via_discard(pair.client, &loan);
    core_pair_close(&pair);
}

static void test_data__idle_channel_keeps_no_buffer(void **state)
{
    enum { LARGE = 100000 };
    core_pair pair = core_pair_open(*state, "bare", "", VIA_TWO);
    via_msg loan;
    assert_int_equal(via_loan(pair.client, LARGE, VIA_NOW, &loan), VIA_OK);
    via_discard(pair.client, &loan);
    const size_t at_work = mallinfo2().uordblks; /* 0 in a build with a sanitizer's allocator */
    assert_int_equal(via_arm(pair.client, VIA_READ), VIA_OK);
    assert_true(at_work == 0 || at_work - mallinfo2().uordblks >= LARGE);
    core_pair_close(&pair);
}

static void test_data__foreign_and_grown_loans_are_refused(void **state)
{
    core_pair pair = core_pair_open(*state, "bare", "", VIA_TWO);
    via_msg loan;
    via_msg empty = {0};
    assert_int_equal(via_loan(pair.client, 100, VIA_NOW, &loan), VIA_OK);
    assert_int_equal(via_commit(pair.server, &loan, VIA_NOW), VIA_EINVAL);
    assert_int_equal(via_commit(pair.client, &empty, VIA_NOW), VIA_EINVAL);
    loan.size = 100000;
    assert_int_equal(via_commit(pair.client, &loan, VIA_NOW), VIA_EINVAL);
    via_discard(pair.client, &loan);
    assert_int_equal(via_loan(pair.client, 2u << 20, VIA_NOW, &loan), VIA_ETOOBIG);
    core_pair_close(&pair);
}

/* ---- knowing ------------------------------------------------------------------------------------------------ */

static void test_data__counters_count_messages_and_bytes(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    via_counters sent = {.size = sizeof(sent)};
    via_counters received = {.size = sizeof(received)};
    via_counters unset = {.size = 0};
    core_send(pair.client, "four");
    core_send(pair.client, "sixsix");
    core_expect(pair.server, "four");
    assert_int_equal(via_stats(pair.client, &sent), VIA_OK);
    assert_int_equal(via_stats(pair.server, &received), VIA_OK);
    assert_int_equal(sent.sent_messages, 2);
    assert_int_equal(sent.sent_bytes, 10);
    assert_int_equal(sent.peers, 1);
    assert_int_equal(received.received_messages, 1);
    assert_int_equal(received.received_bytes, 4);
    assert_int_equal(received.sent_messages, 0);
    assert_int_equal(via_stats(pair.client, &unset), VIA_EINVAL);
    core_pair_close(&pair);
}

static void test_data__info_tells_what_the_channel_is(void **state)
{
    core_pair native = core_pair_open(*state, "loop", "?max_message=2KiB", VIA_TWO);
    core_pair emulated = core_pair_open(*state, "bare", "", VIA_MANY);
    via_channel_info info = {.size = sizeof(info)};
    assert_int_equal(via_info(native.client, &info), VIA_OK);
    assert_int_equal(info.pattern, VIA_PATTERN_PAIR);
    assert_int_equal(info.side, VIA_SIDE_CONNECT);
    assert_int_equal(info.max_message, 2048);
    assert_string_equal(info.plugin, "loop");
    assert_string_equal(info.scheme, "loop");
    assert_true((info.flags & VIA_INFO_LOAN_NATIVE) != 0);
    assert_true((info.flags & VIA_INFO_CARRIES_KEY) != 0);
    assert_true((info.flags & VIA_INFO_DEATH) != 0);
    assert_int_equal(strncmp(info.address, "loop:pair", 9), 0);
    assert_int_equal(via_info(emulated.server, &info), VIA_OK);
    assert_int_equal(info.side, VIA_SIDE_BIND);
    assert_int_equal(info.threads, VIA_MANY);
    assert_true((info.flags & VIA_INFO_LOAN_NATIVE) == 0);
    core_pair_close(&native);
    core_pair_close(&emulated);
}

static void test_data__peer_and_extensions_are_the_transports(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    core_pair bare = core_pair_open(*state, "bare", "", VIA_TWO);
    via_peer_info peer = {.size = sizeof(peer)};
    void *self = &peer;
    assert_int_equal(via_peer(pair.client, &peer), VIA_OK);
    assert_true((peer.known & VIA_PEER_PROCESS) != 0);
    assert_int_equal(via_peer(bare.client, &peer), VIA_ENOTSUP);
    assert_null(via_extension(pair.client, "no.such/1", &self));
    assert_null(self);
    assert_null(via_extension(bare.client, VIA_LOOP_CONTROL_ID, &self));
    core_pair_close(&bare);
    core_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data__message_arrives_whole_with_its_meta),
        cmocka_unit_test(test_data__messages_stay_in_order_and_may_be_out_together),
        cmocka_unit_test(test_data__slices_are_joined),
        cmocka_unit_test(test_data__what_cannot_be_sent_is_refused),
        cmocka_unit_test(test_data__full_receiver_holds_the_sender),
        cmocka_unit_test(test_data__receive_into_keeps_what_does_not_fit),
        cmocka_unit_test(test_data__receive_into_keeps_what_does_not_fit_for_many),
        cmocka_unit_test(test_data__kept_message_comes_to_receive_into_again),
        cmocka_unit_test(test_data__texts_stay_valid_until_the_next_receive),
        cmocka_unit_test(test_data__close_gives_the_kept_message_back),
        cmocka_unit_test(test_data__native_loans_keep_the_order_of_commits),
        cmocka_unit_test(test_data__emulated_loans_keep_the_order_of_commits),
        cmocka_unit_test(test_data__failed_commit_leaves_the_loan),
        cmocka_unit_test(test_data__commit_above_the_loan_is_refused),
        cmocka_unit_test(test_data__emulated_buffer_is_used_again),
        cmocka_unit_test(test_data__idle_channel_keeps_no_buffer),
        cmocka_unit_test(test_data__foreign_and_grown_loans_are_refused),
        cmocka_unit_test(test_data__counters_count_messages_and_bytes),
        cmocka_unit_test(test_data__info_tells_what_the_channel_is),
        cmocka_unit_test(test_data__peer_and_extensions_are_the_transports),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
