/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer tap: what is in the file, its bounds, what it leaves out, and whom it lets in.
 */
#include "layers_fixture.h"

#include "kit/tap_area.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH = 512, MEBIBYTE = 1024 * 1024 };

static void name_file(char path[PATH], const char *name)
{
    (void)snprintf(path, PATH, "%s/%s.pcapng", getenv("XDG_RUNTIME_DIR"), name);
}

static void name_query(char query[2 * PATH], const char *file, const char *more)
{
    (void)snprintf(query, 2 * (size_t)PATH, "layers=tap&tap.file=%s%s", file, more);
}

typedef struct told {
    size_t sent, received;
    uint64_t dropped, bytes, first, last; /* numbers of messages */
    via_status end;
} told;

/* Reads a whole file; what layers_send() has put into a message is its number. */
static told read_file(const char *path)
{
    told found = {0};
    via_pcapng_reader reader;
    via_pcapng_message message;
    const uint8_t *data;
    uint64_t number = 0;
    via_error error;

    if (via_pcapng_open(&reader, path, &error) != VIA_OK)
        fail_msg("%s", error.what);
    while ((found.end = via_pcapng_next(&reader, &message, &data, &error)) == VIA_OK) {
        found.sent += message.direction == VIA_PCAPNG_SENT;
        found.received += message.direction == VIA_PCAPNG_RECEIVED;
        found.dropped += message.dropped;
        found.bytes += message.captured;
        if (message.captured >= sizeof(number))
            memcpy(&number, data, sizeof(number));
        found.first = found.sent + found.received == 1 ? number : found.first;
        found.last = number;
    }
    via_pcapng_close(&reader);
    return found;
}

/* ---- the file ----------------------------------------------------------------------------------------------- */

static void test_tap__records_both_directions(void **state)
{
    char path[PATH], query[2 * PATH];
    struct stat status;
    layers_pair pair;
    struct timespec before, after;
    via_pcapng_reader reader;
    via_pcapng_message message;
    const uint8_t *data;
    via_error error;
    (void)state;

    name_file(path, "both");
    name_query(query, path, "");
    layers_open(&pair, query, NULL);
    (void)clock_gettime(CLOCK_REALTIME, &before);
    layers_send(pair.near, 1, 100);
    assert_int_equal(layers_take(pair.far), 1);
    layers_send(pair.far, 2, 50);
    assert_int_equal(layers_take(pair.near), 2);
    (void)clock_gettime(CLOCK_REALTIME, &after);
    layers_close(&pair);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);

    assert_int_equal(via_pcapng_open(&reader, path, &error), VIA_OK);
    uint64_t last = (uint64_t)before.tv_sec * 1000000000U + (uint64_t)before.tv_nsec;
    const uint64_t end = (uint64_t)after.tv_sec * 1000000000U + (uint64_t)after.tv_nsec;
    for (uint64_t i = 1; i <= 2; i++) {
        uint64_t number;
        assert_int_equal(via_pcapng_next(&reader, &message, &data, &error), VIA_OK);
        memcpy(&number, data, sizeof(number));
        assert_int_equal(number, i);
        assert_int_equal(message.size, i == 1 ? 100 : 50);
        assert_int_equal(message.captured, message.size);
        assert_int_equal(message.direction, i == 1 ? VIA_PCAPNG_SENT : VIA_PCAPNG_RECEIVED);
        assert_true(message.time_ns >= last && message.time_ns <= end);
        last = message.time_ns;
    }
    assert_int_equal(via_pcapng_next(&reader, &message, &data, &error), VIA_ECLOSED);
    via_pcapng_close(&reader);
}

static off_t size_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

/* However near the moment is at which the recorder goes to sleep: no later message has to wake it. */
static void test_tap__records_each_message_soon(void **state)
{
    char path[PATH], query[2 * PATH];
    uint32_t seed = 1;
    layers_pair pair;
    (void)state;

    name_file(path, "soon");
    name_query(query, path, "");
    layers_open(&pair, query, NULL);
    for (uint64_t i = 0; i < 300; i++) {
        const off_t before = size_of(path);
        const via_deadline late = via_after_ms(20000);
        layers_send(pair.near, i, 8);
        assert_int_equal(layers_take(pair.far), i);
        while (size_of(path) == before) {
            if (via_now_ns() > late)
                fail_msg("message %u is not in the file", (unsigned)i);
            (void)poll(NULL, 0, 1);
        }
        seed = seed * 1664525 + 1013904223;
        (void)usleep((seed >> 16) % 3000);
    }
    layers_close(&pair);
}

