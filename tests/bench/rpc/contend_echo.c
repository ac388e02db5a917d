/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands below Viaduct's RPC: the same bytes there and back over the same kind of channel, without any layer.
 * usage: contend_echo unix|shm [--pinned] [--time MS]
 */
#include "contender.h"

#include <stdio.h>
#include <string.h>
#include <viaduct/viaduct.h>

enum {
    PATIENCE_MS = 10000,
    REQUEST = 25, /* [0, number, "add", [a, b], what is left of the time], once the number has more than two bytes */
    REPLY = 13    /* [1, number, nil, sum] */
};

static const char *scheme = "unix", *options = "";

static void check(via_status status, const char *what, const via_error *error)
{
    if (status != VIA_OK)
        contender_failed(what, error && error->what[0] != '\0' ? error->what : via_status_name(status));
}

static void make_address(char *address, size_t capacity, const char *path)
{
    (void)snprintf(address, capacity, "%s:%s%s", scheme, path, options);
}

/* Two numbers out of a message, or one into it: that much any program does. */
static void serve(const char *path)
{
    char address[512];
    unsigned char reply[REPLY] = {0};
    via_listener *listener;
    via_channel *channel;
    via_msg message;
    via_error error;

    via_error_init(&error);
    make_address(address, sizeof(address), path);
    check(via_listen(NULL, address, NULL, &listener, &error), "via_listen", &error);
    check(via_accept(listener, via_after_ms(PATIENCE_MS), &channel, &error), "via_accept", &error);
    while (via_recv(channel, VIA_FOREVER, &message) == VIA_OK) {
        int32_t numbers[2];
        memcpy(numbers, message.data, sizeof(numbers));
        via_release(channel, &message);
        numbers[0] += numbers[1];
        memcpy(reply, numbers, sizeof(numbers[0]));
        check(via_send(channel, reply, sizeof(reply), NULL, VIA_FOREVER), "via_send", NULL);
    }
}

static void *open_client(const char *path)
{
    char address[512];
    via_channel *channel;
    via_error error;

    via_error_init(&error);
    make_address(address, sizeof(address), path);
    check(via_dial(NULL, address, NULL, via_after_ms(PATIENCE_MS), &channel, &error), "via_dial", &error);
    return channel;
}

static int32_t echo(void *self, int32_t a, int32_t b)
{
    unsigned char request[REQUEST] = {0};
    via_msg message;
    int32_t sum;

    memcpy(request, &a, sizeof(a));
    memcpy(request + sizeof(a), &b, sizeof(b));
    check(via_send(self, request, sizeof(request), NULL, VIA_FOREVER), "via_send", NULL);
    check(via_recv(self, VIA_FOREVER, &message), "via_recv", NULL);
    memcpy(&sum, message.data, sizeof(sum));
    via_release(self, &message);
    return sum;
}

static void close_client(void *self)
{
    via_close(self);
}

int main(int argc, char **argv)
{
    static const struct contender contender = {serve, open_client, echo, close_client};

    if (argc > 1 && strcmp(argv[1], "shm") == 0) {
        scheme = "shm";
        options = "?wake=spin";
    }
    return contender_main(&contender, argc, argv);
}
