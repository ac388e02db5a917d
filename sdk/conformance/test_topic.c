/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics: everybody gets everything, filters, and what happens to a slow subscriber.
 */
#include "conform.h"

#include <string.h>

enum { SUBSCRIBERS = 3 };

static void test_topic__everybody(via_conform *suite)
{
    via_conform_end publisher, subscribers[SUBSCRIBERS];

    via_conform_bind(suite, &publisher, END_SENDS, NULL, NULL);
    for (int i = 0; i < SUBSCRIBERS; i++)
        via_conform_connect(suite, &subscribers[i], END_RECEIVES, publisher.address, NULL);
    for (uint64_t round = 0; round < 20; round++) {
        for (uint64_t i = 0; i < 10; i++)
            via_conform_send(suite, publisher.channel, round * 10 + i, 100 + i);
        for (int s = 0; s < SUBSCRIBERS; s++) {
            for (uint64_t i = 0; i < 10; i++)
                via_conform_expect(suite, subscribers[s].channel, round * 10 + i, 100 + i);
        }
    }
    for (int s = 0; s < SUBSCRIBERS; s++)
        via_conform_end_close(&subscribers[s]);
    via_conform_end_close(&publisher);
}

static void test_topic__one_way(via_conform *suite)
{
    via_conform_link link;
    via_msg message;

    via_conform_open(suite, &link, NULL);
    CHECK_STATUS(VIA_ENOTSUP, via_conform_try_send(suite, link.rx, 0, 5, 0, VIA_NOW));
    CHECK_STATUS(VIA_ENOTSUP, via_recv(link.tx, VIA_NOW, &message));
    via_conform_close(&link);
}

static void test_topic__nobody(via_conform *suite)
{
    via_conform_end publisher;
    via_counters counters = {.size = sizeof(counters)};

    via_conform_bind(suite, &publisher, END_SENDS, NULL, NULL);
    for (uint64_t i = 0; i < 500; i++)
        CHECK_OK(
            via_conform_try_send(suite, publisher.channel, i, 5000 % (suite->claims->max_message + 1), 0, VIA_NOW));
    CHECK_OK(via_stats(publisher.channel, &counters));
    CHECK(counters.dropped_nobody == 500, "500 messages published to nobody count as %llu dropped_nobody",
          (unsigned long long)counters.dropped_nobody);
    via_conform_end_close(&publisher);
}

/* ---- filters ------------------------------------------------------------------------------------------------ */

static void publish_key(via_channel *channel, const char *key)
{
    via_meta meta = {0, 0, 0, key, NULL};
    CHECK_OK(via_send(channel, "|body", 5, &meta, via_conform_soon()));
}

/* Where the wire carries no key, it is the beginning of the body. */
static void expect_key(via_channel *channel, const char *key)
{
    via_msg message;

    CHECK_OK(via_recv(channel, via_conform_soon(), &message));
    const char *text = message.meta.key ? message.meta.key : message.data;
    size_t size = message.meta.key ? strlen(text) : message.size;
    CHECK(size >= strlen(key) && memcmp(text, key, strlen(key)) == 0, "expected key '%s', got a message with '%.*s'",
          key, (int)size, text);
    CHECK(message.size >= 5 && memcmp((const char *)message.data + message.size - 5, "|body", 5) == 0,
          "the body of the message with key '%s' is not what was published", key);
    via_release(channel, &message);
}

static void test_topic__filter(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"!filter=prices.eu,news"}};
    via_counters counters = {.size = sizeof(counters)};

    via_conform_open_unlike(suite, &link, NULL, &how);
    for (int i = 0; i < 10; i++) {
        publish_key(link.tx, "prices.us");
        publish_key(link.tx, "prices.eu.de");
        publish_key(link.tx, "new");
        publish_key(link.tx, "news");
    }
    for (int i = 0; i < 10; i++) {
        expect_key(link.rx, "prices.eu.de");
        expect_key(link.rx, "news");
    }
    via_conform_expect_nothing(link.rx);
    CHECK_OK(via_stats(link.rx, &counters));
    via_conform_close(&link);
}

/* ---- overflow ----------------------------------------------------------------------------------------------- */

enum { FLOOD = 3000 };

typedef struct via_conform_flood {
    via_conform_link link;
    uint64_t refused; /* VIA_EDROPPED from sends */
    uint64_t received;
    uint64_t last;      /* the last number that arrived */
    uint64_t first_gap; /* the first number that did not */
    via_counters sender;
    via_counters receiver;
} via_conform_flood;

