/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ends whose interface files differ: what is alike can be called, what is not is refused before it is sent, and whoever may not
 * call learns nothing of what is wrong with his values.
 */
#include "both_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

/* ---- the interfaces ----------------------------------------------------------------------------------------- */

#define LEDGER(version, methods)                                                                                       \
    "{\"rpc\": 1, \"name\": \"ledger\", \"version\": \"" version "\", \"methods\": {" methods "}}"
#define METHOD(name, one, type_of_one, two, type_of_two)                                                               \
    "\"" name "\": {\"params\": [{\"name\": \"" one "\", \"type\": \"" type_of_one "\"}, {\"name\": \"" two            \
    "\", \"type\": \"" type_of_two "\"}], \"returns\": \"i32\"}"

/* The newer one calls add's parameters otherwise, scales by fractions, has no `less` any more, and `more` besides. */
static const char older[] =
    LEDGER("1.0.0", METHOD("add", "a", "i32", "b", "i32") "," METHOD("scale", "value", "i32", "by",
                                                                     "i32") "," METHOD("less", "a", "i32", "b", "i32"));
static const char newer[] =
    LEDGER("2.0.0", METHOD("add", "x", "i32", "y", "i32") "," METHOD("scale", "value", "i32", "by",
                                                                     "f64") "," METHOD("more", "a", "i32", "b", "i32"));
static const char oldest[] = LEDGER("0.1.0", METHOD("add", "a", "i32", "b", "i32"));

static char folder[64];
static int scales;

static int32_t scale(int32_t value, double by)
{
    scales++;
    return (int32_t)(value * by);
}

static int32_t scale_old(int32_t value, int32_t by)
{
    return value * by;
}

static const via_rpc_function newer_functions[] = {VIA_RPC_FUNCTION("add", add), VIA_RPC_FUNCTION("scale", scale),
                                                   VIA_RPC_FUNCTION("more", add)};
static const via_rpc_function older_functions[] = {VIA_RPC_FUNCTION("add", add), VIA_RPC_FUNCTION("scale", scale_old),
                                                   VIA_RPC_FUNCTION("less", add)};

