/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: what a last-value cell shows, to whom, and when.
 *
 * Owns: the rules of delivery that only this pattern has. Every member is a channel of its own, as it would be in a program
 * of its own.
 */
#include "conform.h"

#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 3 };

/* Members of one new cell. */
static void open_members(via_conform *suite, via_conform_end *ends, int count)
{
    via_conform_bind(suite, &ends[0], END_SENDS, NULL, NULL);
    for (int i = 1; i < count; i++) {
        via_conform_connect(suite, &ends[i], END_RECEIVES, ends[0].address, NULL);
        memcpy(ends[i].address, ends[0].address, sizeof(ends[i].address));
    }
}

static void close_members(via_conform_end *ends, int count)
{
    for (int i = 0; i < count; i++)
        via_conform_end_close(&ends[i]);
}

/* ---- what is there ------------------------------------------------------------------------------------------ */

static void test_value__current(via_conform *suite)
{
    via_conform_end ends[MEMBERS];

    open_members(suite, ends, 2);
    via_conform_expect_nothing(ends[1].channel);
    via_conform_send(suite, ends[0].channel, 1, via_conform_fit(suite, 100));
    via_conform_send(suite, ends[0].channel, 2, via_conform_fit(suite, 50));
    via_conform_connect(suite, &ends[2], END_RECEIVES, ends[0].address, NULL);
    for (int i = 1; i < MEMBERS; i++)
        via_conform_expect(suite, ends[i].channel, 2, via_conform_fit(suite, 50));
    close_members(ends, MEMBERS);
}

static void test_value__next(via_conform *suite)
{
    via_conform_end ends[2];

    open_members(suite, ends, 2);
    for (uint64_t i = 0; i < 8; i++) {
        via_conform_send(suite, ends[0].channel, i, via_conform_small_size(suite, i));
        via_conform_expect(suite, ends[1].channel, i, via_conform_small_size(suite, i));
        via_conform_expect_nothing(ends[1].channel);
    }
    close_members(ends, 2);
}

static void test_value__members_are_equal(via_conform *suite)
{
    via_conform_end ends[MEMBERS];

    open_members(suite, ends, MEMBERS);
    for (int i = 0; i < 6 * MEMBERS; i++) {
        via_conform_send(suite, ends[i % MEMBERS].channel, (uint64_t)i, 20);
        for (int j = 0; j < MEMBERS; j++)
            via_conform_expect(suite, ends[j].channel, (uint64_t)i, 20);
    }
    close_members(ends, MEMBERS);
}

/* ---- what was missed ---------------------------------------------------------------------------------------- */

static void test_value__missed(via_conform *suite)
{
    via_conform_end ends[2];
    via_counters counters = {.size = sizeof(counters)};
    via_msg message;

    open_members(suite, ends, 2);
    via_conform_send(suite, ends[0].channel, 0, 10);
    CHECK_OK(via_recv(ends[1].channel, via_conform_soon(), &message));
    uint64_t first = message.meta.sequence;
    CHECK(!(message.meta.flags & VIA_MISSED), "the first value comes with VIA_MISSED");
    via_release(ends[1].channel, &message);
    for (uint64_t i = 1; i <= 10; i++)
        via_conform_send(suite, ends[0].channel, i, 10);
    CHECK_OK(via_recv(ends[1].channel, via_conform_soon(), &message));
    via_conform_check_bytes(suite->seed, 10, message.data, message.size, 10);
    CHECK(message.meta.sequence == first + 10, "the eleventh value has the number %llu, the first had %llu",
          (unsigned long long)message.meta.sequence, (unsigned long long)first);
    CHECK(message.meta.flags & VIA_MISSED, "nine values were missed, and VIA_MISSED is not set");
    via_release(ends[1].channel, &message);
    CHECK_OK(via_stats(ends[1].channel, &counters));
    CHECK(counters.missed == 9, "nine values were missed, the counter says %llu", (unsigned long long)counters.missed);
    close_members(ends, 2);
}

