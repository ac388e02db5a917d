/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core's tests share.
 */
#include "support.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_uint_fast64_t names; /* every pair gets a name of its own */

via_host *core_host_open(void)
{
    const char *const folders[] = {CORE_PLUGINS};
    via_host_options options;
    via_host *host = NULL;
    via_error error;
    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_ENVIRONMENT | VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = folders;
    options.plugin_path_count = 1;
    if (via_host_open(&options, &host, &error) != VIA_OK)
        fail_msg("no host: %s", error.what);
    return host;
}

int core_setup(void **state)
{
    *state = core_host_open();
    return 0;
}

int core_teardown(void **state)
{
    via_host_close(*state);
    return 0;
}

core_pair core_pair_open(via_host *host, const char *scheme, const char *options, uint32_t threads)
{
    core_pair pair = {NULL, NULL, NULL};
    char address[256];
    via_error error;
    via_open_options open;
    via_open_options_init(&open);
    open.threads = threads;
    open.layers = getenv("CORE_LAYERS");
    (void)snprintf(address, sizeof(address), "%s:pair%llu%s", scheme, (unsigned long long)atomic_fetch_add(&names, 1),
                   options);
    if (via_listen(host, address, &open, &pair.listener, &error) != VIA_OK ||
        via_dial(host, address, &open, CORE_PATIENCE, &pair.client, &error) != VIA_OK ||
        via_accept(pair.listener, CORE_PATIENCE, &pair.server, &error) != VIA_OK)
        fail_msg("%s: %s (%s)", address, error.what, error.more);
    return pair;
}

void core_pair_close(core_pair *pair)
{
    via_close(pair->client);
    via_close(pair->server);
    via_listener_close(pair->listener);
    *pair = (core_pair){NULL, NULL, NULL};
}

via_channel *core_join(via_host *host, const char *address, uint32_t role, uint32_t side, uint32_t threads)
{
    via_channel *channel = NULL;
    via_error error;
    via_open_options open;
    via_open_options_init(&open);
    open.threads = threads;
    open.side = side;
    open.layers = getenv("CORE_LAYERS");
    if (via_join(host, address, role, &open, CORE_PATIENCE, &channel, &error) != VIA_OK)
        fail_msg("%s: %s", address, error.what);
    return channel;
}

void core_expect(via_channel *channel, const char *text)
{
    via_msg message;
    assert_int_equal(via_recv(channel, CORE_PATIENCE, &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    via_release(channel, &message);
    assert_null(message.data);
}

void core_send(via_channel *channel, const char *text)
{
    assert_int_equal(via_send(channel, text, strlen(text), NULL, CORE_PATIENCE), VIA_OK);
}

static const via_loop_control *control_of(via_channel *channel, void **self)
{
    const via_loop_control *control = via_extension(channel, VIA_LOOP_CONTROL_ID, self);
    assert_non_null(control);
    return control;
}

void core_kill(via_channel *channel)
{
    void *self;
    const via_loop_control *control = control_of(channel, &self);
    control->die(self);
}

void core_shut(via_channel *channel)
{
    void *self;
    const via_loop_control *control = control_of(channel, &self);
    control->shut(self);
}

uint64_t core_arms(via_channel *channel)
{
    void *self;
    const via_loop_control *control = control_of(channel, &self);
    return control->arms(self);
}
