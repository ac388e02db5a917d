/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Needs: how they are written, which mechanisms serve them, and in which order.
 */
#include "load_fixture.h"

#include "load/certificate.h"
#include "load/rank.h"
#include "load/registry_state.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PLUGIN(name, schemes)                                                                                          \
    "{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"" name "\", \"version\": \"1.0.0\", \"summary\": \"s\",\n" \
    " \"library\": {\"linux-x86_64\": \"via_x.so\", \"linux-aarch64\": \"via_x.so\"}, \"schemes\": {\n" schemes "}}\n"
#define SCHEME(name, scope, size, more)                                                                                \
    "  \"" name "\": {\"patterns\": [\"pair\", \"queue\"], \"scope\": \"" scope "\", \"max_message\": \"" size "\",\n" \
    "   \"guarantees\": {\"attach\": true, \"lossless\": true, \"ordered\": true, \"death\": false},\n"                \
    "   \"features\": [\"priority\"]" more "}"
#define NAMED ", \"rest\": \"NAME\""
#define TYPICAL(latency, rate) ", \"typical\": {\"latency_ns\": " latency ", \"bytes_per_s\": " rate "}"

/* A quick start and slow bytes, the reverse, one that needs an address, one of which nothing is known, one that is small. */
static const char road[] = PLUGIN("road", SCHEME("road", "machine", "1GiB", NAMED TYPICAL("10000", "100000000")));
static const char rail[] = PLUGIN("rail", SCHEME("rail", "machine", "1GiB", NAMED TYPICAL("20000", "1000000000")));
static const char ship[] =
    PLUGIN("ship", SCHEME("ship", "network", "1GiB", ", \"rest\": \"//HOST:PORT\"" TYPICAL("1000", "1000000000")));
static const char walk[] = PLUGIN("walk", SCHEME("walk", "machine", "1GiB", NAMED));
static const char mail[] = PLUGIN("mail", SCHEME("mail", "process", "4KiB", NAMED TYPICAL("5000", "100000000")));

static const char endpoints[] =
    "{\"manifest\": 1, \"endpoints\": {\n"
    "  \"jobs\": {\"require\": {\"pattern\": \"queue\", \"scope\": \"machine\", \"message\": \"1MiB\"}},\n"
    "  \"fast\": {\"require\": {\"pattern\": \"pair\", \"features\": [\"telepathy\"]}},\n"
    "  \"fixed\": {\"pattern\": \"pair\", \"address\": \"mail:fixed\"}}}\n";

static int setup(void **state)
{
    (void)load_fixture_setup(state);
    load_fixture_write(*state, "p/a_walk.json", walk);
    load_fixture_write(*state, "p/b_rail.json", rail);
    load_fixture_write(*state, "p/c_road.json", road);
    load_fixture_write(*state, "p/d_ship.json", ship);
    load_fixture_write(*state, "p/e_mail.json", mail);
    load_fixture_write(*state, "e/shop.json", endpoints);
    assert_int_equal(load_fixture_open(*state, "p", "e"), VIA_OK);
    return 0;
}

/* "road mail | walk": those that fit, the best first, then the others. */
static void expect_order(load_fixture *fixture, const char *need_text, const char *expected)
{
    via_endpoint_need need;
    via_ranking ranking;
    char order[256] = "";
    bool is_fit = true;

    assert_int_equal(via_need_read(need_text, true, &need, &fixture->error), VIA_OK);
    via_mutex_take(&fixture->registry->lock);
    assert_int_equal(via_rank(fixture->registry, &need, NULL, &ranking, &fixture->error), VIA_OK);
    via_mutex_give(&fixture->registry->lock);
    for (size_t i = 0; i < ranking.count; i++) {
        const size_t at = strlen(order);
        (void)snprintf(order + at, sizeof(order) - at, "%s%s%s", i ? " " : "",
                       is_fit && !ranking.list[i].fits ? "| " : "", ranking.list[i].scheme->name);
        is_fit = ranking.list[i].fits;
    }
    via_ranking_fini(&ranking);
    via_need_fini(&need);
    assert_string_equal(order, expected);
}

