/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via serve`: the functions of a shared library, for every client that comes.
 *
 * Owns: the clients, and who is served when: this one thread pumps whichever is ready. A client that fails costs itself only.
 * What would fail every client (the interface, the library) is found out before the first, by being the first ourselves.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <viaduct/rpc.h>

#include "commands.h"
#include "facts.h"
#include "rpc_open.h"
#include "session.h"
#include "stop.h"

enum {
    AT_ONCE = 16, /* clients of one look, and messages of one client before the next has a turn */
    CHECK_MS = 1000,
    DIAL_MS = 5000
};

struct client {
    struct client *next, **link;
    via_channel *channel;
};

struct server {
    const via_cli_args *args;
    via_cli_rpc rpc;
    via_listener *listener; /* NULL = there is one client, and whoever started us is it */
    via_waitset *set;
    struct client *clients;
    void *library; /* kept loaded: what it remembers outlives its clients */
    bool is_full;  /* the listener waits until a client has left */
};

/* ---- clients ------------------------------------------------------------------------------------------------ */

static void let_go(struct server *server, struct client *client)
{
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    via_close(client->channel);
    free(client);
    if (server->is_full && via_waitset_add_listener(server->set, server->listener, NULL) == VIA_OK)
        server->is_full = false;
}

/* An exit status. The channel is the client's, or closed. */
static int take_in(struct server *server, via_channel *channel)
{
    via_error error;
    via_error_init(&error);
    struct client *client = calloc(1, sizeof *client);
    if (!client) {
        via_close(channel);
        return via_cli_out_of_memory();
    }
    client->channel = channel;
    client->next = server->clients;
    client->link = &server->clients;
    if (client->next)
        client->next->link = &client->next;
    server->clients = client;
    int result = VIA_EXIT_OK;
    if (via_rpc_serve_library(channel, server->args->library, NULL, &error) != VIA_OK)
        result = via_cli_error(server->args->library, &error);
    else if (via_waitset_add(server->set, channel, VIA_READ, client) != VIA_OK)
        result = via_cli_out_of_memory();
    if (result != VIA_EXIT_OK)
        let_go(server, client);
    return result;
}

/* Nobody else can be let in before somebody leaves; asking again at once would only burn the processor. */
static void wait_for_room(struct server *server)
{
    if (server->clients && via_waitset_remove_listener(server->set, server->listener) == VIA_OK)
        server->is_full = true;
}

/* One that cannot be let in is told, and the others are not its business. */
static void welcome(struct server *server)
{
    via_channel *channel;
    via_error error;
    via_error_init(&error);
    via_status status = via_accept(server->listener, VIA_NOW, &channel, &error);
    if (status == VIA_OK)
        (void)take_in(server, channel);
    else if (status != VIA_ETIMEDOUT)
        (void)via_cli_error(server->rpc.address, &error);
    if (status == VIA_ELIMIT || status == VIA_ENOMEM)
        wait_for_room(server);
}

/* How it ended. VIA_OK: it has not. */
static via_status attend(struct server *server, struct client *client)
{
    via_status status = VIA_OK;
    via_cli_stop_interrupts(client->channel); /* which may have to wait for room, or for the answer of a callback */
    for (int i = 0; i < AT_ONCE && status == VIA_OK && !via_cli_stopped(); i++)
        status = via_rpc_pump(client->channel, VIA_NOW);
    via_cli_stop_interrupts(NULL);
    if (status == VIA_OK || status == VIA_ETIMEDOUT || via_cli_stopped())
        return VIA_OK;
    if (status != VIA_ECLOSED && status != VIA_EPEER)
        (void)via_cli_status(server->rpc.address, client->channel, status);
    let_go(server, client);
    return status;
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */

/* An exit status, once there is nobody left to serve. */
static int serve(struct server *server)
{
    via_ready ready[AT_ONCE];
    via_status last = VIA_OK;
    while (!via_cli_stopped() && (server->listener || server->clients)) {
        size_t count = 0;
        via_status status = via_waitset_wait(server->set, ready, AT_ONCE, &count, VIA_FOREVER);
        if (status != VIA_OK && !via_cli_stopped())
            return via_cli_status(server->rpc.address, NULL, status);
        for (size_t i = 0; i < count && status == VIA_OK && !via_cli_stopped(); i++) {
            if (ready[i].listener)
                welcome(server);
            else
                last = attend(server, ready[i].user);
        }
    }
    return server->listener || via_cli_stopped() || last == VIA_ECLOSED ? VIA_EXIT_OK : via_cli_exit_of(last);
}

/* ---- before ------------------------------------------------------------------------------------------------- */

static bool asks_for_any_port(const char *address)
{
    size_t size = strcspn(address, "?");
    return size > 1 && strncmp(address + size - 2, ":0", 2) == 0;
}

/* Where clients dial, as far as it can be told: with the port that was chosen, and the options as given. */
static void find_address(const struct server *server, char *address, size_t capacity)
{
    const char *given = server->rpc.address;
    char chosen[512];
    if (server->listener && asks_for_any_port(given) &&
        via_listener_address(server->listener, chosen, sizeof chosen) == VIA_OK)
        (void)snprintf(address, capacity, "%s%s", chosen, given + strcspn(given, "?"));
    else
        (void)snprintf(address, capacity, "%s", given);
}

/* Nobody has answered: then it is only the client that is missing, and what it would have found out comes later. */
static bool is_mere_absence(via_status status)
{
    return status == VIA_ENOPEER || status == VIA_ETIMEDOUT || status == VIA_ECANCELED || status == VIA_EBUSY;
}

/* Dials, and is let in as anybody. */
static int check_by_coming(struct server *server, const char *address)
{
    via_error error;
    via_open_options options;
    via_channel *own = NULL, *channel;
    int result = VIA_EXIT_OK;
    via_error_init(&error);
    via_cli_rpc_options(&server->rpc, &options);
    via_status status = via_dial(server->rpc.host, address, &options, via_after_ms(CHECK_MS), &own, &error);
    if (status != VIA_OK)
        return is_mere_absence(status) ? VIA_EXIT_OK : via_cli_error(server->rpc.address, &error);
    status = via_accept(server->listener, via_after_ms(CHECK_MS), &channel, &error);
    if (status == VIA_OK)
        result = take_in(server, channel);
    else if (!is_mere_absence(status))
        result = via_cli_error(server->rpc.address, &error);
    via_close(own);
    return result;
}

static void announce(const struct server *server, const char *address)
{
    json_t *interface = via_cli_rpc_read(&server->rpc);
    const char *name = json_string_value(json_object_get(interface, "name"));
    const char *version = json_string_value(json_object_get(interface, "version"));
    size_t count = json_object_size(json_object_get(interface, "methods"));
    (void)fprintf(stderr, "via: serving %s %s, %zu method%s, at ", name ? name : "?", version ? version : "", count,
                  count == 1 ? "" : "s");
    via_cli_put_text(stderr, address);
    (void)fputc('\n', stderr);
    json_decref(interface);
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

static int open_listener(struct server *server, char *address, size_t capacity)
{
    via_error error;
    via_open_options options;
    via_error_init(&error);
    via_cli_rpc_options(&server->rpc, &options);
    if (via_listen(server->rpc.host, server->rpc.address, &options, &server->listener, &error) != VIA_OK)
        return via_cli_error(server->rpc.address, &error);
    if (via_waitset_add_listener(server->set, server->listener, NULL) != VIA_OK)
        return via_cli_out_of_memory();
    find_address(server, address, capacity);
    return check_by_coming(server, address);
}

/* Where nobody can listen, such as at our own standard input and output, there is one client. */
static int open_only_client(struct server *server)
{
    via_error error;
    via_open_options options;
    via_channel *channel;
    via_error_init(&error);
    via_cli_rpc_options(&server->rpc, &options);
    if (via_dial(server->rpc.host, server->rpc.address, &options, via_after_ms(DIAL_MS), &channel, &error) != VIA_OK)
        return via_cli_error(server->rpc.address, &error);
    return take_in(server, channel);
}

static int open_all(struct server *server)
{
    char address[1024];
    via_error error;
    via_error_init(&error);
    if (via_waitset_create(&server->set, &error) != VIA_OK)
        return via_cli_error(NULL, &error);
    via_cli_stop_wakes(server->set);
    (void)snprintf(address, sizeof address, "%s", server->rpc.address);
    bool is_place = via_cli_is_listened_on(server->args, server->rpc.host, server->rpc.address);
    int result = is_place ? open_listener(server, address, sizeof address) : open_only_client(server);
    if (result != VIA_EXIT_OK)
        return result;
    server->library = dlopen(server->args->library, RTLD_NOW | RTLD_LOCAL);
    announce(server, address);
    return VIA_EXIT_OK;
}

static void close_all(struct server *server)
{
    server->is_full = false; /* let nobody in any more */
    for (struct client *client = server->clients, *next; client; client = next) {
        next = client->next;
        let_go(server, client);
    }
    via_listener_close(server->listener);
    via_cli_stop_wakes(NULL);
    via_waitset_destroy(server->set);
    if (server->library)
        (void)dlclose(server->library);
}

static int check_words(const struct server *server)
{
    if (!server->args->library)
        return via_cli_usage(server->args->command, NULL, "say which library is served: --library LIB");
    if (!server->rpc.interface)
        return via_cli_usage(server->args->command, NULL, "say which functions are served: --interface FILE");
    return VIA_EXIT_OK;
}

int via_cli_run_serve(const via_cli_args *args)
{
    struct server server = {.args = args};
    via_host *host;
    int result = via_cli_host_open(args, &host);
    if (result != VIA_EXIT_OK)
        return result;
    via_cli_stop_gently();
    result = via_cli_rpc_init(&server.rpc, args, host);
    if (result == VIA_EXIT_OK)
        result = check_words(&server);
    if (result == VIA_EXIT_OK)
        result = open_all(&server);
    if (result == VIA_EXIT_OK)
        result = serve(&server);
    close_all(&server);
    via_cli_rpc_fini(&server.rpc);
    via_host_close(host);
    return result;
}