/* ---- sizes and texts ---------------------------------------------------------------------------------------- */

static void test_value__sizes(via_conform *suite)
{
    static const size_t sizes[] = {0, 1, 80, 4000, 4096, 4097, 70000, 3, 1 << 20, 5000, 3 << 20, 0, 100};
    via_conform_end ends[2];

    open_members(suite, ends, 2);
    for (uint64_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = via_conform_fit(suite, sizes[i]);
        via_conform_send(suite, ends[0].channel, i, size);
        via_conform_expect(suite, ends[1].channel, i, size);
    }
    close_members(ends, 2);
}

static void expect_text(const char *what, const char *got, const char *sent, bool is_carried)
{
    if (is_carried)
        CHECK(got && strcmp(got, sent) == 0, "%s '%.40s' arrived as '%.40s'", what, sent, got ? got : "(none)");
    else
        CHECK(!got, "%s is not carried, and arrived as '%.40s'", what, got);
}

static void test_value__texts(via_conform *suite)
{
    const uint32_t info = suite->claims->info;
    via_conform_end ends[2];
    char longest[256];
    via_msg message;

    memset(longest, 'k', 255);
    longest[255] = '\0';
    const via_meta metas[] = {{0, 0, 7, "a.b", "text/plain"}, {0, 0, -3, longest, longest}, {0, 0, 0, NULL, "x/y"}};
    open_members(suite, ends, 2);
    for (size_t i = 0; i < sizeof(metas) / sizeof(metas[0]); i++) {
        CHECK_OK(via_send(ends[0].channel, "body", 4, &metas[i], via_conform_soon()));
        CHECK_OK(via_recv(ends[1].channel, via_conform_soon(), &message));
        CHECK(message.size == 4 && memcmp(message.data, "body", 4) == 0, "the body is not what was sent");
        expect_text("key", message.meta.key, metas[i].key, metas[i].key && (info & VIA_INFO_CARRIES_KEY));
        expect_text("type", message.meta.content_type, metas[i].content_type, info & VIA_INFO_CARRIES_TYPE);
        int32_t priority = info & VIA_INFO_CARRIES_PRIORITY ? metas[i].priority : 0;
        CHECK(message.meta.priority == priority, "priority %d arrived as %d", metas[i].priority, message.meta.priority);
        via_release(ends[1].channel, &message);
    }
    close_members(ends, 2);
}

/* ---- whole, and never older --------------------------------------------------------------------------------- */

enum { WRITES = 3000, OTHER = 1000000 };

typedef struct via_conform_writer {
    via_conform *suite;
    via_channel *channel;
    uint64_t first;
} via_conform_writer;

static size_t varied_size(const via_conform *suite, uint64_t index)
{
    return via_conform_fit(suite, 8 + via_conform_mix(index) % 6000);
}

/* Each value names itself in its first bytes. */
static void *write_many(void *argument)
{
    const via_conform_writer *self = argument;
    unsigned char *bytes = malloc(8192);

    CHECK(bytes, "no memory");
    for (uint64_t i = 0; i < WRITES; i++) {
        uint64_t index = self->first + i;
        size_t size = varied_size(self->suite, index);
        memcpy(bytes, &index, sizeof(index));
        via_conform_fill(self->suite->seed, index, bytes + 8, size - 8);
        CHECK_OK(via_send(self->channel, bytes, size, NULL, via_conform_soon()));
    }
    free(bytes);
    return NULL;
}

static uint64_t check_value(const via_conform *suite, const via_msg *message)
{
    uint64_t index = 0;

    CHECK(message->size >= 8, "a value of %zu bytes, and none was shorter than 8", message->size);
    memcpy(&index, message->data, sizeof(index));
    CHECK(message->size == varied_size(suite, index), "value %llu has %zu bytes instead of %zu",
          (unsigned long long)index, message->size, varied_size(suite, index));
    via_conform_check_bytes(suite->seed, index, (const unsigned char *)message->data + 8, message->size - 8,
                            message->size - 8);
    return index;
}

