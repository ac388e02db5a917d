/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via bridge`: listens on A, dials B, and moves messages between them, whatever carries either.
 *
 * Owns: the order in which the sides open. What a client sends to A it takes for sent, so A is there only while a B is
 * open that will have it: each client of a pair finds one that waits for it, and while nobody serves B there is no A.
 * A program is started for the client that has come, since nobody can be missing there. Each client has a thread;
 * queues and topics have no clients, and this thread moves their messages. What a message carries (key, type,
 * priority) goes along as far as the wires carry it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "facts.h"
#include "relay.h"
#include "roles.h"
#include "seek.h"
#include "stop.h"
#include "wait.h"

/* Who dials A waits a second to be greeted; if B is missing, it has to be turned away before that is over. */
enum { USUAL_WAIT_S = 5, PATIENCE_MS = 500 };

struct bridge {
    const via_cli_args *args;
    via_host *host;
    const char *a, *b;
    uint32_t roles[2];  /* of A and of B */
    via_listener *door; /* of A where that is a pair; NULL = nobody may come */
    bool opens_ahead;   /* somebody serves B, or is missing */
    bool has_opened;    /* B was there once: from then on it is waited for, however long it takes */
    bool is_abandoned;  /* a thread still waits for B, and needs the host */
    pthread_mutex_t lock;
    pthread_cond_t left;
    size_t clients; /* threads */
};

struct client {
    struct bridge *bridge;
    via_channel *a, *b;
};

/* ---- B ------------------------------------------------------------------------------------------------------ */

/* Whoever waits at the door is turned away by that. */
static void close_door(struct bridge *bridge)
{
    if (!bridge->door)
        return;
    via_listener_close(bridge->door);
    bridge->door = NULL;
    (void)via_cli_complain(VIA_EXIT_PEER, "start what serves it; the bridge waits for it and then goes on by itself",
                           "%s: nobody is there, so %s is closed until somebody is", bridge->b, bridge->a);
}

static via_status wait_for_b(struct bridge *bridge, const via_cli_seek *seek)
{
    via_status status = via_cli_seek_wait(seek, bridge->door ? via_after_ms(PATIENCE_MS) : VIA_FOREVER);
    if (status != VIA_ETIMEDOUT)
        return status;
    close_door(bridge);
    return via_cli_seek_wait(seek, VIA_FOREVER);
}

/* An exit status; not VIA_EXIT_OK also if it shall stop. */
static int open_b(struct bridge *bridge, via_channel **b)
{
    via_cli_seek *seek;
    via_error error;
    via_cli_open what = {
        .host = bridge->host, .address = bridge->b, .role = bridge->roles[1], .side = VIA_SIDE_CONNECT};
    what.deadline =
        bridge->has_opened ? VIA_FOREVER : via_cli_deadline(bridge->args, USUAL_WAIT_S * UINT64_C(1000000000));
    int result = via_cli_seek_start(bridge->args, &what, &seek);
    if (result != VIA_EXIT_OK)
        return result;
    if (wait_for_b(bridge, seek) != VIA_OK) {
        bridge->is_abandoned = true;
        return via_cli_stop_result(VIA_EXIT_FAILED);
    }
    bridge->has_opened = via_cli_seek_take(seek, b, &error) == VIA_OK;
    return bridge->has_opened ? VIA_EXIT_OK : via_cli_error(bridge->b, &error);
}

/* What B has for its client, who is not there yet. What it has said is kept for the receiver. */
static via_status look_at(const struct bridge *bridge, via_channel *b)
{
    size_t size;
    return bridge->roles[1] == VIA_PAIR ? via_recv_into(b, NULL, 0, &size, NULL, VIA_NOW) : VIA_ETIMEDOUT;
}

/* A B that waited for its client may have had enough of that. */
static bool is_end(via_status heard)
{
    return heard != VIA_ETIMEDOUT && heard != VIA_EBUFFER;
}

/* ---- moving ------------------------------------------------------------------------------------------------- */

static int move(struct bridge *bridge, via_channel *a, via_channel *b)
{
    via_cli_relay relay = {.args = bridge->args, .host = bridge->host};
    for (int i = 0; i < 2; i++) {
        relay.channels[i] = i == 0 ? a : b;
        relay.names[i] = i == 0 ? bridge->a : bridge->b;
        relay.flows[i] = via_cli_role_receives(bridge->roles[i]) && via_cli_role_sends(bridge->roles[1 - i]);
    }
    relay.skips = bridge->roles[0] != VIA_PAIR; /* a client of a pair learns of it by its end; here nobody else would */
    return via_cli_relay_run(&relay);
}

static void count_client(struct bridge *bridge, bool comes)
{
    (void)pthread_mutex_lock(&bridge->lock);
    bridge->clients = comes ? bridge->clients + 1 : bridge->clients - 1;
    (void)pthread_cond_signal(&bridge->left);
    (void)pthread_mutex_unlock(&bridge->lock);
}

static void *run_client(void *argument)
{
    struct client *client = argument;
    struct bridge *bridge = client->bridge;
    (void)move(bridge, client->a, client->b); /* told; the others are not its business */
    via_close(client->a);
    via_close(client->b);
    free(client);
    count_client(bridge, false);
    return NULL;
}

/* The channels are the thread's if it answers VIA_EXIT_OK. */
static int start_client(struct bridge *bridge, via_channel *a, via_channel *b)
{
    pthread_t thread;
    pthread_attr_t attributes;
    struct client *client = malloc(sizeof *client);
    if (!client)
        return via_cli_out_of_memory();
    *client = (struct client){.bridge = bridge, .a = a, .b = b};
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

static void wait_for_clients(struct bridge *bridge)
{
    (void)pthread_mutex_lock(&bridge->lock);
    while (bridge->clients > 0)
        (void)pthread_cond_wait(&bridge->left, &bridge->lock);
    (void)pthread_mutex_unlock(&bridge->lock);
}

/* ---- pairs -------------------------------------------------------------------------------------------------- */

static int open_door(struct bridge *bridge)
{
    via_error error;
    via_open_options options;
    via_error_init(&error);
    via_open_options_init(&options);
    if (bridge->door || via_listen(bridge->host, bridge->a, &options, &bridge->door, &error) == VIA_OK)
        return VIA_EXIT_OK;
    return via_cli_error(bridge->a, &error);
}

/*
 * One that cannot be let in is told, and the others are not its business. NULL for a client: B has ended. One that has spoken
 * is not watched any more, since its end would only be seen behind what it has said.
 */
static int let_in(struct bridge *bridge, via_channel *b, via_channel **a)
{
    via_channel *watched = b;
    for (;;) {
        via_error error;
        via_error_init(&error);
        via_status status = via_cli_wait_listener(bridge->door, watched, VIA_FOREVER);
        if (status != VIA_OK)
            return via_cli_stopped() ? via_cli_stop_result(VIA_EXIT_FAILED) : via_cli_status(bridge->a, NULL, status);
        status = via_accept(bridge->door, VIA_NOW, a, &error);
        if (status == VIA_OK)
            return VIA_EXIT_OK;
        if (status != VIA_ETIMEDOUT)
            (void)via_cli_error(bridge->a, &error);
        const via_status heard = watched ? look_at(bridge, watched) : VIA_ETIMEDOUT;
        if (is_end(heard))
            return VIA_EXIT_OK;
        if (heard == VIA_EBUFFER)
            watched = NULL;
    }
}

static int serve_next(struct bridge *bridge)
{
    via_channel *a = NULL, *b = NULL;
    int result = bridge->opens_ahead ? open_b(bridge, &b) : VIA_EXIT_OK;
    if (result == VIA_EXIT_OK)
        result = open_door(bridge);
    if (result == VIA_EXIT_OK)
        result = let_in(bridge, b, &a);
    if (result == VIA_EXIT_OK && !a) {
        via_close(b);
        return VIA_EXIT_OK; /* and once more, with another B */
    }
    if (result == VIA_EXIT_OK && (!b || is_end(look_at(bridge, b)))) {
        via_close(b);
        b = NULL;
        result = open_b(bridge, &b);
    }
    if (result == VIA_EXIT_OK && start_client(bridge, a, b) == VIA_EXIT_OK)
        return VIA_EXIT_OK;
    if (a)
        (void)via_cli_relay_tell_rest(a, bridge->a, bridge->b);
    via_close(a);
    via_close(b);
    return result;
}

static int serve_pairs(struct bridge *bridge)
{
    int result = VIA_EXIT_OK;
    bridge->opens_ahead = via_cli_is_listened_on(bridge->args, bridge->host, bridge->b);
    while (result == VIA_EXIT_OK)
        result = serve_next(bridge);
    via_listener_close(bridge->door);
    wait_for_clients(bridge);
    return result;
}

/* ---- queues and topics -------------------------------------------------------------------------------------- */

static int serve_many(struct bridge *bridge)
{
    via_channel *a = NULL, *b = NULL;
    via_cli_open what = {.host = bridge->host, .address = bridge->a, .role = bridge->roles[0], .side = VIA_SIDE_BIND};
    bool is_news = bridge->roles[0] == VIA_PUBLISH; /* nobody takes that for delivered, and who waits wants the first */
    int result = is_news ? via_cli_channel_open(bridge->args, &what, &a) : VIA_EXIT_OK;
    if (result == VIA_EXIT_OK)
        result = open_b(bridge, &b);
    if (result == VIA_EXIT_OK && !a)
        result = via_cli_channel_open(bridge->args, &what, &a);
    if (result == VIA_EXIT_OK)
        result = move(bridge, a, b);
    via_close(a);
    via_close(b);
    return result;
}

static int check(const struct bridge *bridge)
{
    if (via_cli_is_same_address(bridge->args, bridge->host, bridge->a, bridge->b))
        return via_cli_usage(bridge->args->command,
                             "name two: the one that clients dial, then the one where another program listens",
                             "both sides are %s: such a bridge would talk to itself", bridge->a);
    if (!via_cli_is_listened_on(bridge->args, bridge->host, bridge->a))
        return via_cli_complain(VIA_EXIT_FAILED, "name it second, after an address that clients can dial",
                                "%s: nobody can listen there, which a bridge does on its first side", bridge->a);
    return VIA_EXIT_OK;
}

int via_cli_run_bridge(const via_cli_args *args)
{
    struct bridge bridge = {.args = args, .a = args->operands.items[0], .b = args->operands.items[1]};
    int result = via_cli_host_open(args, &bridge.host);
    if (result != VIA_EXIT_OK)
        return result;
    (void)pthread_mutex_init(&bridge.lock, NULL);
    (void)pthread_cond_init(&bridge.left, NULL);
    via_cli_stop_gently();
    result = check(&bridge);
    if (result == VIA_EXIT_OK)
        result = via_cli_roles_choose(args, bridge.host, bridge.roles);
    if (result == VIA_EXIT_OK)
        result = bridge.roles[0] == VIA_PAIR ? serve_pairs(&bridge) : serve_many(&bridge);
    if (bridge.is_abandoned) /* everything has been told, and what was accepted has left */
        _exit(result);
    (void)pthread_cond_destroy(&bridge.left);
    (void)pthread_mutex_destroy(&bridge.lock);
    via_host_close(bridge.host);
    return result;
}
