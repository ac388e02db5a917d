/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialer that speaks shm and lies. Whatever it writes, a receiver gets a message, VIA_EPROTO, or nothing, and a sender is
 * never harmed.
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
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

#include "layout.h"
#include "memfd.h"
#include "words.h"

enum { SLOTS = 16, RING = 65536, PATIENCE_MS = 20000 };

/* Our end of a channel, and the liar's. */
typedef struct scene {
    char folder[64];
    char path[96];
    via_host *host;
    via_listener *listener;
    via_channel *channel;
    int socket;
    shm_memory memory;
    shm_control *control;
    shm_slot *slots;
} scene;

static int open_scene(void **state)
{
    scene *s = calloc(1, sizeof(*s));
    char address[128];

    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/via-shm.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(s->path, sizeof(s->path), "%s/s", s->folder);
    (void)snprintf(address, sizeof(address), "shm:%s?handshake_timeout=300ms", s->path);
    assert_int_equal(via_host_open(NULL, &s->host, NULL), VIA_OK);
    assert_int_equal(via_listen(s->host, address, NULL, &s->listener, NULL), VIA_OK);
    s->socket = -1;
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    scene *s = *state;

    via_close(s->channel);
    via_listener_close(s->listener);
    via_host_close(s->host);
    shm_memory_drop(&s->memory);
    if (s->socket >= 0)
        (void)close(s->socket);
    assert_int_equal(rmdir(s->folder), 0);
    free(s);
    return 0;
}

static int connect_to(const scene *s)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int raw = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    assert_true(raw >= 0);
    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", s->path);
    assert_int_equal(connect(raw, (const struct sockaddr *)&name, sizeof(name)), 0);
    return raw;
}

static shm_word good_hello(void)
{
    return (shm_word){
        .kind = SHM_HELLO, .index = VIA_PATTERN_PAIR, .slots = SLOTS, .size = RING, .max_message = 1 << 20};
}

static void say_hello(scene *s)
{
    size_t size = shm_head_size(SLOTS) + RING;
    shm_word hello = good_hello();
    int descriptor;

    s->socket = connect_to(s);
    assert_int_equal(shm_memory_create(size, 0, &s->memory, &descriptor), VIA_OK);
    s->control = (shm_control *)(void *)s->memory.base;
    s->slots = (shm_slot *)(void *)(s->memory.base + SHM_SLOTS_AT);
    assert_int_equal(shm_word_send(s->socket, &hello, &descriptor, 1), VIA_OK);
    (void)close(descriptor);
}

static void meet(scene *s)
{
    say_hello(s);
    assert_int_equal(via_accept(s->listener, via_after_ms(PATIENCE_MS), &s->channel, NULL), VIA_OK);
}

/* Both ends go, and another liar may come. */
static void part(scene *s)
{
    via_close(s->channel);
    s->channel = NULL;
    shm_memory_drop(&s->memory);
    (void)close(s->socket);
    s->socket = -1;
}

static void publish(scene *s, uint32_t position, const shm_slot *what)
{
    shm_slot *slot = &s->slots[position % SLOTS];
    const size_t after = offsetof(shm_slot, letter);

    memcpy((unsigned char *)slot + after, (const unsigned char *)what + after, sizeof(*slot) - after);
    SHM_PUBLISH(&slot->stamp, position + 1);
}

static void expect_end(scene *s, via_status expected)
{
    via_msg message;
    via_error error;

    assert_int_equal(via_recv(s->channel, via_after_ms(PATIENCE_MS), &message), expected);
    assert_int_equal(via_recv(s->channel, VIA_NOW, &message), expected);
    assert_int_equal(via_failure(s->channel, &error), VIA_OK);
    assert_true(error.what[0] != '\0');
}

static void expect_broken(scene *s)
{
    expect_end(s, VIA_EPROTO);
}

/* ---- hello -------------------------------------------------------------------------------------------------- */

typedef struct lie {
    const char *name;
    shm_word word;
    bool without_memory;
} lie;