/* Publishes far more than fits while nobody receives; no policy but `block` may wait. */
static void flood(via_conform *suite, via_conform_flood *run, const char *policy)
{
    via_conform_how how = {.options = {policy, "queue_limit=64KiB"}};
    unsigned char body[4000] = {0};
    size_t size = via_conform_fit(suite, sizeof(body));

    memset(run, 0, sizeof(*run));
    via_conform_open(suite, &run->link, &how);
    for (uint64_t number = 0; number < FLOOD; number++) {
        memcpy(body, &number, sizeof(number));
        via_status status = via_send(run->link.tx, body, size, NULL, via_conform_soon());
        CHECK(status == VIA_OK || status == VIA_EDROPPED, "with %s a send answers %s", policy, via_status_name(status));
        run->refused += status == VIA_EDROPPED;
    }
}

/* Takes one message if there is one; the sender's queue moves by its own calls. */
static bool take_one(via_conform_flood *run, size_t expected)
{
    via_msg message;
    uint64_t number = 0;
    via_status flushed = via_flush(run->link.tx, VIA_NOW);
    via_status status = via_recv(run->link.rx, flushed == VIA_OK ? via_after_ms(100) : via_after_ms(2), &message);

    if (status != VIA_OK) {
        CHECK(status == VIA_ETIMEDOUT, "via_recv answers %s", via_status_name(status));
        return flushed != VIA_OK;
    }
    CHECK(message.size == expected, "a message of %zu bytes instead of %zu", message.size, expected);
    memcpy(&number, message.data, sizeof(number));
    CHECK(!run->received || number > run->last, "message %llu came after %llu", (unsigned long long)number,
          (unsigned long long)run->last);
    if (!run->first_gap && number != (run->received ? run->last + 1 : 0))
        run->first_gap = run->received ? run->last + 1 : 0;
    if (run->received && number != run->last + 1 && run->receiver.size)
        CHECK(message.meta.flags & VIA_MISSED, "message %llu follows %llu without VIA_MISSED",
              (unsigned long long)number, (unsigned long long)run->last);
    run->last = number;
    run->received++;
    via_release(run->link.rx, &message);
    return true;
}

/* What was dropped last shows as a gap before the next message. */
static void show_gap(via_conform_flood *run, size_t size)
{
    const via_conform_flood before = *run;
    unsigned char body[4000] = {0};
    const uint64_t number = FLOOD;

    memcpy(body, &number, sizeof(number));
    CHECK_OK(via_send(run->link.tx, body, size, NULL, via_conform_soon()));
    while (take_one(run, size))
        ;
    CHECK(run->received == before.received + 1 && run->last == FLOOD, "a message that has room does not arrive");
    run->received = before.received;
    run->last = before.last;
    run->first_gap = before.first_gap;
}

static void take_flood(via_conform *suite, via_conform_flood *run)
{
    run->receiver.size = suite->claims->has & NEEDS_SEQUENCE ? sizeof(run->receiver) : 0;
    while (take_one(run, via_conform_fit(suite, 4000)))
        ;
    show_gap(run, via_conform_fit(suite, 4000));
    run->sender.size = run->receiver.size = sizeof(via_counters);
    CHECK_OK(via_stats(run->link.tx, &run->sender));
    CHECK_OK(via_stats(run->link.rx, &run->receiver));
    CHECK(run->received < FLOOD, "all %d messages arrived: the queue has no limit", FLOOD);
    if (suite->claims->has & NEEDS_SEQUENCE)
        CHECK(run->receiver.missed > 0, "the gap is not counted as missed");
    via_conform_close(&run->link);
}

static void test_overflow__drop_oldest(via_conform *suite)
{
    via_conform_flood run;

    flood(suite, &run, "overflow=drop-oldest");
    take_flood(suite, &run);
    CHECK(run.refused == 0, "%llu sends answered VIA_EDROPPED", (unsigned long long)run.refused);
    CHECK(run.last == FLOOD - 1, "the newest message is %d, the last that arrived %llu", FLOOD - 1,
          (unsigned long long)run.last);
    CHECK(run.sender.dropped_oldest == FLOOD - run.received, "%llu messages missing, dropped_oldest says %llu",
          (unsigned long long)(FLOOD - run.received), (unsigned long long)run.sender.dropped_oldest);
}