static void test_rank__the_order_depends_on_the_size(void **state)
{
    expect_order(*state, "pattern=pair,scope=machine,message=64", "ship road rail walk | mail");
    expect_order(*state, "pattern=pair,scope=machine,message=1MiB", "ship rail walk road | mail");
    expect_order(*state, "pattern=pair,message=1KiB", "ship mail road rail walk");
    expect_order(*state, "pattern=pair", "ship mail road rail walk");
    expect_order(*state, "pattern=pair,max_message=1MiB", "ship rail walk road | mail");
    expect_order(*state, "pattern=queue,scope=network,feature=ordered,feature=priority", "ship | mail rail road walk");
    expect_order(*state, "pattern=topic", "| mail rail road ship walk");
}

static int setup_folders(void **state)
{
    (void)load_fixture_setup(state);
    load_fixture *fixture = *state;
    load_fixture_write(fixture, "q/a_road.json", road);
    load_fixture_write(fixture, "q/b_mail.json", mail);
    load_fixture_write(fixture, "r/a_rail.json", rail);
    load_fixture_write(fixture, "r/b_walk.json", walk);
    load_fixture_write(fixture, "r/c_ship.json", ship);
    assert_int_equal(load_fixture_open(fixture, "r:q", NULL), VIA_OK);
    return 0;
}

static void test_rank__the_order_of_folders_does_not_count(void **state)
{
    expect_order(*state, "pattern=pair,scope=machine,message=64", "ship road rail walk | mail");
}

/* ---- certificates ------------------------------------------------------------------------------------------- */

#define ROW(wake, mode, size, latency, rate)                                                                           \
    "{\"address\": \"rail:x\", \"pattern\": \"pair\", \"mode\": \"" mode "\", \"wake\": \"" wake                       \
    "\", \"size_bytes\": " size ", \"count\": 9, \"latency_ns\": " latency                                             \
    ", \"messages_per_s\": 1, \"bytes_per_s\": " rate "}"
#define P50(ns) "{\"p50\": " ns ", \"p90\": 1, \"p99\": 1, \"p999\": 1, \"max\": 1}"
#define CERTIFICATE(version, rows)                                                                                     \
    "[{\"certificate\": 1, \"plugin\": {\"name\": \"rail\", \"version\": \"" version "\"}, \"results\": [\n"           \
    " {\"scheme\": \"rail\", \"pattern\": \"pair\", \"measured\": [" rows "]}]}]\n"

static const char measured[] =
    CERTIFICATE("1.0.0", ROW("polling", "latency", "64", P50("50"), "0") ", " ROW(
                             "blocking", "latency", "65536", P50("70000"),
                             "0") ", " ROW("blocking", "latency", "64", P50("500"),
                                           "0") ", " ROW("blocking", "throughput", "65536", "null", "500000000"));

static void test_rank__what_was_measured_counts(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_write(fixture, "p/certificates/rail.json", measured);
    expect_order(fixture, "pattern=pair,scope=machine,message=64", "rail ship road walk | mail");
    /* at 64 KiB it is the slower one, other than its manifest says; nothing was measured of queues */
    expect_order(fixture, "pattern=pair,scope=machine,message=16KiB", "ship rail walk road | mail");
    expect_order(fixture, "pattern=queue,scope=machine,message=64", "ship road rail walk | mail");
}

static double measured_latency(load_fixture *fixture, uint64_t size)
{
    via_curve curve;
    char why[200];
    json_t *certificate = via_certificate_load(fixture->registry->plugins[1], why, sizeof(why));

    assert_non_null(certificate);
    assert_true(via_certificate_curve(certificate, "rail", VIA_PATTERN_PAIR, &curve));
    json_decref(certificate);
    return via_curve_latency(&curve, size);
}

