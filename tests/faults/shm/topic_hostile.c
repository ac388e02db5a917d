/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subscriber and a publisher that speak shm and lie. Whatever they write, the honest ones go on as if they were not there.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

#include "memfd.h"
#include "topic.h"
#include "topic_door.h"
#include "topic_layout.h"

enum { SLOTS = 16, RING = 65536, PATIENCE_MS = 20000, ROUNDS = 200, LIARS = 60 };

/* Two honest ends, and a liar. */
typedef struct scene {
    char folder[64];
    char path[96];
    via_channel *publisher;
    via_channel *subscriber;
    int socket;
    shm_memory memory;
} scene;

static via_channel *join(const scene *s, uint32_t role, uint32_t side, const char *options)
{
    via_open_options how;
    via_channel *channel = NULL;
    char address[256];
    via_error error;

    via_open_options_init(&how);
    how.side = side;
    (void)snprintf(address, sizeof(address), "shm:%s%s", s->path, options);
    via_status status = via_join(NULL, address, role, &how, via_after_ms(PATIENCE_MS), &channel, &error);
    if (status != VIA_OK)
        fail_msg("%s: %s: %s", address, via_status_name(status), error.what);
    return channel;
}

static int open_scene(void **state)
{
    scene *s = calloc(1, sizeof(*s));

    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/via-topic.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(s->path, sizeof(s->path), "%s/t", s->folder);
    s->socket = -1;
    *state = s;
    return 0;
}

/* The liar leaves. */
static void part(scene *s)
{
    shm_memory_drop(&s->memory);
    if (s->socket >= 0)
        (void)close(s->socket);
    s->socket = -1;
}

static int close_scene(void **state)
{
    scene *s = *state;

    part(s);
    via_close(s->subscriber);
    via_close(s->publisher);
    assert_int_equal(rmdir(s->folder), 0);
    free(s);
    return 0;
}

static void connect_liar(scene *s)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    s->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(s->socket >= 0);
    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", s->path);
    assert_int_equal(connect(s->socket, (const struct sockaddr *)&name, sizeof(name)), 0);
}

static void say_hello(scene *s, shm_word hello, size_t size)
{
    int descriptor;

    connect_liar(s);
    assert_int_equal(shm_memory_create(size, 0, &s->memory, &descriptor), VIA_OK);
    assert_int_equal(shm_word_send(s->socket, &hello, &descriptor, 1), VIA_OK);
    (void)close(descriptor);
}