/* What travels with a message is there, byte by byte; shm: carries all of it, and lends. */
static void test_tap__records_what_travels_along(void **state)
{
    char path[PATH], address[3 * PATH];
    const via_meta meta = {.key = "a.b c=%", .content_type = "text/plain; charset=utf-8"};
    via_channel *publisher, *subscriber;
    via_msg message;
    via_error error;
    via_pcapng_reader reader;
    via_pcapng_message recorded;
    const uint8_t *data;
    (void)state;

    name_file(path, "meta");
    (void)snprintf(address, sizeof(address), "shm:tap-%ld?layers=tap&tap.file=%s", (long)getpid(), path);
    assert_int_equal(via_join(NULL, address, VIA_PUBLISH, NULL, layers_soon(), &publisher, &error), VIA_OK);
    *strchr(address, '?') = '\0';
    assert_int_equal(via_join(NULL, address, VIA_SUBSCRIBE, NULL, layers_soon(), &subscriber, &error), VIA_OK);
    assert_int_equal(via_loan(publisher, 5, layers_soon(), &message), VIA_OK);
    memcpy(message.data, "hello", 5);
    message.meta = meta;
    assert_int_equal(via_commit(publisher, &message, layers_soon()), VIA_OK);
    assert_int_equal(via_recv(subscriber, layers_soon(), &message), VIA_OK);
    assert_string_equal(message.meta.key, meta.key);
    via_release(subscriber, &message);
    via_close(subscriber);
    via_close(publisher);

    assert_int_equal(via_pcapng_open(&reader, path, &error), VIA_OK);
    assert_int_equal(via_pcapng_next(&reader, &recorded, &data, &error), VIA_OK);
    assert_int_equal(recorded.size, 5);
    assert_memory_equal(data, "hello", 5);
    assert_string_equal(recorded.meta.key, meta.key);
    assert_string_equal(recorded.meta.content_type, meta.content_type);
    via_pcapng_close(&reader);
}

static void pass(const char *more, const char *name, uint64_t count, size_t size, char path[PATH])
{
    char query[2 * PATH];
    layers_pair pair;

    name_file(path, name);
    name_query(query, path, more);
    layers_open(&pair, query, NULL);
    for (uint64_t i = 1; i <= count; i++) {
        layers_send(pair.near, i, size);
        assert_int_equal(layers_take(pair.far), i);
    }
    layers_close(&pair);
}

/* ---- long ones ---------------------------------------------------------------------------------------------- */

enum { LONG = 200 * 1024, TURNS = 40 };

/* Lengths that leave every place behind them, and now and then a short one between. */
static size_t long_size(uint64_t number)
{
    return number % 5 == 0 ? 16 + number : LONG + number * 36;
}

static unsigned char long_byte(uint64_t number, size_t at)
{
    return (unsigned char)(number * 31 + at * 7 + at / 509);
}

static void exchange_long(via_channel *from, via_channel *to, uint64_t number)
{
    static unsigned char bytes[2 * LONG];
    const size_t size = long_size(number);
    via_msg message;
    for (size_t i = 0; i < size; i++)
        bytes[i] = long_byte(number, i);
    assert_int_equal(via_send(from, bytes, size, NULL, layers_soon()), VIA_OK);
    assert_int_equal(via_recv(to, layers_soon(), &message), VIA_OK);
    assert_int_equal(message.size, size);
    via_release(to, &message);
}

/* They go to the disk from where they are; what is short, and the other direction, between them. */
static void test_tap__records_long_messages_byte_by_byte(void **state)
{
    char path[PATH], query[2 * PATH];
    layers_pair pair;
    via_pcapng_reader reader;
    via_pcapng_message message;
    const uint8_t *data;
    via_error error;
    (void)state;

    name_file(path, "long");
    name_query(query, path, "&tap.buffer=16MiB");
    layers_open(&pair, query, NULL);
    for (uint64_t i = 0; i < TURNS; i++)
        exchange_long(i % 3 ? pair.near : pair.far, i % 3 ? pair.far : pair.near, i);
    layers_close(&pair);

    assert_int_equal(via_pcapng_open(&reader, path, &error), VIA_OK);
    for (uint64_t i = 0; i < TURNS; i++) {
        assert_int_equal(via_pcapng_next(&reader, &message, &data, &error), VIA_OK);
        assert_int_equal(message.dropped, 0);
        assert_int_equal(message.direction, i % 3 ? VIA_PCAPNG_SENT : VIA_PCAPNG_RECEIVED);
        assert_int_equal(message.captured, long_size(i));
        for (size_t at = 0; at < message.captured; at++)
            if (data[at] != long_byte(i, at))
                fail_msg("message %d: byte %zu", (int)i, at);
    }
    assert_int_equal(via_pcapng_next(&reader, &message, &data, &error), VIA_ECLOSED);
    via_pcapng_close(&reader);
}

