/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of subcommands: names, operands, options, help.
 *
 * Owns: everything that help says about a command, except the examples: those name transports, and live with the SDK's
 * examples (sdk/examples/via_examples.def).
 */
#include "commands.h"

#include <string.h>

#define HOST VIA_CLI_TAKES_HOST
#define TAKES(id) VIA_CLI_TAKES(VIA_CLI_##id)
#define OPEN (HOST | TAKES(OPTION) | TAKES(TIMEOUT))
#define SEND                                                                                                           \
    (OPEN | TAKES(FORMAT) | TAKES(LISTEN) | TAKES(DIAL) | TAKES(TYPE) | TAKES(PRIORITY) | TAKES(KEY) | TAKES(FILE) |   \
     TAKES(WAIT))
#define RECV (OPEN | TAKES(FORMAT) | TAKES(LISTEN) | TAKES(DIAL) | TAKES(COUNT) | TAKES(OUTPUT))
#define MANY 64

const via_cli_command *via_cli_command_find(const char *name)
{
    for (const via_cli_command *command = via_cli_commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

#define ABOUT_FORMATS                                                                                                  \
    "Formats: line (one message a line), raw (bytes as they are), null (a NUL after each), quoted (escapes between\n"  \
    "double quotes), hex, json (an object a line, with key, type and priority; what is no UTF-8 is in base64,\n"       \
    "key_base64 or type_base64). The default is line, or raw where the channel is a stream of bytes (framing=raw), "   \
    "in\n"                                                                                                             \
    "which a message is what one read brings: nothing is taken from it or added, as with nc(1)."

const via_cli_command via_cli_commands[] = {
    {.name = "plugins",
     .operands = "",
     .summary = "list every plugin that was found, and why a refused one was refused",
     .about =
         "No code of any plugin is run. With --json: an array of objects; with --watch as well: an object a line.\n"
         "--watch tells of endpoint files too.",
     .takes = HOST | TAKES(JSON) | TAKES(WATCH_PLUGINS),
     .run = via_cli_run_plugins},
    {.name = "endpoints",
     .operands = "",
     .summary = "list every endpoint that was found, and why a refused file was refused",
     .about = "An address that is chosen when it is opened (any_of, require) is shown as such; 'via explain NAME' "
              "shows how.\n"
              "With --json: an array of objects.",
     .takes = HOST | TAKES(JSON),
     .run = via_cli_run_endpoints},
    {.name = "validate",
     .operands = "FILE...",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .summary = "check manifests of any kind, and files of layers",
     .about =
         "Each error names the file, line, column, what was expected and how to mend it. Each file is checked by\n"
         "itself: 'via plugins' shows whether a library is there and fits, 'via explain NAME' whether the plugin has\n"
         "the options that an endpoint sets. A file that a layer reads, such as an interface, is checked by that\n"
         "layer's plugin; no code of a plugin is run for a manifest.\n"
         "--lint says in an endpoint manifest what the best practices say otherwise (sdk/docs/practices.md has the "
         "numbers);\n"
         "with findings the exit status is 1.",
     .takes = HOST | TAKES(JSON) | TAKES(LINT),
     .run = via_cli_run_validate},
    {.name = "explain",
     .operands = "NAME|ADDRESS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "show how an endpoint name or an address resolves",
     .about = "Each candidate with verdict, reason and the time that a small message is expected to take, every option "
              "with\n"
              "its origin. No code of any plugin is run, unless --live: then each candidate of a pair is dialled once, "
              "which "
              "its\n"
              "listener sees as a client that comes and goes.",
     .takes = HOST | TAKES(OPTION) | TAKES(JSON) | TAKES(LIVE),
     .run = via_cli_run_explain},
    {.name = "choose",
     .operands = "",
     .summary = "rank the installed mechanisms for a need, and print what a manifest says for it",
     .about = "Each mechanism with verdict, reason and the time that a message is expected to take one way: as "
              "measured here\n"
              "(certificates/PLUGIN.json beside its manifest, made by 'via certify --json'), else as its manifest "
              "says, else\n"
              "what is usual for its scope. No code of any plugin is run. If none fits, the exit status is 1.",
     .takes =
         HOST | TAKES(JSON) | TAKES(NEED_PATTERN) | TAKES(SCOPE) | TAKES(FEATURE) | TAKES(MAX_MESSAGE) | TAKES(MESSAGE),
     .run = via_cli_run_choose},
    {.name = "listen",
     .operands = "ADDRESS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "wait for one to dial, then: stdin out as messages, messages to stdout",
     .about = "Ends when standard input has ended and the other end has finished too.\n" ABOUT_FORMATS
              "\n--timeout bounds the wait for the dialer (default: for ever).",
     .takes = OPEN | TAKES(FORMAT),
     .run = via_cli_run_listen},
    {.name = "dial",
     .operands = "ADDRESS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "dial a listener, then: stdin out as messages, messages to stdout",
     .about = "Ends when standard input has ended and the other end has finished too. Where the other end is a child\n"
              "process that fails, the exit status is 5.\n" ABOUT_FORMATS
              "\n--timeout bounds the wait for the listener (default 5s).",
     .takes = OPEN | TAKES(FORMAT),
     .run = via_cli_run_dial},
    {.name = "send",
     .operands = "ADDRESS [TEXT]",
     .min_operands = 1,
     .max_operands = 2,
     .summary = "send TEXT, a file, or standard input",
     .about =
         "TEXT and --file are one message each, as they are, unless --format says how to read them. Without them,\n"
         "standard input is split as --format says (raw: all of it is one message).\n"
         "It dials, unless --listen; it ends when nothing that it sent depends on it any more. Success does not say\n"
         "that anybody has read it: ask for an answer where that matters (via dial, via call).\n" ABOUT_FORMATS
         "\n--timeout bounds each wait: for the other end (default 5s), for room to send (default: for ever).",
     .takes = SEND | TAKES(PATTERN),
     .run = via_cli_run_send},
    {.name = "recv",
     .operands = "ADDRESS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "receive messages to standard output or a file",
     .about = "A pair is received until the other end finishes, a queue and a topic for ever, a value once; --count\n"
              "ends it earlier; what has come by then and is not taken is lost (told for pairs and queues).\n"
              "It listens, unless --dial or a topic.\n" ABOUT_FORMATS
              "\n--timeout bounds the wait for the other end and for each message (default: for ever).",
     .takes = RECV | TAKES(PATTERN),
     .run = via_cli_run_recv},
    {.name = "pub",
     .operands = "ADDRESS [TEXT]",
     .min_operands = 1,
     .max_operands = 2,
     .summary = "publish to a topic: send --pattern topic",
     .about = "It binds the name, unless --dial, and waits for --wait subscribers first.\n" ABOUT_FORMATS,
     .takes = SEND,
     .run = via_cli_run_pub},
    {.name = "sub",
     .operands = "ADDRESS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "subscribe to a topic: recv --pattern topic",
     .about = "It connects to the publisher, unless --listen, and again when the publisher comes back.\n" ABOUT_FORMATS,
     .takes = RECV,
     .run = via_cli_run_sub},
    {.name = "push",
     .operands = "ADDRESS [TEXT]",
     .min_operands = 1,
     .max_operands = 2,
     .summary = "send into a queue: send --pattern queue",
     .about = "It connects to the receiver, unless --listen.\n" ABOUT_FORMATS,
     .takes = SEND,
     .run = via_cli_run_push},
    {.name = "pull",
     .operands = "ADDRESS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "receive from a queue: recv --pattern queue",
     .about =
         "It binds the name, unless --dial. --count ends it earlier; what has come by then and is not taken is told,\n"
         "and lost, unless the transport keeps it for other members that are there, or for whoever binds "
         "next.\n" ABOUT_FORMATS,
     .takes = RECV,
     .run = via_cli_run_pull},
    {.name = "bridge",
     .operands = "A B",
     .min_operands = 2,
     .max_operands = 2,
     .summary = "listen on A, dial B, and move messages between them",
     .about =
         "One B for each client of A, until a signal. A queue flows from A to B (pull, push), a topic from B to A\n"
         "(pub, sub); --as says otherwise: the role on A, then the role on B.\n"
         "For pairs and queues B comes first: as long as nobody has served it, A is closed, so that no client takes\n"
         "for sent what has nowhere to go. The A of a topic is there at once, for those who want the first news.\n"
         "A program is started as its client comes. What has come and cannot be handed on any more is told.\n"
         "A message that the other side cannot carry is told and left out; it ends a pair, which promises to lose "
         "none.\n"
         "--timeout bounds the first wait for B (default 5s); a B that goes later is waited for.",
     .takes = HOST | TAKES(TIMEOUT) | TAKES(PATTERN) | TAKES(AS),
     .run = via_cli_run_bridge},
    {.name = "serve",
     .operands = "ADDRESS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "let other processes call the functions of a shared library, with no code written",
     .about =
         "The interface file says which functions there are and how their values look in C; sdk/examples/rpc has "
         "some.\n"
         "It listens, and serves every client until a signal, which ends it with 0. The clients take turns: a call\n"
         "that takes long, or waits for a client's callback, keeps the others waiting.\n"
         "An address or endpoint that has the layer rpc already keeps it as it is; otherwise it is put on top.\n"
         "Files, functions and layers are checked before the first client comes.",
     .takes = HOST | TAKES(OPTION) | TAKES(INTERFACE) | TAKES(LIBRARY) | TAKES(CODEC),
     .run = via_cli_run_serve},
    {.name = "call",
     .operands = "ADDRESS [METHOD [JSON]...]",
     .min_operands = 1,
     .max_operands = MANY,
     .summary = "call a function in another process with JSON, or list those that there are",
     .about =
         "Without METHOD: a table of the methods and their types; with --json the whole description.\n"
         "Each argument is one JSON value. What is no JSON is taken as a text where a text is expected, or where\n"
         "nobody knows better; bytes are given in base64, integers above 2^63 as their digits. For a callback any "
         "value\n"
         "will do, such as -: each call of it is printed as a line of JSON, before the result.\n"
         "What the values have to be is asked of the other end, or read from --interface. Programs that describe\n"
         "nothing (Neovim, clangd, ...) get what is given; with --codec json a single object holds parameters by "
         "name.\n"
         "METHOD -: calls are read from standard input, each a line: [\"method\", argument, ...]. They are made on "
         "one\n"
         "connection, so that a handle lives from one to the next, up to the first that fails.\n"
         "--timeout bounds the wait for the other end (default 5s) and for its answer (default: what the interface "
         "says,\n"
         "or 25s).",
     .takes = OPEN | TAKES(JSON) | TAKES(INTERFACE) | TAKES(CODEC) | TAKES(NOTIFY),
     .run = via_cli_run_call},
    {.name = "copy",
     .operands = "[TEXT...]",
     .max_operands = SIZE_MAX,
     .summary = "copy text, or standard input, to the clipboard",
     .about =
         "The content is text if it is UTF-8 without a NUL, else application/octet-stream, unless --type says what it\n"
         "is. Where somebody has to serve it, a small process stays behind until another program copies something;\n"
         "it has none of the caller's descriptors. --foreground stays instead.\n"
         "--ttl and --sensitive hold for as long as that process lives; a secret goes with it.",
     .takes = OPEN | TAKES(TYPE) | TAKES(BACKEND) | TAKES(PRIMARY) | TAKES(SENSITIVE) | TAKES(PASTE_ONCE) | TAKES(TTL) |
              TAKES(CLEAR) | TAKES(FOREGROUND) | TAKES(TRIM_NEWLINE),
     .has_letters = true,
     .run = via_cli_run_copy},
    {.name = "paste",
     .operands = "[--watch CMD...]",
     .max_operands = SIZE_MAX,
     .summary = "print what is on the clipboard",
     .about =
         "Text first, then whatever is offered first; --type asks for a type: image/png, image (any image), 'text/*'.\n"
         "Text gets a newline at its end, unless --no-newline. With nothing to paste the exit status is 1.\n"
         "A CMD of --watch finds in CLIPBOARD_STATE what it is given: data, sensitive, or nil (emptied).",
     .takes = OPEN | TAKES(TYPE) | TAKES(JSON) | TAKES(BACKEND) | TAKES(PRIMARY) | TAKES(NO_NEWLINE) |
              TAKES(LIST_TYPES) | TAKES(WATCH),
     .has_letters = true,
     .run = via_cli_run_paste},
    {.name = "bench",
     .operands = "ADDRESS...",
     .min_operands = 0, /* with --peers; it checks that itself */
     .max_operands = MANY,
     .summary = "measure latency and throughput between two processes",
     .about =
         "Several addresses are measured in turn, round after round, and the median of the rounds is shown.\n"
         "Latency is one way: half of the round trip of a pair; else from send to receipt, with one message under\n"
         "way. Percentiles are exact: every sample is kept. The rate of a value is that of its updates, until the\n"
         "other has the last: it need not see each. Regions are not measured; --wake hybrid is for --peers.\n"
         "--count is for each row (default: 2000 round trips; as many messages as make 64 MiB, at most 100000).\n"
         "--peers compares the addresses (default: shm, unix, pipe, tcp) with nng, libzmq, sd-bus, libfabric, "
         "iceoryx,\n"
         "Boost, hand-written C and the limits of the machine: two pinned processes, about four minutes, less with\n"
         "--size, --wake, --rounds or --count. With --plot it draws FILE-latency.svg and FILE-throughput.svg.",
     .takes = OPEN | TAKES(PATTERN) | TAKES(SIZE) | TAKES(COUNT) | TAKES(MODE) | TAKES(WAKE) | TAKES(MORE) |
              TAKES(ECHO) | TAKES(WARMUP) | TAKES(ROUNDS) | TAKES(JSON) | TAKES(PLOT) | TAKES(PEERS),
     .run = via_cli_run_bench},
    {.name = "ps",
     .operands = "",
     .summary = "list what is open in this user's programs: channels, listeners, peers, backlog",
     .about =
         "Nobody is asked and nothing is stopped: programs count in a page of memory that others can read.\n"
         "FULL in STATE: a send waits, or the last one found no room. A program with VIADUCT_STATS=0 shows nothing.",
     .takes = TAKES(JSON),
     .run = via_cli_run_ps},
    {.name = "stats",
     .operands = "[PID]",
     .max_operands = 1,
     .summary = "what each channel of a program has counted; where a message went",
     .about = "Also for a program that is stopped, hangs or has crashed: its page stays until sixteen newer ones are "
              "there.\n"
              "Without PID: all programs. --prometheus prints metrics, of those that live.",
     .takes = TAKES(JSON) | TAKES(PROMETHEUS),
     .run = via_cli_run_stats},
    {.name = "top",
     .operands = "",
     .summary = "watch what moves: messages and bytes a second, the busiest channel first",
     .about = "--count ends it after so many looks; the first has no rates yet. With --json: an array a line.",
     .takes = TAKES(JSON) | TAKES(INTERVAL) | TAKES(COUNT),
     .run = via_cli_run_top},
    {.name = "doctor",
     .operands = "",
     .summary = "look for what is wrong with this installation, and say what mends it",
     .about =
         "Folders, permissions, versions, plugins, endpoint files and limits. Exit status 1 if something is broken;\n"
         "a warning alone leaves it at 0.",
     .takes = HOST | TAKES(JSON),
     .run = via_cli_run_doctor},
    {.name = "tap",
     .operands = "[ADDRESS]",
     .max_operands = 1,
     .summary = "watch or record the messages of running programs that allow it",
     .about =
         "A program allows it by the layer tap with allow=true, in its endpoint or address. Every channel of the name\n"
         "is watched, also those that are opened later, until the last of them is closed, or a signal.\n"
         "Each message is a line: time, process, direction, size, key and so on, and the content between quotes.\n"
         "With --output they are recorded to a pcapng file instead, for 'via replay' and for Wireshark.\n"
         "No program is held up by it: what comes faster than it can be taken is counted, and told.\n"
         "--timeout bounds the wait for the first channel (default: none).",
     .takes = HOST | TAKES(OPTION) | TAKES(TIMEOUT) | TAKES(LIST) | TAKES(OUTPUT) | TAKES(COUNT) | TAKES(JSON),
     .run = via_cli_run_tap},
    {.name = "replay",
     .operands = "FILE ADDRESS",
     .min_operands = 2,
     .max_operands = 2,
     .summary = "send again what the layer tap, or 'via tap', has recorded",
     .about =
         "With their keys, types and priorities, and at the pace at which they were recorded; --speed max sends as\n"
         "fast as it goes, --speed 10 ten times as fast. What the other end answers is taken and thrown away.\n"
         "A file that ends inside a block, since its writer was killed, is played up to there, and that is told.\n"
         "--timeout bounds each wait: for the other end (default 5s), for room to send (default: for ever).",
     .takes = OPEN | TAKES(PATTERN) | TAKES(LISTEN) | TAKES(DIAL) | TAKES(WAIT) | TAKES(SPEED) | TAKES(DIRECTION) |
              TAKES(COUNT),
     .run = via_cli_run_replay},
    {.name = "seal",
     .operands = "MANIFEST [LIBRARY [OUTPUT]]",
     .min_operands = 1,
     .max_operands = 3,
     .summary = "write the ABI and the SHA-256 of its library into a plugin manifest",
     .about = "LIBRARY has the name that the manifest gives for this platform; without it, that one is sealed.\n"
              "OUTPUT is replaced as a whole; without it the manifest itself is. A symlink is followed; what is no\n"
              "regular file is refused. No code of the library is run.",
     .takes = 0,
     .run = via_cli_run_seal},
    {.name = "new-plugin",
     .operands = "NAME [DIR]",
     .min_operands = 1,
     .max_operands = 2,
     .summary = "begin a plugin of your own: small, complete, ready to change",
     .about = "Kinds: fd (whatever has a descriptor: a device, a line; the kit does the rest), callback (a vendor's "
              "library\n"
              "whose thread hands messages in), engine (topics through a broker, whose connection may be lost and come "
              "back), layer (a filter that wraps a channel of any transport). DIR is made, "
              "NAME by default; what exists already is never overwritten.\n"
              "It needs a C compiler, make and pkg-config, and nothing of Viaduct but what is installed.",
     .takes = TAKES(KIND),
     .run = via_cli_run_new_plugin},
    {.name = "certify",
     .operands = "MANIFEST...",
     .min_operands = 1,
     .max_operands = MANY,
     .summary = "prove what a plugin promises: the conformance suite, and how fast it is here",
     .about =
         "MANIFEST is the sealed one, beside its library. Each rule is a test in a process of its own, with a time "
         "limit;\n"
         "one that is broken is shown with the command that repeats it. Rules that the manifest does not claim are "
         "shown\n"
         "as not claimed. With --json: an array of certificates (share/viaduct/schema/certificate.schema.json).\n"
         "For a bus that needs more than a name: --listen says what the one end opens and --dial what the other does;\n"
         "with --dial alone something there has to send everything back. {name} is a new name, {dir} the test's "
         "folder.\n"
         "--setup is a command of the shell that comes before each test, in that folder; it has done its work when it\n"
         "prints a line or ends, and what still runs of it ends with the test. Layers are proved on the schemes that\n"
         "their manifest lists under x-conformance, \"on\", and measured there; values and regions are proved only.",
     .takes = TAKES(PLUGINS) | TAKES(LISTEN_AT) | TAKES(DIAL_AT) | TAKES(SETUP) | TAKES(SEED) | TAKES(TEST) |
              TAKES(QUICK) | TAKES(JSON),
     .run = via_cli_run_certify},
    {.name = "bench-worker",
     .operands = "ADDRESS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "the other process of 'via bench'; it is told what to do on descriptor 3",
     .takes = OPEN,
     .hidden = true,
     .run = via_cli_run_bench_worker},
    {.name = NULL},
};
