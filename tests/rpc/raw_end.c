/* SPDX-License-Identifier: Apache-2.0 */
#include "raw_end.h"

#include "both_ends.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static void must(via_status status, const via_error *error)
{
    if (status != VIA_OK)
        fail_msg("%s: %s", via_status_name(status), error->what);
}

/* ---- the server --------------------------------------------------------------------------------------------- */

static void *serve(void *argument)
{
    raw_end *end = argument;
    via_channel *channel;
    via_error error;

    while (via_accept(end->listener, VIA_FOREVER, &channel, &error) == VIA_OK) {
        if (via_rpc_serve(channel, calc_functions, calc_function_count, NULL, &error) == VIA_OK)
            while (via_rpc_pump(channel, VIA_FOREVER) == VIA_OK)
                ;
        via_close(channel);
    }
    return NULL;
}

void raw_end_open(raw_end *end, const wire *on)
{
    static int serial;
    char address[512];
    via_error error;

    end->on = on;
    (void)snprintf(end->name, sizeof(end->name), "unix:raw-%d-%d", (int)getpid(), serial++);
    (void)snprintf(address, sizeof(address), "%s?layers=rpc&rpc.interface=%s&rpc.codec=%s%s", end->name, CALC_INTERFACE,
                   on->codec, on->framing);
    must(via_host_open(NULL, &end->host, &error), &error);
    must(via_listen(end->host, address, NULL, &end->listener, &error), &error);
    assert_int_equal(pthread_create(&end->thread, NULL, serve, end), 0);
}

void raw_end_close(raw_end *end)
{
    via_listener_interrupt(end->listener);
    assert_int_equal(pthread_join(end->thread, NULL), 0);
    via_listener_close(end->listener);
    via_host_close(end->host);
}

/* ---- whoever speaks to it ----------------------------------------------------------------------------------- */

via_channel *raw_end_dial(const raw_end *end)
{
    char address[512];
    via_channel *channel;
    via_error error;

    (void)snprintf(address, sizeof(address), "%s?%s", end->name, end->on->raw_framing);
    must(via_dial(end->host, address, NULL, via_after_ms(PATIENCE_MS), &channel, &error), &error);
    return channel;
}

static size_t read_to_the_end(via_channel *channel)
{
    size_t count = 0;
    via_status status;
    via_msg message;

    while ((status = via_recv(channel, via_after_ms(PATIENCE_MS), &message)) == VIA_OK) {
        via_release(channel, &message);
        count++;
    }
    if (status == VIA_ETIMEDOUT)
        fail_msg("the server neither answers nor closes");
    return count;
}

size_t raw_end_say_all(const raw_end *end, const raw_message *messages, size_t count)
{
    via_channel *channel = raw_end_dial(end);
    via_status status = VIA_OK;

    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = via_send(channel, messages[i].bytes, messages[i].size, NULL, via_after_ms(PATIENCE_MS));
    if (status == VIA_OK)
        status = via_finish(channel, via_after_ms(PATIENCE_MS));
    assert_int_not_equal(status, VIA_ETIMEDOUT);
    size_t replies = read_to_the_end(channel);
    via_close(channel);
    return replies;
}

size_t raw_end_say(const raw_end *end, const void *bytes, size_t size)
{
    const raw_message message = {bytes, size};

    return raw_end_say_all(end, &message, 1);
}

void raw_end_still_serves(const raw_end *end)
{
    int32_t a = 40, b = 2, result = 0;
    void *arguments[] = {&a, &b};
    via_rpc_error said = {.text = ""};
    char address[512];
    via_channel *channel;
    via_error error;

    (void)snprintf(address, sizeof(address), "%s?layers=rpc&rpc.interface=%s&rpc.codec=%s%s", end->name, CALC_INTERFACE,
                   end->on->codec, end->on->framing);
    must(via_dial(end->host, address, NULL, via_after_ms(PATIENCE_MS), &channel, &error), &error);
    if (via_rpc_call(channel, "add", &result, arguments, 2, VIA_RPC_USUAL, &said) != VIA_OK)
        fail_msg("%s", said.text);
    assert_int_equal(result, 42);
    via_close(channel);
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

size_t raw_end_frame(const wire *on, const char *text, size_t size, unsigned char *out, size_t capacity)
{
    int header = on->has_header ? snprintf((char *)out, capacity, "Content-Length: %zu\r\n\r\n", size) : 0;

    assert_true(header >= 0 && (size_t)header + size <= capacity);
    memcpy(out + header, text, size);
    return (size_t)header + size;
}

size_t raw_end_good_call(const wire *on, unsigned char *out)
{
    static const char packed[] = "\x94\x00\x01\xa3"
                                 "add\x92\x28\x02";
    static const char json[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":[40,2]}";

    return strcmp(on->codec, "json") == 0 ? raw_end_frame(on, json, sizeof(json) - 1, out, 256)
                                          : raw_end_frame(on, packed, sizeof(packed) - 1, out, 256);
}
