/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via tap`: the messages of running programs, shown or recorded.
 *
 * Owns: the channels that are being recorded, and the file. It looks every few milliseconds, since a program that had to wake it
 * would pay for it. What it finds in memory that others can write is copied before it is looked at.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "encoding.h"
#include "facts.h"
#include "session.h"
#include "stop.h"

enum { CHANNELS = 64, NAP_MS = 3, USUAL_FILE_MODE = 0600 };

static const uint64_t scan_ns = UINT64_C(200000000);

/* One channel that is recorded. */
struct tapped {
    via_tap_area area;
    via_tap_reader reader;
    char path[4096];
    uint32_t number; /* of its interface in the file */
    int64_t pid;
    uint64_t lost; /* told so far */
};

struct tap {
    const via_cli_args *args;
    via_host *host;
    const char *address;
    struct tapped *channels[CHANNELS];
    size_t count;
    uint32_t found; /* since the beginning */
    bool has_failed, has_told_busy;
    FILE *out;
    uint8_t *block;
    size_t capacity;
    uint64_t taken;
};

/* ---- output ------------------------------------------------------------------------------------------------- */

static void fail_output(struct tap *tap)
{
    if (tap->args->output == NULL && errno == EPIPE)
        via_cli_stdout_lost();
    else
        (void)via_cli_os_error(tap->args->output ? tap->args->output : "standard output", errno,
                               "make room where the output goes");
    tap->has_failed = true;
}

static void put_block(struct tap *tap, const uint8_t *block, size_t size)
{
    if (fwrite(block, 1, size, tap->out) != size)
        fail_output(tap);
}

static void begin_file(struct tap *tap)
{
    uint8_t block[1024];
    char comment[600];
    (void)snprintf(comment, sizeof comment, "recorded by via tap %s", tap->address);
    put_block(tap, block, via_pcapng_put_section(block, sizeof block, comment));
}

static void put_interface(struct tap *tap, const via_tap_head *head, const char *address, uint32_t snaplen)
{
    uint8_t block[2048];
    char about[700];
    (void)snprintf(about, sizeof about, "address=%s role=%s pid=%lld", address, via_cli_tap_role(head->role),
                   (long long)head->pid);
    put_block(tap, block, via_pcapng_put_interface(block, sizeof block, address, about, snaplen));
}

/* ---- finding channels --------------------------------------------------------------------------------------- */

static bool is_known(const struct tap *tap, const char *path)
{
    for (size_t i = 0; i < tap->count; i++)
        if (strcmp(tap->channels[i]->path, path) == 0)
            return true;
    return false;
}

static bool is_meant(const struct tap *tap, const char *address)
{
    return strcmp(address, tap->address) == 0 || via_cli_is_same_address(tap->args, tap->host, tap->address, address);
}

/* What was left by a recorder before is none of ours. */
static void start(struct tap *tap, struct tapped *one, const char *address)
{
    via_tap_head *head = one->area.head;
    for (unsigned i = 0; i < 2; i++) {
        one->lost += atomic_load(&head->rings[i].dropped);
        one->reader.tails[i] = atomic_load(&head->rings[i].head);
        via_tap_release(&one->area, &one->reader, i);
    }
    one->number = tap->found++;
    one->pid = head->pid;
    if (tap->args->output)
        put_interface(tap, head, address, head->snaplen);
    atomic_store(&head->wanted, 1);
    tap->channels[tap->count++] = one;
}

/* True: it is one of those that are asked for, and it is recorded from now on. */
static bool take(struct tap *tap, struct tapped *one, const char *path)
{
    char address[VIA_TAP_ADDRESS];
    via_tap_area look;
    if (via_tap_area_take(&look, path, true) != VIA_OK)
        return false;
    memcpy(address, look.head->address, sizeof address);
    address[sizeof address - 1] = '\0';
    via_tap_area_close(&look);
    if (!is_meant(tap, address))
        return false;
    const via_status status = via_tap_area_take(&one->area, path, false);
    if (status == VIA_EBUSY && !tap->has_told_busy) {
        tap->has_told_busy = true;
        (void)via_cli_complain(VIA_EXIT_FAILED, "end the other 'via tap' first", "%s: another records it", address);
    }
    if (status != VIA_OK)
        return false;
    if (via_tap_area_back(&one->area) != VIA_OK) {
        (void)via_cli_os_error(path, errno, "make room in the runtime folder, or set a smaller tap.buffer");
        via_tap_area_close(&one->area);
        return false;
    }
    (void)snprintf(one->path, sizeof one->path, "%s", path);
    start(tap, one, address);
    return true;
}

static bool visit(void *argument, const char *path)
{
    struct tap *tap = argument;
    if (is_known(tap, path))
        return true;
    if (tap->count == CHANNELS)
        return false;
    struct tapped *one = calloc(1, sizeof *one);
    if (!one)
        return false;
    if (!take(tap, one, path))
        free(one);
    return true;
}

static void let_go(struct tapped *one)
{
    atomic_store(&one->area.head->wanted, 0);
    via_tap_area_close(&one->area);
    free(one);
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static void put_time(FILE *out, uint64_t time_ns)
{
    char text[32];
    struct tm parts;
    const time_t seconds = (time_t)(time_ns / UINT64_C(1000000000));
    if (!localtime_r(&seconds, &parts) || strftime(text, sizeof text, "%H:%M:%S", &parts) == 0)
        text[0] = '\0';
    (void)fprintf(out, "%s.%06u", text, (unsigned)(time_ns % UINT64_C(1000000000) / 1000));
}

static void put_meta(FILE *out, const via_meta *meta)
{
    if (meta->key) {
        (void)fputs(" key=", out);
        via_cli_put_text(out, meta->key);
    }
    if (meta->content_type) {
        (void)fputs(" type=", out);
        via_cli_put_text(out, meta->content_type);
    }
    if (meta->priority)
        (void)fprintf(out, " priority=%d", (int)meta->priority);
    if (meta->sequence)
        (void)fprintf(out, " sequence=%" PRIu64, meta->sequence);
}

static void show(struct tap *tap, const struct tapped *one, size_t size)
{
    via_pcapng_reader scratch;
    via_pcapng_message message;
    const uint8_t *data;
    via_error error;
    via_error_init(&error);
    if (via_pcapng_read_own(&scratch, tap->block, size, &message, &data, &error) != VIA_OK) {
        (void)via_cli_error(NULL, &error);
        return;
    }
    put_time(tap->out, message.time_ns);
    (void)fprintf(tap->out, " %" PRId64 " %s %u bytes", one->pid,
                  message.direction == VIA_PCAPNG_SENT ? "sent" : "received", message.size);
    put_meta(tap->out, &message.meta);
    (void)fputc(' ', tap->out);
    via_cli_quoted_put(tap->out, data, message.captured);
    (void)fputs(message.captured < message.size ? "...\n" : "\n", tap->out);
    if (ferror(tap->out))
        fail_output(tap);
}

static bool copy_block(struct tap *tap, const uint8_t *block, size_t size)
{
    if (size > tap->capacity) {
        uint8_t *larger = realloc(tap->block, size);
        if (!larger)
            return false;
        tap->block = larger;
        tap->capacity = size;
    }
    memcpy(tap->block, block, size);
    return true;
}

static bool is_done(const struct tap *tap)
{
    return tap->has_failed || (via_cli_given(tap->args, VIA_CLI_COUNT) && tap->taken >= tap->args->count);
}

static void hand_on(struct tap *tap, const struct tapped *one, size_t size)
{
    if (tap->args->output) {
        via_pcapng_set_channel(tap->block, one->number);
        put_block(tap, tap->block, size);
    } else {
        show(tap, one, size);
    }
    tap->taken++;
}

/* Everything that is there. False: the memory holds nonsense, or is too large to copy. */
static bool drain(struct tap *tap, struct tapped *one)
{
    const uint8_t *block;
    size_t size = 0;
    unsigned direction;
    via_status status = via_tap_look(&one->area, &one->reader);
    while (status != VIA_EPROTO && !is_done(tap) &&
           (status = via_tap_peek(&one->area, &one->reader, &block, &size, &direction)) == VIA_OK) {
        if (!copy_block(tap, block, size))
            return false;
        via_tap_next(&one->reader, direction, size);
        via_tap_release(&one->area, &one->reader, direction);
        hand_on(tap, one, size);
    }
    return status != VIA_EPROTO;
}

static void tell_lost(struct tapped *one)
{
    uint64_t lost = 0;
    for (unsigned i = 0; i < 2; i++)
        lost += atomic_load(&one->area.head->rings[i].dropped);
    if (lost > one->lost)
        (void)fprintf(stderr, "via: pid %" PRId64 ": %" PRIu64 " messages came too fast, and were not recorded\n",
                      one->pid, lost - one->lost);
    one->lost = lost;
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */

/* Whether it lives is asked before it is emptied, so that its last messages are not missed. */
static void serve(struct tap *tap)
{
    for (size_t i = 0; i < tap->count && !is_done(tap);) {
        struct tapped *one = tap->channels[i];
        const bool lives = via_tap_area_lives(&one->area);
        const bool goes_on = drain(tap, one) && lives;
        if (!goes_on || is_done(tap))
            tell_lost(one);
        if (goes_on) {
            i++;
            continue;
        }
        let_go(one);
        tap->channels[i] = tap->channels[--tap->count];
    }
    if (fflush(tap->out) != 0)
        fail_output(tap);
}

static void nap(void)
{
    struct pollfd stop = {via_cli_stop_descriptor(), POLLIN, 0};
    (void)poll(&stop, 1, NAP_MS);
}

static int follow(struct tap *tap)
{
    const via_deadline deadline = via_cli_deadline(tap->args, 0);
    uint64_t scanned = 0;
    while (!is_done(tap) && !via_cli_stopped()) {
        const uint64_t now = via_now_ns();
        if (now - scanned >= scan_ns || tap->count == 0) {
            const int result = via_cli_tap_each(visit, tap);
            if (result != VIA_EXIT_OK)
                return result;
            scanned = now;
        }
        if (tap->count == 0 && (tap->found > 0 || now >= deadline))
            break;
        serve(tap);
        nap();
    }
    serve(tap);
    if (tap->found > 0 || via_cli_stopped())
        return tap->has_failed && !via_cli_stdout_closed() ? VIA_EXIT_FAILED : VIA_EXIT_OK;
    if (tap->has_told_busy)
        return VIA_EXIT_FAILED;
    return via_cli_complain(
        VIA_EXIT_PEER,
        "put {\"layer\": \"tap\", \"allow\": true} on the endpoint, or layers=tap&tap.allow=true in the "
        "address, and start the program; 'via tap --list' shows what there is",
        "%s: no channel of your programs allows it, or none was open for long enough", tap->address);
}

/* ---- opening and ending ------------------------------------------------------------------------------------- */

static int open_output(struct tap *tap)
{
    tap->out = stdout;
    if (!tap->args->output)
        return VIA_EXIT_OK;
    const int descriptor = open(tap->args->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, USUAL_FILE_MODE);
    tap->out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!tap->out)
        return via_cli_os_error(tap->args->output, errno, "name a file that can be written");
    begin_file(tap);
    return VIA_EXIT_OK;
}

static int finish(struct tap *tap, int result)
{
    for (size_t i = 0; i < tap->count; i++)
        let_go(tap->channels[i]);
    if (tap->out && tap->out != stdout && fclose(tap->out) != 0 && !tap->has_failed)
        result = via_cli_os_error(tap->args->output, errno, "make room where the output goes");
    via_host_close(tap->host);
    free(tap->block);
    return result;
}

int via_cli_run_tap(const via_cli_args *args)
{
    struct tap tap = {.args = args};
    if (args->list)
        return via_cli_tap_list(args);
    if (args->operands.count == 0)
        return via_cli_usage(args->command, "'via tap --list' shows what there is",
                             "'via tap' wants: ADDRESS, or --list");
    tap.address = args->operands.items[0];
    int result = via_cli_host_open(args, &tap.host);
    if (result == VIA_EXIT_OK)
        result = open_output(&tap);
    via_cli_stop_gently();
    if (result == VIA_EXIT_OK)
        result = follow(&tap);
    return finish(&tap, result);
}
