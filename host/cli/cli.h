/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the `via` command: commands, their arguments, exit statuses, and how an error is told.
 *
 * Owns: what every subcommand shares. Must never name a transport, nor call anything of libviaduct that is not in
 * <viaduct/...>: whatever `via` can do, another program can do too.
 */
#ifndef VIADUCT_CLI_H
#define VIADUCT_CLI_H

#include <stdio.h>
#include <viaduct/viaduct.h>

/* ---- exit statuses ------------------------------------------------------------------------------------------ */

enum {
    VIA_EXIT_OK = 0,
    VIA_EXIT_FAILED = 1,
    VIA_EXIT_USAGE = 2,     /* the command line is wrong */
    VIA_EXIT_PEER = 4,      /* the other end is gone, or nobody listens there */
    VIA_EXIT_REMOTE = 5,    /* the other end answered with an error */
    VIA_EXIT_TIMEOUT = 124, /* the deadline passed, as timeout(1) has it */
    VIA_EXIT_SIGNAL = 128   /* plus the number of the signal that asked to stop */
};

/* ---- arguments ---------------------------------------------------------------------------------------------- */

/* Every option of every command; a command lists those it takes as a mask of VIA_CLI_TAKES(). */
typedef enum via_cli_option_id {
    VIA_CLI_HELP,
    VIA_CLI_PLUGINS,
    VIA_CLI_ENDPOINTS,
    VIA_CLI_TRUST,
    VIA_CLI_OPTION,
    VIA_CLI_TIMEOUT,
    VIA_CLI_JSON,
    VIA_CLI_FORMAT,
    VIA_CLI_PATTERN,
    VIA_CLI_LISTEN,
    VIA_CLI_DIAL,
    VIA_CLI_TYPE,
    VIA_CLI_PRIORITY,
    VIA_CLI_KEY,
    VIA_CLI_FILE,
    VIA_CLI_WAIT,
    VIA_CLI_COUNT,
    VIA_CLI_OUTPUT,
    VIA_CLI_AS,
    VIA_CLI_SIZE,
    VIA_CLI_MODE,
    VIA_CLI_WAKE,
    VIA_CLI_MORE,
    VIA_CLI_ECHO,
    VIA_CLI_WARMUP,
    VIA_CLI_ROUNDS,
    VIA_CLI_PLOT,
    VIA_CLI_PEERS,
    VIA_CLI_INTERFACE,
    VIA_CLI_LIBRARY,
    VIA_CLI_CODEC,
    VIA_CLI_NOTIFY,
    VIA_CLI_BACKEND,
    VIA_CLI_PRIMARY,
    VIA_CLI_SENSITIVE,
    VIA_CLI_PASTE_ONCE,
    VIA_CLI_TTL,
    VIA_CLI_CLEAR,
    VIA_CLI_FOREGROUND,
    VIA_CLI_TRIM_NEWLINE,
    VIA_CLI_NO_NEWLINE,
    VIA_CLI_LIST_TYPES,
    VIA_CLI_WATCH,
    VIA_CLI_KIND,
    VIA_CLI_LISTEN_AT,
    VIA_CLI_DIAL_AT,
    VIA_CLI_SETUP,
    VIA_CLI_SEED,
    VIA_CLI_TEST,
    VIA_CLI_QUICK,
    VIA_CLI_PROMETHEUS,
    VIA_CLI_INTERVAL,
    VIA_CLI_WATCH_PLUGINS, /* --watch, too, in another sense; no command takes both */
    VIA_CLI_SPEED,
    VIA_CLI_DIRECTION,
    VIA_CLI_LIST,
    VIA_CLI_SCOPE,
    VIA_CLI_FEATURE,
    VIA_CLI_MAX_MESSAGE,
    VIA_CLI_MESSAGE,
    VIA_CLI_LINT,
    VIA_CLI_LIVE,
    VIA_CLI_NEED_PATTERN, /* --pattern, too: all of them, also those that carry no messages */
    VIA_CLI_OPTION_COUNT
} via_cli_option_id;

_Static_assert(VIA_CLI_OPTION_COUNT <= 64, "a mask has a bit for each option");

#define VIA_CLI_TAKES(id) (UINT64_C(1) << (id))
#define VIA_CLI_TAKES_HOST                                                                                             \
    (VIA_CLI_TAKES(VIA_CLI_PLUGINS) | VIA_CLI_TAKES(VIA_CLI_ENDPOINTS) | VIA_CLI_TAKES(VIA_CLI_TRUST))

/* How messages look on standard input and output. */
typedef enum via_cli_format {
    VIA_CLI_LINE,
    VIA_CLI_RAW,
    VIA_CLI_NULL,
    VIA_CLI_QUOTED,
    VIA_CLI_HEX,
    VIA_CLI_JSON_LINES
} via_cli_format;

typedef struct via_cli_list {
    const char **items; /* borrowed texts */
    size_t count;
} via_cli_list;