static void test_rank__a_curve_is_read_between_and_beyond_its_points(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_write(fixture, "p/certificates/rail.json", measured);
    assert_true(measured_latency(fixture, 0) == 500);
    assert_true(measured_latency(fixture, 64) == 500);
    assert_true(measured_latency(fixture, 64 + 32736) == 35250); /* half way */
    assert_true(measured_latency(fixture, 65536) == 70000);
    assert_true(measured_latency(fixture, 65536 + 500000) == 1070000);
}

static void expect_no_certificate(load_fixture *fixture, const char *expected)
{
    char why[600];

    assert_null(via_certificate_load(fixture->registry->plugins[1], why, sizeof(why)));
    if (!strstr(why, expected))
        fail_msg("\"%s\" is not in \"%s\"", expected, why);
}

static void test_rank__a_certificate_that_does_not_count_says_why(void **state)
{
    load_fixture *fixture = *state;

    expect_no_certificate(fixture, "");
    load_fixture_write(fixture, "p/certificates/rail.json", CERTIFICATE("0.9.0", ""));
    expect_no_certificate(fixture, "certificates/rail.json is of another build of the plugin");
    load_fixture_write(fixture, "p/certificates/rail.json", "[]");
    expect_no_certificate(fixture, "certificates/rail.json has no certificate of the plugin");
    load_fixture_write(fixture, "p/certificates/rail.json", "{");
    expect_no_certificate(fixture, "certificates/rail.json:1: ");
    load_fixture_write(fixture, "p/certificates/rail.json", measured);
    assert_int_equal(chmod(load_fixture_path(fixture, "p/certificates/rail.json"), 0666), 0);
    expect_no_certificate(fixture, "certificates/rail.json is writable by");
}

/* ---- resolving ---------------------------------------------------------------------------------------------- */

static void expect_candidates(load_fixture *fixture, const char *name, uint32_t role, const char *require,
                              const char *expected)
{
    via_open_options options;
    via_candidates all;
    char order[256] = "";

    via_open_options_init(&options);
    options.require = require;
    if (via_resolve_all(fixture->registry, name, role, true, &options, &all, &fixture->error) != VIA_OK)
        fail_msg("%s: %s (%s)", name, fixture->error.what, fixture->error.more);
    for (size_t i = 0; i < all.count; i++) {
        const size_t at = strlen(order);
        assert_int_equal(all.list[i].error.status, VIA_OK);
        (void)snprintf(order + at, sizeof(order) - at, "%s%s", i ? " " : "", all.list[i].address);
    }
    assert_true(all.is_choice);
    via_candidates_fini(&all);
    assert_string_equal(order, expected);
}

static void test_rank__the_name_of_an_endpoint_is_the_rest_of_its_address(void **state)
{
    expect_candidates(*state, "jobs", VIA_PUSH, NULL, "rail:jobs walk:jobs road:jobs");
    expect_candidates(*state, "anew", VIA_PAIR, "scope=machine,message=64", "road:anew rail:anew walk:anew");
    expect_candidates(*state, "anew", VIA_PAIR, "feature=priority", "mail:anew road:anew rail:anew walk:anew");
    expect_candidates(*state, "jobs", VIA_PUSH, "max_message=1MiB", "rail:jobs walk:jobs road:jobs");
}

