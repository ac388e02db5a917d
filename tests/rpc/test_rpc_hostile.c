/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that no honest client sends: the server answers or closes, never crashes, never grows, and serves the next one.
 */
#include "raw_end.h"
#include "sanitized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { GROWTH_KIB = 48 * 1024, MANY = 10000 };

static const wire packed = {"", "", "msgpack", false}, packed_raw = {"&framing=raw", "framing=raw", "msgpack", false};
static const wire json = {"", "", "json", false},
                  json_header = {"&framing=content-length", "framing=raw", "json", true};

static long peak_kib(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

typedef struct fixture {
    raw_end end;
    long before;
} fixture;

static int open_each(void **state)
{
    fixture *f = test_calloc(1, sizeof(*f));

    raw_end_open(&f->end, *state);
    raw_end_still_serves(&f->end);
    f->before = peak_kib();
    *state = f;
    return 0;
}

static int close_each(void **state)
{
    fixture *f = *state;

    raw_end_still_serves(&f->end);
    if (!IS_SANITIZED)
        assert_true(peak_kib() - f->before < GROWTH_KIB);
    raw_end_close(&f->end);
    test_free(f);
    return 0;
}

/* ---- a good message, spoilt --------------------------------------------------------------------------------- */

static void a_good_call_is_answered(void **state)
{
    const fixture *f = *state;
    unsigned char call[256];

    assert_true(raw_end_say(&f->end, call, raw_end_good_call(f->end.on, call)) >= 1);
}

static void every_truncation(void **state)
{
    const fixture *f = *state;
    unsigned char call[256];
    size_t size = raw_end_good_call(f->end.on, call);

    for (size_t cut = 0; cut < size; cut++)
        (void)raw_end_say(&f->end, call, cut);
}

/* Twice, so that something that is taken for longer than it is finds more. */
static void every_bit_flip(void **state)
{
    const fixture *f = *state;
    unsigned char call[256], spoilt[256];
    size_t size = raw_end_good_call(f->end.on, call);
    const raw_message messages[] = {{spoilt, size}, {call, size}};

    for (size_t bit = 0; bit < 8 * size; bit++) {
        memcpy(spoilt, call, size);
        spoilt[bit / 8] ^= (unsigned char)(1u << bit % 8);
        (void)raw_end_say_all(&f->end, messages, 2);
    }
}

/* Every byte in a message of its own. */
static void byte_by_byte(void **state)
{
    const fixture *f = *state;
    unsigned char call[256];
    raw_message messages[256];
    size_t size = raw_end_good_call(f->end.on, call);

    for (size_t i = 0; i < size; i++)
        messages[i] = (raw_message){call + i, 1};
    (void)raw_end_say_all(&f->end, messages, size);
}

/* ---- nonsense ----------------------------------------------------------------------------------------------- */

typedef struct nonsense {
    const char *bytes;
    size_t size;
} nonsense;

#define N(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static const nonsense packed_nonsense[] = {
    N("\xdd\xff\x00\x00\x00"),             /* kills Neovim 0.7 */
    N("\xdd\xff\xff\xff\xff"),             /* four thousand million elements */
    N("\xdf\xff\xff\xff\xff"),             /* as many pairs */
    N("\xc6\xff\xff\xff\xff"),             /* as many bytes */
    N("\xdb\x7f\xff\xff\xff"),             /* a text of 2 GiB */
    N("\x94\x00\x01\xdb\xff\xff\xff\xff"), /* a method of 4 GiB */
    N("\x94\x00\x01\xa3"
      "add\xdd\xff\xff\xff\xff"), /* parameters without end */
    N("\x94\x00\x01\xa3"
      "sum\x91\xdd\x7f\xff\xff\xff"), /* an array without end */
    N("\xc1"),
    N("\x90"),
    N("\x91\x00"),
    N("\x93\x00\x01\xa3"
      "add"),
    N("\x94\x07\x01\xa3"
      "add\x90"),
    N("\x94\x00\xff\xa3"
      "add\x90"), /* a negative number */
    N("\x94\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa3"
      "add\x92\x01\x02"),
    N("\x94\x00\xa1x\xa3"
      "add\x92\x01\x02"),
    N("\x94\x00\x01\x07\x90"),
    N("\x94\x00\x01\xa0\x90"),
    N("\x94\x00\x01\xa3"
      "add\x80"),
    N("\x94\x00\x01\xa3"
      "add\xc0"),
    N("\x94\x00\x01\xa3"
      "add\x91\x01"),
    N("\x94\x00\x01\xa3"
      "add\x93\x01\x02\x03"),
    N("\x94\x00\x01\xa3"
      "add\x92\xa1x\xc0"),
    N("\x94\x00\x01\xa5"
      "greet\x91\xa2\xff\xfe"), /* no UTF-8 */
    N("\x94\x00\x01\xa5"
      "greet\x91\xa3"
      "a\0b"),
    N("\x94\x00\x01\xa7"
      "reverse\x92\xc4\x01x\xce\x7f\xff\xff\xff"), /* room for 2 GiB */
    N("\x94\x00\x01\xa4"
      "join\x92\x91\xa1x\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    N("\x94\x00\x01\xac"
      "counter_next\x91\x01"),
    N("\x94\x00\x01\xac"
      "counter_free\x91\xcf\x00\x00\x00\x01\x00\x00\x00\x01"),
    N("\x94\x00\x01\xac"
      "counter_free\x91\x00"),
    N("\x94\x01\x01\xc0\x2a"),
    N("\x94\x01\xce\x00\x00\x04\x00\xc0\x2a"),
    N("\x94\x01\x01\xa1x\xc0"),
    N("\x94\x01\xc0\xc0\xc0"),
    N("\x94\x00\x01\xac"
      "rpc.callback\x90"),
    N("\x94\x00\x01\xac"
      "rpc.callback\x91\x00"),
    N("\x94\x00\x01\xac"
      "rpc.callback\x92\x00\xcd\x04\x01"),
    N("\x94\x00\x01\xac"
      "rpc.callback\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    N("\x94\x00\x01\xac"
      "rpc.callback\x91\xa1x"),
    N("\x93\x02\xac"
      "rpc.callback\x91\x00"),
    N("\x93\x02\xaa"
      "rpc.cancel\x90"),
    N("\x93\x02\xaa"
      "rpc.cancel\x91\xa1x"),
    N("\x93\x02\xaa"
      "rpc.cancel\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    N("\x93\x02\xaa"
      "rpc.cancel\x93\x01\x02\x03"),
    N("\x94\x00\x01\xaa"
      "rpc.cancel\x91\x01"),
    N("\x94\x00\x01\xa9"
      "rpc.hello\x90"),
    N("\x94\x00\x01\xa9"
      "rpc.hello\x93\x01\x02\x03"),
    N("\x94\x00\x01\xa9"
      "rpc.hello\x91\xdd\x00\xff\xff\xff"),
    N("\x93\x02\xa9"
      "rpc.hello\x90"),
    N("\x94\x00\x01\xac"
      "rpc.describe\x91\x01"),
    N("\x95\x00\x01\xa3"
      "add\x92\x01\x02\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    N("\x95\x00\x01\xa3"
      "add\x92\x01\x02\xa1x"),
    N("\x94\x00\x01\xa4"
      "each\x92\xce\x7f\xff\xff\xff\xc0"),
    N("\x94\x00\x01\xa4"
      "each\x92\x01\xa1x"),
};

