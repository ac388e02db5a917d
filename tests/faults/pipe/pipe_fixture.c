/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fault tests of pipe: share; see pipe_fixture.h.
 */
#include "pipe_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

via_deadline soon_enough(void)
{
    return via_after_ms(30000);
}

void new_address(char address[ADDRESS_SIZE])
{
    static unsigned count;

    (void)snprintf(address, ADDRESS_SIZE, "pipe:faults-%ld-%u", (long)getpid(), count++);
}

void fifo_path(const char *address, char *path, size_t capacity)
{
    (void)snprintf(path, capacity, "%s/viaduct/%s.fifo", getenv("XDG_RUNTIME_DIR"), address + strlen("pipe:"));
}

unsigned count_files(void)
{
    char path[256];
    unsigned count = 0;
    const struct dirent *entry;
    DIR *folder;

    (void)snprintf(path, sizeof(path), "%s/viaduct", getenv("XDG_RUNTIME_DIR"));
    folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            count++;
    closedir(folder);
    return count;
}

via_listener *listen_at(const char *address)
{
    via_listener *listener = NULL;
    via_error error;

    if (via_listen(NULL, address, NULL, &listener, &error) != VIA_OK)
        fail_msg("%s: %s; %s", address, error.what, error.mend);
    return listener;
}

via_channel *accept_from(via_listener *listener)
{
    via_channel *channel = NULL;
    via_error error;

    if (via_accept(listener, soon_enough(), &channel, &error) != VIA_OK)
        fail_msg("accept: %s %s", via_status_name(error.status), error.what);
    return channel;
}

via_channel *dial_to(const char *address)
{
    via_channel *channel = NULL;
    via_error error;

    if (via_dial(NULL, address, NULL, soon_enough(), &channel, &error) != VIA_OK)
        fail_msg("%s: %s; %s", address, error.what, error.mend);
    return channel;
}

static void fill(uint8_t *bytes, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)((number * 31 + i) % 251);
}

void send_number(via_channel *channel, uint64_t number, size_t size)
{
    uint8_t *bytes = malloc(size + 1);

    assert_non_null(bytes);
    fill(bytes, number, size);
    assert_int_equal(via_send(channel, bytes, size, NULL, soon_enough()), VIA_OK);
    free(bytes);
}

void expect_number(via_channel *channel, uint64_t number, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    via_msg message;
    via_status status = via_recv(channel, soon_enough(), &message);

    assert_non_null(bytes);
    if (status != VIA_OK)
        fail_msg("waiting for message %lu: %s", (unsigned long)number, via_status_name(status));
    fill(bytes, number, size);
    assert_int_equal(message.size, size);
    assert_memory_equal(message.data, bytes, size);
    via_release(channel, &message);
    free(bytes);
}

void expect_end(via_channel *channel, via_status status)
{
    via_msg message;

    for (int i = 0; i < 2; i++)
        assert_string_equal(via_status_name(via_recv(channel, soon_enough(), &message)), via_status_name(status));
}

child start_child(void (*work)(const char *address, int news), const char *address)
{
    int ends[2];
    child made = {.pid = -1};

    assert_int_equal(pipe(ends), 0);
    made.news = ends[0];
    made.pid = fork();
    assert_true(made.pid >= 0);
    if (made.pid == 0) {
        close(ends[0]);
        work(address, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    return made;
}

void tell(int news)
{
    if (write(news, "", 1) != 1)
        _exit(9);
}

void await_news(const child *of)
{
    struct pollfd set = {.fd = of->news, .events = POLLIN};
    char byte;

    assert_int_equal(poll(&set, 1, 30000), 1);
    assert_int_equal(read(of->news, &byte, 1), 1);
}

static int reap(child *of)
{
    int status = -1;

    while (waitpid(of->pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    close(of->news);
    return status;
}

void kill_child(child *of)
{
    assert_int_equal(kill(of->pid, SIGKILL), 0);
    (void)reap(of);
}

void join_child(child *of)
{
    assert_int_equal(reap(of), 0);
}