static void test_overflow__drop_newest(via_conform *suite)
{
    via_conform_flood run;

    flood(suite, &run, "overflow=drop-newest");
    take_flood(suite, &run);
    CHECK(run.refused == 0, "%llu sends answered VIA_EDROPPED", (unsigned long long)run.refused);
    CHECK(run.received && !run.first_gap, "message %llu was dropped while older ones waited",
          (unsigned long long)run.first_gap);
    CHECK(run.sender.dropped_newest == FLOOD - run.received, "%llu messages missing, dropped_newest says %llu",
          (unsigned long long)(FLOOD - run.received), (unsigned long long)run.sender.dropped_newest);
}

static void test_overflow__fail(via_conform *suite)
{
    via_conform_flood run;

    flood(suite, &run, "overflow=fail");
    take_flood(suite, &run);
    CHECK(run.refused == FLOOD - run.received, "%llu messages missing, %llu sends answered VIA_EDROPPED",
          (unsigned long long)(FLOOD - run.received), (unsigned long long)run.refused);
    CHECK(run.sender.dropped_newest == run.refused, "%llu sends answered VIA_EDROPPED, dropped_newest says %llu",
          (unsigned long long)run.refused, (unsigned long long)run.sender.dropped_newest);
}

/* One subscriber that does not read leaves the others their messages, unless the policy is to block. */
static void test_overflow__spares_others(via_conform *suite)
{
    via_conform_end publisher, slow, quick;
    const via_conform_how how = {.options = {"overflow=drop-oldest", "queue_limit=64KiB"}};
    size_t size = via_conform_page_size(suite, 0);

    via_conform_bind(suite, &publisher, END_SENDS, NULL, &how);
    via_conform_connect(suite, &slow, END_RECEIVES, publisher.address, &how);
    via_conform_connect(suite, &quick, END_RECEIVES, publisher.address, &how);
    for (uint64_t i = 0; i < 1500; i++) {
        via_conform_send(suite, publisher.channel, i, size);
        via_conform_expect(suite, quick.channel, i, size);
    }
    via_conform_end_close(&slow);
    via_conform_end_close(&quick);
    via_conform_end_close(&publisher);
}

static const via_conform_test tests[] = {
    {"topic.everybody", "Topic: every subscriber gets everything", VIA_PATTERN_TOPIC, NEEDS_WHOLE | NEEDS_TWO_ENDS,
     test_topic__everybody},
    {"topic.one_way", "Topic: a subscriber cannot send, a publisher cannot receive", VIA_PATTERN_TOPIC, NEEDS_TWO_ENDS,
     test_topic__one_way},
    {"topic.nobody", "Topic: publishing to nobody neither waits nor goes uncounted", VIA_PATTERN_TOPIC,
     NEEDS_LOSSLESS | NEEDS_TWO_ENDS | NEEDS_OWNERS, test_topic__nobody},
    {"topic.filter", "Topic: only what begins with a filter arrives", VIA_PATTERN_TOPIC,
     NEEDS_WHOLE | NEEDS_TWO_ENDS | NEEDS_FILTER, test_topic__filter},
    {"overflow.drop_oldest", "Full: overflow=drop-oldest keeps the newest, counts the rest, shows the gap",
     VIA_PATTERN_TOPIC, NEEDS_ATTACH | NEEDS_BOUNDARIES | NEEDS_TWO_ENDS | NEEDS_OVERFLOW, test_overflow__drop_oldest},
    {"overflow.drop_newest", "Full: overflow=drop-newest keeps the oldest, counts the rest, shows the gap",
     VIA_PATTERN_TOPIC, NEEDS_ATTACH | NEEDS_BOUNDARIES | NEEDS_TWO_ENDS | NEEDS_OVERFLOW, test_overflow__drop_newest},
    {"overflow.fail", "Full: overflow=fail answers VIA_EDROPPED for each message it drops", VIA_PATTERN_TOPIC,
     NEEDS_ATTACH | NEEDS_BOUNDARIES | NEEDS_TWO_ENDS | NEEDS_OVERFLOW, test_overflow__fail},
    {"overflow.spares_others", "Full: a slow subscriber costs the others nothing", VIA_PATTERN_TOPIC,
     NEEDS_WHOLE | NEEDS_TWO_ENDS | NEEDS_OVERFLOW, test_overflow__spares_others},
};

const via_conform_group via_conform_topic_tests = {tests, sizeof(tests) / sizeof(tests[0])};
