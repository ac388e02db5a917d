/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures that are drawn where the other end sees them: nothing is copied where the transport can lend its own memory.
 *
 *     frames show ADDRESS           waits for pictures, and says of each how bright it is
 *     frames draw ADDRESS COUNT     draws so many
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <viaduct/viaduct.h>

enum { WIDTH = 1280, HEIGHT = 720, FRAME = WIDTH * HEIGHT };

static int explain(const char *doing, const via_error *error)
{
    fprintf(stderr, "frames: %s: %s%s%s\n", doing, error->what, error->mend[0] != '\0' ? "; " : "", error->mend);
    return 1;
}

/* ---- drawing ------------------------------------------------------------------------------------------------ */

static via_status draw_one(via_channel *channel, int shade)
{
    via_msg frame;
    via_status status = via_loan(channel, FRAME, via_after_ms(5000), &frame);

    if (status != VIA_OK)
        return status;
    memset(frame.data, shade, frame.size);
    status = via_commit(channel, &frame, via_after_ms(5000));
    if (status != VIA_OK)
        via_discard(channel, &frame); /* it is still lent */
    return status;
}

static int draw(const char *address, int count)
{
    via_channel *channel;
    via_error error;

    if (via_dial(NULL, address, NULL, via_after_ms(5000), &channel, &error) != VIA_OK)
        return explain(address, &error);
    via_status status = VIA_OK;
    for (int i = 0; i < count && status == VIA_OK; i++)
        status = draw_one(channel, 10 * (i + 1));
    if (status == VIA_OK)
        status = via_drain(channel, via_after_ms(5000), NULL);
    if (status != VIA_OK)
        fprintf(stderr, "frames: %s\n", via_status_text(status));
    via_close(channel);
    return status != VIA_OK;
}

/* ---- showing ------------------------------------------------------------------------------------------------ */

static unsigned brightness(const via_msg *frame)
{
    const unsigned char *pixels = frame->data;
    unsigned long long sum = 0;

    for (size_t i = 0; i < frame->size; i++)
        sum += pixels[i];
    return frame->size > 0 ? (unsigned)(sum / frame->size) : 0;
}

static int show(const char *address)
{
    via_listener *listener;
    via_channel *channel;
    via_error error;
    via_status status;
    via_msg frame;

    if (via_listen(NULL, address, NULL, &listener, &error) != VIA_OK)
        return explain(address, &error);
    if (via_accept(listener, VIA_FOREVER, &channel, &error) != VIA_OK) {
        via_listener_close(listener);
        return explain(address, &error);
    }
    while ((status = via_recv(channel, VIA_FOREVER, &frame)) == VIA_OK) {
        printf("%zu bytes, brightness %u\n", frame.size, brightness(&frame));
        via_release(channel, &frame);
    }
    via_close(channel);
    via_listener_close(listener);
    return status != VIA_ECLOSED;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "show") == 0)
        return show(argv[2]);
    if (argc == 4 && strcmp(argv[1], "draw") == 0)
        return draw(argv[2], (int)strtol(argv[3], NULL, 10));
    fprintf(stderr, "usage: frames show ADDRESS | frames draw ADDRESS COUNT\n");
    return 2;
}
