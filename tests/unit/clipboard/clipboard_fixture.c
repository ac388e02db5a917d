/* SPDX-License-Identifier: Apache-2.0 */
#include "clipboard_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, OPTIONS = 8 };

via_deadline soon_enough(void)
{
    return via_after_ms(PATIENCE_MS);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

int clipboard_set_up(void **state)
{
    clipboard_fixture *fixture = calloc(1, sizeof(*fixture));
    via_error error;

    assert_non_null(fixture);
    (void)snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/via-clipboard.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)setenv("XDG_RUNTIME_DIR", fixture->folder, 1);
    if (via_host_open(NULL, &fixture->host, &error) != VIA_OK)
        fail_msg("%s", error.what);
    *state = fixture;
    return 0;
}

int clipboard_tear_down(void **state)
{
    clipboard_fixture *fixture = *state;

    via_host_close(fixture->host);
    (void)nftw(fixture->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

static via_status join(const clipboard_fixture *fixture, const char *address, va_list more, via_channel **channel,
                       via_error *error)
{
    const char *list[OPTIONS] = {"backend=embedded"};
    via_open_options options;

    via_open_options_init(&options);
    options.options = list;
    for (options.option_count = 1; options.option_count < OPTIONS; options.option_count++) {
        list[options.option_count] = va_arg(more, const char *);
        if (!list[options.option_count])
            break;
    }
    return via_join(fixture->host, address, VIA_VALUE, &options, soon_enough(), channel, error);
}

via_channel *open_clipboard(const clipboard_fixture *fixture, ...)
{
    via_channel *channel = NULL;
    via_error error;
    va_list more;

    va_start(more, fixture);
    via_status status = join(fixture, "clipboard:test", more, &channel, &error);
    va_end(more);
    if (status != VIA_OK)
        fail_msg("%s", error.what);
    return channel;
}

via_status refuse_clipboard(const clipboard_fixture *fixture, const char *address, via_error *error, ...)
{
    via_channel *channel = NULL;
    va_list more;

    va_start(more, error);
    via_status status = join(fixture, address, more, &channel, error);
    va_end(more);
    assert_null(channel);
    assert_int_not_equal(status, VIA_OK);
    return status;
}

const char *clipboard_path(const clipboard_fixture *fixture, const char *suffix)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/viaduct/test.clip%s", fixture->folder, suffix);
    return path;
}

/* ---- talking ------------------------------------------------------------------------------------------------ */

void copy_text(via_channel *channel, const char *text)
{
    assert_int_equal(via_send(channel, text, strlen(text), NULL, soon_enough()), VIA_OK);
}

static void check(via_channel *channel, via_msg *message, const char *type, const void *bytes, size_t size)
{
    assert_int_equal(message->size, size);
    if (size > 0)
        assert_memory_equal(message->data, bytes, size);
    if (type)
        assert_string_equal(message->meta.content_type, type);
    via_release(channel, message);
}

uint64_t expect_received(via_channel *channel, const char *type, const void *bytes, size_t size)
{
    via_msg message;

    assert_int_equal(via_recv(channel, soon_enough(), &message), VIA_OK);
    const uint64_t sequence = message.meta.sequence;
    check(channel, &message, type, bytes, size);
    return sequence;
}

void expect_text(via_channel *channel, const char *text)
{
    (void)expect_received(channel, NULL, text, strlen(text));
}

void expect_nothing(via_channel *channel)
{
    via_msg message;

    assert_int_equal(via_recv(channel, via_after_ms(30), &message), VIA_ETIMEDOUT);
}

void expect_offer(via_channel *channel, const char *wanted, const char *type, const void *bytes, size_t size)
{
    via_msg message;

    assert_int_equal(via_offers_receive(channel, wanted, soon_enough(), &message), VIA_OK);
    check(channel, &message, type, bytes, size);
}

void expect_types(via_channel *channel, const char *types)
{
    char buffer[1024];
    size_t needed = 0;

    assert_int_equal(via_offers_types(channel, buffer, sizeof(buffer), &needed, soon_enough()), VIA_OK);
    assert_string_equal(buffer, types);
    assert_int_equal(needed, strlen(types) + 1);
}

void expect_emptied(via_channel *channel)
{
    uint64_t generation = 0;
    size_t needed = 0;

    while (via_offers_types(channel, NULL, 0, &needed, soon_enough()) != VIA_ENOENT)
        assert_int_equal(via_offers_wait(channel, &generation, soon_enough()), VIA_OK);
}
