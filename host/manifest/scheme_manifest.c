/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One scheme of a plugin's manifest.
 *
 * Owns: its table of fields and the rules between them.
 */
#include "manifest/plugin_manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define REST_CHARACTERS CAPITALS "abcdefghijklmnopqrstuvwxyz0123456789/:._-"

const via_word via_pattern_words[] = {
    {"pair", VIA_PATTERN_PAIR},   {"queue", VIA_PATTERN_QUEUE},   {"topic", VIA_PATTERN_TOPIC},
    {"value", VIA_PATTERN_VALUE}, {"region", VIA_PATTERN_REGION}, {NULL, 0},
};

const via_word via_scope_words[] = {
    {"process", VIA_SCOPE_PROCESS},
    {"machine", VIA_SCOPE_MACHINE},
    {"network", VIA_SCOPE_NETWORK},
    {NULL, 0},
};

/* The four of "guarantees", the two with fields of their own, the five of "carries". */
enum { GUARANTEES = 4, FIRST_CARRIED = 6 };

const via_word via_promise_words[] = {
    {"attach", VIA_INFO_ATTACH},
    {"lossless", VIA_INFO_LOSSLESS},
    {"ordered", VIA_INFO_ORDERED},
    {"death", VIA_INFO_DEATH},
    {"linger", VIA_INFO_LINGER_NATIVE},
    {"loan", VIA_INFO_LOAN_NATIVE},
    {"key", VIA_INFO_CARRIES_KEY},
    {"type", VIA_INFO_CARRIES_TYPE},
    {"priority", VIA_INFO_CARRIES_PRIORITY},
    {"sequence", VIA_INFO_CARRIES_SEQUENCE},
    {"boundaries", VIA_INFO_KEEPS_BOUNDARIES},
    {NULL, 0},
};

const via_word *const via_carry_words = &via_promise_words[FIRST_CARRIED];

static const via_word linger_words[] = {{"none", 0}, {"native", VIA_INFO_LINGER_NATIVE}, {NULL, 0}};
static const via_word loan_words[] = {{"emulated", 0}, {"native", VIA_INFO_LOAN_NATIVE}, {NULL, 0}};

const char *via_pattern_list(uint32_t patterns, char *text, size_t capacity)
{
    size_t at = 0;

    text[0] = '\0';
    for (const via_word *word = via_pattern_words; word->name && at < capacity; word++) {
        if (patterns & word->value)
            at += (size_t)snprintf(text + at, capacity - at, "%s%s", at ? " " : "", word->name);
    }
    return text;
}

bool via_scheme_is_name(const char *text)
{
    size_t size = strlen(text);

    return size >= 2 && size <= 31 && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-") == size;
}

bool via_feature_is_name(const char *text)
{
    size_t size = strlen(text);

    return size <= 31 && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

/* ---- fields ------------------------------------------------------------------------------------------------- */

static via_status read_patterns(via_check *check, json_t *value, void *target)
{
    return via_check_words(check, value, via_pattern_words, 1, &((via_scheme_manifest *)target)->patterns);
}

static via_status read_scope(via_check *check, json_t *value, void *target)
{
    return via_check_word(check, value, via_scope_words, &((via_scheme_manifest *)target)->scope);
}

static via_status read_features(via_check *check, json_t *value, void *target)
{
    return via_check_names(check, value, 0, via_feature_is_name, "lower-case letters, digits and \"-\"",
                           &((via_scheme_manifest *)target)->features);
}

static via_status read_aliases(via_check *check, json_t *value, void *target)
{
    return via_check_names(check, value, 0, via_scheme_is_name,
                           "a scheme: lower-case letters, digits, \"+\", \".\", \"-\"",
                           &((via_scheme_manifest *)target)->aliases);
}

static via_status read_max_message(via_check *check, json_t *value, void *target)
{
    return via_manifest_size(check, value, &((via_scheme_manifest *)target)->max_message);
}

static via_status read_listens(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((via_scheme_manifest *)target)->listens);
}

static via_status read_flags(via_check *check, json_t *value, const via_word *words, via_scheme_manifest *scheme)
{
    uint32_t flag = 0;
    via_status status = via_check_word(check, value, words, &flag);

    scheme->info_flags |= flag;
    return status;
}

static via_status read_linger(via_check *check, json_t *value, void *target)
{
    return read_flags(check, value, linger_words, target);
}

static via_status read_loan(via_check *check, json_t *value, void *target)
{
    return read_flags(check, value, loan_words, target);
}

static via_status read_carries(via_check *check, json_t *value, void *target)
{
    uint32_t flags = 0;
    via_status status = via_check_words(check, value, via_carry_words, 0, &flags);

    ((via_scheme_manifest *)target)->info_flags |= flags;
    return status;
}