/* One message from the honest publisher to the honest subscriber. */
static void exchange(scene *s, uint64_t number)
{
    via_msg message;
    uint64_t found = 0;

    assert_int_equal(via_send(s->publisher, &number, sizeof(number), NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    assert_int_equal(via_recv(s->subscriber, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(message.size, sizeof(found));
    memcpy(&found, message.data, sizeof(found));
    assert_int_equal(found, number);
    via_release(s->subscriber, &message);
}

static uint64_t turned_away(via_channel *channel)
{
    via_counters counters = {.size = sizeof(counters)};

    assert_int_equal(via_stats(channel, &counters), VIA_OK);
    return counters.protocol_errors;
}

/* ---- a subscriber that lies --------------------------------------------------------------------------------- */

static const shm_word subscribes = {.kind = SHM_HELLO, .index = VIA_PATTERN_TOPIC, .max_message = 1 << 20};

static void open_publisher(scene *s, const char *options)
{
    s->publisher = join(s, VIA_PUBLISH, VIA_SIDE_BIND, options);
    s->subscriber = join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, "");
    exchange(s, 0);
}

static void knock(const scene *s)
{
    topic_door door;

    topic_door_find(&door, s->path, s->socket);
    assert_non_null(door.board);
    SHM_BUMP(&door.board->joins);
    topic_door_close(&door, VIA_CLOSE_FLUSH);
}

static void test_hostile__hellos_of_subscribers_are_refused(void **state)
{
    shm_word lies[] = {subscribes, subscribes, subscribes, subscribes};
    scene *s = *state;

    open_publisher(s, "");
    lies[0].kind = SHM_RING, lies[1].index = VIA_PATTERN_PAIR, lies[2].flags = TOPIC_PUBLISHES;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint64_t before = turned_away(s->publisher);
        say_hello(s, lies[i], i == 3 ? 2 * SHM_PAGE : SHM_PAGE); /* the last: another size than a desk has */
        knock(s);
        exchange(s, i);
        assert_int_equal(turned_away(s->publisher), before + 1);
        part(s);
    }
}

/* It claims to have given back what it never had. */
static void test_hostile__heads_that_cannot_be_are_turned_away(void **state)
{
    const uint64_t heads[] = {1000000, UINT64_MAX, UINT64_C(1) << 63};
    scene *s = *state;

    open_publisher(s, "?slots=16");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        uint64_t before = turned_away(s->publisher);
        say_hello(s, subscribes, SHM_PAGE);
        knock(s);
        exchange(s, 0);
        SHM_PUBLISH(&((topic_desk *)(void *)s->memory.base)->head, heads[i]);
        for (uint64_t number = 0; number < ROUNDS; number++)
            exchange(s, number);
        assert_int_equal(turned_away(s->publisher), before + 1);
        part(s);
    }
}

/* One that says that it lost more than was ever published is not believed. */
static void test_hostile__losses_that_cannot_be_are_not_counted(void **state)
{
    scene *s = *state;
    via_counters counters = {.size = sizeof(counters)};

    open_publisher(s, "?slots=16&overflow=drop-oldest");
    say_hello(s, subscribes, SHM_PAGE);
    knock(s);
    exchange(s, 0);
    SHM_PUT(&((topic_desk *)(void *)s->memory.base)->missed, UINT64_MAX / 2);
    for (uint64_t number = 0; number < ROUNDS; number++)
        exchange(s, number);
    assert_int_equal(via_stats(s->publisher, &counters), VIA_OK);
    assert_in_range(counters.dropped_oldest, 0, ROUNDS + 1);
}

static void test_hostile__words_of_subscribers_that_make_no_sense(void **state)
{
    const shm_word words[] = {{.kind = 99}, subscribes, {.kind = SHM_SEGMENT, .serial = 1, .size = 4096}};
    scene *s = *state;

    open_publisher(s, "");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint64_t before = turned_away(s->publisher);
        shm_word word = words[i];
        say_hello(s, subscribes, SHM_PAGE);
        knock(s);
        exchange(s, 0);
        assert_int_equal(shm_word_send(s->socket, &word, NULL, 0), VIA_OK);
        assert_int_equal(via_arm(s->publisher, VIA_WORK), VIA_OK);
        assert_int_equal(turned_away(s->publisher), before + 1);
        exchange(s, 1);
        part(s);
    }
}

/* ---- all the time ------------------------------------------------------------------------------------------- */

typedef struct scribbler {
    scene *scene;
    topic_board *board; /* NULL = there is none */
    atomic_bool stop;
    uint32_t seed;
} scribbler;

static uint32_t chance(scribbler *self)
{
    return self->seed = self->seed * 1664525 + 1013904223;
}

/* Writes anything anywhere into its memory, and on the board; of a publisher's, plausible stamps now and then. */
static void *scribble(void *argument)
{
    scribbler *self = argument;
    const shm_memory *memory = &self->scene->memory;
    _Atomic(uint64_t) *words = (_Atomic(uint64_t) *)(void *)memory->base;

    while (!atomic_load(&self->stop)) {
        uint64_t value = ((uint64_t)chance(self) << 32 | chance(self)) >> (chance(self) >> 26);
        atomic_store_explicit(&words[(chance(self) >> 8) % (memory->size / 8)], value, memory_order_relaxed);
        if (self->board) {
            SHM_PUT(chance(self) >> 31 ? &self->board->joins : &self->board->calls, chance(self));
        } else {
            uint32_t slot = (chance(self) >> 20) % SLOTS;
            SHM_PUBLISH(&((topic_slot *)(void *)(memory->base + SHM_SLOTS_AT))[slot].stamp, slot + 1);
        }
    }
    return NULL;
}