/* A file that cannot grow ends after the last block for which there was room, wherever the system stopped it. */
static void test_tap__ends_after_a_whole_message_where_there_is_no_room(void **state)
{
    char path[PATH], query[2 * PATH];
    const struct rlimit narrow = {3 * MEBIBYTE + 5000, RLIM_INFINITY};
    struct rlimit before;
    struct stat status;
    layers_pair pair;
    (void)state;

    name_file(path, "full");
    name_query(query, path, "&tap.buffer=16MiB");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    layers_open(&pair, query, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    for (uint64_t i = 0; i < TURNS; i++)
        exchange_long(pair.near, pair.far, i);
    layers_close(&pair);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    const told found = read_file(path);
    assert_int_equal(found.end, VIA_ECLOSED);
    assert_in_range(found.sent, 10, 20);
    assert_int_equal(stat(path, &status), 0);
    assert_in_range(status.st_size, 3 * MEBIBYTE + 5000 - 2 * LONG, 3 * MEBIBYTE + 5000);
}

/* ---- bounds ------------------------------------------------------------------------------------------------- */

static void test_tap__stops_at_its_limit(void **state)
{
    char path[PATH];
    struct stat status;
    (void)state;

    pass("&tap.limit=256KiB", "first", 400, 1000, path);
    const told found = read_file(path);
    assert_int_equal(found.end, VIA_ECLOSED);
    assert_in_range(found.sent, 100, 399);
    assert_int_equal(found.first, 1);
    assert_int_equal(found.last, found.sent);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size <= 256 * 1024 + 128); /* the statistics come in any case */
}

static void test_tap__keeps_the_last(void **state)
{
    char path[PATH], old[PATH + 2];
    struct stat status[2];
    (void)state;

    pass("&tap.limit=256KiB&tap.keep=last", "last", 1000, 1000, path);
    (void)snprintf(old, sizeof(old), "%s.1", path);
    const told found = read_file(path), before = read_file(old);
    assert_int_equal(found.end, VIA_ECLOSED);
    assert_int_equal(before.end, VIA_ECLOSED);
    assert_int_equal(found.last, 1000);
    assert_int_equal(before.last + 1, found.first);
    assert_true(found.sent + before.sent >= 100);
    assert_int_equal(stat(path, &status[0]) | stat(old, &status[1]), 0);
    assert_true(status[0].st_size + status[1].st_size <= 256 * 1024 + 128);
}

static void test_tap__cuts_at_the_snaplen(void **state)
{
    char path[PATH];
    (void)state;

    pass("&tap.snaplen=64B", "snap", 10, 1000, path);
    const told found = read_file(path);
    assert_int_equal(found.sent, 10);
    assert_int_equal(found.bytes, 640);
}

static void test_tap__numbers_recordings_of_one_name(void **state)
{
    char path[PATH], second[PATH];
    (void)state;

    pass("", "same", 3, 100, path);
    pass("", "same", 4, 100, path);
    name_file(second, "same-2");
    assert_int_equal(read_file(path).sent, 3);
    assert_int_equal(read_file(second).sent, 4);
}

/* ---- killed ------------------------------------------------------------------------------------------------- */

static void send_for_ever(const char *address)
{
    via_channel *channel;
    via_error error;
    if (via_dial(NULL, address, NULL, layers_soon(), &channel, &error) != VIA_OK)
        _exit(1);
    for (uint64_t i = 1;; i++) {
        unsigned char bytes[3000] = {0};
        memcpy(bytes, &i, sizeof(i));
        if (via_send(channel, bytes, sizeof(bytes), NULL, VIA_FOREVER) != VIA_OK)
            _exit(1);
    }
}

/* Whenever the process is killed, what was in the file can be read. */
static void test_tap__leaves_a_file_that_can_be_read_when_killed(void **state)
{
    char path[PATH], address[3 * PATH];
    via_listener *listener;
    via_channel *channel;
    via_error error;
    struct stat status;
    (void)state;

    name_file(path, "killed");
    (void)snprintf(address, sizeof(address), "unix:killed-%ld?layers=tap&tap.limit=1GiB&tap.file=%s", (long)getpid(),
                   path);
    const pid_t child = fork();
    if (child == 0)
        send_for_ever(address);
    *strchr(address, '?') = '\0';
    assert_int_equal(via_listen(NULL, address, NULL, &listener, &error), VIA_OK);
    assert_int_equal(via_accept(listener, layers_soon(), &channel, &error), VIA_OK);
    do
        (void)layers_take(channel);
    while (stat(path, &status) != 0 || status.st_size < 4L * MEBIBYTE);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    const told found = read_file(path);
    assert_true(found.end == VIA_ECLOSED || found.end == VIA_EPEER);
    assert_true(found.sent * 3000 >= 3 * (size_t)MEBIBYTE);
    assert_int_equal(found.first, 1);
    assert_true(found.last == found.sent + found.dropped);
    via_close(channel);
    via_listener_close(listener);
}

