/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host, an address of its own, and raw sockets that speak SP badly on purpose; see scene.h.
 */
#include "scene.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000 };

int scene_open(void **state)
{
    scene *s = calloc(1, sizeof(*s));

    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/via-faults.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(s->path, sizeof(s->path), "%s/s", s->folder);
    (void)snprintf(s->address, sizeof(s->address), "unix:%s", s->path);
    assert_int_equal(via_host_open(NULL, &s->host, NULL), VIA_OK);
    *state = s;
    return 0;
}

int scene_close(void **state)
{
    scene *s = *state;
    char lock[112];

    via_host_close(s->host);
    (void)snprintf(lock, sizeof(lock), "%s.lock", s->path);
    (void)unlink(lock); /* of a listener that was killed */
    (void)unlink(s->path);
    (void)rmdir(s->folder);
    free(s);
    return 0;
}

via_deadline scene_patience(void)
{
    return via_after_ms(PATIENCE_MS);
}

/* ---- through the library ------------------------------------------------------------------------------------ */

static const char *with_options(const scene *s, const char *options, char *address, size_t capacity)
{
    (void)snprintf(address, capacity, "%s%s%s", s->address, options ? "?" : "", options ? options : "");
    return address;
}

via_listener *scene_listen(scene *s, const char *options)
{
    char address[256];
    via_listener *listener = NULL;
    via_error error;

    if (via_listen(s->host, with_options(s, options, address, sizeof(address)), NULL, &listener, &error) != VIA_OK)
        fail_msg("listen: %s", error.what);
    return listener;
}

via_channel *scene_dial(scene *s, const char *options)
{
    char address[256];
    via_channel *channel = NULL;
    via_error error;

    if (via_dial(s->host, with_options(s, options, address, sizeof(address)), NULL, scene_patience(), &channel,
                 &error) != VIA_OK)
        fail_msg("dial: %s", error.what);
    return channel;
}

via_channel *scene_accept(via_listener *listener)
{
    via_channel *channel = NULL;
    via_error error;

    if (via_accept(listener, scene_patience(), &channel, &error) != VIA_OK)
        fail_msg("accept: %s", error.what);
    return channel;
}

via_channel *scene_join(scene *s, uint32_t role, uint32_t side, const char *options)
{
    char address[256];
    via_open_options how;
    via_channel *channel = NULL;
    via_error error;

    via_open_options_init(&how);
    how.side = side;
    if (via_join(s->host, with_options(s, options, address, sizeof(address)), role, &how, scene_patience(), &channel,
                 &error) != VIA_OK)
        fail_msg("join: %s", error.what);
    return channel;
}

void scene_send(via_channel *channel, const char *text)
{
    assert_int_equal(via_send(channel, text, strlen(text), NULL, scene_patience()), VIA_OK);
}

void scene_expect(via_channel *channel, const char *text)
{
    via_msg message;

    assert_int_equal(via_recv(channel, scene_patience(), &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    via_release(channel, &message);
}

static uint64_t counter(via_channel *channel, size_t field)
{
    via_counters counters = {.size = sizeof(counters)};
    uint64_t value;

    assert_int_equal(via_stats(channel, &counters), VIA_OK);
    memcpy(&value, (const char *)&counters + field, sizeof(value));
    return value;
}

/* One sleep on the channel's handle, so that its work gets done. */
static void work_once(via_channel *channel)
{
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_pollable(channel, VIA_WORK, &handle), VIA_OK);
    struct pollfd set = {.fd = (int)handle.handle, .events = POLLIN};
    if (via_arm(channel, VIA_WORK) == VIA_OK)
        (void)poll(&set, 1, 20);
}

void scene_wait_peers(via_channel *channel, uint64_t peers)
{
    via_deadline end = scene_patience();

    while (counter(channel, offsetof(via_counters, peers)) != peers && via_now_ns() < end)
        work_once(channel);
    assert_int_equal(counter(channel, offsetof(via_counters, peers)), peers);
}

void scene_wait_counter(via_channel *channel, size_t field, uint64_t value)
{
    via_deadline end = scene_patience();

    while (counter(channel, field) < value && via_now_ns() < end)
        work_once(channel);
    assert_true(counter(channel, field) >= value);
}

/* ---- past it ------------------------------------------------------------------------------------------------ */

static struct sockaddr_un name_of(const scene *s)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", s->path);
    return name;
}

void scene_raw_send(int descriptor, const void *data, size_t size)
{
    assert_int_equal(send(descriptor, data, size, MSG_NOSIGNAL), (ssize_t)size);
}

int scene_raw(scene *s, uint16_t protocol)
{
    const uint8_t greeting[8] = {0, 'S', 'P', 0, (uint8_t)(protocol >> 8), (uint8_t)(protocol & 0xff), 0, 0};
    struct sockaddr_un name = name_of(s);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&name, sizeof(name)), 0);
    if (protocol)
        scene_raw_send(descriptor, greeting, sizeof(greeting));
    return descriptor;
}

int scene_raw_listen(scene *s)
{
    struct sockaddr_un name = name_of(s);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(descriptor, 8), 0);
    return descriptor;
}

void scene_raw_frame(int descriptor, uint64_t claimed, const void *body, size_t size)
{
    uint8_t header[9] = {1};

    for (int i = 0; i < 8; i++)
        header[1 + i] = (uint8_t)(claimed >> (56 - 8 * i));
    scene_raw_send(descriptor, header, sizeof(header));
    scene_raw_send(descriptor, body, size);
}

bool scene_raw_is_closed(int descriptor)
{
    char scrap[4096];
    struct pollfd set = {.fd = descriptor, .events = POLLIN};

    for (;;) {
        if (poll(&set, 1, PATIENCE_MS) <= 0)
            return false;
        if (recv(descriptor, scrap, sizeof(scrap), 0) <= 0)
            return true;
    }
}
