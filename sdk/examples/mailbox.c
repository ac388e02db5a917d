/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ends of a pair: one takes messages and prints them, the other posts its arguments.
 *
 *     mailbox take ADDRESS
 *     mailbox post ADDRESS TEXT...
 *
 * ADDRESS is the name of an endpoint or an address such as unix:mailbox. The program does not know which transport
 * serves it.
 */
#include <stdio.h>
#include <string.h>
#include <viaduct/viaduct.h>

static int explain(const via_error *error)
{
    fprintf(stderr, "mailbox: %s\n", error->what);
    if (error->file[0] != '\0')
        fprintf(stderr, "  at:   %s:%u:%u\n", error->file, error->line, error->column);
    if (error->mend[0] != '\0')
        fprintf(stderr, "  mend: %s\n", error->mend);
    return 1;
}

/* Prints every message until the other end has finished. */
static via_status print_messages(via_channel *channel)
{
    via_status status;
    via_msg message;

    while ((status = via_recv(channel, VIA_FOREVER, &message)) == VIA_OK) {
        printf("%.*s\n", (int)message.size, (const char *)message.data);
        via_release(channel, &message);
    }
    return status == VIA_ECLOSED ? VIA_OK : status;
}

static int take(const char *address)
{
    via_listener *listener = NULL;
    via_channel *channel = NULL;
    via_error error;
    int result = 1;

    if (via_listen(NULL, address, NULL, &listener, &error) != VIA_OK ||
        via_accept(listener, VIA_FOREVER, &channel, &error) != VIA_OK) {
        explain(&error);
        goto cleanup;
    }
    if (print_messages(channel) != VIA_OK && via_failure(channel, &error) == VIA_OK) {
        explain(&error);
        goto cleanup;
    }
    result = 0;
cleanup:
    via_close(channel);
    via_listener_close(listener);
    return result;
}

static int post(const char *address, char **texts, int count)
{
    via_channel *channel = NULL;
    via_error error;
    via_status status = VIA_OK;

    if (via_dial(NULL, address, NULL, via_after_ms(5000), &channel, &error) != VIA_OK)
        return explain(&error);
    for (int i = 0; i < count && status == VIA_OK; i++)
        status = via_send(channel, texts[i], strlen(texts[i]), NULL, via_after_ms(5000));
    if (status == VIA_OK)
        status = via_drain(channel, via_after_ms(5000), NULL);
    if (status != VIA_OK)
        fprintf(stderr, "mailbox: %s\n", via_status_text(status));
    via_close(channel);
    return status == VIA_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "take") == 0)
        return take(argv[2]);
    if (argc > 3 && strcmp(argv[1], "post") == 0)
        return post(argv[2], argv + 3, argc - 3);
    fprintf(stderr, "usage: mailbox take ADDRESS | mailbox post ADDRESS TEXT...\n");
    return 2;
}