/* A parsed command line. Texts are borrowed from argv. An option that was not given is 0, NULL or false. */
typedef struct via_cli_args {
    const struct via_cli_command *command;
    uint64_t given; /* VIA_CLI_TAKES() of each option that was given */
    via_cli_list operands, plugins, endpoints, trust, options, features;
    bool help, json, listen, dial, more, echo, peers, notify;
    bool primary, sensitive, paste_once, clear, foreground, trim_newline, no_newline, list_types, watch, quick,
        prometheus, list, lint, live;
    const char *type, *key, *file, *output, *as, *plot, *sizes, *interface, *library, *codec, *backend, *listen_at,
        *dial_at, *setup, *test, *speed, *scope, *max_message, *message;
    uint64_t ttl_ns, interval_ns;
    uint64_t timeout_ns, count, wait, warmup, rounds, seed;
    int64_t priority;
    int64_t format, pattern, mode, wake, kind, direction; /* an index into the option's choices */
} via_cli_args;

/* One subcommand. */
typedef struct via_cli_command {
    const char *name;
    const char *operands; /* as shown: "ADDRESS [TEXT]" */
    size_t min_operands, max_operands;
    const char *summary; /* one line */
    const char *about;   /* a few lines, or NULL */
    uint64_t takes;
    bool hidden;
    bool has_letters; /* its options may be written as letters, too; a word that begins with '-' is no operand then */
    int (*run)(const via_cli_args *args);
} via_cli_command;

/* The table in commands.c, ended by an entry without a name. */
extern const via_cli_command via_cli_commands[];
const via_cli_command *via_cli_command_find(const char *name);

/* Parses what follows the command's name. An exit status; on VIA_EXIT_OK free with via_cli_args_fini(). */
int via_cli_args_parse(const via_cli_command *command, int argc, char **argv, via_cli_args *args);
void via_cli_args_fini(via_cli_args *args);
bool via_cli_given(const via_cli_args *args, via_cli_option_id id);
/* The word for VIA_CLI_NEED_PATTERN: what was given, or "pair". */
const char *via_cli_need_pattern(const via_cli_args *args);

/* For help: prints the options in the mask. */
void via_cli_options_print(FILE *out, const via_cli_command *command);
void via_cli_help_all(FILE *out);
void via_cli_help_command(FILE *out, const via_cli_command *command);

/* ---- values ------------------------------------------------------------------------------------------------- */

/* "2", "2s", "500ms", "10us", "1m", "forever" to nanoseconds (UINT64_MAX = for ever). False: not a duration. */
bool via_cli_parse_duration(const char *text, uint64_t *ns);
/* "64", "4KiB", "1MB" to bytes. */
bool via_cli_parse_size(const char *text, uint64_t *bytes);
bool via_cli_parse_count(const char *text, uint64_t *count);
bool via_cli_parse_int(const char *text, int64_t *number);
/* "4KiB" where that is exact, "5000" otherwise. */
void via_cli_format_size(uint64_t bytes, char *buffer, size_t capacity);
/* "27.1 us": three digits that matter. */
void via_cli_format_ns(double ns, char *buffer, size_t capacity);
/* "12.3 M": a rate for people. */
void via_cli_format_rate(double rate, char *buffer, size_t capacity);

/* The end of a wait that starts now: --timeout, else `otherwise_ns`. */
via_deadline via_cli_deadline(const via_cli_args *args, uint64_t otherwise_ns);

/* ---- texts -------------------------------------------------------------------------------------------------- */

/* Columns that UTF-8 text takes on a terminal, as via_cli_put_text() prints it. */
size_t via_cli_text_width(const char *text);
/* Prints foreign text with control characters and broken UTF-8 shown as '?': it must not command the terminal. */
void via_cli_put_text(FILE *out, const char *text);
/* The length of the UTF-8 character at `text` (at most `size` bytes), 0 if it is broken. `point` may be NULL. */
size_t via_cli_utf8_next(const char *text, size_t size, uint32_t *point);
bool via_cli_is_utf8(const char *text, size_t size);
/* Edit distance small enough to be a slip of the finger. */
bool via_cli_nearly(const char *typed, const char *right);

/* ---- errors ------------------------------------------------------------------------------------------------- */

/* Each prints what is wrong and, last, the way out; and returns the exit status. */
int via_cli_usage(const via_cli_command *command, const char *mend, const char *what, ...)
    __attribute__((format(printf, 3, 4)));
int via_cli_error(const char *subject, const via_error *error);
int via_cli_status(const char *subject, via_channel *channel, via_status status);
int via_cli_os_error(const char *subject, int os_code, const char *mend);

/* False: the caller closed standard input, so what is read there is nobody's. */
bool via_cli_has_input(void);
int via_cli_complain(int exit_status, const char *mend, const char *what, ...) __attribute__((format(printf, 3, 4)));
void via_cli_warn(const char *about, const char *text); /* about: what it is of, or "" */
int via_cli_out_of_memory(void);
/* The way out where whoever reported the error knows none. */
const char *via_cli_usual_mend(via_status status);
/* The exit status that stands for a status. */
int via_cli_exit_of(via_status status);
const char *via_cli_stage_name(uint32_t stage);

#endif
