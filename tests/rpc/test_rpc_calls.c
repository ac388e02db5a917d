/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of value, there and back, on every transport and in both formats: through function pointers.
 */
#include "both_ends.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const way ways[] = {
    {"unix:", ""}, {"unix:", "&rpc.codec=json"}, {"shm:", ""}, {"shm:", "&rpc.codec=json"}, {"unix:", "&framing=raw"},
};

static int open_each(void **state)
{
    both_ends *ends = test_calloc(1, sizeof(*ends));

    both_ends_open(ends, *state ? *state : &ways[0], NULL);
    *state = ends;
    return 0;
}

static int close_each(void **state)
{
    both_ends_close(*state);
    test_free(*state);
    return 0;
}

static void assert_good(const both_ends *ends)
{
    via_rpc_error error;

    if (via_rpc_last_error(ends->client, &error) != VIA_OK)
        fail_msg("%s: %s", error.method, error.text);
}

static void integers_of_every_width(void **state)
{
    both_ends *ends = *state;
    uint64_t (*widest_there)(int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t, size_t);
    int8_t (*negate_there)(int8_t);
    int32_t (*add_there)(int32_t, int32_t);

    assert_int_equal(via_rpc_import(ends->client, "widest", &widest_there, sizeof(widest_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "negate", &negate_there, sizeof(negate_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "add", &add_there, sizeof(add_there), NULL), VIA_OK);
    assert_true(widest_there(-128, 255, -32768, 65535, INT32_MIN, UINT32_MAX, INT64_MIN, UINT64_MAX, SIZE_MAX) ==
                widest(-128, 255, -32768, 65535, INT32_MIN, UINT32_MAX, INT64_MIN, UINT64_MAX, SIZE_MAX));
    assert_true(widest_there(1, 2, 3, 4, 5, 6, 7, 8, 9) == 45);
    for (int i = INT8_MIN; i <= INT8_MAX; i++)
        assert_int_equal(negate_there((int8_t)i), negate((int8_t)i));
    assert_int_equal(add_there(INT32_MAX, -1), INT32_MAX - 1);
    assert_int_equal(add_there(INT32_MIN, 0), INT32_MIN);
    assert_good(ends);
}

static void truth_and_fractions(void **state)
{
    both_ends *ends = *state;
    bool (*invert_there)(bool);
    float (*halve_there)(float);
    double (*power_there)(double, int32_t);

    assert_int_equal(via_rpc_import(ends->client, "invert", &invert_there, sizeof(invert_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "halve", &halve_there, sizeof(halve_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "power", &power_there, sizeof(power_there), NULL), VIA_OK);
    assert_true(invert_there(false));
    assert_false(invert_there(true));
    assert_true(halve_there(0.1f) == halve(0.1f));
    assert_true(power_there(1.1, 7) == power(1.1, 7));
    assert_true(power_there(-0.3, 1) == -0.3);
    assert_good(ends);
}

static void a_status_and_what_it_writes(void **state)
{
    both_ends *ends = *state;
    int32_t (*divide_there)(int32_t, int32_t, int32_t *, int32_t *), quotient = 9, remainder = 9;
    via_rpc_error error;

    assert_int_equal(via_rpc_import(ends->client, "divide", &divide_there, sizeof(divide_there), NULL), VIA_OK);
    assert_int_equal(divide_there(17, 5, &quotient, &remainder), 0);
    assert_int_equal(quotient, 3);
    assert_int_equal(remainder, 2);
    assert_int_equal(divide_there(17, 5, &quotient, NULL), 0);
    assert_int_equal(divide_there(17, 0, &quotient, &remainder), 1);
    assert_int_equal(quotient, 0);
    assert_int_equal(remainder, 0);
    assert_int_equal(via_rpc_last_error(ends->client, &error), VIA_EREMOTE);
    assert_int_equal(error.origin, VIA_RPC_THERE);
    assert_int_equal(error.code, 1);
    assert_string_equal(error.method, "divide");
    assert_non_null(strstr(error.text, "divide_by_zero"));
    assert_int_equal(divide_there(INT32_MIN, -1, &quotient, &remainder), 2);
}

static void arrays(void **state)
{
    both_ends *ends = *state;
    int64_t (*sum_there)(const int64_t *, size_t), values[1000];
    void (*double_there)(double *, size_t);
    int32_t (*determinant_there)(const int32_t *), matrix[4] = {1, 2, 3, 4};
    double fractions[] = {0.5, -1, 1e300};

    assert_int_equal(via_rpc_import(ends->client, "sum", &sum_there, sizeof(sum_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "double_all", &double_there, sizeof(double_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "determinant", &determinant_there, sizeof(determinant_there), NULL),
                     VIA_OK);
    for (size_t i = 0; i < 1000; i++)
        values[i] = (int64_t)i * 1000000007;
    assert_true(sum_there(values, 1000) == sum(values, 1000));
    assert_true(sum_there(NULL, 0) == 0);
    double_there(fractions, 3);
    assert_true(fractions[0] == 1 && fractions[1] == -2 && fractions[2] == 2e300);
    assert_int_equal(determinant_there(matrix), -2);
    assert_good(ends);
}

static void texts(void **state)
{
    both_ends *ends = *state;
    size_t (*join_there)(const char *const *, size_t, char *, size_t);
    char *(*greet_there)(const char *);
    const char *(*name_there)(int32_t);
    const char *const words[] = {"grüße, ", NULL, "\"quoted\"\n", "世界"};
    char text[64], small[8];

    assert_int_equal(via_rpc_import(ends->client, "join", &join_there, sizeof(join_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "greet", &greet_there, sizeof(greet_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "name_of", &name_there, sizeof(name_there), NULL), VIA_OK);
    assert_int_equal(join_there(words, 4, text, sizeof(text)), strlen("grüße, -\"quoted\"\n世界"));
    assert_string_equal(text, "grüße, -\"quoted\"\n世界");
    assert_int_equal(join_there(words + 1, 2, small, sizeof(small)), 10);
    assert_string_equal(small, "-\"quote");
    char *greeting = greet_there("world");
    assert_good(ends);
    assert_string_equal(greeting, "hello, world");
    via_free(greeting);
    assert_string_equal(name_there(2), "two");
    assert_null(name_there(3));
    assert_good(ends);
}

static void structs(void **state)
{
    both_ends *ends = *state;
    calc_point (*mirror_there)(calc_point);
    calc_line (*turn_there)(calc_line), line = {{{1, 2}, {3, 4}}, "dashed", 7, false};

    assert_int_equal(via_rpc_import(ends->client, "mirror", &mirror_there, sizeof(mirror_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "turn", &turn_there, sizeof(turn_there), NULL), VIA_OK);
    calc_point point = mirror_there((calc_point){1.5, -2});
    assert_true(point.x == -1.5 && point.y == -2);
    line = turn_there(line);
    assert_good(ends);
    assert_true(line.ends[0].x == 3 && line.ends[1].y == 2);
    assert_string_equal(line.label, "dashed");
    assert_int_equal(line.width, -7);
    assert_true(line.is_dashed);
    line.label = NULL;
    assert_null(turn_there(line).label);
    assert_good(ends);
}

static void bytes_and_a_count_that_goes_both_ways(void **state)
{
    both_ends *ends = *state;
    void (*reverse_there)(const void *, size_t, void *, size_t *);
    unsigned char in[300], out[300] = {0};
    size_t size = sizeof(out);

    assert_int_equal(via_rpc_import(ends->client, "reverse", &reverse_there, sizeof(reverse_there), NULL), VIA_OK);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (unsigned char)i;
    reverse_there(in, sizeof(in), out, &size);
    assert_good(ends);
    assert_int_equal(size, 300);
    for (size_t i = 0; i < sizeof(in); i++)
        assert_int_equal(out[i], in[299 - i]);
    size = 10;
    memset(out, 0xee, sizeof(out));
    reverse_there(in, sizeof(in), out, &size);
    assert_int_equal(size, 10);
    assert_int_equal(out[9], in[290]);
    assert_int_equal(out[10], 0xee);
}

typedef struct visit {
    int calls;
    pthread_t thread;
    char last[16];
} visit;

static int32_t see(void *user, int32_t index, const char *name)
{
    visit *seen = user;

    assert_int_equal(seen->calls++, index);
    assert_true(pthread_equal(seen->thread, pthread_self()));
    (void)snprintf(seen->last, sizeof(seen->last), "%s", name ? name : "(none)");
    return 10;
}

static void callbacks(void **state)
{
    both_ends *ends = *state;
    int32_t (*each_there)(int32_t, int32_t(*)(void *, int32_t, const char *), void *);
    visit seen = {.thread = pthread_self()};

    assert_int_equal(via_rpc_import(ends->client, "each", &each_there, sizeof(each_there), NULL), VIA_OK);
    assert_int_equal(each_there(4, see, &seen), 40);
    assert_good(ends);
    assert_int_equal(seen.calls, 4);
    assert_string_equal(seen.last, "(none)");
    assert_int_equal(each_there(4, NULL, NULL), 0);
    assert_good(ends);
}

static void handles(void **state)
{
    both_ends *ends = *state;
    calc_counter *(*new_there)(int32_t);
    int32_t (*next_there)(calc_counter *);
    void (*free_there)(calc_counter *);
    via_rpc_error error;
    int before = calc_counters();

    assert_int_equal(via_rpc_import(ends->client, "counter_new", &new_there, sizeof(new_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "counter_next", &next_there, sizeof(next_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "counter_free", &free_there, sizeof(free_there), NULL), VIA_OK);
    calc_counter *one = new_there(5), *other = new_there(50);
    assert_good(ends);
    assert_int_equal(calc_counters(), before + 2);
    assert_int_equal(next_there(one), 5);
    assert_int_equal(next_there(other), 50);
    assert_int_equal(next_there(one), 6);
    free_there(one);
    assert_int_equal(calc_counters(), before + 1);
    assert_int_equal(next_there(one), 0);
    assert_int_equal(via_rpc_last_error(ends->client, &error), VIA_EREMOTE);
    assert_int_equal(error.code, -32602);
    assert_int_equal(next_there((calc_counter *)0x7fff0000), 0); /* an invented one is found out */
    assert_null(new_there(-1));
    assert_good(ends);
    calc_counter *third = new_there(7); /* in the place of the first, and another handle */
    assert_ptr_not_equal(third, one);
    assert_int_equal(next_there(third), 7);
}

static void whoever_calls_is_known(void **state)
{
    both_ends *ends = *state;
    int64_t (*who_there)(int32_t);

    assert_int_equal(via_rpc_import(ends->client, "who", &who_there, sizeof(who_there), NULL), VIA_OK);
    assert_true(who_there(3) == (int64_t)getpid() * 10 + 3);
    assert_good(ends);
}

static void a_call_without_an_answer(void **state)
{
    both_ends *ends = *state;
    void (*remember_there)(int32_t);
    int32_t (*recall_there)(void);

    assert_int_equal(via_rpc_import(ends->client, "remember", &remember_there, sizeof(remember_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->client, "recall", &recall_there, sizeof(recall_there), NULL), VIA_OK);
    remember_there(1234);
    assert_int_equal(recall_there(), 1234);
    assert_good(ends);
}

static void without_function_pointers(void **state)
{
    both_ends *ends = *state;
    int32_t a = 40, b = 2, result = 0;
    void *arguments[] = {&a, &b};
    via_rpc_error error;

    assert_int_equal(via_rpc_call(ends->client, "add", &result, arguments, 2, VIA_RPC_USUAL, &error), VIA_OK);
    assert_int_equal(result, 42);
    assert_int_equal(via_rpc_call(ends->client, "add", &result, arguments, 1, VIA_RPC_USUAL, &error), VIA_EINVAL);
    assert_int_equal(error.origin, VIA_RPC_HERE);
    assert_int_equal(via_rpc_call(ends->client, "subtract", &result, arguments, 2, VIA_RPC_USUAL, &error), VIA_ENOENT);
    assert_non_null(strstr(error.text, "calc"));
}

static void in_json(void **state)
{
    static const struct {
        const char *method, *parameters, *result;
    } cases[] = {
        {"add", "[40, 2]", "42"},
        {"mirror", "[{\"y\": 2, \"x\": 1}]", "{\"x\":-1.0,\"y\":2.0}"},
        {"divide", "[17, 5]", "{\"quotient\":3,\"remainder\":2}"},
        {"sum", "[[1, 2, 3]]", "6"},
        {"join", "[[\"a\", null, \"b\"], 16]", "{\"return\":3,\"text\":\"a-b\"}"},
        {"reverse", "[\"aGVsbG8=\", 16]", "\"b2xsZWg=\""},
        {"widest", "[0, 0, 0, 0, 0, 0, 0, \"18446744073709551615\", 0]", "\"18446744073709551615\""},
        {"recall", "[]", NULL},
    };
    both_ends *ends = *state;
    via_rpc_error error;
    char *result;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (via_rpc_call_json(ends->client, cases[i].method, cases[i].parameters, VIA_RPC_USUAL, &result, NULL, NULL,
                              &error) != VIA_OK)
            fail_msg("%s: %s", cases[i].method, error.text);
        if (cases[i].result)
            assert_string_equal(result, cases[i].result);
        via_free(result);
    }
    assert_int_equal(
        via_rpc_call_json(ends->client, "add", "[1, 2147483648]", VIA_RPC_USUAL, &result, NULL, NULL, &error),
        VIA_ETYPE);
    assert_non_null(strstr(error.text, "b: 2147483648 is out of range"));
    assert_null(result);
}

#define ON(test, index)                                                                                                \
    {                                                                                                                  \
#test " " #index, test, open_each, close_each, (void *)(uintptr_t)&ways[index]                                 \
    }
#define EVERYWHERE(test) ON(test, 0), ON(test, 1), ON(test, 2), ON(test, 3), ON(test, 4)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERYWHERE(integers_of_every_width),
        EVERYWHERE(truth_and_fractions),
        EVERYWHERE(a_status_and_what_it_writes),
        EVERYWHERE(arrays),
        EVERYWHERE(texts),
        EVERYWHERE(structs),
        EVERYWHERE(bytes_and_a_count_that_goes_both_ways),
        EVERYWHERE(callbacks),
        EVERYWHERE(handles),
        EVERYWHERE(whoever_calls_is_known),
        EVERYWHERE(a_call_without_an_answer),
        EVERYWHERE(without_function_pointers),
        EVERYWHERE(in_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
