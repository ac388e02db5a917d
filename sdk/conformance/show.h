/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command prints: lines for people, or with --json one object a line for programs.
 *
 * Owns: how a result looks, and the command that repeats a test.
 */
#ifndef VIADUCT_CONFORMANCE_SHOW_H
#define VIADUCT_CONFORMANCE_SHOW_H

#include "conform.h"

/* The command line. Texts are argv's. */
typedef struct via_conform_command {
    const char *manifest;
    const char *scheme;
    const char *pattern;
    const char *only;   /* a test's name, or NULL */
    const char *layers; /* or NULL */
    const char *layer_folder;
    const char *address; /* a template for addresses, or NULL */
    const char *dial;    /* for those of the other end, or NULL */
    const char *peer;    /* or NULL */
    const char *setup;   /* or NULL */
    const char *lacks[4];
    size_t lack_count;
    const char *extras[CONFORM_EXTRAS];
    size_t extra_count;
    uint64_t seed;
    unsigned timeout_s;
    bool list;
    bool json;
} via_conform_command;

/*
 * One of these for each test. With --json an object: "test", "rule", "needs" (claims, by name), "result" ("passed",
 * "failed", "skipped", "listed"; for a skipped one "needs" is what is not claimed), "ms"; of a failure also "expected",
 * "found", "at", "last_step", "seed", "again" (the words of the command that repeats it).
 */
void via_conform_show_result(const via_conform_command *command, const via_conform_test *test,
                             const via_conform_report *report, bool held, uint64_t took_ms);
void via_conform_show_skipped(const via_conform_command *command, const via_conform_test *test, uint32_t missing);
void via_conform_show_listed(const via_conform_command *command, const via_conform_test *test);

#endif