static const nonsense json_nonsense[] = {
    N("\xdd\xff\x00\x00\x00"),
    N("{"),
    N("[]"),
    N("{}"),
    N("null"),
    N("\"x\""),
    N("{\"jsonrpc\":\"2.0\"}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"add\",\"params\":[1,2]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"add\"}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1e400,\"method\":\"add\",\"params\":[1,2]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"add\",\"params\":[1,2]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"add\",\"params\":[1,2]}"),
    N("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"add\",\"params\":[1,2]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":7}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":{\"a\":1}}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":[1]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":[1e99,2]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"add\",\"params\":[1,2]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reverse\",\"params\":[\"!!!!\",16]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reverse\",\"params\":[\"\",2147483647]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"greet\",\"params\":[\"\xff\"]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"greet\",\"params\":[\"\\u0000\"]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"greet\",\"params\":[\"\\ud800\"]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":42}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1024,\"result\":42}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{}}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":7}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{\"code\":1,\"message\":\"x\"}}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.callback\",\"params\":[]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.callback\",\"params\":[18446744073709551615]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.callback\",\"params\":{\"x\":1}}"),
    N("{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\"}"),
    N("{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":{}}}"),
    N("{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":[[]]}"),
    N("{\"jsonrpc\":\"2.0\",\"method\":\"rpc.cancel\",\"params\":[\"x\"]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.hello\",\"params\":[1,2,3]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.hello\",\"params\":{}}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.describe\",\"params\":[1]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"each\",\"params\":[2147483647,null]}"),
    N("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"each\",\"params\":[1,\"x\"]}"),
};

/* Alone, and before a good call. */
static void say_nonsense(const fixture *f, const nonsense *all, size_t count)
{
    unsigned char bytes[512], call[256];
    size_t call_size = raw_end_good_call(f->end.on, call);

    for (size_t i = 0; i < count; i++) {
        size_t size = raw_end_frame(f->end.on, all[i].bytes, all[i].size, bytes, sizeof(bytes));
        const raw_message messages[] = {{bytes, size}, {call, call_size}};
        (void)raw_end_say_all(&f->end, messages, 1);
        (void)raw_end_say_all(&f->end, messages, 2);
    }
}