static void test_hostile__a_desk_and_a_board_that_change_all_the_time(void **state)
{
    scene *s = *state;

    open_publisher(s, "?slots=16&overflow=drop-oldest");
    for (uint32_t round = 0; round < 20; round++) {
        scribbler liar = {.scene = s, .seed = round};
        pthread_t thread;
        topic_door door;
        say_hello(s, subscribes, SHM_PAGE);
        topic_door_find(&door, s->path, s->socket);
        liar.board = door.board;
        SHM_BUMP(&door.board->joins);
        assert_int_equal(pthread_create(&thread, NULL, scribble, &liar), 0);
        for (uint64_t number = 0; number < ROUNDS; number++)
            exchange(s, number);
        atomic_store(&liar.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        topic_door_close(&door, VIA_CLOSE_FLUSH);
        part(s);
    }
}

/* ---- a publisher that lies ---------------------------------------------------------------------------------- */

static const shm_word publishes = {.kind = SHM_HELLO,
                                   .index = VIA_PATTERN_TOPIC,
                                   .serial = 1,
                                   .slots = SLOTS,
                                   .flags = TOPIC_PUBLISHES,
                                   .size = RING,
                                   .max_message = 1 << 20,
                                   .sequence = 1};

static const size_t whole = SHM_SLOTS_AT + SLOTS * SHM_SLOT_SIZE + RING;

static void open_subscriber(scene *s)
{
    s->subscriber = join(s, VIA_SUBSCRIBE, VIA_SIDE_BIND, "");
    s->publisher = join(s, VIA_PUBLISH, VIA_SIDE_CONNECT, "");
    exchange(s, 0);
}

static topic_slot *slot_of(const scene *s, uint64_t position)
{
    return &((topic_slot *)(void *)(s->memory.base + SHM_SLOTS_AT))[position % SLOTS];
}

static void publish(const scene *s, uint64_t position, uint64_t sequence, const shm_letter *letter)
{
    topic_slot *slot = slot_of(s, position);

    slot->letter = *letter;
    SHM_PUT(&slot->sequence, sequence);
    SHM_PUBLISH(&slot->stamp, position + 1);
}

static void expect_turned_away(scene *s, uint64_t before, const char *what)
{
    via_msg message;

    for (int i = 0; i < 100 && turned_away(s->subscriber) == before; i++)
        if (via_recv(s->subscriber, via_after_ms(20), &message) == VIA_OK)
            via_release(s->subscriber, &message);
    if (turned_away(s->subscriber) != before + 1)
        fail_msg("%s: not turned away", what);
    exchange(s, 5);
    part(s);
}

static void test_hostile__hellos_of_publishers_are_refused(void **state)
{
    static const char *names[] = {"no slots",  "odd slots",  "many slots", "tiny ring",
                                  "huge ring", "other size", "other role"};
    shm_word lies[] = {publishes, publishes, publishes, publishes, publishes, publishes, publishes};
    scene *s = *state;

    open_subscriber(s);
    lies[0].slots = 0, lies[1].slots = 24, lies[2].slots = 1 << 20, lies[3].size = 16, lies[4].size = UINT64_MAX;
    lies[5].size = UINT64_C(2) * RING, lies[6].flags = 0;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint64_t before = turned_away(s->subscriber);
        say_hello(s, lies[i], whole);
        expect_turned_away(s, before, names[i]);
    }
}

