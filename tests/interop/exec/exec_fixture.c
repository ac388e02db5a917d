/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of exec: share; see exec_fixture.h.
 */
#include "exec_fixture.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>

via_deadline soon_enough(void)
{
    return via_after_ms(60000);
}

via_status try_start(const char *address, via_error *error)
{
    via_channel *channel = NULL;
    via_status status = via_dial(NULL, address, NULL, soon_enough(), &channel, error);

    if (status == VIA_OK)
        via_close(channel);
    else
        assert_null(channel);
    return status;
}

via_channel *start(const char *address)
{
    via_channel *channel = NULL;
    via_error error;

    if (via_dial(NULL, address, NULL, soon_enough(), &channel, &error) != VIA_OK)
        fail_msg("%s: %s %s; %s", address, error.what, error.os_text, error.mend);
    return channel;
}

void say(via_channel *channel, const char *text)
{
    assert_int_equal(via_send(channel, text, strlen(text), NULL, soon_enough()), VIA_OK);
}

void hear(via_channel *channel, const char *text)
{
    via_msg message;
    via_status status = via_recv(channel, soon_enough(), &message);

    if (status != VIA_OK)
        fail_msg("waiting for '%s': %s", text, via_status_name(status));
    if (message.size != strlen(text) || memcmp(message.data, text, message.size) != 0)
        fail_msg("expected '%s', got '%.*s'", text, (int)message.size, (const char *)message.data);
    via_release(channel, &message);
}

void hear_end(via_channel *channel, via_status status)
{
    via_msg message;
    via_status answer;

    while ((answer = via_recv(channel, soon_enough(), &message)) == VIA_OK)
        via_release(channel, &message);
    assert_string_equal(via_status_name(answer), via_status_name(status));
}

void finish(via_channel *channel)
{
    assert_int_equal(via_finish(channel, soon_enough()), VIA_OK);
}

int process_exists(int64_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}
