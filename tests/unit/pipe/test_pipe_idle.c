/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an idle dialled channel costs: the promise is 4 KiB of heap, whatever the transport. A child listens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/viaduct.h>

enum { CHANNELS = 100, FIRST = 4, MEMORY_MOST = 4096 };

static _Noreturn void answer_all(const char *address, int news)
{
    static via_channel *channels[CHANNELS];
    via_listener *listener = NULL;

    if (via_listen(NULL, address, NULL, &listener, NULL) != VIA_OK || write(news, "!", 1) != 1)
        _exit(1);
    for (size_t i = 0; i < CHANNELS; i++) {
        via_msg message;

        if (via_accept(listener, via_after_ms(30000), &channels[i], NULL) != VIA_OK ||
            via_recv(channels[i], via_after_ms(30000), &message) != VIA_OK)
            _exit(1);
        via_release(channels[i], &message);
        if (via_send(channels[i], "answer", 6, NULL, via_after_ms(30000)) != VIA_OK)
            _exit(1);
    }
    for (;;)
        (void)pause();
}

/* A channel that has been used, and which a waitset watches now. */
static via_channel *make_idle(via_host *host, via_waitset *set, const char *address)
{
    via_channel *channel = NULL;
    via_ready ready;
    size_t count;
    via_msg message;

    assert_int_equal(via_dial(host, address, NULL, via_after_ms(30000), &channel, NULL), VIA_OK);
    assert_int_equal(via_send(channel, "question", 8, NULL, via_after_ms(30000)), VIA_OK);
    assert_int_equal(via_recv(channel, via_after_ms(30000), &message), VIA_OK);
    via_release(channel, &message);
    assert_int_equal(via_waitset_add(set, channel, VIA_READ, NULL), VIA_OK);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, VIA_NOW), VIA_ETIMEDOUT);
    return channel;
}

static size_t memory_per_channel(const char *address)
{
    via_channel *channels[CHANNELS];
    via_host *host = NULL;
    via_waitset *set = NULL;
    size_t before = 0;
    size_t after;

    assert_int_equal(via_host_open(NULL, &host, NULL), VIA_OK);
    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    for (size_t i = 0; i < CHANNELS; i++) {
        if (i == FIRST) /* what only the first ones need is made */
            before = mallinfo2().uordblks;
        channels[i] = make_idle(host, set, address);
    }
    after = mallinfo2().uordblks;
    for (size_t i = 0; i < CHANNELS; i++)
        via_close(channels[i]);
    via_waitset_destroy(set);
    via_host_close(host);
    return (after - before) / (CHANNELS - FIRST);
}

static void test_idle__dialled_channel_is_small(void **state)
{
    static const char *const schemes[] = {"unix", "pipe"};

    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        char address[64];
        int news[2];
        char byte;
        pid_t child;

        (void)snprintf(address, sizeof(address), "%s:idle-%ld", schemes[i], (long)getpid());
        assert_int_equal(pipe(news), 0);
        child = fork();
        if (child == 0)
            answer_all(address, news[1]);
        assert_int_equal(read(news[0], &byte, 1), 1);
        assert_in_range(memory_per_channel(address), 0, MEMORY_MOST);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(news[0]);
        close(news[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle__dialled_channel_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
