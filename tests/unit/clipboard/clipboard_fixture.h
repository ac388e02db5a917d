/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the plugin share: a host, and channels to a clipboard of files in a private folder.
 */
#ifndef CLIPBOARD_FIXTURE_H
#define CLIPBOARD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <viaduct/ext/offers.h>
#include <viaduct/viaduct.h>

typedef struct clipboard_fixture {
    via_host *host;
    char folder[64]; /* the runtime folder of this test */
} clipboard_fixture;

int clipboard_set_up(void **state);
int clipboard_tear_down(void **state);

/* A deadline that only a hanging test reaches. */
via_deadline soon_enough(void);

/* Opens clipboard:test with backend=embedded and these options ("name=value", NULL at the end). */
via_channel *open_clipboard(const clipboard_fixture *fixture, ...);
/* The same, expecting a refusal. */
via_status refuse_clipboard(const clipboard_fixture *fixture, const char *address, via_error *error, ...);
/* The path of the content's file. */
const char *clipboard_path(const clipboard_fixture *fixture, const char *suffix);

void copy_text(via_channel *channel, const char *text);
/* Receives by via_recv(), and expects this. type NULL = any. Returns the sequence. */
uint64_t expect_received(via_channel *channel, const char *type, const void *bytes, size_t size);
void expect_text(via_channel *channel, const char *text);
void expect_nothing(via_channel *channel);
/* By via_offers_receive(). */
void expect_offer(via_channel *channel, const char *wanted, const char *type, const void *bytes, size_t size);
void expect_types(via_channel *channel, const char *types);
/* Waits until it is empty, as `channel` sees it. */
void expect_emptied(via_channel *channel);

#endif
