/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that read late, stop speaking early or hold on to what they were given.
 */
#include "pipe_fixture.h"

enum { LARGE = 4 * 1024 * 1024 };

/* It has nothing more to say, and yet the end of what it hears is still to be sent. */
static void test_exec__tail_goes_out_after_the_last_word(void **state)
{
    uint8_t *bytes = test_calloc(1, LARGE);
    via_channel *channel = dial_to("exec:sh -c 'exec >&-; head -c 4194304 >/dev/null'?framing=raw");

    (void)state;
    assert_int_equal(via_send(channel, bytes, LARGE, NULL, VIA_NOW), VIA_OK);
    expect_end(channel, VIA_ECLOSED);
    via_close(channel);
    test_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec__tail_goes_out_after_the_last_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
