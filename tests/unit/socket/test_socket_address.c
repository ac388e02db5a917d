/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notation of unix: and tcp: addresses.
 */
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "socket_fixture.h"

static via_status resolve(const char *scheme, const char *rest, uint32_t side, socket_address *address)
{
    via_open open = fixture_open(scheme, rest, side);
    via_error error;

    return socket_address_resolve(&fixture_host, &open, address, &error);
}

static void test_address__splits_host_and_port(void **state)
{
    static const struct {
        const char *rest, *host, *port;
    } good[] = {
        {"//127.0.0.1:7000", "127.0.0.1", "7000"},
        {"//[::1]:7000", "::1", "7000"},
        {"//localhost:0", "localhost", "0"},
        {"//*:65535", "*", "65535"},
        {"//[fe80::1%25eth0]:1", "fe80::1%25eth0", "1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        socket_address address;
        via_error error;
        assert_int_equal(socket_address_split(&fixture_host, good[i].rest, &address, &error), VIA_OK);
        assert_string_equal(address.host, good[i].host);
        assert_string_equal(address.port, good[i].port);
    }
}

static void test_address__refuses_with_a_way_out(void **state)
{
    static const char *const bad[] = {
        "",          "127.0.0.1:1", "//",      "//host",   "//:1",   "//host:",    "//host:65536",  "//host:-1",
        "//host:1x", "//::1:7000",  "//[::1]", "//[::1]7", "//[::1", "//host:1:2", "//host:123456", "//[]:1",
        "/host:1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        socket_address address;
        via_error error;
        if (socket_address_split(&fixture_host, bad[i], &address, &error) != VIA_EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(error.mend, "tcp://HOST:PORT"));
    }
}

static void test_address__refuses_a_host_that_is_too_long(void **state)
{
    char rest[300] = "//";
    socket_address address;
    via_error error;

    (void)state;
    memset(rest + 2, 'a', 256);
    memcpy(rest + 258, ":1", 3);
    assert_int_equal(socket_address_split(&fixture_host, rest, &address, &error), VIA_EINVAL);
}

static void test_address__resolves_numbers(void **state)
{
    static const struct {
        const char *rest, *printed;
        bool local;
    } cases[] = {
        {"//127.0.0.1:80", "tcp://127.0.0.1:80", true},
        {"//127.9.9.9:80", "tcp://127.9.9.9:80", true},
        {"//[::1]:80", "tcp://[::1]:80", true},
        {"//10.0.0.1:80", "tcp://10.0.0.1:80", false},
        {"//0.0.0.0:80", "tcp://0.0.0.0:80", false},
        {"//[::]:80", "tcp://[::]:80", false},
        {"//[::ffff:127.0.0.1]:80", "tcp://[::ffff:127.0.0.1]:80", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        socket_address address;
        char text[128];
        assert_int_equal(resolve("tcp", cases[i].rest, VIA_SIDE_BIND, &address), VIA_OK);
        assert_int_equal(address.count, 1);
        socket_address_print(&address.endpoints[0], text, sizeof(text));
        assert_string_equal(text, cases[i].printed);
        assert_int_equal(socket_address_is_local(&address.endpoints[0]), cases[i].local);
    }
}

static void test_address__knows_what_only_a_listener_may_say(void **state)
{
    socket_address address;

    (void)state;
    assert_int_equal(resolve("tcp", "//*:80", VIA_SIDE_BIND, &address), VIA_OK);
    assert_int_equal(resolve("tcp", "//*:80", VIA_SIDE_CONNECT, &address), VIA_EINVAL);
    assert_int_equal(resolve("tcp", "//127.0.0.1:0", VIA_SIDE_BIND, &address), VIA_OK);
    assert_int_equal(resolve("tcp", "//127.0.0.1:0", VIA_SIDE_CONNECT, &address), VIA_EINVAL);
}

static void test_address__makes_paths_of_names(void **state)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    socket_address address;
    char expected[128];

    (void)state;
    assert_non_null(folder);
    (void)snprintf(expected, sizeof(expected), "%s/viaduct/orders.sock", folder);
    assert_int_equal(resolve("unix", "orders", VIA_SIDE_BIND, &address), VIA_OK);
    assert_string_equal(address.path, expected);
    assert_int_equal(resolve("unix", "//orders", VIA_SIDE_BIND, &address), VIA_OK);
    assert_string_equal(address.path, expected);
    assert_int_equal(resolve("unix", "/run/a%20b", VIA_SIDE_BIND, &address), VIA_OK);
    assert_string_equal(address.path, "/run/a b");
    assert_int_equal(resolve("unix", "///run/x", VIA_SIDE_CONNECT, &address), VIA_OK);
    assert_string_equal(address.path, "/run/x");
}

static void test_address__knows_abstract_names(void **state)
{
    socket_address address;
    char text[128];

    (void)state;
    assert_int_equal(resolve("unix", "@x.y", VIA_SIDE_BIND, &address), VIA_OK);
    assert_true(address.is_abstract);
    socket_address_print(&address.endpoints[0], text, sizeof(text));
    assert_string_equal(text, "unix:@x.y");
    assert_int_equal(resolve("unix", "@", VIA_SIDE_BIND, &address), VIA_EINVAL);
}

static void test_address__refuses_bad_names(void **state)
{
    static const char *const bad[] = {"", "a/b", "..", ".", "a%0", "a%0a", "a%00b", "%zz"};
    char long_path[160] = "/";

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        socket_address address;
        if (resolve("unix", bad[i], VIA_SIDE_BIND, &address) != VIA_EINVAL)
            fail_msg("'%s' was taken", bad[i]);
    }
    socket_address address;
    memset(long_path + 1, 'x', 107); /* 108 with the slash: no room for the NUL */
    assert_int_equal(resolve("unix", long_path, VIA_SIDE_BIND, &address), VIA_EINVAL);
    long_path[107] = '\0';
    assert_int_equal(resolve("unix", long_path, VIA_SIDE_BIND, &address), VIA_OK);
}