static const struct {
    const char *address;
    uint32_t role;
    const char *require;
    const char *expected;
} refusals[] = {
    {"fast", VIA_PAIR, NULL,
     "VIA_ENOTSUP resolve $/e/shop.json:3:11 | no candidate of \"fast\" can be used; see each below | see each "
     "candidate: "
     "via explain NAME | mail:: VIA_ENOTSUP: lacks the feature \"telepathy\"\nrail:: VIA_ENOTSUP: lacks the feature "
     "\"telepathy\"\nroad:: VIA_ENOTSUP: lacks the feature \"telepathy\"\nship:: VIA_ENOTSUP: lacks the feature "
     "\"telepathy\"\nwalk:: VIA_ENOTSUP: lacks the feature \"telepathy\""},
    {"anew", VIA_PAIR, "scope=network",
     "VIA_ENOTSUP resolve | no candidate of \"anew\" can be used; see each below | see each candidate: via explain "
     "NAME | "
     "ship:: VIA_ENOTSUP: takes no plain name: give its address\nmail:: VIA_ENOTSUP: does not reach that far\nrail:: "
     "VIA_ENOTSUP: does not reach that far\nroad:: VIA_ENOTSUP: does not reach that far\nwalk:: VIA_ENOTSUP: does not "
     "reach that far"},
    {"jobs", VIA_PAIR, NULL,
     "VIA_EINVAL resolve $/e/shop.json:2:11 | the endpoint \"jobs\" is a queue; it cannot be opened as a pair | open "
     "it in "
     "the pattern that its manifest states, or change it there"},
    {"fixed", VIA_PAIR, "max_message=64KiB",
     "VIA_ENOTSUP resolve $/e/shop.json:4:12 | mail: carries messages of at most 4KiB, and the program requires more | "
     "use "
     "a scheme that has it: via choose lists them"},
    {"road:x", VIA_PAIR, "scope=network",
     "VIA_ENOTSUP resolve | road: does not reach that far, and the program requires more | use a scheme that has it: "
     "via "
     "choose lists them"},
    {"anew?colour=red", VIA_PAIR, "scope=machine",
     "VIA_EINVAL options | no candidate of \"anew\" has an option \"colour\" | take it out, or name a candidate that "
     "has "
     "it"},
    {"anew", VIA_PAIR, "scope=moon",
     "VIA_EINVAL options | what is required: scope is \"moon\"; expected process, machine, network | give it such a "
     "value, "
     "or leave it out"},
    {"anew", VIA_PAIR, "feature=Fast",
     "VIA_EINVAL options | what is required: feature is \"Fast\"; expected lower-case letters, digits and \"-\" | give "
     "it "
     "such a value, or leave it out"},
    {"anew", VIA_PAIR, "message=big",
     "VIA_EINVAL options | what is required: message is \"big\"; expected a size such as 512, 64KiB or 1GiB (units B, "
     "KiB, MiB, GiB, TiB) | give it such a value, "
     "or "
     "leave it out"},
    {"anew", VIA_PAIR, "max_mesage=1",
     "VIA_EINVAL options | what is required: \"max_mesage\" is no key; expected scope, feature, max_message or message "
     "| "
     "write \"max_message\""},
    {"anew", VIA_PAIR, "pattern=pair",
     "VIA_EINVAL options | what is required: \"pattern\" is no key; expected scope, feature, max_message or message | "
     "take "
     "it out"},
    {"anew", VIA_PAIR, "scope",
     "VIA_EINVAL options | what is required: \"scope\" is not of the form key=value | write key=value, with commas "
     "between"},
};

static void test_rank__each_refusal_is_word_for_word(void **state)
{
    load_fixture *fixture = *state;
    via_open_options options;
    via_candidates all;

    via_open_options_init(&options);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        options.require = refusals[i].require;
        via_error_init(&fixture->error);
        assert_int_not_equal(via_resolve_all(fixture->registry, refusals[i].address, refusals[i].role, true, &options,
                                             &all, &fixture->error),
                             VIA_OK);
        load_fixture_expect(fixture, &fixture->error, refusals[i].expected);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, load_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rank__the_order_depends_on_the_size),
        cmocka_unit_test_setup_teardown(test_rank__the_order_of_folders_does_not_count, setup_folders,
                                        load_fixture_teardown),
        TEST(test_rank__what_was_measured_counts),
        TEST(test_rank__a_curve_is_read_between_and_beyond_its_points),
        TEST(test_rank__a_certificate_that_does_not_count_says_why),
        TEST(test_rank__the_name_of_an_endpoint_is_the_rest_of_its_address),
        TEST(test_rank__each_refusal_is_word_for_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