static void test_hostile__letters_that_cannot_be(void **state)
{
    const shm_letter letters[] = {
        {.kind = 0, .size = 1, .texts_in_slot = 1},
        {.kind = 77, .size = 1, .texts_in_slot = 1},
        {.kind = SHM_IN_SLOT, .size = SHM_SLOT_BYTES + 1},
        {.kind = SHM_IN_SLOT, .size = UINT64_MAX},
        {.kind = SHM_IN_SLOT, .size = SHM_SLOT_BYTES, .key_size = 1, .texts_in_slot = 1},
        {.kind = SHM_IN_SLOT, .size = 1, .key_size = 257, .texts_in_slot = 0},
        {.kind = SHM_IN_SLOT, .size = 1, .key_size = 200, .texts_in_slot = 0, .texts_place = RING - 100},
        {.kind = SHM_IN_SLOT, .size = 1, .type_size = 2, .texts_in_slot = 0, .texts_place = UINT32_MAX},
        {.kind = SHM_IN_ARENA, .size = 2, .place = RING - 1},
        {.kind = SHM_IN_ARENA, .size = 1, .place = UINT32_MAX},
        {.kind = SHM_IN_ARENA, .size = RING + 1, .place = 0},
        {.kind = SHM_IN_SEGMENT, .size = 1, .segment = 3},
        {.kind = SHM_IN_SEGMENT, .size = 1, .segment = 0},
    };
    scene *s = *state;

    open_subscriber(s);
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        char what[32];
        uint64_t before = turned_away(s->subscriber);
        say_hello(s, publishes, whole);
        publish(s, 0, 1, &letters[i]);
        (void)snprintf(what, sizeof(what), "letter %zu", i);
        expect_turned_away(s, before, what);
    }
}

static void test_hostile__sequences_and_places_that_cannot_be(void **state)
{
    const shm_letter good = {.kind = SHM_IN_SLOT, .size = 1, .texts_in_slot = 1};
    scene *s = *state;
    uint64_t before;

    open_subscriber(s);
    before = turned_away(s->subscriber);
    say_hello(s, publishes, whole);
    publish(s, 0, 0, &good); /* it goes back */
    expect_turned_away(s, before, "sequence");
    before = turned_away(s->subscriber);
    say_hello(s, publishes, whole);
    publish(s, SLOTS, 1, &good); /* who waits for everybody never laps */
    expect_turned_away(s, before, "lapped by one who waits");
    before = turned_away(s->subscriber);
    shm_word lossy = publishes;
    lossy.flags |= TOPIC_LOSSY;
    say_hello(s, lossy, whole);
    publish(s, SLOTS, 1, &good); /* and who does has moved its oldest */
    expect_turned_away(s, before, "lapped to nowhere");
}

/* One of many, whose tickets are all older than those of the honest one, and who never stops. */
static void test_hostile__tickets_of_the_past_hide_nobody(void **state)
{
    const shm_letter letter = {.kind = SHM_IN_SLOT, .size = 1, .texts_in_slot = 1};
    scene *s = *state;
    uint64_t position = 0, number = 7, before;
    size_t size = 1;
    via_msg message;
    shm_word one_of_many = publishes;

    s->subscriber = join(s, VIA_SUBSCRIBE, VIA_SIDE_BIND, "?publishers=many");
    s->publisher = join(s, VIA_PUBLISH, VIA_SIDE_DEFAULT, "?publishers=many");
    (void)snprintf(s->path + strlen(s->path), 8, ".s0");
    before = turned_away(s->subscriber);
    say_hello(s, publishes, whole); /* without tickets */
    expect_turned_away(s, before, "no tickets");
    one_of_many.flags |= TOPIC_TICKETS;
    say_hello(s, one_of_many, whole + SLOTS * sizeof(uint64_t));
    for (; position < SLOTS; position++)
        publish(s, position, position + 1, &letter);
    assert_int_equal(via_arm(s->subscriber, VIA_READ), VIA_EREADY); /* it is let in */
    assert_int_equal(via_send(s->publisher, &number, sizeof(number), NULL, VIA_NOW), VIA_OK);
    for (; size == 1 && position < UINT64_C(4) * SLOTS; position++) {
        assert_int_equal(via_recv(s->subscriber, via_after_ms(PATIENCE_MS), &message), VIA_OK);
        size = message.size;
        via_release(s->subscriber, &message);
        publish(s, position, position + 1, &letter);
    }
    assert_int_equal(size, sizeof(number));
    assert_true(position > SLOTS + 1);
}

/* Touches all of a message, so that a place outside the memory shows. */
static uint64_t sum(const via_msg *message)
{
    const volatile unsigned char *bytes = message->data;
    uint64_t total = 0;

    for (size_t i = 0; i < message->size; i += 61)
        total += bytes[i];
    return total;
}

