/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slowest of many: after any coming, going and moving it is the one that a look at all of them would find.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topic_heads.h"

enum { MEMBERS = 100, STEPS = 20000 };

typedef struct member {
    topic_head head;
    int is_there;
} member;

static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static const topic_head *slowest_of(const member *members)
{
    const topic_head *slowest = NULL;

    for (size_t i = 0; i < MEMBERS; i++)
        if (members[i].is_there && (!slowest || members[i].head.position < slowest->position))
            slowest = &members[i].head;
    return slowest;
}

static void test_topic_heads__know_the_slowest(void **state)
{
    static member members[MEMBERS];
    topic_heads heads = {NULL, 0, 0};

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        member *one = &members[chance(MEMBERS)];
        if (!one->is_there) {
            one->head.position = chance(1000);
            assert_true(topic_heads_add(&heads, &one->head));
            one->is_there = 1;
        } else if (chance(3) == 0) {
            topic_heads_remove(&heads, &one->head);
            one->is_there = 0;
        } else {
            one->head.position += chance(100);
            topic_heads_moved(&heads, &one->head);
        }
        const topic_head *expected = slowest_of(members), *found = topic_heads_slowest(&heads);
        assert_int_equal(found != NULL, expected != NULL);
        if (!found || !expected)
            continue;
        assert_int_equal(found->position, expected->position);
        for (size_t i = 0; i < heads.count; i++)
            assert_int_equal(heads.all[i]->index, i);
    }
    topic_heads_fini(&heads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_topic_heads__know_the_slowest)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