static void test_hostile__hellos_are_refused_and_the_next_is_served(void **state)
{
    const shm_word good = good_hello();
    lie lies[] = {{"kind", good, false},      {"pattern", good, false},    {"no slots", good, false},
                  {"odd slots", good, false}, {"many slots", good, false}, {"tiny ring", good, false},
                  {"huge ring", good, false}, {"no memory", good, true},   {"other size", good, false}};
    scene *s = *state;
    via_error error;

    lies[0].word.kind = SHM_BELLS, lies[1].word.index = VIA_PATTERN_TOPIC, lies[2].word.slots = 0;
    lies[3].word.slots = 24, lies[4].word.slots = 1 << 20, lies[5].word.size = 16, lies[6].word.size = UINT64_MAX;
    lies[8].word.size = UINT64_C(2) * RING;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        shm_memory memory;
        via_channel *channel = NULL;
        int descriptor, raw = connect_to(s);
        assert_int_equal(shm_memory_create(shm_head_size(SLOTS) + RING, 0, &memory, &descriptor), VIA_OK);
        assert_int_equal(shm_word_send(raw, &lies[i].word, &descriptor, lies[i].without_memory ? 0 : 1), VIA_OK);
        via_status status = via_accept(s->listener, via_after_ms(50), &channel, &error);
        if (status != VIA_ETIMEDOUT && status != VIA_EPROTO)
            fail_msg("%s: %s", lies[i].name, via_status_name(status));
        (void)close(descriptor), (void)close(raw);
        shm_memory_drop(&memory);
    }
    meet(s);
}

