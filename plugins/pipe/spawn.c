/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a child process; see child.h.
 *
 * Owns: what the child inherits: stdin and stdout as planned, our stderr, no other descriptor, the default disposition
 * of every signal, an empty signal mask. posix_spawn(3) shares memory instead of copying it, and tells the errno of a
 * failed execve as its own result.
 */
#include "child.h"

#include "kit/fail.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    int result;

    sigemptyset(&none);
    sigfillset(&all);
    result = posix_spawnattr_setsigmask(attributes, &none);
    if (result == 0)
        result = posix_spawnattr_setsigdefault(attributes, &all);
    if (result == 0)
        result = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return result;
}

static int set_actions(posix_spawn_file_actions_t *actions, const pipe_child_plan *plan)
{
    int result = posix_spawn_file_actions_adddup2(actions, plan->standard_input, STDIN_FILENO);

    if (result == 0)
        result = posix_spawn_file_actions_adddup2(actions, plan->standard_output, STDOUT_FILENO);
    if (result == 0)
        result = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (result == 0 && plan->folder[0])
        result = posix_spawn_file_actions_addchdir_np(actions, plan->folder);
    return result;
}

/* 0 or an errno. */
static int spawn(const pipe_child_plan *plan, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_init(&actions);

    if (result != 0)
        return result;
    result = posix_spawnattr_init(&attributes);
    if (result != 0)
        goto cleanup;
    result = set_actions(&actions, plan);
    if (result == 0)
        result = set_attributes(&attributes);
    if (result == 0)
        result = posix_spawnp(pid, plan->arguments[0], &actions, &attributes, plan->arguments, plan->environment);
    posix_spawnattr_destroy(&attributes);
cleanup:
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static via_status cannot_enter(const via_host_api *host, const char *folder, int os_code, via_error *error)
{
    return via_fail(host, error, os_code == EACCES ? VIA_EPERM : VIA_EINVAL, os_code,
                    "make the folder, or correct the option dir", "cannot enter the folder '%s'", folder);
}

static const char *mend_for(int os_code)
{
    switch (os_code) {
    case ENOENT:
        return "install the program, or give its full path; a script also needs the interpreter in its first line";
    case EACCES:
        return "make the file executable (chmod +x), and its folders searchable";
    case ENOEXEC:
        return "give the interpreter as the first word, as in exec:sh FILE: there is no shell in between";
    case E2BIG:
        return "give fewer or shorter arguments";
    case EAGAIN:
        return "raise the limit of processes (ulimit -u)";
    case EMFILE:
    case ENFILE:
        return "close something, or raise the limit of open files (ulimit -n)";
    default:
        return NULL;
    }
}

static bool is_folder(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* A relative path starts in the child's folder. */
static bool is_folder_for_child(const pipe_child_plan *plan)
{
    const char *program = plan->arguments[0];
    char path[PATH_MAX];

    if (!strchr(program, '/'))
        return false;
    if (program[0] == '/' || !plan->folder[0])
        return is_folder(program);
    (void)snprintf(path, sizeof(path), "%s/%s", plan->folder, program);
    return is_folder(path);
}

/*
 * The search of PATH ends in EACCES when there is a folder that we may not look into, or a folder of that name, even if
 * the program is nowhere.
 */
static bool is_nowhere(const char *program)
{
    const char *folder = getenv("PATH"); /* NOLINT(concurrency-mt-unsafe): read only, as every library does */
    char path[PATH_MAX];

    if (strchr(program, '/') || !folder)
        return false;
    while (*folder) {
        int length = (int)strcspn(folder, ":");

        (void)snprintf(path, sizeof(path), "%.*s/%s", length, folder, program);
        if (access(path, F_OK) == 0 && !is_folder(path))
            return false;
        folder += length + (folder[length] == ':');
    }
    return true;
}

static via_status cannot_start(const via_host_api *host, const pipe_child_plan *plan, int os_code, via_error *error)
{
    struct stat found;
    via_status status;

    if (plan->folder[0] && stat(plan->folder, &found) != 0)
        return cannot_enter(host, plan->folder, errno, error);
    if (plan->folder[0] && !S_ISDIR(found.st_mode))
        return cannot_enter(host, plan->folder, ENOTDIR, error);
    if (os_code == EACCES && is_nowhere(plan->arguments[0]))
        os_code = ENOENT;
    if (os_code == EACCES && is_folder_for_child(plan))
        return via_fail(host, error, VIA_EINVAL, EISDIR, "name the program in it: exec:FOLDER/PROGRAM",
                        "cannot run '%s', which is a folder", plan->arguments[0]);
    status = via_status_of_errno(os_code);
    if (os_code == EAGAIN)
        status = VIA_ELIMIT;
    if (os_code == ENOEXEC || os_code == E2BIG)
        status = VIA_EINVAL;
    return via_fail(host, error, status, os_code, mend_for(os_code), "cannot run '%s'", plan->arguments[0]);
}

/* The child cannot be watched: it must not live on without us. */
static void give_up(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

via_status pipe_child_start(const via_host_api *host, const pipe_child_plan *plan, pipe_child *child, via_error *error)
{
    int os_code = spawn(plan, &child->pid);

    if (os_code != 0)
        return cannot_start(host, plan, os_code, error);
    child->code = -1;
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0); /* close-on-exec by itself */
    if (child->pidfd < 0 && errno == ESRCH) {
        child->ended = true; /* the program ignores SIGCHLD: the kernel has reaped it already */
    } else if (child->pidfd < 0) {
        os_code = errno;
        give_up(child->pid);
        return via_fail(host, error, via_status_of_errno(os_code), os_code, mend_for(os_code),
                        "cannot watch the process of '%s'", plan->arguments[0]);
    }
    if (pthread_mutex_init(&child->lock, NULL) == 0)
        return VIA_OK;
    if (child->pidfd >= 0) {
        give_up(child->pid);
        close(child->pidfd);
    }
    return via_fail(host, error, VIA_ENOMEM, ENOMEM, NULL, "out of memory");
}
