/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The help texts, made from the table of commands and the table of options.
 *
 * Owns: how help looks. The lines below "Examples:" are run by a test, so they are commands that work as they stand.
 */
#include <string.h>

#include "cli.h"

struct example {
    const char *command, *line;
};

#define VIA_EXAMPLE(command, line) {command, line},
static const struct example examples[] = {
#include "via_examples.def"
};

static void print_examples(FILE *out, const via_cli_command *command)
{
    bool has_title = false;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        if (strcmp(examples[i].command, command->name) != 0)
            continue;
        (void)fprintf(out, "%s  %s\n", has_title ? "" : "\nExamples:\n", examples[i].line);
        has_title = true;
    }
}

void via_cli_help_all(FILE *out)
{
    (void)fputs("usage: via COMMAND [OPTION]... [OPERAND]...\n\n"
                "Messages between programs, over whatever mechanism a text file names.\n\nCommands:\n",
                out);
    for (const via_cli_command *command = via_cli_commands; command->name; command++)
        if (!command->hidden)
            (void)fprintf(out, "  %-10s %s\n", command->name, command->summary);
    (void)fputs(
        "\nAn address is scheme:rest?option=value&..., or the name of an endpoint; 'via plugins' lists the schemes.\n"
        "'via COMMAND --help' shows options and examples; 'via --version' the version.\n"
        "\nExit status: 0 ok, 1 failed, 2 wrong usage, 4 nobody listens there or the other end is gone,\n"
        "5 the other end reported an error, 124 the deadline passed before somebody connected or a message came,\n"
        "129, 130, 143 after SIGHUP, SIGINT, SIGTERM (what was accepted is sent first).\n",
        out);
}

void via_cli_help_command(FILE *out, const via_cli_command *command)
{
    (void)fprintf(out, "usage: via %s [OPTION]...%s%s\n\n%s\n", command->name, command->operands[0] ? " " : "",
                  command->operands, command->summary);
    if (command->about)
        (void)fprintf(out, "\n%s\n", command->about);
    (void)fputs("\nOptions:\n", out);
    via_cli_options_print(out, command);
    print_examples(out, command);
}