static via_status read_guarantee(via_check *check, json_t *value, void *target, uint32_t flag)
{
    bool given = false;
    via_status status = via_check_bool(check, value, &given);

    if (given)
        ((via_scheme_manifest *)target)->info_flags |= flag;
    return status;
}

static via_status read_attach(via_check *check, json_t *value, void *target)
{
    return read_guarantee(check, value, target, VIA_INFO_ATTACH);
}

static via_status read_lossless(via_check *check, json_t *value, void *target)
{
    return read_guarantee(check, value, target, VIA_INFO_LOSSLESS);
}

static via_status read_ordered(via_check *check, json_t *value, void *target)
{
    return read_guarantee(check, value, target, VIA_INFO_ORDERED);
}

static via_status read_death(via_check *check, json_t *value, void *target)
{
    return read_guarantee(check, value, target, VIA_INFO_DEATH);
}

static const via_field guarantee_fields[] = {
    {"attach", read_attach, true},
    {"lossless", read_lossless, true},
    {"ordered", read_ordered, true},
    {"death", read_death, true},
};

static via_status read_guarantees(via_check *check, json_t *value, void *target)
{
    return via_check_object(check, value, guarantee_fields, sizeof(guarantee_fields) / sizeof(guarantee_fields[0]),
                            target);
}

static via_status read_options(via_check *check, json_t *value, void *target)
{
    return via_option_list_read(check, value, &((via_scheme_manifest *)target)->options);
}

static via_status read_rest(via_check *check, json_t *value, void *target)
{
    const char *text = NULL;
    via_status status = via_check_text(check, value, 1, 63, &text);

    if (status == VIA_OK && strspn(text, REST_CHARACTERS) != strlen(text))
        return via_check_fail(check, "write NAME if a plain name does, else such as //HOST:PORT",
                              "\"%.80s\" is no form of an address; expected letters, digits, \"/\", \":\", \".\", "
                              "\"_\" and \"-\"",
                              text);
    if (status == VIA_OK)
        ((via_scheme_manifest *)target)->rest = text;
    return status;
}

static via_status read_latency(via_check *check, json_t *value, void *target)
{
    int64_t number = 0;
    via_status status = via_check_integer(check, value, 1, INT64_C(1000000000000), &number);

    ((via_scheme_manifest *)target)->typical_latency_ns = (uint64_t)number;
    return status;
}

static via_status read_rate(via_check *check, json_t *value, void *target)
{
    int64_t number = 0;
    via_status status = via_check_integer(check, value, 1, INT64_C(1000000000000000), &number);

    ((via_scheme_manifest *)target)->typical_bytes_per_s = (uint64_t)number;
    return status;
}

static const via_field typical_fields[] = {{"latency_ns", read_latency, true}, {"bytes_per_s", read_rate, true}};

static via_status read_typical(via_check *check, json_t *value, void *target)
{
    return via_check_object(check, value, typical_fields, sizeof(typical_fields) / sizeof(typical_fields[0]), target);
}

static const via_field fields[] = {
    {"patterns", read_patterns, true},       {"scope", read_scope, true},      {"guarantees", read_guarantees, true},
    {"max_message", read_max_message, true}, {"options", read_options, false}, {"features", read_features, false},
    {"aliases", read_aliases, false},        {"carries", read_carries, false}, {"listens", read_listens, false},
    {"linger", read_linger, false},          {"loan", read_loan, false},       {"rest", read_rest, false},
    {"typical", read_typical, false},
};

/* ---- the whole ---------------------------------------------------------------------------------------------- */

via_status via_scheme_manifest_read(via_check *check, json_t *value, via_scheme_manifest *scheme)
{
    scheme->listens = true;
    scheme->rest = "";
    via_status status = via_check_object(check, value, fields, sizeof(fields) / sizeof(fields[0]), scheme);
    return status == VIA_OK ? via_option_list_check(check, &scheme->options, scheme->patterns, "scheme") : status;
}

void via_scheme_manifest_fini(via_scheme_manifest *scheme)
{
    via_option_list_fini(&scheme->options);
}

/* What a scheme promises can be asked for as what it is able to do can. */
static bool promises(const via_scheme_manifest *scheme, const char *feature)
{
    for (size_t i = 0; i < GUARANTEES; i++) {
        if (strcmp(via_promise_words[i].name, feature) == 0)
            return scheme->info_flags & via_promise_words[i].value;
    }
    return false;
}

bool via_scheme_manifest_has(const via_scheme_manifest *scheme, const char *feature)
{
    return promises(scheme, feature) || via_names_hold(scheme->features, feature);
}

bool via_scheme_manifest_is_named(const via_scheme_manifest *scheme)
{
    const char *name = strstr(scheme->rest, "NAME");

    return name && strcspn(scheme->rest, CAPITALS) == (size_t)(name - scheme->rest) && !strpbrk(name + 4, CAPITALS);
}
