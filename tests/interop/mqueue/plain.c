/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain C program with a message queue, as the manual pages have it. Includes nothing of Viaduct's.
 *
 *   plain make NAME [SIZE]                 makes a queue of 4 messages of SIZE bytes, else of 100
 *   plain send NAME PRIORITY TEXT...       sends each text
 *   plain receive NAME COUNT               receives, prints "PRIORITY TEXT" a line
 *   plain remove NAME
 */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char *what)
{
    perror(what);
    return 1;
}

static int make_one(const char *name, long size)
{
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = size};

    return mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes) == (mqd_t)-1 ? complain("mq_open") : 0;
}

static int send_all(const char *name, unsigned priority, char **texts)
{
    mqd_t queue = mq_open(name, O_WRONLY);

    if (queue == (mqd_t)-1)
        return complain("mq_open");
    for (; *texts; texts++)
        if (mq_send(queue, *texts, strlen(*texts), priority) != 0)
            return complain("mq_send");
    return 0;
}

static int receive_some(const char *name, int count)
{
    mqd_t queue = mq_open(name, O_RDONLY);
    struct mq_attr attributes;

    if (queue == (mqd_t)-1 || mq_getattr(queue, &attributes) != 0)
        return complain("mq_open");
    char *text = malloc((size_t)attributes.mq_msgsize);
    for (int i = 0; text && i < count; i++) {
        unsigned priority;
        ssize_t size = mq_receive(queue, text, (size_t)attributes.mq_msgsize, &priority);
        if (size < 0) {
            free(text);
            return complain("mq_receive");
        }
        (void)printf("%u %.*s\n", priority, (int)size, text);
    }
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "make") == 0)
        return make_one(argv[2], argc == 4 ? strtol(argv[3], NULL, 10) : 100);
    if (argc == 3 && strcmp(argv[1], "remove") == 0)
        return mq_unlink(argv[2]) == 0 ? 0 : complain("mq_unlink");
    if (argc > 4 && strcmp(argv[1], "send") == 0)
        return send_all(argv[2], (unsigned)strtoul(argv[3], NULL, 10), argv + 4);
    if (argc == 4 && strcmp(argv[1], "receive") == 0)
        return receive_some(argv[2], (int)strtol(argv[3], NULL, 10));
    (void)fputs("usage: plain make|send|receive|remove NAME ...\n", stderr);
    return 2;
}