static int lookup_code; /* what the next looking up of a name answers; 0 = the resolver's answer */

int __real_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **found);
int __wrap_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **found);

/* Stands between the plugin and the C library (see CMakeLists.txt), since not every machine has a name server. */
int __wrap_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    return lookup_code ? lookup_code : __real_getaddrinfo(name, port, hints, found);
}

static void test_address__tells_a_wrong_name_from_a_resolver_that_is_busy(void **state)
{
    static const struct {
        int code;
        via_status binding;
        via_status connecting; /* VIA_ENOPEER is tried again and again */
    } cases[] = {
        {EAI_NONAME, VIA_EINVAL, VIA_EINVAL}, {EAI_NODATA, VIA_EINVAL, VIA_EINVAL}, {EAI_AGAIN, VIA_EIO, VIA_ENOPEER},
        {EAI_FAIL, VIA_EIO, VIA_EIO},         {EAI_MEMORY, VIA_ENOMEM, VIA_ENOMEM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        socket_address address;
        lookup_code = cases[i].code;
        via_status binding = resolve("tcp", "//misspelt:1", VIA_SIDE_BIND, &address);
        via_status connecting = resolve("tcp", "//misspelt:1", VIA_SIDE_CONNECT, &address);
        lookup_code = 0;
        assert_int_equal(binding, cases[i].binding);
        assert_int_equal(connecting, cases[i].connecting);
    }
}

static void test_address__of_an_unknown_host_has_a_way_out(void **state)
{
    socket_address address;
    via_open open = fixture_open("tcp", "//misspelt:1", VIA_SIDE_BIND);
    via_error error;

    (void)state;
    lookup_code = EAI_NONAME;
    via_status status = socket_address_resolve(&fixture_host, &open, &address, &error);
    lookup_code = 0;
    assert_int_equal(status, VIA_EINVAL);
    assert_non_null(strstr(error.what, "'misspelt'"));
    assert_non_null(strstr(error.mend, "127.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address__splits_host_and_port),
        cmocka_unit_test(test_address__refuses_with_a_way_out),
        cmocka_unit_test(test_address__refuses_a_host_that_is_too_long),
        cmocka_unit_test(test_address__resolves_numbers),
        cmocka_unit_test(test_address__knows_what_only_a_listener_may_say),
        cmocka_unit_test(test_address__makes_paths_of_names),
        cmocka_unit_test(test_address__knows_abstract_names),
        cmocka_unit_test(test_address__refuses_bad_names),
        cmocka_unit_test(test_address__tells_a_wrong_name_from_a_resolver_that_is_busy),
        cmocka_unit_test(test_address__of_an_unknown_host_has_a_way_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
