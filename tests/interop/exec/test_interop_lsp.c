/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A language server over exec: clangd, with the Language Server Protocol's own framing.
 */
#include "exec_fixture.h"

#include <string.h>

static const char initialize[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\","
                                 "\"params\":{\"processId\":null,\"rootUri\":null,\"capabilities\":{}}}";
static const char initialized[] = "{\"jsonrpc\":\"2.0\",\"method\":\"initialized\",\"params\":{}}";
static const char open_file[] =
    "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{\"textDocument\":{"
    "\"uri\":\"file:///tmp/viaduct-wrong.c\",\"languageId\":\"c\",\"version\":1,\"text\":\"int f(void) { return x; "
    "}\\n\"}}}";
static const char shutdown_request[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"shutdown\",\"params\":null}";
static const char exit_notice[] = "{\"jsonrpc\":\"2.0\",\"method\":\"exit\",\"params\":null}";

/* Receives until a message has `mark` in it, and `also`. */
static void expect_mark(via_channel *channel, const char *mark, const char *also)
{
    for (;;) {
        via_msg message;
        via_status status = via_recv(channel, soon_enough(), &message);
        int found;

        if (status != VIA_OK)
            fail_msg("waiting for %s: %s", mark, via_status_name(status));
        assert_true(message.size > 0 && ((const char *)message.data)[0] == '{');
        found = memmem(message.data, message.size, mark, strlen(mark)) != NULL;
        if (found)
            assert_non_null(memmem(message.data, message.size, also, strlen(also)));
        via_release(channel, &message);
        if (found)
            return;
    }
}

static void test_lsp__clangd_answers(void **state)
{
    via_channel *server = start("exec:clangd --log=error?framing=content-length&linger=20s");
    via_process_exit how = {.size = sizeof(how)};

    (void)state;
    say(server, initialize);
    expect_mark(server, "\"id\":1", "\"capabilities\"");
    say(server, initialized);
    say(server, open_file);
    expect_mark(server, "publishDiagnostics", "undeclared identifier");
    say(server, shutdown_request);
    expect_mark(server, "\"id\":2", "null");
    say(server, exit_notice);
    hear_end(server, VIA_ECLOSED);
    assert_int_equal(via_process_wait(server, soon_enough(), &how), VIA_OK);
    assert_int_equal(how.code, 0);
    via_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lsp__clangd_answers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
