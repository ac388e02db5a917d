/* SPDX-License-Identifier: Apache-2.0 */
#include "role.h"

#include "both_ends.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

/* ---- processes ---------------------------------------------------------------------------------------------- */

void role_address(char *out, size_t capacity, const char *transport, const char *name, const char *options)
{
    (void)snprintf(out, capacity, "%s%s?layers=rpc&rpc.interface=%s%s", transport, name, CALC_INTERFACE, options);
}

pid_t role_start(const char *role, const char *address)
{
    char *arguments[] = {(char *)"role", (char *)(uintptr_t)role, (char *)(uintptr_t)address, NULL};
    pid_t pid;

    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
    return pid;
}

void role_await(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void role_kill(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    role_await(pid);
}

uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint32_t any_below(uint32_t limit)
{
    struct timespec now;
    static uint32_t state;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    state = (state ^ (uint32_t)now.tv_nsec) * 2654435761u;
    return (state >> 8) % limit;
}

/* ---- serving ------------------------------------------------------------------------------------------------ */

static void must(via_status status, const via_error *error)
{
    if (status == VIA_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", via_status_name(status), error->what);
    abort();
}

static void *serve(void *argument)
{
    via_channel *channel = argument;
    via_error error;

    must(via_rpc_serve(channel, calc_functions, calc_function_count, NULL, &error), &error);
    while (via_rpc_pump(channel, VIA_FOREVER) == VIA_OK)
        ;
    via_close(channel);
    return NULL;
}

void many_server_open(many_server *server, const char *address)
{
    via_error error;

    must(via_host_open(NULL, &server->host, &error), &error);
    must(via_listen(server->host, address, NULL, &server->listener, &error), &error);
}

void many_server_run(many_server *server)
{
    enum { MANY = 1024 };
    pthread_t threads[MANY];
    size_t count = 0;
    via_channel *channel;

    while (count < MANY && via_accept(server->listener, VIA_FOREVER, &channel, NULL) == VIA_OK)
        if (pthread_create(&threads[count++], NULL, serve, channel) != 0)
            abort();
    while (count > 0)
        (void)pthread_join(threads[--count], NULL);
}

void many_server_close(many_server *server)
{
    via_listener_close(server->listener);
    via_host_close(server->host);
}
