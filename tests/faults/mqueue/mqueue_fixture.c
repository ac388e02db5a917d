/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of message queues share; see mqueue_fixture.h.
 */
#include "mqueue_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_child;

_Noreturn static void give_up(const char *what, const char *why)
{
    char text[700];

    (void)snprintf(text, sizeof(text), "%s: %s", what, why);
    if (!is_child)
        fail_msg("%s", text);
    (void)fprintf(stderr, "%s\n", text);
    _exit(1);
}

/* ---- channels ----------------------------------------------------------------------------------------------- */

via_status mq_try_join(const char *address, uint32_t role, uint32_t side, via_deadline deadline, via_channel **channel,
                       via_error *error)
{
    via_open_options options;

    via_open_options_init(&options);
    options.side = side;
    *channel = NULL;
    via_error_init(error);
    return via_join(NULL, address, role, &options, deadline, channel, error);
}

via_channel *mq_join(const char *address, uint32_t role, uint32_t side)
{
    via_channel *channel;
    via_error error;

    if (mq_try_join(address, role, side, via_after_ms(PATIENCE_MS), &channel, &error) != VIA_OK)
        give_up(address, error.what);
    return channel;
}

void mq_send_text(via_channel *channel, const char *text, int32_t priority)
{
    const via_meta meta = {.priority = priority};
    via_status status = via_send(channel, text, strlen(text), &meta, via_after_ms(PATIENCE_MS));

    if (status != VIA_OK)
        give_up("via_send", via_status_name(status));
}

void mq_expect_text(via_channel *channel, const char *text, int32_t priority)
{
    via_msg message;
    via_status status = via_recv(channel, via_after_ms(PATIENCE_MS), &message);

    if (status != VIA_OK)
        give_up(text, via_status_name(status));
    if (message.size != strlen(text) || memcmp(message.data, text, message.size) != 0)
        give_up(text, "another message came");
    if (message.meta.priority != priority)
        give_up(text, "it has another priority");
    via_release(channel, &message);
}

void mq_expect_nothing(via_channel *channel)
{
    via_msg message;

    assert_int_equal(via_recv(channel, via_after_ms(50), &message), VIA_ETIMEDOUT);
}

/* ---- what is left ------------------------------------------------------------------------------------------- */

void mq_path(const char *file, char *out, size_t capacity)
{
    (void)snprintf(out, capacity, "%s/viaduct/%s", getenv("XDG_RUNTIME_DIR"), file);
}

void mq_kernel_name(const char *name, char *out, size_t capacity)
{
    char folder[512];
    struct stat there;

    mq_path("", folder, sizeof(folder));
    if (stat(folder, &there) != 0)
        give_up(folder, strerror(errno));
    (void)snprintf(out, capacity, "/viaduct.%ju.%jx.%jx.%s.mq", (uintmax_t)geteuid(), (uintmax_t)there.st_dev,
                   (uintmax_t)there.st_ino, name);
}

bool mq_kernel_has(const char *kernel_name)
{
    mqd_t queue = mq_open(kernel_name, O_RDONLY | O_CLOEXEC);

    if (queue == (mqd_t)-1)
        return false;
    (void)mq_close(queue);
    return true;
}

unsigned mq_files(const char *suffix)
{
    char path[512];
    const struct dirent *entry;
    unsigned count = 0;

    mq_path("", path, sizeof(path));
    DIR *folder = opendir(path);
    if (!folder)
        return 0;
    while ((entry = readdir(folder)) != NULL) {
        size_t length = strlen(entry->d_name);
        count += length > strlen(suffix) && strcmp(entry->d_name + length - strlen(suffix), suffix) == 0;
    }
    (void)closedir(folder);
    return count;
}

/* ---- children ----------------------------------------------------------------------------------------------- */

pid_t mq_fork(int (*run)(void *argument), void *argument)
{
    pid_t child = fork();

    if (child < 0)
        give_up("fork", strerror(errno));
    if (child > 0)
        return child;
    is_child = true;
    _exit(run(argument));
}

static int wait_for(pid_t child)
{
    int status = -1;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            give_up("waitpid", strerror(errno));
    return status;
}

void mq_kill(pid_t child)
{
    (void)kill(child, SIGKILL);
    (void)wait_for(child);
}

void mq_reap(pid_t child)
{
    int status = wait_for(child);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with wait status %#x", (unsigned)status);
}
