/* SPDX-License-Identifier: Apache-2.0 */
#include "library_ends.h"

#include <stdio.h>
#include <unistd.h>

const way library_ways[2] = {{"unix:", ""}, {"unix:", "&rpc.codec=json"}};

static void *pump(void *argument)
{
    both_ends *ends = argument;

    while ((ends->ended = via_rpc_pump(ends->server, VIA_FOREVER)) == VIA_OK)
        ;
    return NULL;
}

static void must(via_status status, const via_error *error)
{
    if (status != VIA_OK)
        fail_msg("%s: %s (%s:%u)", via_status_name(status), error->what, error->file, error->line);
}

void library_ends_open(both_ends *ends, const way *on, const char *interface, const char *library)
{
    static int serial;
    char address[1024];
    via_error error;

    (void)snprintf(address, sizeof(address), "%slibrary-%d-%d?layers=rpc&rpc.interface=%s/%s%s", on->address,
                   (int)getpid(), serial++, EXAMPLE_INTERFACES, interface, on->options);
    must(via_host_open(NULL, &ends->host, &error), &error);
    must(via_listen(ends->host, address, NULL, &ends->listener, &error), &error);
    must(via_dial(ends->host, address, NULL, via_after_ms(5000), &ends->client, &error), &error);
    must(via_accept(ends->listener, via_after_ms(5000), &ends->server, &error), &error);
    must(via_rpc_serve_library(ends->server, library, NULL, &error), &error);
    assert_int_equal(pthread_create(&ends->thread, NULL, pump, ends), 0);
}

void import_function(const both_ends *ends, const char *method, void *pointer, size_t bytes)
{
    via_error error;

    must(via_rpc_import(ends->client, method, pointer, bytes, &error), &error);
}

void assert_good(const both_ends *ends)
{
    via_rpc_error error;

    if (via_rpc_last_error(ends->client, &error) != VIA_OK)
        fail_msg("%s: %s", error.method, error.text);
}

void assert_failed(const both_ends *ends, int32_t code, const char *name)
{
    via_rpc_error error;

    assert_int_equal(via_rpc_last_error(ends->client, &error), VIA_EREMOTE);
    assert_int_equal(error.origin, VIA_RPC_THERE);
    assert_int_equal(error.code, code);
    assert_string_equal(error.name, name);
}
