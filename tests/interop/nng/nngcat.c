/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An nngcat process with its output on a pipe; see nngcat.h.
 */
#include "nngcat.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ARGUMENTS_MAX = 24, OUTPUT_MAX = 65536, PATIENCE_MS = 10000 };

bool nngcat_start(nngcat *cat, const char *const *arguments)
{
    char *list[ARGUMENTS_MAX + 2] = {(char *)(size_t) "nngcat"};
    posix_spawn_file_actions_t actions;
    int ends[2];

    for (int i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
        list[i + 1] = (char *)(size_t)arguments[i];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    int code = posix_spawnp(&cat->pid, "nngcat", &actions, NULL, list, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    cat->output = ends[0];
    if (code == 0)
        return true;
    close(ends[0]);
    return false;
}

bool nngcat_says(nngcat *cat, const char *text)
{
    char output[OUTPUT_MAX];
    size_t have = 0;

    while (have < sizeof(output) && !memmem(output, have, text, strlen(text))) {
        struct pollfd set = {.fd = cat->output, .events = POLLIN};
        if (poll(&set, 1, PATIENCE_MS) <= 0)
            return false;
        ssize_t got = read(cat->output, output + have, sizeof(output) - have);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return have < sizeof(output);
}

void nngcat_stop(nngcat *cat)
{
    kill(cat->pid, SIGKILL);
    while (waitpid(cat->pid, NULL, 0) < 0)
        ;
    close(cat->output);
}

int free_port(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(name);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = -1;

    if (bind(descriptor, (const struct sockaddr *)&name, sizeof(name)) == 0 &&
        getsockname(descriptor, (struct sockaddr *)&name, &size) == 0)
        port = ntohs(name.sin_port);
    close(descriptor);
    return port;
}
