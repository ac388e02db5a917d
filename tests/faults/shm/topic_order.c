/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of many publishers, when messages come between any two looks: plugins/shm/topic_merge.c as it is, with links that
 * answer as the test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "topic_merge.h"

enum { LINKS = 4 };

/* Link i has the message with ticket i + 1. It answers that of the link before, which is published no sooner than its own is seen. */
static struct {
    topic_subscriber_end end;
    topic_link links[LINKS];
    topic_slot slots[LINKS];
    topic_control control;
    shm_word64 tickets[LINKS];
    bool is_there[LINKS];
} world;

/* ---- what topic_merge.c calls ------------------------------------------------------------------------------- */

via_status topic_link_look(topic_link *link)
{
    size_t which = (size_t)(link - world.links);

    if (!world.is_there[which])
        return VIA_ETIMEDOUT;
    if (which > 0)
        world.is_there[which - 1] = true; /* before ours, in truth; but it was looked at before that */
    return VIA_OK;
}

via_status topic_link_listen(topic_link *link, const shm_settings *settings)
{
    (void)link, (void)settings;
    return VIA_OK;
}

void topic_subscriber_accept(topic_subscriber_end *end)
{
    (void)end;
}

void topic_subscriber_lose(topic_subscriber_end *end, topic_link *link, via_status why)
{
    (void)end, (void)link;
    fail_msg("%d", why);
}

void topic_subscriber_forget(topic_subscriber_end *end, topic_link *link)
{
    (void)end, (void)link;
    fail();
}

/* ---- the test ----------------------------------------------------------------------------------------------- */

static void test_order__what_a_message_answers_is_found_before_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < LINKS; i++) {
        SHM_PUT(&world.tickets[i], i + 1);
        world.links[i] = (topic_link){.next = i + 1 < LINKS ? &world.links[i + 1] : NULL,
                                      .control = &world.control,
                                      .reader = {.slots = &world.slots[i], .tickets = &world.tickets[i]}};
    }
    world.end.links = world.links;
    assert_null(topic_merge_choose(&world.end));
    world.is_there[LINKS - 1] = true;
    assert_ptr_equal(topic_merge_choose(&world.end), &world.links[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order__what_a_message_answers_is_found_before_it)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
