/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via bridge`: listens on A, dials B, and moves messages between them, whatever carries either.
 *
 * Owns: which roles fit together, and a thread for each client of A. Queues and topics have no clients: there it is
 * one bridge, in one such thread. A signal ends it at once: the thread that looks for it never dials, and those that
 * wait for B are left behind. What a message carries (key, type, priority) goes along as far as the wires carry it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "relay.h"
#include "session.h"
#include "stop.h"
#include "wait.h"

enum { USUAL_WAIT_S = 5 };

struct bridge {
    const via_cli_args *args;
    via_host *host;
    const char *a, *b;
    uint32_t roles[2]; /* of A and of B */
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* a count below */
    size_t clients, dialing; /* threads; those that wait for B */
    bool is_abandoned;       /* those that still dial are not waited for: the process ends */
    int result;              /* of the client that left last */
};

struct client {
    struct bridge *bridge;
    via_channel *channel;
};

/* ---- roles -------------------------------------------------------------------------------------------------- */

struct role_name {
    const char *name;
    uint32_t role;
};

static const struct role_name role_names[] = {
    {"pair", VIA_PAIR}, {"push", VIA_PUSH}, {"pull", VIA_PULL}, {"pub", VIA_PUBLISH}, {"sub", VIA_SUBSCRIBE}};

static bool find_role(const char *name, size_t length, uint32_t *role)
{
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        if (strlen(role_names[i].name) == length && strncmp(role_names[i].name, name, length) == 0) {
            *role = role_names[i].role;
            return true;
        }
    }
    return false;
}

static bool parse_roles(const char *text, uint32_t *roles)
{
    const char *comma = strchr(text, ',');
    return comma && find_role(text, (size_t)(comma - text), &roles[0]) &&
           find_role(comma + 1, strlen(comma + 1), &roles[1]);
}

static bool receives(uint32_t role)
{
    return role == VIA_PAIR || role == VIA_PULL || role == VIA_SUBSCRIBE;
}

static bool sends(uint32_t role)
{
    return role == VIA_PAIR || role == VIA_PUSH || role == VIA_PUBLISH;
}

/* The side that binds by custom is A: it takes jobs in, or gives news out. */
static void usual_roles(uint32_t pattern_a, uint32_t pattern_b, uint32_t *roles)
{
    roles[0] = pattern_a == VIA_PATTERN_QUEUE ? VIA_PULL : pattern_a == VIA_PATTERN_TOPIC ? VIA_PUBLISH : VIA_PAIR;
    roles[1] = pattern_b == VIA_PATTERN_QUEUE ? VIA_PUSH : pattern_b == VIA_PATTERN_TOPIC ? VIA_SUBSCRIBE : VIA_PAIR;
}

static int choose_roles(struct bridge *bridge)
{
    const via_cli_args *args = bridge->args;
    if (args->as && !parse_roles(args->as, bridge->roles))
        return via_cli_usage(args->command, NULL,
                             "--as wants two of pair, push, pull, pub, sub: --as pull,push, not '%s'", args->as);
    if (via_cli_pattern(args, bridge->host, bridge->a) == VIA_PATTERN_VALUE)
        return via_cli_usage(args->command, "bridge pairs, queues or topics", "a value has no two ends to bridge");
    if (!args->as)
        usual_roles(via_cli_pattern(args, bridge->host, bridge->a), via_cli_pattern(args, bridge->host, bridge->b),
                    bridge->roles);
    if ((receives(bridge->roles[0]) && sends(bridge->roles[1])) ||
        (receives(bridge->roles[1]) && sends(bridge->roles[0])))
        return VIA_EXIT_OK;
    return via_cli_usage(args->command, "choose roles of which one receives and the other sends: --as pull,push",
                         "nothing can flow between these roles");
}

/* ---- one bridge --------------------------------------------------------------------------------------------- */

static via_status dial_b(struct bridge *bridge, via_channel **channel, via_error *error)
{
    via_open_options options;
    via_deadline deadline = via_cli_deadline(bridge->args, USUAL_WAIT_S * UINT64_C(1000000000));
    via_open_options_init(&options);
    via_error_init(error);
    if (bridge->roles[1] == VIA_PAIR)
        return via_dial(bridge->host, bridge->b, &options, deadline, channel, error);
    options.side = VIA_SIDE_CONNECT;
    return via_join(bridge->host, bridge->b, bridge->roles[1], &options, deadline, channel, error);
}

/* False: the process is ending, and nothing of the bridge is this thread's any more. */
static bool count_dialing(struct bridge *bridge, bool begins)
{
    (void)pthread_mutex_lock(&bridge->lock);
    bool goes_on = !bridge->is_abandoned;
    bridge->dialing = begins ? bridge->dialing + 1 : bridge->dialing - 1;
    (void)pthread_cond_signal(&bridge->changed);
    (void)pthread_mutex_unlock(&bridge->lock);
    return goes_on;
}

static int move(struct bridge *bridge, via_channel *a, via_channel *b)
{
    via_cli_relay relay = {.args = bridge->args, .host = bridge->host};
    for (int i = 0; i < 2; i++) {
        relay.channels[i] = i == 0 ? a : b;
        relay.names[i] = i == 0 ? bridge->a : bridge->b;
        relay.flows[i] = receives(bridge->roles[i]) && sends(bridge->roles[1 - i]);
    }
    relay.skips = bridge->roles[0] != VIA_PAIR; /* a client of a pair learns of it by its end; here nobody else would */
    return via_cli_relay_run(&relay);
}

/* Answers an exit status, or -1: the process is ending. */
static int serve(struct bridge *bridge, via_channel *a)
{
    via_channel *b = NULL;
    via_error error;
    if (!count_dialing(bridge, true))
        return -1;
    via_status status = dial_b(bridge, &b, &error);
    if (!count_dialing(bridge, false))
        return -1;
    int result = status == VIA_OK ? move(bridge, a, b) : via_cli_error(bridge->b, &error);
    via_close(b);
    return result;
}

static void *run_client(void *argument)
{
    struct client *client = argument;
    struct bridge *bridge = client->bridge;
    int result = serve(bridge, client->channel);
    if (result < 0)
        return NULL;
    via_close(client->channel);
    free(client);
    if (bridge->roles[0] != VIA_PAIR)
        via_cli_stop_now(); /* it was the only one */
    (void)pthread_mutex_lock(&bridge->lock);
    bridge->result = result;
    bridge->clients--;
    (void)pthread_cond_signal(&bridge->changed);
    (void)pthread_mutex_unlock(&bridge->lock);
    return NULL;
}

/* ---- many clients ------------------------------------------------------------------------------------------- */

static void count_client(struct bridge *bridge, bool comes)
{
    (void)pthread_mutex_lock(&bridge->lock);
    bridge->clients = comes ? bridge->clients + 1 : bridge->clients - 1;
    (void)pthread_mutex_unlock(&bridge->lock);
}

static int start_client(struct bridge *bridge, via_channel *channel)
{
    pthread_t thread;
    pthread_attr_t attributes;
    struct client *client = malloc(sizeof *client);
    if (!client)
        return via_cli_out_of_memory();
    client->bridge = bridge;
    client->channel = channel;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    count_client(bridge, true);
    int failed = pthread_create(&thread, &attributes, run_client, client);
    (void)pthread_attr_destroy(&attributes);
    if (!failed)
        return VIA_EXIT_OK;
    count_client(bridge, false);
    free(client);
    return via_cli_os_error("thread", failed, "raise 'ulimit -u'");
}

/* Once the process shall stop, those that wait for B are no reason to stay. */
static void wait_for_clients(struct bridge *bridge)
{
    (void)pthread_mutex_lock(&bridge->lock);
    while (bridge->clients > (via_cli_stopped() ? bridge->dialing : 0))
        (void)pthread_cond_wait(&bridge->changed, &bridge->lock);
    bridge->is_abandoned = bridge->clients > 0;
    (void)pthread_mutex_unlock(&bridge->lock);
}

/* A client that cannot be served is turned away; the others are not its business. */
static void accept_one(struct bridge *bridge, via_listener *listener)
{
    via_channel *channel;
    via_error error;
    via_error_init(&error);
    via_status status = via_accept(listener, VIA_NOW, &channel, &error);
    if (status == VIA_OK && start_client(bridge, channel) != VIA_EXIT_OK)
        via_close(channel);
    else if (status != VIA_OK && status != VIA_ETIMEDOUT)
        (void)via_cli_error(bridge->a, &error);
}

static int serve_clients(struct bridge *bridge)
{
    via_listener *listener;
    via_error error;
    via_open_options options;
    via_error_init(&error);
    via_open_options_init(&options);
    via_cli_stop_gently();
    if (via_listen(bridge->host, bridge->a, &options, &listener, &error) != VIA_OK)
        return via_cli_error(bridge->a, &error);
    via_status status;
    while ((status = via_cli_wait_listener(listener, VIA_FOREVER)) == VIA_OK)
        accept_one(bridge, listener);
    via_listener_close(listener);
    wait_for_clients(bridge);
    return via_cli_stopped() ? via_cli_stop_result(VIA_EXIT_FAILED) : via_cli_status(bridge->a, NULL, status);
}

/* Without a descriptor for it a signal ends the process anyway. */
static void wait_for_stop(void)
{
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, VIA_FOREVER);
    while (via_cli_stop_descriptor() >= 0 && !via_cli_stopped())
        (void)via_cli_sleep_wait(&sleep);
}

static int serve_one(struct bridge *bridge)
{
    via_channel *a;
    via_cli_open what = {.host = bridge->host,
                         .address = bridge->a,
                         .role = bridge->roles[0],
                         .side = VIA_SIDE_BIND,
                         .deadline = VIA_FOREVER};
    int result = via_cli_channel_open(bridge->args, &what, &a);
    if (result != VIA_EXIT_OK)
        return result;
    result = start_client(bridge, a);
    if (result != VIA_EXIT_OK) {
        via_close(a);
        return result;
    }
    wait_for_stop();
    wait_for_clients(bridge);
    if (bridge->is_abandoned)
        via_close(a); /* gives its name back; the one that dials touches it no more */
    return via_cli_stop_result(bridge->result);
}

int via_cli_run_bridge(const via_cli_args *args)
{
    struct bridge bridge = {.args = args, .a = args->operands.items[0], .b = args->operands.items[1]};
    int result = via_cli_host_open(args, &bridge.host);
    if (result != VIA_EXIT_OK)
        return result;
    (void)pthread_mutex_init(&bridge.lock, NULL);
    (void)pthread_cond_init(&bridge.changed, NULL);
    result = choose_roles(&bridge);
    if (result == VIA_EXIT_OK)
        result = bridge.roles[0] == VIA_PAIR ? serve_clients(&bridge) : serve_one(&bridge);
    if (bridge.is_abandoned)
        _exit(
            result); /* all that was accepted has left; a thread that dials cannot be ended, and still needs the host */
    (void)pthread_cond_destroy(&bridge.changed);
    (void)pthread_mutex_destroy(&bridge.lock);
    via_host_close(bridge.host);
    return result;
}
