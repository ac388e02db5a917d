/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that answers what no honest one does: the call fails with a reason, what it would have written is 0, nothing beyond the
 * caller's room is touched, and only functions that were passed are called.
 */
#include "both_ends.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ID_BYTES = 5, ROOM = 8, GUARD = 0x5a };

/* What the server does with one request; `id` is the number of the call as it was packed. */
typedef struct script {
    const char *name;
    const char *reply; /* behind [1, id: the error and the result */
    size_t size;
    const char *method; /* that is called */
    via_status status;  /* that the call has to answer */
    bool says_before;   /* `reply` is a whole request, [0, 7, ... to be answered by an error before the good reply */
    size_t times;       /* how often the reply is sent; 0 = once */
} script;

typedef struct scene {
    const script *played;
    via_host *host;
    via_listener *listener;
    via_channel *client;
    pthread_t thread;
    bool greets;
    bool was_refused; /* the request of the server, by the client */
} scene;

/* ---- the server --------------------------------------------------------------------------------------------- */

/* Its size. */
static size_t find_id(const via_msg *request, unsigned char *id)
{
    const unsigned char *bytes = request->data;
    size_t size = bytes[2] == 0xce ? 5 : bytes[2] == 0xcd ? 3 : bytes[2] == 0xcc ? 2 : 1;

    assert_true(request->size > 2 + size);
    memcpy(id, bytes + 2, size);
    return size;
}

static void send_bytes(via_channel *channel, const void *head, size_t head_size, const void *id, size_t id_size,
                       const void *rest, size_t rest_size)
{
    const via_slice slices[] = {{head, head_size}, {id, id_size}, {rest, rest_size}};

    (void)!via_sendv(channel, slices, 3, NULL, via_after_ms(5000));
}

static void ask(scene *acted, via_channel *channel)
{
    via_msg answer;

    send_bytes(channel, "", 0, "", 0, acted->played->reply, acted->played->size);
    if (via_recv(channel, via_after_ms(5000), &answer) != VIA_OK)
        return;
    const unsigned char *bytes = answer.data;
    acted->was_refused = answer.size > 4 && bytes[1] == 1 && bytes[2] == 7 && bytes[3] != 0xc0;
    via_release(channel, &answer);
}

static void *play(void *argument)
{
    scene *acted = argument;
    const script *played = acted->played;
    unsigned char id[ID_BYTES];
    via_channel *channel;
    via_msg request;

    if (via_accept(acted->listener, via_after_ms(5000), &channel, NULL) != VIA_OK)
        return NULL;
    while (via_recv(channel, VIA_FOREVER, &request) == VIA_OK) {
        size_t size = find_id(&request, id);
        via_release(channel, &request);
        if (played->says_before)
            ask(acted, channel);
        for (size_t i = 0; i < (played->times ? played->times : 1); i++)
            send_bytes(channel, "\x94\x01", 2, id, size, played->says_before ? "\xc0\x2a" : played->reply,
                       played->says_before ? 2 : played->size);
    }
    via_close(channel);
    return NULL;
}

static void open_scene(scene *acted, const script *played, bool greets)
{
    static int serial;
    char address[512], plain[64];
    via_error error;

    *acted = (scene){.played = played, .greets = greets};
    (void)snprintf(plain, sizeof(plain), "unix:liar-%d-%d", (int)getpid(), serial++);
    (void)snprintf(address, sizeof(address), "%s?layers=rpc&rpc.interface=%s&rpc.greet=%s", plain, CALC_INTERFACE,
                   greets ? "true" : "false");
    assert_int_equal(via_host_open(NULL, &acted->host, &error), VIA_OK);
    assert_int_equal(via_listen(acted->host, plain, NULL, &acted->listener, &error), VIA_OK);
    assert_int_equal(pthread_create(&acted->thread, NULL, play, acted), 0);
    assert_int_equal(via_dial(acted->host, address, NULL, via_after_ms(5000), &acted->client, &error), VIA_OK);
}

static void close_scene(scene *acted)
{
    via_close(acted->client);
    assert_int_equal(pthread_join(acted->thread, NULL), 0);
    via_listener_close(acted->listener);
    via_host_close(acted->host);
}

/* ---- the calls ---------------------------------------------------------------------------------------------- */

static int32_t never(void *user, int32_t index, const char *name)
{
    (void)user;
    (void)index;
    (void)name;
    fail_msg("called with what nobody may send");
    return 0;
}

/* One buffer for every out parameter, with a guard behind. */
typedef struct memory {
    int64_t result;
    unsigned char text[2 * ROOM];
    double doubles[2 * ROOM];
    size_t size;
    int32_t quotient, remainder;
} memory;

