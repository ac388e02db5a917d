/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Viaduct: an imported function pointer, over a Unix socket or shared memory that spins.
 * usage: contend_viaduct unix|shm [--pinned] [--time MS]
 */
#include "contender.h"

#include <stdio.h>
#include <string.h>
#include <viaduct/rpc.h>

enum { PATIENCE_MS = 10000 };

struct client {
    via_channel *channel;
    int32_t (*add)(int32_t, int32_t);
};

static const char *scheme = "unix", *options = "";

static void check(via_status status, const char *what, const via_error *error)
{
    if (status != VIA_OK)
        contender_failed(what, error && error->what[0] != '\0' ? error->what : via_status_name(status));
}

static void make_address(char *address, size_t capacity, const char *path)
{
    (void)snprintf(address, capacity, "%s:%s?layers=rpc&rpc.interface=%s%s", scheme, path, BENCH_INTERFACE, options);
}

static int32_t add(int32_t a, int32_t b)
{
    return a + b;
}

static void serve(const char *path)
{
    const via_rpc_function functions[] = {VIA_RPC_FUNCTION("add", add)};
    char address[512];
    via_listener *listener;
    via_channel *channel;
    via_error error;

    via_error_init(&error);
    make_address(address, sizeof(address), path);
    check(via_listen(NULL, address, NULL, &listener, &error), "via_listen", &error);
    check(via_accept(listener, via_after_ms(PATIENCE_MS), &channel, &error), "via_accept", &error);
    check(via_rpc_serve(channel, functions, 1, NULL, &error), "via_rpc_serve", &error);
    while (via_rpc_pump(channel, VIA_FOREVER) == VIA_OK)
        ;
}

static void *open_client(const char *path)
{
    static struct client self;
    char address[512];
    via_error error;

    via_error_init(&error);
    make_address(address, sizeof(address), path);
    check(via_dial(NULL, address, NULL, via_after_ms(PATIENCE_MS), &self.channel, &error), "via_dial", &error);
    check(via_rpc_import(self.channel, "add", &self.add, sizeof(self.add), &error), "via_rpc_import", &error);
    return &self;
}

static int32_t call(void *self, int32_t a, int32_t b)
{
    const struct client *client = self;

    return client->add(a, b);
}

static void close_client(void *self)
{
    via_close(((struct client *)self)->channel);
}

int main(int argc, char **argv)
{
    static const struct contender contender = {serve, open_client, call, close_client};

    if (argc > 1 && strcmp(argv[1], "shm") == 0) {
        scheme = "shm";
        options = "&wake=spin";
    }
    return contender_main(&contender, argc, argv);
}
