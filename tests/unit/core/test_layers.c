/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels with layers: what goes through, what is told, what does not fit together.
 */
#include "support.h"

static void test_layers__messages_go_through_and_ends_are_told(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?layers=pass", VIA_TWO);
    via_msg message;
    core_send(pair.client, "there");
    core_expect(pair.server, "there");
    core_send(pair.server, "and back");
    core_expect(pair.client, "and back");
    via_close(pair.client);
    pair.client = NULL;
    assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_ECLOSED);
    core_pair_close(&pair);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_layers__messages_go_through_and_ends_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
