/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of many clients in one thread: counts the bytes each client sends and answers with the sum so far.
 *
 *     counter ADDRESS CLIENTS      ends after that many clients have come and gone
 */
#include <stdio.h>
#include <stdlib.h>
#include <viaduct/viaduct.h>

enum { READY_AT_ONCE = 16 };

typedef struct client {
    unsigned long long bytes;
} client;

static int explain(const char *doing, const via_error *error)
{
    fprintf(stderr, "counter: %s: %s%s%s\n", doing, error->what, error->mend[0] != '\0' ? "; " : "", error->mend);
    return 1;
}

static via_status welcome(via_waitset *set, via_listener *listener)
{
    via_channel *channel = NULL;
    client *record = NULL;
    via_error error;
    via_status status = via_accept(listener, VIA_NOW, &channel, &error);

    if (status == VIA_ETIMEDOUT)
        return VIA_OK; /* it went away again */
    if (status != VIA_OK)
        return status;
    record = calloc(1, sizeof *record);
    status = record ? via_waitset_add(set, channel, VIA_READ, record) : VIA_ENOMEM;
    if (status != VIA_OK) {
        via_close(channel);
        free(record);
    }
    return status;
}

/* One message a turn, so that a busy client does not starve the others. False: the client has gone. */
static bool serve(via_channel *channel, client *record)
{
    char answer[32];
    via_msg message;
    int length;
    via_status status = via_recv(channel, VIA_NOW, &message);

    if (status != VIA_OK)
        return status == VIA_ETIMEDOUT;
    record->bytes += message.size;
    via_release(channel, &message);
    length = snprintf(answer, sizeof answer, "%llu", record->bytes);
    return via_send(channel, answer, (size_t)length, NULL, via_after_ms(1000)) == VIA_OK;
}

static int run(via_waitset *set, via_listener *listener, long clients)
{
    via_ready ready[READY_AT_ONCE];
    size_t count = 0;

    while (clients > 0) {
        if (via_waitset_wait(set, ready, READY_AT_ONCE, &count, VIA_FOREVER) != VIA_OK)
            return 1;
        for (size_t i = 0; i < count; i++) {
            if (ready[i].listener) {
                if (welcome(set, listener) != VIA_OK)
                    return 1;
            } else if (!serve(ready[i].channel, ready[i].user)) {
                via_close(ready[i].channel); /* leaves the set by itself */
                free(ready[i].user);
                clients--;
            }
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    via_listener *listener = NULL;
    via_waitset *set = NULL;
    via_error error;
    int result = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: counter ADDRESS CLIENTS\n");
        return 2;
    }
    if (via_listen(NULL, argv[1], NULL, &listener, &error) != VIA_OK)
        result = explain("cannot listen", &error);
    else if (via_waitset_create(&set, &error) != VIA_OK)
        result = explain("cannot make a waitset", &error);
    else if (via_waitset_add_listener(set, listener, NULL) == VIA_OK)
        result = run(set, listener, strtol(argv[2], NULL, 10));
    via_waitset_destroy(set);
    via_listener_close(listener);
    return result;
}
