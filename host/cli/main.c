/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `via` command: finds the subcommand, parses its arguments, runs it, and sees standard output off.
 *
 * Owns: the process. Must never know what a subcommand does.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "stop.h"

#ifndef VIA_CLI_VERSION
#error "the build defines VIA_CLI_VERSION"
#endif

/* Tables line up for UTF-8 text even where the locale is "C". */
static void choose_locale(void)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe): there is one thread yet */
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    /* NOLINTEND(concurrency-mt-unsafe) */
}

static bool has_input;

/*
 * A descriptor that the caller closed would be taken by the first thing opened here, and messages written into that.
 * Reading finds the end instead, and writing fails as it would have.
 */
static void keep_standard_descriptors(void)
{
    has_input = fcntl(STDIN_FILENO, F_GETFD) >= 0;
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            return;
}

bool via_cli_has_input(void)
{
    return has_input;
}

static int unknown_command(const char *name)
{
    for (const via_cli_command *command = via_cli_commands; command->name; command++)
        if (!command->hidden && via_cli_nearly(name, command->name))
            return via_cli_complain(VIA_EXIT_USAGE, "'via --help' lists them",
                                    "there is no command '%s'; did you mean '%s'?", name, command->name);
    return via_cli_complain(VIA_EXIT_USAGE, "'via --help' lists the commands", "there is no command '%s'", name);
}

static int help(int argc, char **argv)
{
    if (argc < 1) {
        via_cli_help_all(stdout);
        return VIA_EXIT_OK;
    }
    const via_cli_command *command = via_cli_command_find(argv[0]);
    if (!command)
        return unknown_command(argv[0]);
    via_cli_help_command(stdout, command);
    return VIA_EXIT_OK;
}

static int version(void)
{
    (void)printf("via %s (libviaduct %s)\n", VIA_CLI_VERSION, via_version());
    return VIA_EXIT_OK;
}

static int run_command(const via_cli_command *command, int argc, char **argv)
{
    via_cli_args args;
    int result = via_cli_args_parse(command, argc, argv, &args);
    if (result != VIA_EXIT_OK)
        return result;
    if (args.help)
        via_cli_help_command(stdout, command);
    else
        result = command->run(&args);
    via_cli_args_fini(&args);
    return result;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2)
        return via_cli_complain(VIA_EXIT_USAGE, "'via --help' lists the commands", "say what to do: via COMMAND ...");
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return help(argc - 2, argv + 2);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return version();
    const via_cli_command *command = via_cli_command_find(word);
    if (!command && word[0] == '-')
        return via_cli_complain(VIA_EXIT_USAGE, "options follow the command; 'via --help' lists the commands",
                                "'%s' is not a command", word);
    return command ? run_command(command, argc - 2, argv + 2) : unknown_command(word);
}

/* A reader that has seen enough (`via plugins | head -1`) is no failure; a full disk is. */
static int see_stdout_off(int result)
{
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;
    if (!failed || errno == EPIPE || via_cli_stdout_closed() || result != VIA_EXIT_OK)
        return result;
    return via_cli_os_error("standard output", errno ? errno : EIO, "see that the output goes where there is room");
}

int main(int argc, char **argv)
{
    keep_standard_descriptors();
    choose_locale();
    via_cli_stop_prepare();
    return see_stdout_off(dispatch(argc, argv));
}
