/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A caller that has no interface and asks for it: what `via call` does.
 */
#include "both_ends.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const codecs[] = {"msgpack", "json"};

/* A client that knows nothing, and a server that does. */
static void open_stranger(both_ends *ends, const char *codec)
{
    static int serial;
    char address[512], bare[128];
    via_error error;

    (void)snprintf(bare, sizeof(bare), "unix:described-%d-%d?layers=rpc&rpc.codec=%s", (int)getpid(), serial++, codec);
    (void)snprintf(address, sizeof(address), "%s&rpc.interface=%s", bare, CALC_INTERFACE);
    assert_int_equal(via_host_open(NULL, &ends->host, &error), VIA_OK);
    assert_int_equal(via_listen(ends->host, address, NULL, &ends->listener, &error), VIA_OK);
    assert_int_equal(via_dial(ends->host, bare, NULL, via_after_ms(5000), &ends->client, &error), VIA_OK);
    assert_int_equal(via_accept(ends->listener, via_after_ms(5000), &ends->server, &error), VIA_OK);
    assert_int_equal(via_rpc_serve(ends->server, calc_functions, calc_function_count, NULL, &error), VIA_OK);
}

static void *pump(void *argument)
{
    both_ends *ends = argument;

    while ((ends->ended = via_rpc_pump(ends->server, VIA_FOREVER)) == VIA_OK)
        ;
    return NULL;
}

static void whoever_has_asked_is_told_errors_by_code_and_name(void **state)
{
    via_rpc_error error;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        both_ends ends = {.ended = VIA_OK};
        open_stranger(&ends, codecs[i]);
        assert_int_equal(pthread_create(&ends.thread, NULL, pump, &ends), 0);
        assert_int_equal(via_rpc_describe(ends.client, via_after_ms(5000), &text, &error), VIA_OK);
        assert_non_null(strstr(text, "\"divide\""));
        via_free(text);
        assert_int_equal(
            via_rpc_call_json(ends.client, "divide", "[1, 0]", via_after_ms(5000), &text, NULL, NULL, &error),
            VIA_EREMOTE);
        assert_int_equal(error.code, 1);
        assert_string_equal(error.name, "divide_by_zero");
        both_ends_close(&ends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whoever_has_asked_is_told_errors_by_code_and_name)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
