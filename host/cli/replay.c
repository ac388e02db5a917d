/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via replay`: what was recorded is sent again.
 *
 * Owns: which messages, and when each is due. Must never send a message that was not recorded whole.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "kit/pcapng.h"
#include "outgoing.h"
#include "program.h"
#include "refusal.h"
#include "session.h"
#include "stop.h"
#include "wait.h"

enum { SENT, RECEIVED, ALL }; /* --direction */

static const uint64_t progress_ns = UINT64_C(500000000);

struct player {
    const via_cli_args *args;
    via_cli_outgoing what;
    via_channel *channel;
    via_pcapng_reader reader;
    double speed; /* 0 = as fast as it goes */
    bool receives;
    uint64_t began_ns, first_ns; /* now, and in the recording */
    uint64_t number, played, bytes, left_out;
    uint64_t told_ns; /* when progress was shown; 0 = it is not */
    bool has_told;
};

/* ---- what is asked for -------------------------------------------------------------------------------------- */

static int read_speed(const via_cli_args *args, double *speed)
{
    const char *text = args->speed ? args->speed : "original";
    char *end;
    *speed = strcmp(text, "original") == 0 ? 1 : 0;
    if (*speed > 0 || strcmp(text, "max") == 0)
        return VIA_EXIT_OK;
    if (strspn(text, "0123456789.") == strlen(text) && text[0] != '\0') {
        *speed = strtod(text, &end);
        if (*end == '\0' && *speed > 0.000001 && *speed < 1e9)
            return VIA_EXIT_OK;
    }
    return via_cli_usage(args->command, NULL, "--speed wants original, max, or a number such as 10 or 0.5, not '%s'",
                         text);
}

static bool is_asked_for(const struct player *player, const via_pcapng_message *message)
{
    if (player->args->direction == ALL || message->direction == 0)
        return true;
    return message->direction == (player->args->direction == SENT ? VIA_PCAPNG_SENT : VIA_PCAPNG_RECEIVED);
}

/* ---- time --------------------------------------------------------------------------------------------------- */

/* What the other end says is nobody's, but it has to be taken, or it could not go on. False: it says no more. */
static void hush(struct player *player)
{
    via_msg message;
    via_status status = VIA_OK;
    while (player->receives && status == VIA_OK) {
        status = via_recv(player->channel, VIA_NOW, &message);
        if (status == VIA_OK)
            via_release(player->channel, &message);
        else if (status != VIA_ETIMEDOUT)
            player->receives = false;
    }
}

static void show_progress(struct player *player, bool is_last)
{
    const uint64_t now = via_now_ns();
    if (player->told_ns == 0 || (is_last && !player->has_told) || (!is_last && now - player->told_ns < progress_ns))
        return;
    player->told_ns = now;
    player->has_told = true;
    (void)fprintf(stderr, "\rvia: %" PRIu64 " messages, %" PRIu64 " bytes%s", player->played, player->bytes,
                  is_last ? "\n" : "");
}

/* VIA_OK: it is time for the message; VIA_ECANCELED: asked to stop. */
static via_status wait_for(struct player *player, const via_pcapng_message *message)
{
    if (player->number == 1 || message->time_ns < player->first_ns)
        player->first_ns = message->time_ns;
    const double after = player->speed > 0 ? (double)(message->time_ns - player->first_ns) / player->speed : 0;
    const via_deadline due = after < 9e18 ? player->began_ns + (uint64_t)after : VIA_FOREVER;
    for (;;) {
        hush(player);
        show_progress(player, false);
        if (via_cli_stopped())
            return VIA_ECANCELED;
        const uint64_t now = via_now_ns();
        if (now >= due)
            return VIA_OK;
        via_cli_sleep sleep;
        via_cli_sleep_init(&sleep, player->told_ns != 0 && due - now > progress_ns ? now + progress_ns : due);
        sleep.on[0].channel = player->channel;
        sleep.on[0].events = player->receives ? VIA_READ | VIA_WORK : VIA_WORK;
        if (via_cli_sleep_wait(&sleep) == VIA_ECANCELED)
            return VIA_ECANCELED;
    }
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static via_status send(struct player *player, const via_slice *body, const via_meta *meta)
{
    const via_deadline deadline = via_cli_deadline(player->args, UINT64_MAX);
    for (;;) {
        hush(player);
        via_status status = via_send(player->channel, body->data, body->size, meta, VIA_NOW);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = via_cli_wait(player->channel, player->receives ? VIA_READ | VIA_WRITE : VIA_WRITE, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static int explain_send(const struct player *player, const via_slice *body, via_status status)
{
    via_cli_letter letter = {.args = player->args,
                             .host = player->what.host,
                             .address = player->what.address,
                             .channel = player->channel,
                             .body = *body,
                             .number = player->number};
    if (status == VIA_ECANCELED && via_cli_stopped())
        return via_cli_stop_result(VIA_EXIT_FAILED);
    return via_cli_is_refusal(status) ? via_cli_refused(&letter, status)
                                      : via_cli_send_waited(player->what.address, player->channel, status);
}

/* The number that a message had says nothing about the one that it gets. */
static int play(struct player *player, const via_pcapng_message *message, const uint8_t *data)
{
    const via_slice body = {data, message->captured};
    via_meta meta = message->meta;
    meta.sequence = 0;
    if (message->captured < message->size)
        return via_cli_complain(VIA_EXIT_FAILED, "record it again with a larger tap.snaplen and tap.buffer",
                                "%s: message %" PRIu64 " was recorded with %u of its %u bytes", player->reader.file,
                                player->number, message->captured, message->size);
    int result = via_cli_check_meta(player->what.host, player->what.address, player->channel, &meta);
    if (result != VIA_EXIT_OK)
        return result;
    if (wait_for(player, message) != VIA_OK)
        return via_cli_stop_result(VIA_EXIT_FAILED);
    const via_status status = send(player, &body, &meta);
    if (status != VIA_OK)
        return explain_send(player, &body, status);
    player->played++;
    player->bytes += body.size;
    return VIA_EXIT_OK;
}

/* The end of the file, in whatever way. */
static int end_of_file(const struct player *player, via_status status, const via_error *error)
{
    if (status == VIA_EPEER) {
        (void)fprintf(stderr, "via: %s\n", error->what);
    } else if (status != VIA_ECLOSED) {
        return via_cli_error(NULL, error), VIA_EXIT_FAILED; /* it is the file's fault, and not the other end's */
    }
    if (player->played > 0 || player->left_out == 0)
        return VIA_EXIT_OK;
    return via_cli_complain(
        VIA_EXIT_FAILED, player->args->direction == SENT ? "add --direction received" : "add --direction sent",
        "%s: none of its %" PRIu64 " messages was %s by the end that recorded them", player->reader.file,
        player->left_out, player->args->direction == SENT ? "sent" : "received");
}

static int play_all(struct player *player)
{
    const bool is_bounded = via_cli_given(player->args, VIA_CLI_COUNT);
    via_pcapng_message message;
    const uint8_t *data;
    via_error error;
    player->began_ns = via_now_ns();
    player->told_ns = isatty(STDERR_FILENO) ? player->began_ns : 0;
    while (!is_bounded || player->played < player->args->count) {
        via_status status = via_pcapng_next(&player->reader, &message, &data, &error);
        if (status != VIA_OK)
            return end_of_file(player, status, &error);
        if (!is_asked_for(player, &message)) {
            player->left_out++;
            continue;
        }
        player->number++;
        int result = play(player, &message, data);
        if (result != VIA_EXIT_OK)
            return result;
    }
    return VIA_EXIT_OK;
}

/* ---- opening and ending ------------------------------------------------------------------------------------- */

static int finish(struct player *player, int result)
{
    show_progress(player, true);
    if (via_cli_stopped()) {
        via_cli_drain_briefly(player->channel);
        return via_cli_stop_result(result);
    }
    if (result != VIA_EXIT_OK)
        return result;
    via_status status = via_cli_drain(player->channel, via_cli_deadline(player->args, UINT64_MAX));
    if (status == VIA_ECANCELED && via_cli_stopped())
        return via_cli_stop_result(VIA_EXIT_FAILED);
    if (status != VIA_OK && status != VIA_ENOTSUP) {
        const int lost = via_cli_program_lost(player->channel, player->what.address, status);
        return lost != VIA_EXIT_OK ? lost : via_cli_status(player->what.address, player->channel, status);
    }
    if (!via_cli_is_program(player->channel))
        return VIA_EXIT_OK;
    status = via_finish(player->channel, via_after_ms(1000));
    return status == VIA_OK ? via_cli_program_end(player->channel, player->what.address) : VIA_EXIT_OK;
}

static int open_channel(struct player *player)
{
    int result = via_cli_host_open(player->args, &player->what.host);
    if (result == VIA_EXIT_OK)
        result = via_cli_outgoing_open(&player->what, &player->channel);
    player->receives = player->what.role == VIA_PAIR;
    return result == VIA_EXIT_OK ? via_cli_outgoing_wait(&player->what, player->channel) : result;
}

int via_cli_run_replay(const via_cli_args *args)
{
    struct player player = {.args = args, .reader = {.descriptor = -1}};
    via_error error;
    player.what = (via_cli_outgoing){.args = args, .address = args->operands.items[1], .role = VIA_PAIR};
    int result = read_speed(args, &player.speed);
    if (result != VIA_EXIT_OK)
        return result;
    via_error_init(&error);
    if (via_pcapng_open(&player.reader, args->operands.items[0], &error) != VIA_OK)
        return via_cli_error(NULL, &error), VIA_EXIT_FAILED;
    result = open_channel(&player);
    if (result == VIA_EXIT_OK)
        result = finish(&player, play_all(&player));
    via_close(player.channel);
    via_host_close(player.what.host);
    via_pcapng_close(&player.reader);
    return result;
}