static void messages_that_are_none(void **state)
{
    const fixture *f = *state;

    if (strcmp(f->end.on->codec, "json") == 0)
        say_nonsense(f, json_nonsense, sizeof(json_nonsense) / sizeof(json_nonsense[0]));
    else
        say_nonsense(f, packed_nonsense, sizeof(packed_nonsense) / sizeof(packed_nonsense[0]));
}

/* ---- too much of it ----------------------------------------------------------------------------------------- */

/* Bytes, not a string. */
static void put(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = from[i];
}

/* `head`, MANY times `middle`, as a message. */
static void say_deep(const fixture *f, const char *head, const char *middle)
{
    size_t at = strlen(head), length = strlen(middle), size = at + MANY * length;
    char *text = test_malloc(size);
    unsigned char *bytes = test_malloc(size + 64);

    put(text, head, at);
    for (size_t i = 0; i < MANY; i++, at += length)
        put(text + at, middle, length);
    (void)raw_end_say(&f->end, bytes, raw_end_frame(f->end.on, text, size, bytes, size + 64));
    test_free(text);
    test_free(bytes);
}

static void ten_thousand_in_each_other(void **state)
{
    const fixture *f = *state;

    if (strcmp(f->end.on->codec, "json") == 0) {
        say_deep(f, "", "[");
        say_deep(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\",\"params\":", "[");
        say_deep(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\",\"params\":[", "{\"x\":");
        say_deep(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\",\"params\":[", "[],");
    } else {
        say_deep(f, "", "\x91");
        say_deep(f, "\x94", "\x91");
        say_deep(f, "", "\xdd\xff\xff\xff\xff");
        say_deep(f, "", "\x81");
    }
}

/* Sixteen bytes each that would like to be ten million values. */
static void sums_of_what_is_claimed(void **state)
{
    const fixture *f = *state;
    enum { SIZE = 4 * 1024 * 1024 };
    char *text = test_malloc(SIZE);
    unsigned char *bytes = test_malloc(SIZE + 64);
    bool is_json = strcmp(f->end.on->codec, "json") == 0;
    const char *head = is_json ? "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\",\"params\":[["
                               : "\x94\x00\x01\xa4join\x92\xdd\x00\x3f\xff\x00";

    memset(text, is_json ? '[' : '\xc0', SIZE);
    for (size_t i = 0; is_json && i < SIZE; i++)
        text[i] = i % 2 ? ',' : '1';
    put(text, head, is_json ? strlen(head) : 13);
    (void)raw_end_say(&f->end, bytes, raw_end_frame(f->end.on, text, SIZE, bytes, SIZE + 64));
    test_free(text);
    test_free(bytes);
}

static void headers_that_lie(void **state)
{
    static const char *const headers[] = {
        "Content-Length: 4294967296\r\n\r\n{",
        "Content-Length: 4294967295\r\n\r\n{",
        "Content-Length: 18446744073709551616\r\n\r\n{",
        "Content-Length: -1\r\n\r\n{",
        "Content-Length: 0\r\n\r\n",
        "Content-Length: x\r\n\r\n",
        "Content-Length:\r\n\r\n",
        "\r\n\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    };
    const fixture *f = *state;

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        (void)raw_end_say(&f->end, headers[i], strlen(headers[i]));
}

/* Thousands on one connection, by one who reads what is answered. */
static void replies_that_nobody_asked_for(void **state)
{
    const fixture *f = *state;
    bool is_json = strcmp(f->end.on->codec, "json") == 0;
    const char *text = is_json ? "{\"jsonrpc\":\"2.0\",\"id\":1025,\"result\":42}" : "\x94\x01\xcd\x04\x01\xc0\x2a";
    unsigned char bytes[256], call[256];
    size_t size = raw_end_frame(f->end.on, text, is_json ? strlen(text) : 7, bytes, sizeof(bytes));
    raw_message *messages = test_calloc(MANY + 1, sizeof(*messages));

    for (size_t i = 0; i < MANY; i++)
        messages[i] = (raw_message){bytes, size};
    messages[MANY] = (raw_message){call, raw_end_good_call(f->end.on, call)};
    assert_true(raw_end_say_all(&f->end, messages, MANY + 1) >= 1);
    test_free(messages);
}

#define ON(test, wire)                                                                                                 \
    {                                                                                                                  \
#test " " #wire, test, open_each, close_each, (void *)(uintptr_t) & (wire)                                     \
    }
#define EVERYWHERE(test) ON(test, packed), ON(test, packed_raw), ON(test, json), ON(test, json_header)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERYWHERE(a_good_call_is_answered), EVERYWHERE(every_truncation),
        EVERYWHERE(every_bit_flip),          EVERYWHERE(byte_by_byte),
        EVERYWHERE(messages_that_are_none),  EVERYWHERE(ten_thousand_in_each_other),
        EVERYWHERE(sums_of_what_is_claimed), EVERYWHERE(replies_that_nobody_asked_for),
        ON(headers_that_lie, json_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
