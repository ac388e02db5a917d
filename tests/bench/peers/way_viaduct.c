/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Viaduct itself, through the public ABI: any address that can be listened on and dialed.
 *
 * A transport that knows how to wait is told; elsewhere a spinning receiver asks again and again without waiting, and a
 * hybrid one does so for a while.
 */
#include "ways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <viaduct/viaduct.h>

enum { ADDRESS_MOST = 1024 };

struct ends {
    via_listener *listener;
    via_channel *channel;
    unsigned tries; /* receiving without waiting, before waiting; UINT32_MAX = for ever */
};

static bool waits_by_itself(const char *address)
{
    static const char *const such[] = {"shm:", "unix:", "ipc:", "tcp:", "mq:"};

    for (size_t i = 0; i < sizeof(such) / sizeof(such[0]); i++)
        if (strncmp(address, such[i], strlen(such[i])) == 0)
            return true;
    return false;
}

/* A message queue has a name of the kernel's, and no folder. */
static bool has_path(const char *address)
{
    return strncmp(address, "mq:", 3) != 0;
}

/* The address with a name that is this run's, where it ends in the word NAME, and this run's wait, unless it says how to wait. */
static void write_address(const struct place *place, char *buffer, size_t capacity)
{
    static const char *const waits[WAKE_COUNT] = {"block", "spin", "hybrid"};
    const char *query = strchr(place->address, '?');
    size_t length = query ? (size_t)(query - place->address) : strlen(place->address);
    bool is_open = length > 0 && place->address[length - 1] == ':';
    bool is_told = waits_by_itself(place->address) && !(query && strstr(query, "wake="));
    const char *wait = is_told ? waits[place->wake] : NULL;

    (void)snprintf(buffer, capacity, "%.*s%s%s%s%s%s%s", (int)length, place->address,
                   is_open && has_path(place->address) ? place->folder : "",
                   is_open && has_path(place->address) ? "/" : "", is_open ? place->name : "", query ? query : "",
                   !wait   ? ""
                   : query ? "&wake="
                           : "?wake=",
                   wait ? wait : "");
}

static void fail(const char *what, const via_error *error)
{
    char why[600];

    (void)snprintf(why, sizeof(why), "%s: %s", via_status_name(error->status), error->what);
    way_failed(what, why);
}

/* A port that the system chose is told to the client in the memory that both share. */
static void *prepare_viaduct(const struct place *place)
{
    (void)place;
    return way_share(ADDRESS_MOST);
}

/* Says where it listens, with the options that the address came with. */
static via_status announce(const struct ends *self, const char *address, char *told)
{
    const char *query = strchr(address, '?');
    via_status status = via_listener_address(self->listener, told, ADDRESS_MOST);

    if (status == VIA_OK && query && !strchr(told, '?'))
        (void)strncat(told, query, ADDRESS_MOST - 1 - strlen(told));
    return status;
}

static void open_server(struct ends *self, const struct place *place)
{
    char address[ADDRESS_MOST];
    via_error error;
    via_status status;

    via_error_init(&error);
    write_address(place, address, sizeof(address));
    if (via_listen(NULL, address, NULL, &self->listener, &error) != VIA_OK)
        fail("via_listen", &error);
    status = announce(self, address, place->shared);
    if (status != VIA_OK)
        way_failed("via_listener_address", via_status_name(status));
}

static void *open_viaduct(const struct place *place, bool is_server)
{
    struct ends *self = calloc(1, sizeof(*self));
    via_error error;

    if (!self)
        way_failed("calloc", "no memory");
    via_error_init(&error);
    if (place->wake != WAKE_BLOCK && !waits_by_itself(place->address))
        self->tries = place->wake == WAKE_SPIN ? UINT32_MAX : WAY_HYBRID_TRIES / 20;
    if (is_server)
        open_server(self, place);
    else if (via_dial(NULL, place->shared, NULL, via_after_ms(5000), &self->channel, &error) != VIA_OK)
        fail("via_dial", &error);
    return self;
}

static via_channel *channel_of(struct ends *self)
{
    via_error error;

    if (!self->channel && via_accept(self->listener, VIA_FOREVER, &self->channel, &error) != VIA_OK)
        fail("via_accept", &error);
    return self->channel;
}

static void send_viaduct(void *argument, const void *data, size_t size, bool more)
{
    const via_meta meta = {.flags = VIA_MORE};
    via_status status = via_send(channel_of(argument), data, size, more ? &meta : NULL, VIA_FOREVER);

    if (status != VIA_OK)
        way_failed("via_send", via_status_name(status));
}

static struct way_copies *copies;

void way_viaduct_count_copies(struct way_copies *counted)
{
    copies = counted;
}

static void copy(void *into, const void *data, size_t size)
{
    uint64_t before = via_now_ns();

    memcpy(into, data, size);
    if (size > 1) { /* not the messages that end a stage */
        copies->ns += via_now_ns() - before;
        copies->bytes += size;
    }
}

static void loan_and_commit(struct ends *self, const void *data, size_t size, bool more)
{
    via_channel *channel = channel_of(self);
    via_msg message;
    via_status status = via_loan(channel, size, VIA_FOREVER, &message);

    if (status == VIA_OK) {
        if (data)
            copy(message.data, data, size);
        message.meta.flags = more ? VIA_MORE : 0;
        status = via_commit(channel, &message, VIA_FOREVER);
    }
    if (status != VIA_OK)
        way_failed("via_loan, via_commit", via_status_name(status));
}

static void send_loan(void *self, const void *data, size_t size, bool more)
{
    (void)data;
    loan_and_commit(self, NULL, size, more);
}

static void send_copy(void *self, const void *data, size_t size, bool more)
{
    loan_and_commit(self, data, size, more);
}

static void take(struct ends *self, via_msg *message)
{
    via_channel *channel = channel_of(self);
    via_status status = VIA_ETIMEDOUT;

    for (unsigned i = 0; status == VIA_ETIMEDOUT && i < self->tries; i += self->tries != UINT32_MAX)
        status = via_recv(channel, VIA_NOW, message);
    if (status == VIA_ETIMEDOUT)
        status = via_recv(channel, VIA_FOREVER, message);
    if (status != VIA_OK)
        way_failed("via_recv", via_status_name(status));
}

static size_t receive_viaduct(void *self)
{
    via_msg message;
    size_t size;

    take(self, &message);
    size = message.size;
    way_look(message.data, size);
    via_release(channel_of(self), &message);
    return size;
}

static size_t receive_loan(void *self)
{
    via_msg message;
    size_t size;

    take(self, &message);
    size = message.size;
    via_release(channel_of(self), &message);
    return size;
}

static void close_viaduct(void *argument)
{
    struct ends *self = argument;

    via_close(self->channel);
    via_listener_close(self->listener);
    free(self);
}

/* The name is that of the address. */
const struct way way_viaduct = {
    .wakes = SPIN | HYBRID | BLOCK,
    .prepare = prepare_viaduct,
    .open = open_viaduct,
    .send = send_viaduct,
    .receive = receive_viaduct,
    .close = close_viaduct,
};

const struct way way_viaduct_loan = {
    .name = "shm:",
    .wakes = SPIN | HYBRID | BLOCK,
    .prepare = prepare_viaduct,
    .open = open_viaduct,
    .send = send_loan,
    .receive = receive_loan,
    .close = close_viaduct,
};

const struct way way_viaduct_copy = {
    .name = "shm:",
    .wakes = SPIN | HYBRID | BLOCK,
    .prepare = prepare_viaduct,
    .open = open_viaduct,
    .send = send_copy,
    .receive = receive_viaduct,
    .close = close_viaduct,
};
