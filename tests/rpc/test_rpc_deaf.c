/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that asks and asks and reads no answer: it must not hold up for ever whoever serves others, too.
 */
#include "both_ends.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Requests in MessagePack-RPC. */
typedef struct question {
    const char *name;
    const char *bytes;
    size_t size;
} question;

static const question questions[] = {
    {"of a function", "\x94\x00\x01\xa6recall\x90", 11},
    {"of no function", "\x94\x00\x01\xa6no_one\x90", 11},
    {"of the description", "\x94\x00\x01\xacrpc.describe\x90", 17},
    {"of functions, and waits a millisecond", "\x95\x00\x01\xa6recall\x90\x01", 12},
};

static via_error why;

static void *pump(void *argument)
{
    both_ends *ends = argument;

    while ((ends->ended = via_rpc_pump(ends->server, VIA_FOREVER)) == VIA_OK)
        ;
    via_error_init(&why);
    if (via_failure(ends->server, &why) != VIA_OK)
        why.what[0] = '\0';
    via_close(ends->server); /* which lets the asker go */
    return NULL;
}

static void open_ends(both_ends *ends)
{
    static int serial;
    char address[512], plain[128];
    via_error error;

    (void)snprintf(plain, sizeof(plain), "unix:deaf-%d-%d?framing=raw", (int)getpid(), serial++);
    (void)snprintf(address, sizeof(address), "%s&layers=rpc&rpc.deadline=100ms&rpc.interface=%s", plain,
                   CALC_INTERFACE);
    assert_int_equal(via_host_open(NULL, &ends->host, &error), VIA_OK);
    assert_int_equal(via_listen(ends->host, address, NULL, &ends->listener, &error), VIA_OK);
    assert_int_equal(via_dial(ends->host, plain, NULL, via_after_ms(5000), &ends->client, &error), VIA_OK);
    assert_int_equal(via_accept(ends->listener, via_after_ms(5000), &ends->server, &error), VIA_OK);
    assert_int_equal(via_rpc_serve(ends->server, calc_functions, calc_function_count, NULL, &error), VIA_OK);
    assert_int_equal(pthread_create(&ends->thread, NULL, pump, ends), 0);
}

/* Until nothing more is taken, and the other end has gone. */
static void ask_for_ever(both_ends *ends, const question *asked)
{
    via_status status = VIA_OK;

    while (status == VIA_OK)
        status = via_send(ends->client, asked->bytes, asked->size, NULL, via_after_ms(20000));
    assert_int_not_equal(status, VIA_ETIMEDOUT);
}

static void close_ends(both_ends *ends)
{
    via_close(ends->client);
    via_listener_close(ends->listener);
    via_host_close(ends->host);
}

static void whoever_takes_no_answer_is_given_up(void **state)
{
    both_ends ends = {.ended = VIA_OK};

    open_ends(&ends);
    ask_for_ever(&ends, *state);
    assert_int_equal(pthread_join(ends.thread, NULL), 0);
    assert_int_equal(ends.ended, VIA_EPROTO);
    assert_non_null(strstr(why.what, "does not take its answers"));
    close_ends(&ends);
}

#define ASKED(index)                                                                                                   \
    {                                                                                                                  \
        "whoever_takes_no_answer_is_given_up " #index, whoever_takes_no_answer_is_given_up, NULL, NULL,                \
            (void *)(uintptr_t)&questions[index]                                                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {ASKED(0), ASKED(1), ASKED(2), ASKED(3)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
