/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd-bus, two programs directly connected without a bus between them: a method of an object, called and waited for.
 */
#include "contender.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

enum { ATTEMPTS = 5000 };

static const char object[] = "/bench", interface[] = "bench.Calc", member[] = "Add";

static void check(int result, const char *what)
{
    if (result < 0)
        contender_failed(what, strerror(-result));
}

static int make_socket(const char *path, struct sockaddr_un *name)
{
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)strncpy(name->sun_path, path, sizeof(name->sun_path) - 1);
    check(made < 0 ? -errno : 0, "socket");
    return made;
}

static sd_bus *make_bus(int connection, bool is_server)
{
    sd_id128_t id;
    sd_bus *bus;

    check(sd_id128_randomize(&id), "sd_id128_randomize");
    check(sd_bus_new(&bus), "sd_bus_new");
    check(sd_bus_set_fd(bus, connection, connection), "sd_bus_set_fd");
    if (is_server)
        check(sd_bus_set_server(bus, 1, id), "sd_bus_set_server");
    check(sd_bus_start(bus), "sd_bus_start");
    return bus;
}

/* ---- the server --------------------------------------------------------------------------------------------- */

static int add(sd_bus_message *message, void *user, sd_bus_error *error)
{
    int32_t a, b;

    (void)user;
    (void)error;
    check(sd_bus_message_read(message, "ii", &a, &b), "sd_bus_message_read");
    return sd_bus_reply_method_return(message, "i", a + b);
}

static const sd_bus_vtable methods[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Add", "ii", "i", add, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static void serve(const char *path)
{
    struct sockaddr_un name;
    int listening = make_socket(path, &name);

    check(bind(listening, (const struct sockaddr *)&name, sizeof(name)) < 0 ? -errno : 0, "bind");
    check(listen(listening, 1) < 0 ? -errno : 0, "listen");
    int connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    check(connection < 0 ? -errno : 0, "accept4");
    sd_bus *bus = make_bus(connection, true);
    check(sd_bus_add_object_vtable(bus, NULL, object, interface, methods, NULL), "sd_bus_add_object_vtable");
    for (;;) {
        int done = sd_bus_process(bus, NULL);
        if (done == -ECONNRESET)
            return; /* the client has gone */
        check(done, "sd_bus_process");
        if (done == 0)
            check(sd_bus_wait(bus, UINT64_MAX), "sd_bus_wait");
    }
}

/* ---- the client --------------------------------------------------------------------------------------------- */

static void *open_client(const char *path)
{
    const struct timespec pause = {0, 1000000};
    struct sockaddr_un name;
    int connection = make_socket(path, &name);

    for (int i = 0; connect(connection, (const struct sockaddr *)&name, sizeof(name)) != 0; i++) {
        if (i == ATTEMPTS)
            contender_failed("connect", strerror(errno));
        (void)nanosleep(&pause, NULL);
    }
    return make_bus(connection, false);
}

static int32_t call(void *bus, int32_t a, int32_t b)
{
    sd_bus_message *reply = NULL;
    int32_t sum;

    check(sd_bus_call_method(bus, NULL, object, interface, member, NULL, &reply, "ii", a, b), "sd_bus_call_method");
    check(sd_bus_message_read(reply, "i", &sum), "sd_bus_message_read");
    sd_bus_message_unref(reply);
    return sum;
}

static void close_client(void *bus)
{
    sd_bus_close(bus);
    sd_bus_unref(bus);
}

int main(int argc, char **argv)
{
    static const struct contender contender = {serve, open_client, call, close_client};

    return contender_main(&contender, argc, argv);
}
