/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loans: messages written in the transport's memory, or the host's where it has none.
 */
#include "conform.h"

#include <string.h>

static void lend(via_conform *suite, via_channel *channel, uint64_t index, size_t capacity, size_t size, via_msg *loan)
{
    via_conform_step("lending %zu bytes", capacity);
    CHECK_OK(via_loan(channel, capacity, via_conform_soon(), loan));
    CHECK(loan->size == capacity && (loan->data || !capacity), "a loan of %zu bytes has %zu", capacity, loan->size);
    if (loan->data)
        memset(loan->data, 0xee, capacity);
    via_conform_fill(suite->seed, index, loan->data, size);
    loan->size = size;
}

/* Delivery follows the commits, not the loans. */
static void test_loans__commit_order(via_conform *suite)
{
    via_conform_link link;
    via_msg loans[5];
    static const unsigned order[5] = {3, 0, 4, 2, 1};

    via_conform_open(suite, &link, NULL);
    for (int round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 5; i++)
            lend(suite, link.tx, i, 100 + i, 100 + i, &loans[i]);
        for (unsigned i = 0; i < 5; i++)
            CHECK_OK(via_commit(link.tx, &loans[order[i]], via_conform_soon()));
        for (unsigned i = 0; i < 5; i++)
            via_conform_expect(suite, link.rx, order[i], 100 + order[i]);
    }
    via_conform_close(&link);
}

static void test_loans__smaller(via_conform *suite)
{
    via_conform_link link;
    via_msg loan;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 20; i++) {
        lend(suite, link.tx, i, via_conform_fit(suite, 40000), i * 11, &loan);
        CHECK_OK(via_commit(link.tx, &loan, via_conform_soon()));
        via_conform_expect(suite, link.rx, i, i * 11);
    }
    via_conform_close(&link);
}

static void test_loans__discard(via_conform *suite)
{
    via_conform_link link;
    via_msg loans[3];

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 50; i++) {
        for (uint64_t j = 0; j < 3; j++)
            lend(suite, link.tx, 3 * i + j, 500, 500, &loans[j]);
        via_discard(link.tx, &loans[i % 2 ? 0 : 2]);
        CHECK_OK(via_commit(link.tx, &loans[1], via_conform_soon()));
        via_discard(link.tx, &loans[i % 2 ? 2 : 0]);
        via_conform_expect(suite, link.rx, 3 * i + 1, 500);
    }
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

/* Loans and sends in one stream keep the order of the calls. */
static void test_loans__among_sends(via_conform *suite)
{
    const uint64_t count = via_conform_room(suite, 60);
    via_conform_link link;
    via_msg loan;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < count; i++) {
        if (i % 2) {
            lend(suite, link.tx, i, 64, 64, &loan);
            loan.meta.flags = i % 3 ? VIA_MORE : 0;
            CHECK_OK(via_commit(link.tx, &loan, via_conform_soon()));
        } else {
            CHECK_OK(via_conform_try_send(suite, link.tx, i, 64, i % 3 ? VIA_MORE : 0, via_conform_soon()));
        }
    }
    CHECK_OK(via_flush(link.tx, via_conform_soon()));
    for (uint64_t i = 0; i < count; i++)
        via_conform_expect(suite, link.rx, i, 64);
    via_conform_close(&link);
}

/* A commit that fails leaves the loan with the caller, who tries again. */
static void test_loans__failed_commit(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"overflow=block"}};
    via_msg loan;
    size_t size = via_conform_page_size(suite, 0);
    uint64_t accepted = 0;
    via_status status;

    via_conform_open(suite, &link, &how);
    do { /* where loans are the transport's own memory, the loan is what fails */
        status = via_loan(link.tx, size, VIA_NOW, &loan);
        if (status != VIA_OK)
            break;
        via_conform_fill(suite->seed, accepted, loan.data, size);
        status = via_commit(link.tx, &loan, VIA_NOW);
        accepted += status == VIA_OK;
        CHECK(accepted < ((uint64_t)256 << 20) / size, "256 MiB were accepted while nobody received");
    } while (status == VIA_OK);
    CHECK(status == VIA_ETIMEDOUT, "a full channel answers %s", via_status_name(status));
    bool lent = loan.data != NULL;
    uint64_t received = 0;
    while (lent && (status = via_commit(link.tx, &loan, VIA_NOW)) != VIA_OK) {
        CHECK(status == VIA_ETIMEDOUT, "via_commit answers %s", via_status_name(status));
        via_conform_expect_moving(suite, &link, received++, size);
    }
    accepted += lent;
    while (received < accepted)
        via_conform_expect_moving(suite, &link, received++, size);
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

static void test_loans__limit(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"!max_message=2000"}};
    via_msg loan;

    via_conform_open(suite, &link, &how);
    CHECK_STATUS(VIA_ETOOBIG, via_loan(link.tx, 2001, via_conform_soon(), &loan));
    lend(suite, link.tx, 0, 2000, 2000, &loan);
    CHECK_OK(via_commit(link.tx, &loan, via_conform_soon()));
    via_conform_expect(suite, link.rx, 0, 2000);
    via_conform_close(&link);
}

/* Behind the loan lies what others have written: an earlier message, perhaps. None of it goes out. */
static void test_loans__larger(via_conform *suite)
{
    via_conform_link link;
    via_msg loan;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 5; i++) {
        lend(suite, link.tx, i, 100 + i, 100 + i, &loan);
        loan.size++;
        CHECK_STATUS(VIA_EINVAL, via_commit(link.tx, &loan, via_conform_soon()));
        loan.size--;
        CHECK_OK(via_commit(link.tx, &loan, via_conform_soon()));
        via_conform_expect(suite, link.rx, i, 100 + i);
    }
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"loans.commit_order", "Delivery: the order of delivery is the order of the commits", CONFORM_ALL, NEEDS_WHOLE,
     test_loans__commit_order},
    {"loans.smaller", "Loans: the size may be lowered before the commit", CONFORM_VALUE_TOO, NEEDS_WHOLE,
     test_loans__smaller},
    {"loans.larger", "Loans: a commit above the size that was lent is VIA_EINVAL", CONFORM_VALUE_TOO, NEEDS_WHOLE,
     test_loans__larger},
    {"loans.discard", "Loans: a discarded loan sends nothing; several may be out", CONFORM_VALUE_TOO, NEEDS_WHOLE,
     test_loans__discard},
    {"loans.among_sends", "Loans: loans and sends keep their common order", CONFORM_ALL, NEEDS_WHOLE,
     test_loans__among_sends},
    {"loans.failed_commit", "Loans: a failed commit leaves the loan with the caller", CONFORM_ALL, NEEDS_WHOLE,
     test_loans__failed_commit},
    {"loans.limit", "Loans: a loan above max_message is VIA_ETOOBIG", CONFORM_VALUE_TOO, NEEDS_WHOLE,
     test_loans__limit},
};

const via_conform_group via_conform_loans_tests = {tests, sizeof(tests) / sizeof(tests[0])};
