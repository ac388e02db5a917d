/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a channel says about itself, what travels with a message, and options.
 */
#include "conform.h"

#include <string.h>

enum {
    CLAIMED = VIA_INFO_LOAN_NATIVE | VIA_INFO_LINGER_NATIVE | VIA_INFO_CARRIES_KEY | VIA_INFO_CARRIES_TYPE |
              VIA_INFO_CARRIES_PRIORITY | VIA_INFO_CARRIES_SEQUENCE | VIA_INFO_KEEPS_BOUNDARIES | VIA_INFO_ATTACH |
              VIA_INFO_LOSSLESS | VIA_INFO_ORDERED | VIA_INFO_DEATH
};

static void check_info(const via_conform *suite, const via_conform_link *link, int job)
{
    const via_conform_claims *claims = suite->claims;
    via_channel *channel = job == END_SENDS ? link->tx : link->rx;
    bool binds = via_conform_binder(suite, NULL) == job && claims->has & NEEDS_TWO_ENDS;
    uint32_t role = claims->pattern == VIA_PATTERN_PAIR    ? (uint32_t)VIA_PAIR
                    : claims->pattern == VIA_PATTERN_QUEUE ? (job == END_SENDS ? VIA_PUSH : VIA_PULL)
                                                           : (job == END_SENDS ? VIA_PUBLISH : VIA_SUBSCRIBE);
    via_channel_info info = {.size = sizeof(info)};

    CHECK_OK(via_info(channel, &info));
    CHECK((info.flags & CLAIMED) == claims->info, "flags 0x%x, the manifest claims 0x%x", info.flags & CLAIMED,
          claims->info);
    CHECK(info.pattern == claims->pattern && info.role == role, "pattern %u, role %u instead of %u, %u", info.pattern,
          info.role, claims->pattern, role);
    CHECK(info.side == (binds ? VIA_SIDE_BIND : VIA_SIDE_CONNECT), "side %u", info.side);
    CHECK(!claims->max_message || (info.max_message && info.max_message <= claims->max_message),
          "max_message %llu, the manifest says %llu", (unsigned long long)info.max_message,
          (unsigned long long)claims->max_message);
    CHECK(strcmp(info.plugin, claims->plugin) == 0, "plugin \"%s\"", info.plugin);
    CHECK(strcmp(info.scheme, claims->scheme) == 0, "scheme \"%s\"", info.scheme);
    CHECK(strncmp(info.address, claims->scheme, strlen(claims->scheme)) == 0, "address \"%s\"", info.address);
}

static void test_info__matches_manifest(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    check_info(suite, &link, END_SENDS);
    check_info(suite, &link, END_RECEIVES);
    via_conform_close(&link);
}

/* ---- metadata ----------------------------------------------------------------------------------------------- */

static void check_text(const char *what, const char *got, const char *sent, bool carried)
{
    if (carried)
        CHECK(got && strcmp(got, sent) == 0, "%s '%s' arrived as '%s'", what, sent, got ? got : "(absent)");
    else
        CHECK(!got, "%s is not carried, and arrived as '%s'", what, got);
}

static void test_info__carries(via_conform *suite)
{
    uint32_t carries = suite->claims->info;
    via_conform_link link;
    via_msg message;
    via_meta meta = {0, 0, 5, carries & VIA_INFO_CARRIES_KEY ? "a.b.c" : NULL, "text/plain"};
    uint64_t sequence = 0;

    via_conform_open(suite, &link, NULL);
    for (int i = 0; i < 5; i++) {
        CHECK_OK(via_send(link.tx, "x", 1, &meta, via_conform_soon()));
        CHECK_OK(via_recv(link.rx, via_conform_soon(), &message));
        check_text("the key", message.meta.key, "a.b.c", carries & VIA_INFO_CARRIES_KEY);
        check_text("the content type", message.meta.content_type, "text/plain", carries & VIA_INFO_CARRIES_TYPE);
        CHECK(message.meta.priority == (carries & VIA_INFO_CARRIES_PRIORITY ? 5 : 0), "priority 5 arrived as %d",
              message.meta.priority);
        if (carries & VIA_INFO_CARRIES_SEQUENCE) {
            CHECK(message.meta.sequence && (!sequence || message.meta.sequence == sequence + 1),
                  "sequence %llu follows %llu", (unsigned long long)message.meta.sequence,
                  (unsigned long long)sequence);
        } else {
            CHECK(message.meta.sequence == 0, "no sequence is carried, and %llu arrived",
                  (unsigned long long)message.meta.sequence);
        }
        sequence = message.meta.sequence;
        CHECK(!(message.meta.flags & (VIA_MISSED | VIA_MORE)), "flags 0x%x on a message after which none is missing",
              message.meta.flags);
        via_release(link.rx, &message);
    }
    via_conform_close(&link);
}

/* ---- options ------------------------------------------------------------------------------------------------ */

/* The binding or the only end, opened with one option. */
static via_status open_with(via_conform *suite, const char *option, via_error *error)
{
    via_conform_how how = {.options = {option}};
    via_conform_end end;
    via_status status;

    if (suite->claims->has & NEEDS_TWO_ENDS) {
        status = via_conform_try_bind(suite, &end, via_conform_binder(suite, NULL), NULL, &how, error);
    } else {
        char address[CONFORM_ADDRESS];
        via_conform_new_address(suite, address);
        status = via_conform_try_connect(suite, &end, END_SENDS, address, &how, via_conform_soon(), error);
    }
    if (status == VIA_OK)
        via_conform_end_close(&end);
    return status;
}

static void test_options__defaults(via_conform *suite)
{
    for (size_t i = 0; i < suite->claims->option_count; i++) {
        const via_conform_option *option = &suite->claims->options[i];
        char wish[400];
        via_error error;
        if (!option->has_fallback)
            continue;
        (void)snprintf(wish, sizeof(wish), "!%s=%s", option->name, option->fallback);
        via_status status = open_with(suite, wish, &error);
        via_conform_check_error(__FILE__, __LINE__, status, VIA_OK, wish + 1, &error);
    }
}

static void test_options__typed(via_conform *suite)
{
    via_error error;
    via_status status = open_with(suite, "!no_such_option=1", &error);

    via_conform_check_error(__FILE__, __LINE__, status, VIA_EINVAL, "an option the manifest does not have", &error);
    for (size_t i = 0; i < suite->claims->option_count; i++) {
        const via_conform_option *option = &suite->claims->options[i];
        char wish[160];
        if (strcmp(option->type, "string") == 0 || strcmp(option->type, "path") == 0)
            continue;
        (void)snprintf(wish, sizeof(wish), "!%s=?!", option->name);
        status = open_with(suite, wish, &error);
        CHECK(status == VIA_EINVAL || status == VIA_ETYPE, "%s, which is no %s, is answered with %s", wish + 1,
              option->type, via_status_name(status));
        CHECK(error.what[0] && error.mend[0], "%s is refused without a way out", wish + 1);
    }
}

static const via_conform_test tests[] = {
    {"info.matches_manifest", "Knowing: via_info says what the manifest claims", CONFORM_ALL, 0,
     test_info__matches_manifest},
    {"info.carries", "Delivery: what the wire carries arrives, what it does not is absent", CONFORM_ALL, NEEDS_WHOLE,
     test_info__carries},
    {"options.defaults", "Options: each default may be spelled out", CONFORM_EVERY, 0, test_options__defaults},
    {"options.typed", "Options: an unknown option or a wrong type is refused with a way out", CONFORM_EVERY, 0,
     test_options__typed},
};

const via_conform_group via_conform_info_tests = {tests, sizeof(tests) / sizeof(tests[0])};
