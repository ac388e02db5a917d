/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memories for large messages: used again, bounded, and never pulled from under a message that is out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "segments.h"

enum { MIB = 1024 * 1024 };

typedef struct fixture {
    int ends[2];
    shm_pool pool;
    shm_views views;
} fixture;

static via_status tell(void *user, shm_word *word, int descriptor)
{
    const fixture *f = user;

    return shm_word_send(f->ends[0], word, &descriptor, descriptor >= 0 ? 1 : 0);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->ends), 0);
    f->pool.tell = tell;
    f->pool.user = f;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    shm_pool_drop(&f->pool);
    shm_views_drop(&f->views);
    (void)close(f->ends[0]);
    (void)close(f->ends[1]);
    free(f);
    return 0;
}

/* Lets the reading side do what the writing side has said. Returns how much that was. */
static int hear(fixture *f, via_status expected)
{
    int descriptors[SHM_WORD_DESCRIPTORS], count = 0;
    shm_word word;

    while (shm_word_receive(f->ends[1], &word, descriptors) == VIA_OK) {
        assert_int_equal(word.kind, SHM_SEGMENT);
        assert_int_equal(shm_views_change(&f->views, &word, descriptors[0]), expected);
        shm_word_close(descriptors);
        count++;
    }
    return count;
}

static shm_segment *take(fixture *f, size_t size)
{
    shm_segment *segment = NULL;

    assert_int_equal(shm_pool_take(&f->pool, size, &segment), VIA_OK);
    assert_true(segment->memory.size >= size);
    return segment;
}

static void test_segments__are_seen_by_the_other_end_and_used_again(void **state)
{
    fixture *f = *state;
    shm_segment *first = take(f, MIB);
    uint32_t serial = first->serial;

    assert_int_equal(hear(f, VIA_OK), 1);
    memcpy(first->memory.base, "large", sizeof("large"));
    assert_string_equal(shm_views_find(&f->views, serial)->memory.base, "large");
    shm_pool_give(&f->pool, serial);
    assert_int_equal(take(f, MIB - 5)->serial, serial);
    assert_int_equal(hear(f, VIA_OK), 0);
}

static void test_segments__are_limited_in_number(void **state)
{
    fixture *f = *state;
    shm_segment *segment;

    for (int i = 0; i < SHM_SEGMENTS; i++)
        (void)take(f, 4096);
    assert_int_equal(shm_pool_take(&f->pool, 4096, &segment), VIA_ETIMEDOUT);
    assert_null(segment);
    uint32_t before = f->pool.segments[3].serial;
    shm_pool_give(&f->pool, before);
    uint32_t serial = take(f, MIB)->serial;
    assert_int_not_equal(serial, before); /* the free one was too small and made way */
    assert_int_equal(hear(f, VIA_OK), SHM_SEGMENTS + 1);
    assert_null(shm_views_find(&f->views, before));
    assert_non_null(shm_views_find(&f->views, serial));
}

static void test_segments__large_ones_are_not_kept_for_ever(void **state)
{
    fixture *f = *state;
    uint32_t serial = take(f, (size_t)80 * MIB)->serial;

    assert_int_equal(hear(f, VIA_OK), 1);
    shm_pool_give(&f->pool, serial);
    assert_null(shm_pool_find(&f->pool, serial));
    assert_int_equal(hear(f, VIA_OK), 1);
    assert_null(shm_views_find(&f->views, serial));
}

static void test_segments__no_view_is_changed_while_a_message_in_it_is_out(void **state)
{
    fixture *f = *state;
    shm_segment *segment = take(f, 4096);

    assert_int_equal(hear(f, VIA_OK), 1);
    uint32_t serial = segment->serial;
    shm_view *view = shm_views_borrow(&f->views, serial, 4096);
    assert_non_null(view);
    assert_null(shm_views_borrow(&f->views, segment->serial, view->memory.size + 1));
    shm_pool_give(&f->pool, segment->serial);
    for (int i = 0; i < SHM_SEGMENTS; i++)
        f->pool.segments[i].is_out = i > 0; /* the only place left is that one */
    (void)take(f, MIB);
    assert_int_equal(hear(f, VIA_EPROTO), 1);
    assert_ptr_equal(shm_views_find(&f->views, serial), view);
    shm_view_give_back(view);
    assert_int_equal(atomic_load(&view->lent), 0);
}

static void test_segments__refuse_words_that_make_no_sense(void **state)
{
    fixture *f = *state;
    const shm_word words[] = {
        {.kind = SHM_SEGMENT, .serial = 0, .size = 4096},
        {.kind = SHM_SEGMENT, .serial = 1, .size = 4096}, /* without a memory */
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_int_equal(shm_views_change(&f->views, &words[i], -1), VIA_EPROTO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_segments__are_seen_by_the_other_end_and_used_again),
        TEST(test_segments__are_limited_in_number),
        TEST(test_segments__large_ones_are_not_kept_for_ever),
        TEST(test_segments__no_view_is_changed_while_a_message_in_it_is_out),
        TEST(test_segments__refuse_words_that_make_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