/* ---- from outside ------------------------------------------------------------------------------------------- */

/* The only channel that allows it. */
static void find_area(char path[PATH])
{
    (void)snprintf(path, PATH, "%s/viaduct/%ld-1.tap", getenv("XDG_RUNTIME_DIR"), (long)getpid());
}

static size_t empty(const via_tap_area *area, via_tap_reader *reader, uint64_t *dropped)
{
    static uint8_t copy[70000];
    const uint8_t *block, *data;
    size_t size, count = 0;
    unsigned direction;
    via_pcapng_reader scratch;
    via_pcapng_message message;
    via_error error;

    assert_int_equal(via_tap_look(area, reader), VIA_OK);
    for (; via_tap_peek(area, reader, &block, &size, &direction) == VIA_OK; count++) {
        assert_true(size <= sizeof(copy));
        memcpy(copy, block, size);
        assert_int_equal(via_pcapng_read_own(&scratch, copy, size, &message, &data, &error), VIA_OK);
        *dropped += message.dropped;
        via_tap_next(reader, direction, size);
        via_tap_release(area, reader, direction);
    }
    return count;
}

/* Nothing is recorded until somebody comes; what he does not take in time is counted, and the traffic goes on. */
static void test_tap__lets_this_user_in(void **state)
{
    char path[PATH];
    struct stat status;
    layers_pair pair;
    via_tap_area area, other;
    via_tap_reader reader = {{0}, {0}};
    uint64_t dropped = 0;
    (void)state;

    layers_open(&pair, "layers=tap&tap.allow=true&tap.buffer=64KiB", NULL);
    find_area(path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    layers_send(pair.near, 1, 100);
    assert_int_equal(layers_take(pair.far), 1);
    assert_int_equal(via_tap_area_take(&area, path, false), VIA_OK);
    assert_int_equal(via_tap_area_take(&other, path, false), VIA_EBUSY);
    assert_int_equal(via_tap_area_back(&area), VIA_OK);
    assert_int_equal(empty(&area, &reader, &dropped), 0);
    atomic_store(&area.head->wanted, 1);
    for (uint64_t i = 0; i < 200; i++) {
        layers_send(pair.near, i, 1000);
        assert_int_equal(layers_take(pair.far), i);
    }
    const size_t kept = empty(&area, &reader, &dropped);
    assert_in_range(kept, 30, 65);
    layers_send(pair.near, 5, 8);
    assert_int_equal(layers_take(pair.far), 5);
    assert_int_equal(empty(&area, &reader, &dropped), 1);
    assert_int_equal(kept + dropped, 200);
    assert_true(via_tap_area_lives(&area));
    layers_close(&pair);
    assert_false(via_tap_area_lives(&area));
    assert_int_equal(stat(path, &status), -1);
    via_tap_area_close(&area);
}

/* A recorder that was killed has left its wish behind; the channel finds out, and its messages cost nothing again. */
static void test_tap__forgets_a_recorder_that_has_gone(void **state)
{
    char path[PATH];
    layers_pair pair;
    via_tap_area area;
    (void)state;

    layers_open(&pair, "layers=tap&tap.allow=true&tap.buffer=64KiB", NULL);
    find_area(path);
    assert_int_equal(via_tap_area_take(&area, path, false), VIA_OK);
    assert_int_equal(via_tap_area_back(&area), VIA_OK);
    atomic_store(&area.head->wanted, 1);
    via_tap_area_close(&area);
    assert_int_equal(via_tap_area_take(&area, path, true), VIA_OK);
    const via_deadline deadline = layers_soon();
    for (uint64_t i = 0; atomic_load(&area.head->wanted) != 0; i++) {
        assert_true(via_now_ns() < deadline);
        layers_send(pair.near, i, 4000);
        assert_int_equal(layers_take(pair.far), i);
    }
    via_tap_area_close(&area);
    layers_close(&pair);
}

/* What another process has written into the memory is not believed by either side. */
static void test_tap__survives_nonsense_in_its_memory(void **state)
{
    char path[PATH];
    layers_pair pair;
    via_tap_area area;
    const uint8_t *block;
    size_t size;
    unsigned direction;
    (void)state;

    layers_open(&pair, "layers=tap&tap.allow=true&tap.buffer=64KiB", NULL);
    find_area(path);
    assert_int_equal(via_tap_area_take(&area, path, false), VIA_OK);
    assert_int_equal(via_tap_area_back(&area), VIA_OK);
    atomic_store(&area.head->wanted, 1);
    for (uint64_t i = 0; i < 8; i++) {
        static const uint64_t tails[] = {UINT64_MAX, 1, UINT64_C(1) << 40, 3};
        atomic_store(&area.head->rings[VIA_TAP_SENT].tail, tails[i % 4]);
        layers_send(pair.near, i, 1000);
        assert_int_equal(layers_take(pair.far), i);
        via_tap_reader reader = {.tails[VIA_TAP_SENT] = tails[i % 4]};
        assert_true(via_tap_look(&area, &reader) == VIA_EPROTO ||
                    via_tap_peek(&area, &reader, &block, &size, &direction) == VIA_EPROTO);
    }
    via_tap_area_close(&area);
    layers_close(&pair);
}

typedef struct looker {
    atomic_int turn; /* no name is used twice; -1 = the end */
} looker;

static void name_area(char path[PATH], int turn)
{
    (void)snprintf(path, PATH, "%s/made-%d.tap", getenv("XDG_RUNTIME_DIR"), turn);
}

static void *look_all_the_time(void *argument)
{
    looker *self = argument;
    char path[PATH];
    via_tap_area area;

    for (int turn; (turn = atomic_load(&self->turn)) >= 0;) {
        name_area(path, turn);
        if (via_tap_area_take(&area, path, true) == VIA_OK)
            via_tap_area_close(&area);
    }
    return NULL;
}

/* A recorder removes what nobody owns; what is just being made is not that. */
static void test_tap__is_made_while_a_recorder_looks(void **state)
{
    char path[PATH];
    via_tap_area area;
    pthread_t thread;
    looker self = {0};
    (void)state;

    assert_int_equal(pthread_create(&thread, NULL, look_all_the_time, &self), 0);
    for (int turn = 0; turn < 3000; turn++) {
        atomic_store(&self.turn, turn);
        name_area(path, turn);
        assert_int_equal(via_tap_area_create(&area, path, 65536), VIA_OK);
        assert_int_equal(unlink(path), 0);
        via_tap_area_close(&area);
    }
    atomic_store(&self.turn, -1);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_tap__refuses_what_makes_no_sense(void **state)
{
    via_error error;
    (void)state;

    assert_int_equal(layers_try("layers=tap&tap.file=/tmp/x&tap.allow=true", &error), VIA_EINVAL);
    assert_string_equal(error.what, "tap: a channel is recorded to tap.file, or from outside (tap.allow), not both");
    assert_string_equal(error.mend, "leave one of them out");
    assert_int_equal(layers_try("layers=tap&tap.file=/dev/null", &error), VIA_EINVAL);
    assert_string_equal(error.what, "/dev/null: a recording needs a regular file");
    assert_string_equal(error.mend, "set tap.file to the path of a file");
    assert_int_equal(layers_try("layers=tap&tap.file=/no/such/folder/x.pcapng", &error), VIA_ENOENT);
    assert_string_equal(error.what, "/no/such/folder/x.pcapng: the recording cannot be opened");
    assert_string_equal(error.mend, "set tap.file to a path that can be written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tap__records_both_directions),
        cmocka_unit_test(test_tap__records_each_message_soon),
        cmocka_unit_test(test_tap__records_what_travels_along),
        cmocka_unit_test(test_tap__records_long_messages_byte_by_byte),
        cmocka_unit_test(test_tap__ends_after_a_whole_message_where_there_is_no_room),
        cmocka_unit_test(test_tap__stops_at_its_limit),
        cmocka_unit_test(test_tap__keeps_the_last),
        cmocka_unit_test(test_tap__cuts_at_the_snaplen),
        cmocka_unit_test(test_tap__numbers_recordings_of_one_name),
        cmocka_unit_test(test_tap__leaves_a_file_that_can_be_read_when_killed),
        cmocka_unit_test(test_tap__lets_this_user_in),
        cmocka_unit_test(test_tap__forgets_a_recorder_that_has_gone),
        cmocka_unit_test(test_tap__survives_nonsense_in_its_memory),
        cmocka_unit_test(test_tap__is_made_while_a_recorder_looks),
        cmocka_unit_test(test_tap__refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
