/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests against other programs' RPC share; see peer.h.
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

via_deadline soon_enough(void)
{
    return via_after_ms(PROGRAM_PATIENCE_MS);
}

void socket_make(char path[SOCKET_PATH])
{
    char folder[SOCKET_PATH - 8] = "/tmp/via-rpc.XXXXXX";

    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, SOCKET_PATH, "%s/s", folder);
}

void socket_remove(const char path[SOCKET_PATH])
{
    char folder[SOCKET_PATH];

    (void)unlink(path);
    (void)snprintf(folder, sizeof(folder), "%s", path);
    *strrchr(folder, '/') = '\0';
    (void)rmdir(folder);
}

/* ---- calling ------------------------------------------------------------------------------------------------ */

via_channel *must_dial(const char *address)
{
    via_channel *channel = NULL;
    via_error error;

    if (via_dial(NULL, address, NULL, soon_enough(), &channel, &error) != VIA_OK)
        fail_msg("%s: %s; %s", address, error.what, error.mend);
    return channel;
}

void must_answer(via_channel *channel, const char *method, const char *parameters, const char *result)
{
    via_rpc_error error;
    char *answer;
    via_status status = via_rpc_call_json(channel, method, parameters, soon_enough(), &answer, NULL, NULL, &error);

    if (status != VIA_OK)
        fail_msg("%s: %s %d: %s", method, via_status_name(status), error.code, error.text);
    if (result)
        assert_string_equal(answer, result);
    via_free(answer);
}

void must_fail(via_channel *channel, const char *method, const char *parameters, const char *text, via_rpc_error *error)
{
    char *answer;
    via_status status = via_rpc_call_json(channel, method, parameters, soon_enough(), &answer, NULL, NULL, error);

    assert_string_equal(via_status_name(status), via_status_name(VIA_EREMOTE));
    assert_null(answer);
    assert_int_equal(error->origin, VIA_RPC_THERE);
    assert_string_equal(error->method, method);
    if (!strstr(error->text, text))
        fail_msg("'%s' is not in '%s'", text, error->text);
}

/* ---- serving ------------------------------------------------------------------------------------------------ */

static void *serve(void *argument)
{
    server *self = argument;
    via_status status = via_accept(self->listener, soon_enough(), &self->channel, NULL);

    if (status == VIA_OK)
        status = via_rpc_serve(self->channel, self->functions, self->count, self, NULL);
    while (status == VIA_OK)
        status = via_rpc_pump(self->channel, soon_enough());
    via_close(self->channel);
    return NULL;
}

void server_start(server *self, const char *address, const via_rpc_function *functions, size_t count)
{
    via_error error;

    *self = (server){.functions = functions, .count = count};
    if (via_listen(NULL, address, NULL, &self->listener, &error) != VIA_OK)
        fail_msg("%s: %s; %s", address, error.what, error.mend);
    assert_int_equal(pthread_create(&self->thread, NULL, serve, self), 0);
}

void server_stop(server *self)
{
    via_listener_interrupt(self->listener);
    assert_int_equal(pthread_join(self->thread, NULL), 0);
    via_listener_close(self->listener);
}
