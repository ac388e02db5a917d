/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of all options, and the parser that fills via_cli_args from it.
 *
 * Owns: names, types and summaries of options. Options and operands may be mixed; "--" ends the options; a value
 * follows as the next word or after "=". A wrong word is answered with the nearest right one. Commands that are known from
 * elsewhere by their letters have these too (getopt's rules: -ab is -a -b, a value is the rest of the word or the next one).
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef enum option_kind { FLAG, TEXT, LIST, DURATION, COUNT, INT, CHOICE } option_kind;

struct option {
    const char *name;
    const char *argument; /* as shown in help; NULL = a flag */
    const char *summary;
    option_kind kind;
    size_t offset; /* in via_cli_args */
    const char *const *choices;
};

static const struct option options[VIA_CLI_OPTION_COUNT];

/* For the commands that have letters. Two options may share one, if no command takes both. */
static const struct {
    char letter;
    via_cli_option_id id;
} letters[] = {{'h', VIA_CLI_HELP},         {'t', VIA_CLI_TYPE},       {'p', VIA_CLI_PRIMARY},
               {'o', VIA_CLI_PASTE_ONCE},   {'c', VIA_CLI_CLEAR},      {'f', VIA_CLI_FOREGROUND},
               {'n', VIA_CLI_TRIM_NEWLINE}, {'n', VIA_CLI_NO_NEWLINE}, {'l', VIA_CLI_LIST_TYPES},
               {'w', VIA_CLI_WATCH}};

enum { LETTERS = sizeof letters / sizeof letters[0] };

/* ---- one value ---------------------------------------------------------------------------------------------- */

static void *field_of(via_cli_args *args, const struct option *option)
{
    return (char *)args + option->offset;
}

static bool set_choice(const struct option *option, const char *text, int64_t *index)
{
    for (int64_t i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool set_item(via_cli_list *list, const char *text)
{
    list->items[list->count++] = text;
    return true;
}

static bool set_value(const struct option *option, const char *text, void *field)
{
    switch (option->kind) {
    case FLAG:
        *(bool *)field = true;
        return true;
    case TEXT:
        *(const char **)field = text;
        return true;
    case LIST:
        return set_item(field, text);
    case DURATION:
        return via_cli_parse_duration(text, field);
    case COUNT:
        return via_cli_parse_count(text, field);
    case INT:
        return via_cli_parse_int(text, field);
    case CHOICE:
        return set_choice(option, text, field);
    }
    return false;
}

static void describe_choices(const struct option *option, char *buffer, size_t capacity)
{
    size_t used = 0;
    for (size_t i = 0; option->choices[i] && used < capacity; i++)
        used += (size_t)snprintf(buffer + used, capacity - used, "%s%s", i ? ", " : "", option->choices[i]);
}

/* What a value of this kind looks like. */
static const char *expected(const struct option *option, char *buffer, size_t capacity)
{
    switch (option->kind) {
    case DURATION:
        return "a duration such as 500ms, 2s, or 2 (seconds)";
    case COUNT:
        return "a whole number from 0";
    case INT:
        return "a whole number";
    case CHOICE:
        describe_choices(option, buffer, capacity);
        return buffer;
    default:
        return "a text";
    }
}

/* ---- finding an option -------------------------------------------------------------------------------------- */

static bool is_taken(const via_cli_command *command, size_t id)
{
    return id == VIA_CLI_HELP || (command->takes & VIA_CLI_TAKES(id)) != 0;
}

static const struct option *find_option(const via_cli_command *command, const char *name, size_t length, size_t *id)
{
    for (*id = 0; *id < VIA_CLI_OPTION_COUNT; (*id)++) {
        const struct option *option = &options[*id];
        if (is_taken(command, *id) && strlen(option->name) == length && strncmp(option->name, name, length) == 0)
            return option;
    }
    return NULL;
}

static int unknown_option(const via_cli_command *command, const char *name, size_t length)
{
    char typed[64];
    (void)snprintf(typed, sizeof typed, "%.*s", (int)(length > 60 ? 60 : length), name);
    for (size_t id = 0; id < VIA_CLI_OPTION_COUNT; id++)
        if (is_taken(command, id) && via_cli_nearly(typed, options[id].name))
            return via_cli_usage(command, NULL, "unknown option --%s; did you mean --%s?", typed, options[id].name);
    return via_cli_usage(command, NULL, "unknown option --%s", typed);
}

/* ---- the parser --------------------------------------------------------------------------------------------- */

struct parser {
    via_cli_args *args;
    char **words;
    int count;
    int next;
};

static int take_value(struct parser *parser, const struct option *option, const char *value)
{
    char buffer[160];
    if (set_value(option, value, field_of(parser->args, option)))
        return VIA_EXIT_OK;
    return via_cli_usage(parser->args->command, NULL, "--%s wants %s, not '%s'", option->name,
                         expected(option, buffer, sizeof buffer), value);
}

static int take_option(struct parser *parser, const char *name)
{
    const via_cli_command *command = parser->args->command;
    size_t length = strcspn(name, "="), id;
    const struct option *option = find_option(command, name, length, &id);
    if (!option)
        return unknown_option(command, name, length);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (option->kind == FLAG && value)
        return via_cli_usage(command, NULL, "--%s takes no value", option->name);
    if (option->kind != FLAG && !value) {
        if (parser->next >= parser->count)
            return via_cli_usage(command, NULL, "--%s wants a value: --%s %s", option->name, option->name,
                                 option->argument);
        value = parser->words[parser->next++];
    }
    parser->args->given |= VIA_CLI_TAKES(id);
    return take_value(parser, option, value);
}

/* ---- letters ------------------------------------------------------------------------------------------------ */

static const struct option *find_letter(const via_cli_command *command, char letter, size_t *id)
{
    for (size_t i = 0; i < LETTERS; i++) {
        *id = letters[i].id;
        if (letters[i].letter == letter && is_taken(command, *id))
            return &options[*id];
    }
    return NULL;
}

static int take_letters(struct parser *parser, const char *word)
{
    const via_cli_command *command = parser->args->command;
    size_t id;
    for (; *word; word++) {
        const struct option *option = find_letter(command, *word, &id);
        if (!option)
            return via_cli_usage(command, NULL, "unknown option -%c; a text that begins with '-' goes behind --",
                                 *word);
        parser->args->given |= VIA_CLI_TAKES(id);
        if (option->kind == FLAG) {
            (void)set_value(option, NULL, field_of(parser->args, option));
            continue;
        }
        if (word[1])
            return take_value(parser, option, word + 1);
        if (parser->next >= parser->count)
            return via_cli_usage(command, NULL, "-%c wants a value: -%c %s", *word, *word, option->argument);
        return take_value(parser, option, parser->words[parser->next++]);
    }
    return VIA_EXIT_OK;
}

/* ---- words -------------------------------------------------------------------------------------------------- */

/* What is to be run for each change has options of its own. */
static bool ends_options(const via_cli_args *args)
{
    return args->watch;
}

static int parse_word(struct parser *parser, const char *word, bool *options_ended)
{
    via_cli_args *args = parser->args;
    if (!*options_ended && strcmp(word, "--") == 0)
        *options_ended = true;
    else if (!*options_ended && strcmp(word, "-h") == 0)
        args->help = true;
    else if (!*options_ended && strncmp(word, "--", 2) == 0)
        return take_option(parser, word + 2);
    else if (!*options_ended && args->command->has_letters && word[0] == '-' && word[1])
        return take_letters(parser, word + 1);
    else
        *options_ended |= set_item(&args->operands, word) && ends_options(args);
    return VIA_EXIT_OK;
}

static int parse_words(struct parser *parser)
{
    bool options_ended = false;
    int result = VIA_EXIT_OK;
    while (parser->next < parser->count && result == VIA_EXIT_OK)
        result = parse_word(parser, parser->words[parser->next++], &options_ended);
    return result;
}

/* ---- the parser --------------------------------------------------------------------------------------------- */

static int check_operands(const via_cli_args *args)
{
    const via_cli_command *command = args->command;
    size_t count = args->operands.count;
    if (args->help)
        return VIA_EXIT_OK;
    if (count < command->min_operands)
        return via_cli_usage(command, NULL, "'via %s' wants: %s", command->name, command->operands);
    if (count > command->max_operands)
        return via_cli_usage(command, NULL, "'%s' is one word too many; quote a text that has spaces",
                             args->operands.items[command->max_operands]);
    if (args->listen && args->dial)
        return via_cli_usage(command, NULL, "--listen and --dial exclude each other");
    return VIA_EXIT_OK;
}

static via_cli_list *list_at(via_cli_args *args, size_t index)
{
    via_cli_list *lists[] = {&args->operands, &args->plugins, &args->endpoints,
                             &args->trust,    &args->options, &args->features};
    return index < sizeof lists / sizeof lists[0] ? lists[index] : NULL;
}

static bool make_lists(via_cli_args *args, size_t capacity)
{
    via_cli_list *list;
    for (size_t i = 0; (list = list_at(args, i)) != NULL; i++) {
        list->items = calloc(capacity + 1, sizeof *list->items);
        if (!list->items)
            return false;
    }
    return true;
}

int via_cli_args_parse(const via_cli_command *command, int argc, char **argv, via_cli_args *args)
{
    *args = (via_cli_args){.command = command};
    struct parser parser = {.args = args, .words = argv, .count = argc};
    int result = make_lists(args, (size_t)argc) ? parse_words(&parser) : via_cli_out_of_memory();
    if (result == VIA_EXIT_OK)
        result = check_operands(args);
    if (result != VIA_EXIT_OK)
        via_cli_args_fini(args);
    return result;
}

void via_cli_args_fini(via_cli_args *args)
{
    via_cli_list *list;
    for (size_t i = 0; (list = list_at(args, i)) != NULL; i++)
        free(list->items);
    *args = (via_cli_args){.command = args->command};
}

bool via_cli_given(const via_cli_args *args, via_cli_option_id id)
{
    return (args->given & VIA_CLI_TAKES(id)) != 0;
}

/* ---- for help ----------------------------------------------------------------------------------------------- */

static char letter_of(size_t id)
{
    for (size_t i = 0; i < LETTERS; i++)
        if (letters[i].id == id)
            return letters[i].letter;
    return '\0';
}

static void print_option(FILE *out, size_t id, bool has_letters)
{
    const struct option *option = &options[id];
    const char found = letter_of(id);
    char left[48], choices[160] = "", letter[8] = "";
    if (has_letters)
        (void)snprintf(letter, sizeof letter, found ? "-%c, " : "    ", found);
    (void)snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
                   option->argument ? option->argument : "");
    if (option->choices)
        describe_choices(option, choices, sizeof choices);
    (void)fprintf(out, "  %-*s  %s%s%s\n", has_letters ? 24 : 20, left, option->summary, choices[0] ? ": " : "",
                  choices);
}

void via_cli_options_print(FILE *out, const via_cli_command *command)
{
    for (size_t id = 0; id < VIA_CLI_OPTION_COUNT; id++)
        if (is_taken(command, id))
            print_option(out, id, command->has_letters);
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static const char *const formats[] = {"line", "raw", "null", "quoted", "hex", "json", NULL};
static const char *const patterns[] = {"pair", "queue", "topic", "value", NULL};
static const char *const all_patterns[] = {"pair", "queue", "topic", "value", "region", NULL};
static const char *const modes[] = {"both", "latency", "throughput", NULL};
static const char *const kinds[] = {"fd", "callback", "engine", "layer", NULL};
static const char *const directions[] = {"sent", "received", "all", NULL};
static const char *const wakes[] = {"blocking", "polling", "hybrid", NULL};

#define AT(field) offsetof(via_cli_args, field)

static const struct option options[VIA_CLI_OPTION_COUNT] = {
    [VIA_CLI_HELP] = {"help", NULL, "show this help", FLAG, AT(help), NULL},
    [VIA_CLI_PLUGINS] = {"plugins", "DIR", "search DIR for plugins before all other folders", LIST, AT(plugins), NULL},
    [VIA_CLI_ENDPOINTS] = {"endpoints", "FILE", "read the endpoints in FILE before all others", LIST, AT(endpoints),
                           NULL},
    [VIA_CLI_TRUST] = {"trust", "DIR", "accept plugins of other owners below DIR", LIST, AT(trust), NULL},
    [VIA_CLI_OPTION] = {"option", "NAME=VALUE", "set an option of the transport, whatever the address says", LIST,
                        AT(options), NULL},
    [VIA_CLI_TIMEOUT] = {"timeout", "TIME", "longest wait for the other end: 500ms, 2s, 2, forever", DURATION,
                         AT(timeout_ns), NULL},
    [VIA_CLI_JSON] = {"json", NULL, "print JSON instead of a table", FLAG, AT(json), NULL},
    [VIA_CLI_FORMAT] = {"format", "FORMAT", "how messages look", CHOICE, AT(format), formats},
    [VIA_CLI_PATTERN] = {"pattern", "PATTERN", "pattern, where the endpoint does not say it", CHOICE, AT(pattern),
                         patterns},
    [VIA_CLI_LISTEN] = {"listen", NULL, "take the name, let others connect", FLAG, AT(listen), NULL},
    [VIA_CLI_DIAL] = {"dial", NULL, "connect to the one who has the name", FLAG, AT(dial), NULL},
    [VIA_CLI_TYPE] = {"type", "MIME", "content type that travels with each message, where the transport carries it",
                      TEXT, AT(type), NULL},
    [VIA_CLI_PRIORITY] = {"priority", "N", "priority of each message, where it is carried; larger is more urgent", INT,
                          AT(priority), NULL},
    [VIA_CLI_KEY] = {"key", "KEY", "key of each message, where it is carried; a.b.c in a topic", TEXT, AT(key), NULL},
    [VIA_CLI_FILE] = {"file", "FILE", "send FILE (- is standard input) as one message, or as --format splits it", TEXT,
                      AT(file), NULL},
    [VIA_CLI_WAIT] = {"wait", "N", "wait for N others to connect before sending (default 1)", COUNT, AT(wait), NULL},
    [VIA_CLI_COUNT] = {"count", "N", "stop after N messages, 1 or more", COUNT, AT(count), NULL},
    [VIA_CLI_OUTPUT] = {"output", "FILE",
                        "write messages to FILE, emptied as the first comes (raw unless --format says otherwise)", TEXT,
                        AT(output), NULL},
    [VIA_CLI_AS] = {"as", "ROLE,ROLE", "role on each side: pair, push, pull, pub or sub", TEXT, AT(as), NULL},
    [VIA_CLI_SIZE] = {"size", "N[,N...]", "bytes in a message (default 64,4KiB,64KiB)", TEXT, AT(sizes), NULL},
    [VIA_CLI_MODE] = {"mode", "MODE", "what to measure", CHOICE, AT(mode), modes},
    [VIA_CLI_WAKE] = {"wake", "HOW", "how a receiver waits", CHOICE, AT(wake), wakes},
    [VIA_CLI_MORE] = {"more", NULL, "throughput: announce that more messages follow, so that they may be gathered",
                      FLAG, AT(more), NULL},
    [VIA_CLI_ECHO] = {"echo", NULL, "only dial: a program that echoes already serves the address", FLAG, AT(echo),
                      NULL},
    [VIA_CLI_WARMUP] = {"warmup", "N", "messages before the clock starts (default: a tenth of the count)", COUNT,
                        AT(warmup), NULL},
    [VIA_CLI_ROUNDS] = {"rounds", "N", "runs of each row, interleaved; the median counts (default 3)", COUNT,
                        AT(rounds), NULL},
    [VIA_CLI_PLOT] = {"plot", "FILE.svg", "draw the result with gnuplot", TEXT, AT(plot), NULL},
    [VIA_CLI_PEERS] = {"peers", NULL, "measure other libraries and hand-written C in the same run", FLAG, AT(peers),
                       NULL},
    [VIA_CLI_INTERFACE] = {"interface", "FILE", "the *.rpc.json file that says which functions there are", TEXT,
                           AT(interface), NULL},
    [VIA_CLI_LIBRARY] = {"library", "LIB", "the shared library that has them: a path, or a soname (libz.so.1)", TEXT,
                         AT(library), NULL},
    [VIA_CLI_CODEC] = {"codec", "CODEC", "how values look on the wire: msgpack (default), json", TEXT, AT(codec), NULL},
    [VIA_CLI_NOTIFY] = {"notify", NULL, "send the call and wait for no answer", FLAG, AT(notify), NULL},
    [VIA_CLI_BACKEND] = {"backend", "NAME", "who keeps it: the option backend= of the transport", TEXT, AT(backend),
                         NULL},
    [VIA_CLI_PRIMARY] = {"primary", NULL, "the selection that the middle button pastes", FLAG, AT(primary), NULL},
    [VIA_CLI_SENSITIVE] = {"sensitive", NULL, "it is a secret: marked as password managers do, and never handed over",
                           FLAG, AT(sensitive), NULL},
    [VIA_CLI_PASTE_ONCE] = {"paste-once", NULL, "clear it after one paste", FLAG, AT(paste_once), NULL},
    [VIA_CLI_TTL] = {"ttl", "TIME", "clear it after that time if it is still there: 30s, 5m", DURATION, AT(ttl_ns),
                     NULL},
    [VIA_CLI_CLEAR] = {"clear", NULL, "empty the clipboard", FLAG, AT(clear), NULL},
    [VIA_CLI_FOREGROUND] = {"foreground", NULL, "stay until it is not needed any more, instead of going on by itself",
                            FLAG, AT(foreground), NULL},
    [VIA_CLI_TRIM_NEWLINE] = {"trim-newline", NULL, "leave a newline at the end out", FLAG, AT(trim_newline), NULL},
    [VIA_CLI_NO_NEWLINE] = {"no-newline", NULL, "add no newline to text", FLAG, AT(no_newline), NULL},
    [VIA_CLI_LIST_TYPES] = {"list-types", NULL, "print the types that it is offered in, one a line", FLAG,
                            AT(list_types), NULL},
    [VIA_CLI_LISTEN_AT] = {"listen", "ADDRESS", "what the end that listens or binds opens", TEXT, AT(listen_at), NULL},
    [VIA_CLI_DIAL_AT] = {"dial", "ADDRESS", "what the other end opens", TEXT, AT(dial_at), NULL},
    [VIA_CLI_SETUP] = {"setup", "CMD", "a command of the shell that makes what each test needs", TEXT, AT(setup), NULL},
    [VIA_CLI_SEED] = {"seed", "N", "repeat the run that had this seed", COUNT, AT(seed), NULL},
    [VIA_CLI_TEST] = {"test", "NAME", "this rule only; nothing is measured", TEXT, AT(test), NULL},
    [VIA_CLI_QUICK] = {"quick", NULL, "the suite only: measure nothing", FLAG, AT(quick), NULL},
    [VIA_CLI_KIND] = {"kind", "KIND", "what to begin with (default fd)", CHOICE, AT(kind), kinds},
    [VIA_CLI_WATCH_PLUGINS] = {"watch", NULL, "print what comes, goes, is replaced or refused, until interrupted", FLAG,
                               AT(watch), NULL},
    [VIA_CLI_WATCH] = {"watch", NULL, "run CMD for what is there and for each change, with it on its standard input",
                       FLAG, AT(watch), NULL},
    [VIA_CLI_PROMETHEUS] = {"prometheus", NULL, "print metrics for Prometheus instead of a table", FLAG, AT(prometheus),
                            NULL},
    [VIA_CLI_INTERVAL] = {"interval", "TIME", "time between two looks (default 1s)", DURATION, AT(interval_ns), NULL},
    [VIA_CLI_SPEED] = {"speed", "SPEED", "original (default), max, or how many times as fast: 10, 0.5", TEXT, AT(speed),
                       NULL},
    [VIA_CLI_DIRECTION] = {"direction", "WHICH", "which messages, as the recorded end saw them", CHOICE, AT(direction),
                           directions},
    [VIA_CLI_LIST] = {"list", NULL, "show the channels that allow it, and end", FLAG, AT(list), NULL},
    [VIA_CLI_SCOPE] = {"scope", "SCOPE", "how far it has to reach: process, machine or network", TEXT, AT(scope), NULL},
    [VIA_CLI_FEATURE] = {"feature", "WORD",
                         "what it has to be able to do or to promise: priority, credentials, death, ...", LIST,
                         AT(features), NULL},
    [VIA_CLI_MAX_MESSAGE] = {"max-message", "SIZE", "the largest message: 64KiB, 1MiB", TEXT, AT(max_message), NULL},
    [VIA_CLI_MESSAGE] = {"message", "SIZE", "a typical message, for which the times are compared (default 1KiB)", TEXT,
                         AT(message), NULL},
    [VIA_CLI_LINT] = {"lint", NULL, "hold endpoint manifests against the best practices, too", FLAG, AT(lint), NULL},
    [VIA_CLI_LIVE] = {"live", NULL, "dial each candidate once, to see who listens there", FLAG, AT(live), NULL},
    [VIA_CLI_NEED_PATTERN] = {"pattern", "PATTERN", "pattern that is needed (default pair)", CHOICE, AT(pattern),
                              all_patterns},
};

const char *via_cli_need_pattern(const via_cli_args *args)
{
    return all_patterns[args->pattern];
}