/* The newest value of each writer so far, plus one. */
static void take_one(const via_conform *suite, via_msg *message, uint64_t newest[2])
{
    uint64_t index = check_value(suite, message), writer = index >= OTHER;

    index -= writer * OTHER;
    CHECK(index >= newest[writer], "value %llu of a writer came after its %llu", (unsigned long long)index,
          (unsigned long long)newest[writer] - 1);
    newest[writer] = index + 1;
}

static void test_value__whole(via_conform *suite)
{
    via_conform_end ends[MEMBERS];
    via_conform_thread *threads[2];
    uint64_t newest[2] = {0, 0};
    via_status status;
    via_msg message;

    open_members(suite, ends, MEMBERS);
    via_conform_writer writers[2] = {{suite, ends[1].channel, 0}, {suite, ends[2].channel, OTHER}};
    for (int i = 0; i < 2; i++)
        threads[i] = via_conform_thread_start(write_many, &writers[i]);
    while ((status = via_recv(ends[0].channel, via_after_ms(1000), &message)) == VIA_OK) {
        take_one(suite, &message, newest);
        via_release(ends[0].channel, &message);
    }
    CHECK(status == VIA_ETIMEDOUT, "via_recv answers %s", via_status_name(status));
    for (int i = 0; i < 2; i++)
        (void)via_conform_thread_join(threads[i]);
    CHECK(newest[0] == WRITES || newest[1] == WRITES, "the last value was never shown");
    close_members(ends, MEMBERS);
}

/* ---- how long it lives -------------------------------------------------------------------------------------- */

static void test_value__outlives_its_writer(via_conform *suite)
{
    via_conform_end ends[2], late;
    uint64_t left = 0;

    open_members(suite, ends, 2);
    via_conform_send(suite, ends[0].channel, 5, via_conform_fit(suite, 9000));
    CHECK_OK(via_drain(ends[0].channel, via_conform_soon(), &left));
    via_conform_end_close(&ends[0]);
    via_conform_connect(suite, &late, END_RECEIVES, ends[1].address, NULL);
    via_conform_expect(suite, ends[1].channel, 5, via_conform_fit(suite, 9000));
    via_conform_expect(suite, late.channel, 5, via_conform_fit(suite, 9000));
    via_conform_send(suite, late.channel, 6, 7);
    via_conform_expect(suite, ends[1].channel, 6, 7);
    via_conform_end_close(&ends[1]);
    via_conform_end_close(&late);
}

static const via_conform_test tests[] = {
    {"value.current", "Value: the first receive gives the current content", VIA_PATTERN_VALUE, NEEDS_TWO_ENDS,
     test_value__current},
    {"value.next", "Value: later receives wait for the next content", VIA_PATTERN_VALUE, NEEDS_TWO_ENDS,
     test_value__next},
    {"value.members_are_equal", "Value: every member may set it, and all see it", VIA_PATTERN_VALUE, NEEDS_TWO_ENDS,
     test_value__members_are_equal},
    {"value.missed", "Value: what was overwritten unseen is counted, and shows as a gap", VIA_PATTERN_VALUE,
     NEEDS_TWO_ENDS | NEEDS_SEQUENCE, test_value__missed},
    {"value.sizes", "Value: of any size up to max_message, larger and smaller than before", VIA_PATTERN_VALUE,
     NEEDS_TWO_ENDS, test_value__sizes},
    {"value.texts", "Value: key, type and priority come with it where they are carried", VIA_PATTERN_VALUE,
     NEEDS_TWO_ENDS, test_value__texts},
    {"value.whole", "Value: never torn, and never older than the one before", VIA_PATTERN_VALUE, NEEDS_TWO_ENDS,
     test_value__whole},
    {"value.outlives_its_writer", "Value: it lives as long as one member does", VIA_PATTERN_VALUE,
     NEEDS_TWO_ENDS | NEEDS_KEEPING, test_value__outlives_its_writer},
};

const via_conform_group via_conform_value_tests = {tests, sizeof(tests) / sizeof(tests[0])};