static void test_hostile__a_publisher_that_changes_all_the_time(void **state)
{
    scene *s = *state;
    uint64_t before;

    open_subscriber(s);
    before = turned_away(s->subscriber);
    via_deadline patience = via_after_ms(PATIENCE_MS);
    /* One processor may give all its time to the honest: then on until a liar had its share. */
    for (uint32_t round = 0; round < LIARS || (turned_away(s->subscriber) == before && via_now_ns() < patience);
         round++) {
        scribbler liar = {.scene = s, .seed = round};
        shm_word hello = publishes;
        pthread_t thread;
        via_msg message;
        hello.flags |= round % 2 ? (uint32_t)TOPIC_LOSSY : 0;
        say_hello(s, hello, whole);
        assert_int_not_equal(via_arm(s->subscriber, VIA_READ), VIA_EIO); /* lets it in */
        assert_int_equal(pthread_create(&thread, NULL, scribble, &liar), 0);
        for (uint64_t number = 0; number < ROUNDS; number++) {
            bool arrived = false;
            assert_int_equal(via_send(s->publisher, "honest", 6, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
            while (!arrived) { /* among whatever the liar makes look like messages */
                assert_int_equal(via_recv(s->subscriber, via_after_ms(PATIENCE_MS), &message), VIA_OK);
                arrived = message.size == 6 && memcmp(message.data, "honest", 6) == 0;
                (void)sum(&message);
                via_release(s->subscriber, &message);
            }
        }
        atomic_store(&liar.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        part(s);
    }
    assert_true(turned_away(s->subscriber) > before);
}

/* ---- what the dead leave ------------------------------------------------------------------------------------ */

static int make_segment(void)
{
    return shmget(IPC_PRIVATE, TOPIC_DOOR_BYTES, IPC_CREAT | IPC_EXCL | 0600);
}

/* One that was killed between making its board and attaching it. */
static int leave_a_segment(void)
{
    int line[2], segment = -1, status;

    assert_int_equal(pipe(line), 0);
    pid_t pid = fork();
    if (pid == 0) {
        segment = make_segment();
        _exit(write(line[1], &segment, sizeof(segment)) != (ssize_t)sizeof(segment));
    }
    assert_int_equal(read(line[0], &segment, sizeof(segment)), sizeof(segment));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(line[0]);
    (void)close(line[1]);
    return segment;
}

static void test_door__what_a_killed_publisher_left_is_removed(void **state)
{
    const scene *s = *state;
    int left = leave_a_segment(), in_the_making = make_segment();
    struct shmid_ds there;
    char path[112];
    topic_door door;

    assert_int_equal(shmctl(left, IPC_STAT, &there), 0);
    (void)snprintf(path, sizeof(path), "%s.other", s->path);
    topic_door_make(&door, path, 0600);
    assert_non_null(door.board);
    assert_int_equal(shmctl(left, IPC_STAT, &there), -1);
    assert_int_equal(shmctl(in_the_making, IPC_STAT, &there), 0); /* its maker lives */
    assert_int_equal(shmctl(in_the_making, IPC_RMID, NULL), 0);
    topic_door_close(&door, VIA_CLOSE_FLUSH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hostile__hellos_of_subscribers_are_refused),
        TEST(test_hostile__heads_that_cannot_be_are_turned_away),
        TEST(test_hostile__losses_that_cannot_be_are_not_counted),
        TEST(test_hostile__words_of_subscribers_that_make_no_sense),
        TEST(test_hostile__a_desk_and_a_board_that_change_all_the_time),
        TEST(test_hostile__hellos_of_publishers_are_refused),
        TEST(test_hostile__letters_that_cannot_be),
        TEST(test_hostile__sequences_and_places_that_cannot_be),
        TEST(test_hostile__tickets_of_the_past_hide_nobody),
        TEST(test_hostile__a_publisher_that_changes_all_the_time),
        TEST(test_door__what_a_killed_publisher_left_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