static void write_file(const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s.rpc.json", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int write_files(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/rpc-mismatch-XXXXXX");
    assert_non_null(mkdtemp(folder));
    write_file("oldest", oldest);
    write_file("older", older);
    write_file("newer", newer);
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = {"oldest", "older", "newer"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s.rpc.json", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

/* ---- the ends ----------------------------------------------------------------------------------------------- */

static void must(via_status status, const via_error *error)
{
    if (status != VIA_OK)
        fail_msg("%s: %s", via_status_name(status), error->what);
}

static void *pump(void *argument)
{
    both_ends *ends = argument;

    while ((ends->ended = via_rpc_pump(ends->server, VIA_FOREVER)) == VIA_OK)
        ;
    return NULL;
}

/* A name of their own for each pair. */
static void name_ends(char *plain, size_t capacity)
{
    static int serial;

    (void)snprintf(plain, capacity, "unix:mismatch-%d-%d", (int)getpid(), serial++);
}

static void add_layer(char *address, size_t capacity, const char *plain, const char *codec, const char *interface,
                      bool greets)
{
    (void)snprintf(address, capacity, "%s?layers=rpc&rpc.codec=%s&rpc.greet=%s&rpc.interface=%s/%s.rpc.json", plain,
                   codec, greets ? "true" : "false", folder, interface);
}

/* The server serves all that its interface describes. */
static void open_ends(both_ends *ends, const char *codec, const char *client, const char *server, bool greets)
{
    char plain[64], address[512];
    bool is_newer = strcmp(server, "newer") == 0;
    via_error error;

    name_ends(plain, sizeof(plain));
    must(via_host_open(NULL, &ends->host, &error), &error);
    add_layer(address, sizeof(address), plain, codec, server, greets);
    must(via_listen(ends->host, address, NULL, &ends->listener, &error), &error);
    add_layer(address, sizeof(address), plain, codec, client, greets);
    must(via_dial(ends->host, address, NULL, via_after_ms(PATIENCE_MS), &ends->client, &error), &error);
    must(via_accept(ends->listener, via_after_ms(PATIENCE_MS), &ends->server, &error), &error);
    must(via_rpc_serve(ends->server, is_newer ? newer_functions : older_functions, 3, NULL, &error), &error);
    assert_int_equal(pthread_create(&ends->thread, NULL, pump, ends), 0);
}

static via_status call(const both_ends *ends, const char *method, int32_t *result, via_rpc_error *error)
{
    int32_t a = 40, b = 2;
    void *arguments[] = {&a, &b};

    *result = -1;
    via_rpc_error_init(error);
    return via_rpc_call(ends->client, method, result, arguments, 2, via_after_ms(PATIENCE_MS), error);
}

static void assert_adds(const both_ends *ends)
{
    via_rpc_error error;
    int32_t result;

    if (call(ends, "add", &result, &error) != VIA_OK)
        fail_msg("%s", error.text);
    assert_int_equal(result, 42);
}

static uint64_t asked_of(via_channel *server)
{
    via_rpc_stats stats = {.size = sizeof(stats)};

    assert_int_equal(via_rpc_stats_get(server, &stats), VIA_OK);
    return stats.served + stats.refused;
}

static void assert_says(const via_rpc_error *error, const char *words)
{
    if (!strstr(error->text, words))
        fail_msg("'%s' does not say '%s'", error->text, words);
}

/* ---- greeting ----------------------------------------------------------------------------------------------- */

static void another_type_is_refused_here(void **state)
{
    via_rpc_error error;
    both_ends ends;
    int32_t result;

    open_ends(&ends, *state, "older", "newer", true);
    assert_int_equal(call(&ends, "scale", &result, &error), VIA_ETYPE);
    assert_int_equal(result, 0);
    assert_int_equal(error.origin, VIA_RPC_HERE);
    assert_int_equal(error.not_sent, 1);
    assert_string_equal(error.method, "scale");
    assert_says(&error, "parameter 2, \"by\": i32 is not f64");
    assert_says(&error, "there it is scale(value: i32, by: f64)");
    assert_int_equal(asked_of(ends.server), 0);
    assert_adds(&ends);
    both_ends_close(&ends);
}

static void calls_in_json_are_compared_too(void **state)
{
    via_rpc_error error;
    both_ends ends;
    char *result;

    open_ends(&ends, *state, "older", "newer", true);
    assert_int_equal(via_rpc_call_json(ends.client, "scale", "[40, 2]", VIA_RPC_USUAL, &result, NULL, NULL, &error),
                     VIA_ETYPE);
    assert_null(result);
    assert_says(&error, "there it is scale(value: i32, by: f64)");
    assert_int_equal(via_rpc_notify_json(ends.client, "scale", "[40, 2]", VIA_RPC_USUAL, &error), VIA_ETYPE);
    assert_int_equal(asked_of(ends.server), 0);
    assert_int_equal(via_rpc_call_json(ends.client, "add", "[40, 2]", VIA_RPC_USUAL, &result, NULL, NULL, &error),
                     VIA_OK);
    assert_string_equal(result, "42");
    via_free(result);
    both_ends_close(&ends);
}

static void what_is_missing_there_is_refused_here(void **state)
{
    via_rpc_error error;
    both_ends ends;
    int32_t result;

    open_ends(&ends, *state, "older", "newer", true);
    assert_int_equal(call(&ends, "less", &result, &error), VIA_ENOENT);
    assert_int_equal(error.origin, VIA_RPC_HERE);
    assert_int_equal(error.not_sent, 1);
    assert_says(&error, "ledger 2.0.0");
    assert_says(&error, "ledger 1.0.0");
    assert_int_equal(asked_of(ends.server), 0);
    assert_adds(&ends);
    both_ends_close(&ends);
}

static void imported_functions_say_the_same(void **state)
{
    int32_t (*scale_there)(int32_t, int32_t), (*add_there)(int32_t, int32_t);
    via_rpc_error error;
    both_ends ends;

    open_ends(&ends, *state, "older", "newer", true);
    assert_int_equal(via_rpc_import(ends.client, "scale", &scale_there, sizeof(scale_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends.client, "add", &add_there, sizeof(add_there), NULL), VIA_OK);
    assert_int_equal(scale_there(40, 2), 0);
    assert_int_equal(via_rpc_last_error(ends.client, &error), VIA_ETYPE);
    assert_says(&error, "i32 is not f64");
    assert_int_equal(add_there(40, 2), 42);
    assert_int_equal(via_rpc_last_error(ends.client, NULL), VIA_OK);
    both_ends_close(&ends);
}

/* One that has more, and one that has less than its client knows. */
static void what_both_have_works_either_way(void **state)
{
    static const char *const pairs[][2] = {{"oldest", "newer"}, {"oldest", "older"}, {"newer", "older"}};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        via_rpc_error error;
        both_ends ends;
        int32_t result;

        open_ends(&ends, *state, pairs[i][0], pairs[i][1], true);
        for (int times = 0; times < 3; times++)
            assert_adds(&ends);
        assert_int_equal(call(&ends, "more", &result, &error), VIA_ENOENT);
        assert_int_equal(asked_of(ends.server), 3);
        both_ends_close(&ends);
    }
}

/* ---- not greeting ------------------------------------------------------------------------------------------- */

/* Nothing is compared: what is sent is held to the callee's interface, which takes a whole number for a fraction. */
static void without_greeting_the_callee_judges(void **state)
{
    via_rpc_error error;
    both_ends ends;
    int32_t result;

    open_ends(&ends, *state, "older", "newer", false);
    assert_adds(&ends);
    scales = 0;
    assert_int_equal(call(&ends, "scale", &result, &error), VIA_OK);
    assert_int_equal(result, 80);
    assert_int_equal(scales, 1);
    assert_int_equal(call(&ends, "less", &result, &error), VIA_EREMOTE);
    assert_int_equal(error.origin, VIA_RPC_THERE);
    assert_says(&error, "there is no such method");
    both_ends_close(&ends);
}

static void assert_first_message(const char *codec, bool greets, const char *words)
{
    char plain[64], address[512];
    int32_t a = 40, b = 2, result;
    void *arguments[] = {&a, &b};
    via_channel *client, *raw;
    via_listener *listener;
    via_host *host;
    via_error error;
    via_msg message;

    name_ends(plain, sizeof(plain));
    add_layer(address, sizeof(address), plain, codec, "older", greets);
    must(via_host_open(NULL, &host, &error), &error);
    must(via_listen(host, plain, NULL, &listener, &error), &error);
    must(via_dial(host, address, NULL, via_after_ms(PATIENCE_MS), &client, &error), &error);
    must(via_accept(listener, via_after_ms(PATIENCE_MS), &raw, &error), &error);
    (void)!via_rpc_call(client, "add", &result, arguments, 2, via_after_ms(1), NULL);
    assert_int_equal(via_recv(raw, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_non_null(memmem(message.data, message.size, words, strlen(words)));
    via_release(raw, &message);
    via_close(client);
    via_close(raw);
    via_listener_close(listener);
    via_host_close(host);
}

static void without_greeting_nothing_is_asked(void **state)
{
    assert_first_message(*state, true, "rpc.hello");
    assert_first_message(*state, false, "add");
}

/* ---- who may not call --------------------------------------------------------------------------------------- */

static via_status decide(void *user, const via_peer_info *peer, const char *method)
{
    (void)peer;
    assert_string_equal(method, "add");
    return *(const bool *)user ? VIA_OK : VIA_EPERM;
}

typedef struct hostile {
    const char *bytes;
    size_t size;
} hostile;

#define BYTES(text)                                                                                                    \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
#define ASKS                                                                                                           \
    "\x94\x00\x07\xa3"                                                                                                 \
    "add"
#define ASKS_JSON "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"add\",\"params\":"

/* The first makes the server tell codes. */
static const hostile packed[] = {
    BYTES("\x94\x00\x01\xa9rpc.hello\x90"),
    BYTES(ASKS "\x92\xa1x\xc0"),
    BYTES(ASKS "\x90"),
    BYTES(ASKS "\x91\x81\xa1x\x91\xc0"),
    BYTES(ASKS "\x92\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    BYTES(ASKS "\x92\xa2\xff\xfe\xd4\x01\x02"),
};
static const hostile text[] = {
    BYTES("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.hello\",\"params\":[]}"),
    BYTES(ASKS_JSON "[\"x\",null]}"),
    BYTES(ASKS_JSON "[]}"),
    BYTES(ASKS_JSON "[{\"x\":[null]}]}"),
    BYTES(ASKS_JSON "[1e300,-0.5]}"),
    BYTES(ASKS_JSON "{\"c\":1}}"),
};

static void assert_answered(via_channel *server, via_channel *raw, const hostile *request, const hostile *words)
{
    via_msg reply;

    assert_int_equal(via_send(raw, request->bytes, request->size, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    assert_int_equal(via_rpc_pump(server, via_after_ms(PATIENCE_MS)), VIA_OK);
    assert_int_equal(via_recv(raw, via_after_ms(PATIENCE_MS), &reply), VIA_OK);
    if (!memmem(reply.data, reply.size, words->bytes, words->size))
        fail_msg("not the answer that was expected: %.*s", (int)reply.size, (const char *)reply.data);
    via_release(raw, &reply);
}

static void nonsense_of_one_who_may_not_call(void **state)
{
    static const hostile refused[] = {BYTES("\xd1\x82\xfe"), BYTES("\"code\":-32002")};
    static const hostile wrong[] = {BYTES("\xd1\x80\xa6"), BYTES("\"code\":-32602")};
    bool is_json = strcmp(*state, "json") == 0, may = false;
    const hostile *requests = is_json ? text : packed;
    char plain[64], address[512];
    via_channel *server, *raw;
    via_listener *listener;
    via_host *host;
    via_error error;

    name_ends(plain, sizeof(plain));
    add_layer(address, sizeof(address), plain, *state, "newer", true);
    must(via_host_open(NULL, &host, &error), &error);
    must(via_listen(host, address, NULL, &listener, &error), &error);
    must(via_dial(host, plain, NULL, via_after_ms(PATIENCE_MS), &raw, &error), &error);
    must(via_accept(listener, via_after_ms(PATIENCE_MS), &server, &error), &error);
    must(via_rpc_serve(server, newer_functions, 3, NULL, &error), &error);
    assert_int_equal(via_rpc_authorize(server, decide, &may), VIA_OK);
    assert_answered(server, raw, &requests[0], &(hostile)BYTES("ledger"));
    for (size_t i = 1; i < sizeof(packed) / sizeof(packed[0]); i++) {
        may = false;
        assert_answered(server, raw, &requests[i], &refused[is_json]);
        may = true;
        assert_answered(server, raw, &requests[i], &wrong[is_json]);
    }
    via_close(raw);
    via_close(server);
    via_listener_close(listener);
    via_host_close(host);
}

#define IN_BOTH(test)                                                                                                  \
    {#test " in MessagePack", test, NULL, NULL, (void *)(uintptr_t) "msgpack"},                                        \
    {                                                                                                                  \
#test " in JSON", test, NULL, NULL, (void *)(uintptr_t) "json"                                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOTH(another_type_is_refused_here),      IN_BOTH(what_is_missing_there_is_refused_here),
        IN_BOTH(calls_in_json_are_compared_too),    IN_BOTH(imported_functions_say_the_same),
        IN_BOTH(what_both_have_works_either_way),   IN_BOTH(without_greeting_the_callee_judges),
        IN_BOTH(without_greeting_nothing_is_asked), IN_BOTH(nonsense_of_one_who_may_not_call),
    };

    return cmocka_run_group_tests(tests, write_files, remove_files);
}
