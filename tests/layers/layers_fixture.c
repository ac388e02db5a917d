/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs with layers, for tests; see layers_fixture.h.
 */
#include "layers_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };

static void name_address(char address[512], unsigned number, const char *query)
{
    (void)snprintf(address, 512, "unix:layers-%ld-%u%s%s", (long)getpid(), number, query != NULL ? "?" : "",
                   query != NULL ? query : "");
}

static void must(via_status status, const via_error *error)
{
    if (status != VIA_OK)
        fail_msg("%s: %s", via_status_name(status), error->what);
}

via_deadline layers_soon(void)
{
    return via_after_ms(PATIENCE_MS);
}

void layers_open(layers_pair *pair, const char *near_query, const char *far_query)
{
    static unsigned number;
    char address[512];
    via_error error;

    name_address(address, ++number, far_query);
    must(via_listen(NULL, address, NULL, &pair->listener, &error), &error);
    name_address(address, number, near_query);
    must(via_dial(NULL, address, NULL, layers_soon(), &pair->near, &error), &error);
    must(via_accept(pair->listener, layers_soon(), &pair->far, &error), &error);
}

void layers_close(layers_pair *pair)
{
    via_close(pair->near);
    via_close(pair->far);
    via_listener_close(pair->listener);
}

via_status layers_try(const char *query, via_error *error)
{
    via_listener *listener;
    via_channel *channel = NULL;
    via_error ignored;
    char address[512];

    name_address(address, 0, NULL);
    must(via_listen(NULL, address, NULL, &listener, &ignored), &ignored);
    name_address(address, 0, query);
    const via_status status = via_dial(NULL, address, NULL, layers_soon(), &channel, error);
    via_close(channel);
    via_listener_close(listener);
    return status;
}

void layers_send(via_channel *channel, uint64_t number, size_t size)
{
    unsigned char bytes[65536] = {0};

    assert_in_range(size, sizeof(number), sizeof(bytes));
    memcpy(bytes, &number, sizeof(number));
    assert_int_equal(via_send(channel, bytes, size, NULL, layers_soon()), VIA_OK);
}

uint64_t layers_take(via_channel *channel)
{
    via_msg message;
    uint64_t number;

    assert_int_equal(via_recv(channel, layers_soon(), &message), VIA_OK);
    assert_true(message.size >= sizeof(number));
    memcpy(&number, message.data, sizeof(number));
    via_release(channel, &message);
    return number;
}