static via_status call(via_channel *client, const char *method, memory *at, via_rpc_error *error)
{
    int32_t a = 7, b = 2;
    size_t room = ROOM;
    const char *words[] = {"x"}, **words_at = words;
    void *text = at->text, *doubles = at->doubles, *size = &at->size, *quotient = &at->quotient,
         *remainder = &at->remainder, *user = at, *none = NULL;
    int32_t (*visit)(void *, int32_t, const char *) = never;
    size_t one = 1;
    const struct {
        const char *name;
        size_t count;
        void *arguments[4];
    } calls[] = {
        {"add", 2, {&a, &b}},
        {"divide", 4, {&a, &b, &quotient, &remainder}},
        {"double_all", 2, {&doubles, &room}},
        {"join", 4, {&words_at, &one, &text, &room}},
        {"reverse", 4, {&words_at, &one, &text, &size}},
        {"each", 3, {&a, &visit, &user}},
        {"each", 3, {&a, &none, &user}},
        {"name_of", 1, {&a}},
        {"mirror", 1, {at->doubles}},
    };
    size_t i = 0;

    if (strcmp(method, "each without") == 0)
        return via_rpc_call(client, "each", &at->result, (void **)(uintptr_t)calls[6].arguments, 3, via_after_ms(5000),
                            error);
    while (strcmp(calls[i].name, method) != 0)
        i++;
    return via_rpc_call(client, method, strcmp(method, "mirror") == 0 ? (void *)at->doubles : &at->result,
                        (void **)(uintptr_t)calls[i].arguments, calls[i].count, via_after_ms(5000), error);
}

static void fill(memory *at)
{
    memset(at, GUARD, sizeof(*at));
    at->size = ROOM;
    at->result = 0;
    for (size_t i = 0; i < (size_t)2 * ROOM; i++)
        at->doubles[i] = 1;
}

static void assert_untouched_behind(const memory *at)
{
    for (size_t i = ROOM; i < (size_t)2 * ROOM; i++) {
        assert_int_equal(at->text[i], GUARD);
        assert_true(at->doubles[i] == 1);
    }
}

