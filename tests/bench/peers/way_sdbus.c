/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd-bus, two programs directly connected without a bus between them. A message is a signal with one array of bytes.
 */
#include "way.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

enum { MOST = 32 << 20 }; /* an array may have 64 MiB */

static const char path[] = "/bench";
static const char interface[] = "bench.Peers";
static const char member[] = "Message";

static void check(int result, const char *what)
{
    if (result < 0)
        way_failed(what, strerror(-result));
}

static void *prepare_sdbus(const struct place *place)
{
    int *pair = calloc(2, sizeof(*pair));

    (void)place;
    if (!pair || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        way_failed("socketpair", strerror(errno));
    return pair;
}

static void *open_sdbus(const struct place *place, bool is_server)
{
    const int *pair = place->shared;
    sd_id128_t id;
    sd_bus *bus;

    (void)close(pair[!is_server]);
    check(sd_id128_randomize(&id), "sd_id128_randomize");
    check(sd_bus_new(&bus), "sd_bus_new");
    check(sd_bus_set_fd(bus, pair[is_server], pair[is_server]), "sd_bus_set_fd");
    if (is_server)
        check(sd_bus_set_server(bus, 1, id), "sd_bus_set_server");
    check(sd_bus_start(bus), "sd_bus_start");
    return bus;
}

static void send_sdbus(void *bus, const void *data, size_t size, bool more)
{
    sd_bus_message *message = NULL;

    (void)more;
    check(sd_bus_message_new_signal(bus, &message, path, interface, member), "sd_bus_message_new_signal");
    check(sd_bus_message_append_array(message, 'y', data, size), "sd_bus_message_append_array");
    check(sd_bus_send(bus, message, NULL), "sd_bus_send");
    check(sd_bus_flush(bus), "sd_bus_flush"); /* what a full socket left in the queue */
    sd_bus_message_unref(message);
}

static sd_bus_message *next_message(sd_bus *bus)
{
    for (;;) {
        sd_bus_message *message = NULL;
        int done = sd_bus_process(bus, &message);

        check(done, "sd_bus_process");
        if (message && sd_bus_message_is_signal(message, interface, member) > 0)
            return message;
        sd_bus_message_unref(message);
        if (done == 0)
            check(sd_bus_wait(bus, UINT64_MAX), "sd_bus_wait");
    }
}

static size_t receive_sdbus(void *bus)
{
    sd_bus_message *message = next_message(bus);
    const void *data;
    size_t size;

    check(sd_bus_message_read_array(message, 'y', &data, &size), "sd_bus_message_read_array");
    way_look(data, size);
    sd_bus_message_unref(message);
    return size;
}

static void close_sdbus(void *bus)
{
    sd_bus_close(bus);
    sd_bus_unref(bus);
}

const struct way way_sdbus = {
    .name = "peer:sd-bus",
    .wakes = BLOCK,
    .most = MOST,
    .prepare = prepare_sdbus,
    .open = open_sdbus,
    .send = send_sdbus,
    .receive = receive_sdbus,
    .close = close_sdbus,
};
