/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value that the interface does not allow is refused, in words that name the parameter and what was expected: by the caller, if he
 * has the interface, and by the callee.
 */
#include "both_ends.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

/* `expected` begins with the parameter, or the field of it. */
static const struct {
    const char *method;
    const char *parameters;
    const char *expected;
} cases[] = {
    {"invert", "[1]", "value: expected true or false"},
    {"invert", "[null]", "value: expected true or false"},
    {"negate", "[\"x\"]", "value: expected an integer"},
    {"negate", "[1.5]", "value: expected an integer"},
    {"negate", "[-129]", "value: -129 is out of range; expected -128 to 127"},
    {"add", "[1, true]", "b: expected an integer"},
    {"add", "[2147483648, 1]", "a: 2147483648 is out of range"},
    {"widest", "[0, 256, 0, 0, 0, 0, 0, 0, 0]", "b: 256 is out of range; expected"},
    {"widest", "[0, -1, 0, 0, 0, 0, 0, 0, 0]", "b: "},
    {"widest", "[0, 0, 32768, 0, 0, 0, 0, 0, 0]", "c: 32768 is out of range"},
    {"widest", "[0, 0, 0, 65536, 0, 0, 0, 0, 0]", "d: 65536 is out of range"},
    {"widest", "[0, 0, 0, 0, 0, 4294967296, 0, 0, 0]", "f: 4294967296 is out of range"},
    {"widest", "[0, 0, 0, 0, 0, 0, [], 0, 0]", "g: expected an integer"},
    {"widest", "[0, 0, 0, 0, 0, 0, 0, {}, 0]", "h: expected an integer"},
    {"widest", "[0, 0, 0, 0, 0, 0, 0, 0, -1]", "i: "},
    {"halve", "[\"x\"]", "value: expected a number"},
    {"power", "[[], 1]", "base: expected a number"},
    {"greet", "[5]", "name: expected a text"},
    {"greet", "[null]", "name: expected a text"},
    {"sum", "[5]", "values: expected a list"},
    {"sum", "[[1, \"x\"]]", "values[1]: expected an integer"},
    {"double_all", "[[true]]", "values[0]: expected a number"},
    {"join", "[[1], 8]", "words[0]: expected a text"},
    {"join", "[[\"x\"], true]", "room: expected an integer"},
    {"determinant", "[[1, 2, 3]]", "matrix: 3 elements; expected 4"},
    {"determinant", "[7]", "matrix: expected a list"},
    {"mirror", "[7]", "point: expected a"},
    {"mirror", "[{\"x\": 1}]", "point: 1 fields; point has 2"},
    {"mirror", "[{\"x\": 1, \"z\": 2}]", "point: "},
    {"mirror", "[{\"x\": 1, \"y\": \"2\"}]", "point.y: expected a number"},
    {"turn",
     "[{\"ends\": [{\"x\": 1, \"y\": 2}, {\"x\": 3, \"y\": []}], \"label\": \"\", \"width\": 1, \"is_dashed\": false}]",
     "line.ends[1].y: expected a number"},
    {"reverse", "[5, 8]", "bytes: expected bytes"},
    {"counter_next", "[\"x\"]", "counter: expected a"},
    {"counter_free", "[null]", "counter: expected a"},
    {"add", "[1]", "expected 2: add(a: i32, b: i32)"},
    {"add", "[1, 2, 3]", "expected 2: add(a: i32, b: i32)"},
};

/* Only the callee finds out: a caller with an interface takes any value for a callback, and no handle for closed. */
static const struct {
    const char *method;
    const char *parameters;
    const char *expected;
} callee_cases[] = {
    {"each", "[1, \"x\"]", "visit: expected the number of a callback"},
    {"each", "[1, 0]", "visit: expected the number of a callback"},
    {"counter_next", "[7]", "counter: no open counter has this handle"},
};

static void *pump(void *argument)
{
    both_ends *ends = argument;

    while ((ends->ended = via_rpc_pump(ends->server, VIA_FOREVER)) == VIA_OK)
        ;
    return NULL;
}

/* The client has the interface, or nothing, and sends what it is given. */
static void open_ends(both_ends *ends, const char *codec, bool knows)
{
    static int serial;
    char address[512], bare[128];
    via_error error;

    (void)snprintf(bare, sizeof(bare), "unix:types-%d-%d?layers=rpc&rpc.codec=%s", (int)getpid(), serial++, codec);
    (void)snprintf(address, sizeof(address), "%s&rpc.interface=%s", bare, CALC_INTERFACE);
    assert_int_equal(via_host_open(NULL, &ends->host, &error), VIA_OK);
    assert_int_equal(via_listen(ends->host, address, NULL, &ends->listener, &error), VIA_OK);
    assert_int_equal(
        via_dial(ends->host, knows ? address : bare, NULL, via_after_ms(PATIENCE_MS), &ends->client, &error), VIA_OK);
    assert_int_equal(via_accept(ends->listener, via_after_ms(PATIENCE_MS), &ends->server, &error), VIA_OK);
    assert_int_equal(via_rpc_serve(ends->server, calc_functions, calc_function_count, NULL, &error), VIA_OK);
    assert_int_equal(pthread_create(&ends->thread, NULL, pump, ends), 0);
}

static void assert_refused(const both_ends *ends, const char *method, const char *parameters, const char *expected,
                           via_status as)
{
    via_rpc_error error = {.text = ""};
    char *result;

    via_status status =
        via_rpc_call_json(ends->client, method, parameters, via_after_ms(PATIENCE_MS), &result, NULL, NULL, &error);
    assert_null(result);
    if (status != as || !strstr(error.text, expected))
        fail_msg("%s%s: %s, '%s' where '%s' was expected", method, parameters, via_status_name(status), error.text,
                 expected);
}

static void the_caller_says_what_is_wrong(void **state)
{
    both_ends ends;

    open_ends(&ends, *state, true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(&ends, cases[i].method, cases[i].parameters, cases[i].expected, VIA_ETYPE);
    both_ends_close(&ends);
}

static void the_callee_says_what_is_wrong(void **state)
{
    both_ends ends;

    open_ends(&ends, *state, false);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(&ends, cases[i].method, cases[i].parameters, cases[i].expected, VIA_EREMOTE);
    for (size_t i = 0; i < sizeof(callee_cases) / sizeof(callee_cases[0]); i++)
        assert_refused(&ends, callee_cases[i].method, callee_cases[i].parameters, callee_cases[i].expected,
                       VIA_EREMOTE);
    both_ends_close(&ends);
}

#define IN_BOTH(test)                                                                                                  \
    {#test " in MessagePack", test, NULL, NULL, (void *)(uintptr_t) "msgpack"},                                        \
    {                                                                                                                  \
#test " in JSON", test, NULL, NULL, (void *)(uintptr_t) "json"                                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BOTH(the_caller_says_what_is_wrong), IN_BOTH(the_callee_says_what_is_wrong)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