static void test_hostile__silence_and_noise_do_not_hold_the_listener_up(void **state)
{
    scene *s = *state;
    int silent = connect_to(s), noisy = connect_to(s);

    assert_int_equal(send(noisy, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    meet(s);
    (void)close(silent), (void)close(noisy);
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static void test_hostile__slots_that_cannot_be_end_the_channel(void **state)
{
    const shm_letter letters[] = {
        {.kind = 0, .size = 1},
        {.kind = 77, .size = 1},
        {.kind = SHM_IN_SLOT, .size = SHM_SLOT_BYTES + 1},
        {.kind = SHM_IN_SLOT, .size = UINT64_MAX},
        {.kind = SHM_IN_SLOT, .size = SHM_SLOT_BYTES, .key_size = 1, .texts_in_slot = 1},
        {.kind = SHM_IN_SLOT, .size = 1, .key_size = 257, .texts_in_slot = 0},
        {.kind = SHM_IN_SLOT, .size = 1, .key_size = 200, .texts_in_slot = 0, .texts_place = RING - 100},
        {.kind = SHM_IN_SLOT, .size = 1, .type_size = 60000, .texts_in_slot = 1},
        {.kind = SHM_IN_SLOT, .size = 1, .type_size = 2, .texts_in_slot = 0, .texts_place = UINT32_MAX},
        {.kind = SHM_IN_ARENA, .size = 2, .place = RING - 1},
        {.kind = SHM_IN_ARENA, .size = 1, .place = UINT32_MAX},
        {.kind = SHM_IN_ARENA, .size = UINT64_MAX, .place = 64},
        {.kind = SHM_IN_ARENA, .size = RING + 1, .place = 0},
        {.kind = SHM_IN_SEGMENT, .size = 1, .segment = 3},
        {.kind = SHM_IN_SEGMENT, .size = 1, .segment = 0},
    };
    scene *s = *state;

    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        meet(s);
        const shm_slot slot = {.letter = letters[i]};
        publish(s, 0, &slot);
        expect_end(s, letters[i].size == UINT64_MAX ? VIA_ETOOBIG : VIA_EPROTO); /* which may be meant honestly */
        part(s);
    }
}

/* Texts always end, wherever the liar left the NUL out. */
static void test_hostile__texts_end(void **state)
{
    shm_slot slot = {.letter = {.kind = SHM_IN_SLOT, .size = 4, .key_size = 10, .type_size = 20, .texts_in_slot = 1}};
    scene *s = *state;
    via_msg message;

    memset(slot.bytes, 'x', sizeof(slot.bytes));
    meet(s);
    publish(s, 0, &slot);
    assert_int_equal(via_recv(s->channel, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(strlen(message.meta.key), 9);
    assert_int_equal(strlen(message.meta.content_type), 19);
    via_release(s->channel, &message);
}

/* A stamp from nowhere is no message; a head that was never reached ends the channel for the sender. */
static void test_hostile__heads_that_were_never_reached_end_the_channel(void **state)
{
    scene *s = *state;
    char bytes[4096] = {0};
    via_status status = VIA_OK;

    meet(s);
    SHM_PUBLISH(&s->slots[0].stamp, 12345);
    SHM_PUBLISH(&s->control->head, 99);
    for (int i = 0; i < 100000 && status == VIA_OK; i++)
        status = via_send(s->channel, bytes, sizeof(bytes), NULL, via_after_ms(PATIENCE_MS));
    assert_int_equal(status, VIA_EPROTO);
}

/* What is said by the way of messages given back is believed if it can be true, and harms only who says it. */
static void test_hostile__nonsense_said_with_a_message_is_not_heard(void **state)
{
    const shm_slot slot = {.letter = {.kind = SHM_IN_SLOT, .size = 4, .texts_in_slot = 1}};
    const uint32_t lies[] = {UINT32_MAX, 99, UINT32_MAX / 2, 1, 0, 12345};
    scene *s = *state;
    char bytes[4096] = {0};
    via_msg message;

    meet(s);
    for (uint32_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        SHM_PUT(&s->slots[i].given, lies[i]);
        publish(s, i, &slot);
        assert_int_equal(via_recv(s->channel, via_after_ms(PATIENCE_MS), &message), VIA_OK);
        via_release(s->channel, &message);
        assert_int_equal(via_send(s->channel, bytes, sizeof(bytes), NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    }
    via_status status = VIA_OK;
    for (int i = 0; i < 100000 && status == VIA_OK; i++)
        status = via_send(s->channel, bytes, sizeof(bytes), NULL, VIA_NOW);
    assert_int_equal(status, VIA_ETIMEDOUT); /* the rest it has to give back */
    SHM_PUBLISH(&s->control->head, 6);
    assert_int_equal(via_send(s->channel, bytes, sizeof(bytes), NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
}

/* ---- words -------------------------------------------------------------------------------------------------- */

static void test_hostile__words_that_make_no_sense_end_the_channel(void **state)
{
    const shm_word words[] = {{.kind = 99},
                              good_hello(),
                              {.kind = SHM_SEGMENT, .serial = 0, .size = 4096},
                              {.kind = SHM_SEGMENT, .serial = 1, .size = 4096}};
    scene *s = *state;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        shm_word word = words[i];
        meet(s);
        assert_int_equal(shm_word_send(s->socket, &word, NULL, 0), VIA_OK);
        expect_broken(s);
        part(s);
    }
}

/* ---- all the time ------------------------------------------------------------------------------------------- */

typedef struct scribbler {
    scene *scene;
    atomic_bool stop;
    uint32_t seed;
} scribbler;

static uint32_t chance(scribbler *self)
{
    return self->seed = self->seed * 1664525 + 1013904223;
}

/* Writes anything anywhere into its half, and plausible stamps now and then. */
static void *scribble(void *argument)
{
    scribbler *self = argument;
    scene *s = self->scene;

    while (!atomic_load(&self->stop)) {
        uint32_t slot = chance(self) >> 20;
        _Atomic(uint64_t) *words = (_Atomic(uint64_t) *)(void *)s->memory.base;
        atomic_store_explicit(&words[(chance(self) >> 8) % (s->memory.size / 8)],
                              ((uint64_t)chance(self) << 32 | chance(self)) >> (chance(self) >> 26),
                              memory_order_relaxed);
        SHM_PUBLISH(&s->slots[slot % SLOTS].stamp, slot % 64);
    }
    return NULL;
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

static void test_hostile__a_memory_that_changes_all_the_time_harms_nothing(void **state)
{
    scene *s = *state;
    uint64_t total = 0, ended = 0;

    for (uint32_t round = 0; round < 60; round++) {
        scribbler liar = {.scene = s, .seed = round};
        pthread_t thread;
        via_msg message;
        meet(s);
        assert_int_equal(pthread_create(&thread, NULL, scribble, &liar), 0);
        via_status status = VIA_OK;
        for (int i = 0; i < 2000 && status != VIA_EPROTO && status != VIA_ECLOSED; i++) {
            status = via_recv(s->channel, via_after_ms(1), &message);
            if (status == VIA_OK) {
                total += sum(&message);
                via_release(s->channel, &message);
            }
            (void)!via_send(s->channel, "answer", 6, NULL, VIA_NOW);
        }
        ended += status == VIA_EPROTO || status == VIA_ECLOSED;
        atomic_store(&liar.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        part(s);
    }
    assert_in_range(ended, 1, 60);
    (void)total;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hostile__hellos_are_refused_and_the_next_is_served),
        TEST(test_hostile__silence_and_noise_do_not_hold_the_listener_up),
        TEST(test_hostile__slots_that_cannot_be_end_the_channel),
        TEST(test_hostile__texts_end),
        TEST(test_hostile__heads_that_were_never_reached_end_the_channel),
        TEST(test_hostile__nonsense_said_with_a_message_is_not_heard),
        TEST(test_hostile__words_that_make_no_sense_end_the_channel),
        TEST(test_hostile__a_memory_that_changes_all_the_time_harms_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
