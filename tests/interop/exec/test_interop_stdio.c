/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdio: in a child whose standard streams are files, pipes, sockets or a terminal. The child hands back every line.
 */
#include "exec_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* What the child does; its exit status says where it failed. */
static int echo_lines(void)
{
    via_host *host = NULL;
    via_channel *channel = NULL;
    via_channel *second = NULL;
    via_msg message;
    via_status status;

    if (via_host_open(NULL, &host, NULL) != VIA_OK || via_dial(host, "stdio:", NULL, VIA_NOW, &channel, NULL) != VIA_OK)
        return 1;
    if (via_dial(host, "stdio:", NULL, VIA_NOW, &second, NULL) != VIA_EBUSY)
        return 2;
    while ((status = via_recv(channel, soon_enough(), &message)) == VIA_OK) {
        if (via_send(channel, message.data, message.size, NULL, soon_enough()) != VIA_OK)
            return 3;
        via_release(channel, &message);
    }
    if (status != VIA_ECLOSED)
        return 4;
    if ((fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) || (fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK))
        return 5;
    via_close(channel);
    via_host_close(host);
    if (printf("still mine\n") < 0 || fflush(stdout) != 0)
        return 6;
    return 0;
}

static pid_t start_echo(int input, int output)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0)
            _exit(99);
        closefrom(3);
        _exit(echo_lines());
    }
    return pid;
}

static void expect_success(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_int_equal(status, 0);
}

/* Reads until the text is there. */
static void expect_output(int descriptor, const char *text)
{
    char got[256] = "";
    size_t size = 0;

    while (size < strlen(text)) {
        ssize_t moved = read(descriptor, got + size, sizeof(got) - 1 - size);

        assert_true(moved > 0);
        size += (size_t)moved;
    }
    assert_string_equal(got, text);
}

static const char lines[] = "one\n\nthree\nno newline";
static const char echoed[] = "one\n\nthree\nno newline\nstill mine\n";

static void test_stdio__files(void **state)
{
    FILE *input = tmpfile();
    FILE *output = tmpfile();

    (void)state;
    assert_non_null(input);
    assert_non_null(output);
    assert_int_equal(write(fileno(input), lines, strlen(lines)), strlen(lines));
    assert_int_equal(lseek(fileno(input), 0, SEEK_SET), 0);
    expect_success(start_echo(fileno(input), fileno(output)));
    assert_int_equal(lseek(fileno(output), 0, SEEK_SET), 0);
    expect_output(fileno(output), echoed);
    (void)fclose(input);
    (void)fclose(output);
}

static void test_stdio__pipes(void **state)
{
    int input[2];
    int output[2];
    pid_t pid;

    (void)state;
    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    pid = start_echo(input[0], output[1]);
    close(input[0]);
    close(output[1]);
    assert_int_equal(write(input[1], lines, strlen(lines)), strlen(lines));
    close(input[1]);
    expect_output(output[0], echoed);
    expect_success(pid);
    close(output[0]);
}

static void test_stdio__one_socket_for_both(void **state)
{
    int ends[2];
    pid_t pid;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid = start_echo(ends[1], ends[1]);
    close(ends[1]);
    assert_int_equal(write(ends[0], lines, strlen(lines)), strlen(lines));
    assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
    expect_output(ends[0], echoed);
    expect_success(pid);
    close(ends[0]);
}

static void test_stdio__terminal(void **state)
{
    static const char end_of_input[] = {4}; /* Ctrl-D */
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios modes;
    int slave;
    pid_t pid;

    (void)state;
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    assert_int_equal(tcgetattr(slave, &modes), 0);
    modes.c_lflag &= ~(tcflag_t)ECHO;
    modes.c_oflag &= ~(tcflag_t)OPOST;
    assert_int_equal(tcsetattr(slave, TCSANOW, &modes), 0);
    pid = start_echo(slave, slave);
    assert_int_equal(write(master, "typed\n", 6), 6);
    expect_output(master, "typed\n");
    assert_int_equal(write(master, end_of_input, 1), 1);
    expect_output(master, "still mine\n");
    expect_success(pid);
    close(slave);
    close(master);
}

/* Finishing is an end of file for the reader, and does not take the number 1 away from the program. */
static void test_stdio__finish_shows_the_end(void **state)
{
    int output[2];
    char byte;
    int status = -1;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        via_channel *channel = NULL;

        if (dup2(output[1], STDOUT_FILENO) < 0)
            _exit(99);
        closefrom(3);
        if (via_dial(NULL, "stdio:", NULL, VIA_NOW, &channel, NULL) != VIA_OK ||
            via_send(channel, "bye", 3, NULL, VIA_NOW) != VIA_OK || via_finish(channel, VIA_NOW) != VIA_OK)
            _exit(1);
        if (printf("nowhere\n") < 0 || fflush(stdout) != 0)
            _exit(2);
        (void)pause();
        _exit(3);
    }
    close(output[1]);
    expect_output(output[0], "bye\n");
    assert_int_equal(read(output[0], &byte, 1), 0); /* while the program lives on */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(output[0]);
}

static void test_stdio__closed_streams_are_told(void **state)
{
    int status = -1;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        via_channel *channel = NULL;
        via_error error;

        close(STDIN_FILENO);
        if (via_dial(NULL, "stdio:nonsense", NULL, VIA_NOW, &channel, &error) != VIA_EINVAL)
            _exit(1);
        /* Loading the plugin may have taken the number 0 for a moment; it is closed again now. */
        close(STDIN_FILENO);
        if (via_dial(NULL, "stdio:", NULL, VIA_NOW, &channel, &error) == VIA_OK)
            _exit(2);
        _exit(error.what[0] && error.mend[0] ? 0 : 3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stdio__files),
        cmocka_unit_test(test_stdio__pipes),
        cmocka_unit_test(test_stdio__one_socket_for_both),
        cmocka_unit_test(test_stdio__terminal),
        cmocka_unit_test(test_stdio__finish_shows_the_end),
        cmocka_unit_test(test_stdio__closed_streams_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