static void run_script(const script *played, bool greets)
{
    via_rpc_error error = {.text = ""};
    memory at;
    scene acted;

    fill(&at);
    open_scene(&acted, played, greets);
    via_status status = call(acted.client, played->method, &at, &error);
    if (played->says_before)
        assert_true(acted.was_refused);
    else if (played->status != status)
        fail_msg("%s: %s, %s", played->name, via_status_name(status), error.text);
    if (status != VIA_OK)
        assert_true(at.result == 0 && error.status == status);
    assert_untouched_behind(&at);
    close_scene(&acted);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

#define SAYS(bytes) (bytes), sizeof(bytes) - 1

static const script replies[] = {
    {"a text for a number", SAYS("\xc0\xa1x"), "add", VIA_ETYPE, false, 0},
    {"nothing for a number", SAYS("\xc0\xc0"), "add", VIA_ETYPE, false, 0},
    {"a list for a number", SAYS("\xc0\x91\x01"), "add", VIA_ETYPE, false, 0},
    {"a number out of range", SAYS("\xc0\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "add", VIA_ETYPE, false, 0},
    {"a fraction", SAYS("\xc0\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), "add", VIA_ETYPE, false, 0},
    {"a list that never ends", SAYS("\xc0\xdd\xff\xff\xff\xff"), "divide", VIA_EPROTO, false, 0},
    {"one of two", SAYS("\xc0\x91\x01"), "divide", VIA_ETYPE, false, 0},
    {"three of two", SAYS("\xc0\x93\x01\x02\x03"), "divide", VIA_ETYPE, false, 0},
    {"too many elements", SAYS("\xc0\x99\x01\x01\x01\x01\x01\x01\x01\x01\x01"), "double_all", VIA_ETYPE, false, 0},
    {"too few elements", SAYS("\xc0\x91\x01"), "double_all", VIA_ETYPE, false, 0},
    {"a text that is too long", SAYS("\xc0\x92\x08\xa8longlong"), "join", VIA_ETYPE, false, 0},
    {"a text that is none", SAYS("\xc0\x92\x02\xa2\xff\xfe"), "join", VIA_ETYPE, false, 0},
    {"too many bytes",
     SAYS("\xc0\xc4\x09"
          "123456789"),
     "reverse", VIA_ETYPE, false, 0},
    {"bytes without end", SAYS("\xc0\xc6\xff\xff\xff\xff"), "reverse", VIA_EPROTO, false, 0},
    {"a struct that is a list of one", SAYS("\xc0\x91\x01"), "mirror", VIA_ETYPE, false, 0},
    {"a struct that is a number", SAYS("\xc0\x01"), "mirror", VIA_ETYPE, false, 0},
    {"a text with a NUL",
     SAYS("\xc0\xa2"
          "a\0"),
     "name_of", VIA_ETYPE, false, 0},
    {"an error that is a number", SAYS("\x07\xc0"), "add", VIA_EREMOTE, false, 0},
    {"an error that is a tree", SAYS("\x81\x91\x91\x91\xc0\x90\xc0"), "add", VIA_EREMOTE, false, 0},
    {"an error and a result", SAYS("\xa2no\x2a"), "add", VIA_EREMOTE, false, 0},
    {"no result at all", SAYS("\xc0"), "add", VIA_EPROTO, false, 0},
    {"two results", SAYS("\xc0\x2a\x2a"), "add", VIA_EPROTO, false, 0},
    {"no message", SAYS("\xc1"), "add", VIA_EPROTO, false, 0},
};

static void wrong_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        run_script(&replies[i], false);
}

/* The first call that is answered is rpc.hello: whoever answers nonsense is taken for a stranger, and gets the call itself. */
static void wrong_answers_to_the_greeting(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        run_script(&replies[i], true);
}

#define ASKS(bytes)                                                                                                    \
    SAYS("\x94\x00\x07\xac"                                                                                            \
         "rpc.callback" bytes)

/* The first call of a connection has the number 1024: its parameters' callbacks begin with 32768. */
static const script questions[] = {
    {"no number", ASKS("\x90"), "each", VIA_OK, true, 0},
    {"number 0", ASKS("\x91\x00"), "each", VIA_OK, true, 0},
    {"a text", ASKS("\x91\xa1x"), "each", VIA_OK, true, 0},
    {"an invented call", ASKS("\x93\xce\x00\x01\x80\x01\x00\xc0"), "each", VIA_OK, true, 0},
    {"a parameter that is a number", ASKS("\x93\xcd\x80\x00\x00\xc0"), "each", VIA_OK, true, 0},
    {"a parameter that is the user's", ASKS("\x93\xcd\x80\x02\x00\xc0"), "each", VIA_OK, true, 0},
    {"a parameter that there is not", ASKS("\x93\xcd\x80\x1f\x00\xc0"), "each", VIA_OK, true, 0},
    {"a callback that is NULL", ASKS("\x93\xcd\x80\x01\x00\xc0"), "each without", VIA_OK, true, 0},
    {"a method that has none", ASKS("\x93\xcd\x80\x01\x00\xc0"), "add", VIA_OK, true, 0},
    {"values of the wrong kind", ASKS("\x93\xcd\x80\x01\xa1x\xc0"), "each", VIA_OK, true, 0},
    {"too few values", ASKS("\x92\xcd\x80\x01\x00"), "each", VIA_OK, true, 0},
    {"a text that is none", ASKS("\x93\xcd\x80\x01\x00\xa1\xff"), "each", VIA_OK, true, 0},
    {"a method that is not served",
     SAYS("\x94\x00\x07\xa3"
          "add\x92\x01\x02"),
     "add", VIA_OK, true, 0},
    {"a description of one who serves nothing",
     SAYS("\x94\x00\x07\xac"
          "rpc.describe\x90"),
     "add", VIA_OK, true, 0},
};

static void callbacks_that_nobody_passed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        run_script(&questions[i], false);
}

static void replies_twice(void **state)
{
    static const script twice = {"twice", SAYS("\xc0\x2a"), "add", VIA_OK, false, 2};
    via_rpc_stats stats = {.size = sizeof(stats)};
    via_rpc_error error;
    memory at;
    scene acted;

    (void)state;
    open_scene(&acted, &twice, false);
    for (int i = 0; i < 100; i++) {
        fill(&at);
        assert_int_equal(call(acted.client, "add", &at, &error), VIA_OK);
        assert_int_equal(at.result, 42);
    }
    (void)!via_rpc_pump(acted.client, via_after_ms(5000));
    assert_int_equal(via_rpc_stats_get(acted.client, &stats), VIA_OK);
    assert_int_equal(stats.late_replies, 100);
    assert_int_equal(stats.in_flight, 0);
    close_scene(&acted);
}

/* ---- its description ---------------------------------------------------------------------------------------- */

static void descriptions_that_are_none(void **state)
{
    static const script descriptions[] = {
        {"a number", SAYS("\xc0\x07"), NULL, VIA_OK, false, 0},
        {"no JSON", SAYS("\xc0\xa3{{{"), NULL, VIA_OK, false, 0},
        {"another file", SAYS("\xc0\xa2{}"), NULL, VIA_OK, false, 0},
        {"no text", SAYS("\xc0\xa2\xff\xfe"), NULL, VIA_OK, false, 0},
        {"an error", SAYS("\xa2no\xc0"), NULL, VIA_OK, false, 0},
    };
    via_rpc_error error;
    scene acted;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(descriptions) / sizeof(descriptions[0]); i++) {
        open_scene(&acted, &descriptions[i], false);
        via_status status = via_rpc_describe(acted.client, via_after_ms(5000), &text, &error);
        assert_int_equal(status == VIA_OK, text != NULL);
        via_free(text);
        close_scene(&acted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_replies),
        cmocka_unit_test(wrong_answers_to_the_greeting),
        cmocka_unit_test(callbacks_that_nobody_passed),
        cmocka_unit_test(replies_twice),
        cmocka_unit_test(descriptions_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
