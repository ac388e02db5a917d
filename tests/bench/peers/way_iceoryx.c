/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iceoryx 2.0: a publisher and a subscriber each way, and the daemon that it needs (iox-roudi), which lives while this
 * peer is measured. A message is copied into a chunk, as everywhere, behind its size; the queue blocks when it is full.
 */
#include "way.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/types.h>
#include <iceoryx_binding_c/wait_set.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 17 << 20, HEADER = 16, QUEUE = 4, READY_MS = 8000 };

/* Each size has a pool of chunks that holds what both ways and the hands of both ends may have under way. */
static const char pools[] = "[general]\nversion = 1\n\n[[segment]]\n"
                            "[[segment.mempool]]\nsize = 128\ncount = 64\n"
                            "[[segment.mempool]]\nsize = 2048\ncount = 64\n"
                            "[[segment.mempool]]\nsize = 131072\ncount = 64\n"
                            "[[segment.mempool]]\nsize = 2097152\ncount = 32\n"
                            "[[segment.mempool]]\nsize = 17825792\ncount = 24\n";

struct ends {
    iox_pub_t publisher;
    iox_sub_t subscriber;
    iox_ws_t waits;
    bool spins, is_connected;
    iox_pub_storage_t publisher_storage;
    iox_sub_storage_t subscriber_storage;
    iox_ws_storage_t waits_storage;
};

/* ---- the daemon --------------------------------------------------------------------------------------------- */

static pid_t daemon_pid;

static void be_daemon(int output, const char *configuration)
{
    char *const words[] = {(char *)(uintptr_t) "iox-roudi", (char *)(uintptr_t) "-c",  (char *)(uintptr_t)configuration,
                           (char *)(uintptr_t) "-m",        (char *)(uintptr_t) "off", NULL};

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    (void)execvp(words[0], words);
    (void)printf("%s: %s", words[0], strerror(errno));
    (void)fflush(stdout);
    _exit(127);
}

/* Reads what it prints until it says that it is ready; the last of it explains why it is not. */
static bool await_ready(int input, char *why, size_t capacity)
{
    char text[4096] = "";
    size_t used = 0;
    struct pollfd waiting = {.fd = input, .events = POLLIN};

    while (used + 1 < sizeof(text) && poll(&waiting, 1, READY_MS) > 0) {
        ssize_t moved = read(input, text + used, sizeof(text) - 1 - used);

        if (moved <= 0)
            break;
        used += (size_t)moved;
        text[used] = '\0';
        if (strstr(text, "ready for clients"))
            return true;
    }
    for (size_t i = 0; i < used; i++)
        if ((unsigned char)text[i] < ' ')
            text[i] = ' ';
    (void)snprintf(why, capacity, "iox-roudi does not run (apt-get install iceoryx; space in /dev/shm): %.120s", text);
    return false;
}

static bool write_configuration(char *name)
{
    int file = mkstemp(name);
    bool good = file >= 0 && write(file, pools, sizeof(pools) - 1) == (ssize_t)sizeof(pools) - 1;

    if (file >= 0)
        (void)close(file);
    return good;
}

/* After a client that was killed it leaves its memory behind, which is called by the name of its group. */
static void stop_daemon(void)
{
    const struct group *group = getgrgid(getegid());
    char name[128];

    (void)kill(daemon_pid, SIGTERM);
    (void)waitpid(daemon_pid, NULL, 0);
    (void)snprintf(name, sizeof(name), "/%s", group ? group->gr_name : "iceoryx_mgmt");
    (void)shm_unlink(name);
    (void)shm_unlink("/iceoryx_mgmt");
}

static bool start_daemon(char *why, size_t capacity)
{
    char configuration[] = "/tmp/via-roudi-XXXXXX";
    int ends[2];
    bool good;

    if (!write_configuration(configuration) || pipe2(ends, O_CLOEXEC) != 0) {
        (void)snprintf(why, capacity, "%s: %s", configuration, strerror(errno));
        return false;
    }
    daemon_pid = fork();
    if (daemon_pid == 0)
        be_daemon(ends[1], configuration);
    (void)close(ends[1]);
    good = await_ready(ends[0], why, capacity);
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC); /* stays open: the daemon goes on writing to it */
    (void)unlink(configuration);
    if (!good)
        stop_daemon();
    return good;
}

/* ---- the way ------------------------------------------------------------------------------------------------ */

static void open_publisher(struct ends *self, const struct place *place, const char *direction)
{
    iox_pub_options_t options;

    iox_pub_options_init(&options);
    options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    self->publisher = iox_pub_init(&self->publisher_storage, "via-bench", place->name, direction, &options);
}

static void open_subscriber(struct ends *self, const struct place *place, const char *direction)
{
    iox_sub_options_t options;

    iox_sub_options_init(&options);
    options.queueCapacity = QUEUE;
    options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
    self->subscriber = iox_sub_init(&self->subscriber_storage, "via-bench", place->name, direction, &options);
}

static void *open_iceoryx(const struct place *place, bool is_server)
{
    struct ends *self = calloc(1, sizeof(*self));
    char name[96];

    if (!self)
        way_failed("calloc", "no memory");
    iox_set_loglevel(Iceoryx_LogLevel_Off); /* it would write into the progress */
    (void)snprintf(name, sizeof(name), "%s-%s", place->name, is_server ? "server" : "client");
    iox_runtime_init(name);
    open_publisher(self, place, is_server ? "answers" : "questions");
    open_subscriber(self, place, is_server ? "questions" : "answers");
    self->spins = place->wake == WAKE_SPIN;
    self->waits = iox_ws_init(&self->waits_storage);
    (void)iox_ws_attach_subscriber_state(self->waits, self->subscriber, SubscriberState_HAS_DATA, 0, NULL);
    return self;
}

/* What is published before a subscriber is known is lost. */
static void connect(struct ends *self)
{
    while (!iox_pub_has_subscribers(self->publisher))
        (void)usleep(1000);
    self->is_connected = true;
}

static void send_iceoryx(void *argument, const void *data, size_t size, bool more)
{
    struct ends *self = argument;
    void *chunk = NULL;

    (void)more;
    if (!self->is_connected)
        connect(self);
    if (iox_pub_loan_chunk(self->publisher, &chunk, (uint32_t)(HEADER + size)) != AllocationResult_SUCCESS)
        way_failed("iox_pub_loan_chunk", "no chunk");
    *(uint64_t *)chunk = size;
    memcpy((char *)chunk + HEADER, data, size);
    iox_pub_publish_chunk(self->publisher, chunk);
}

static const void *next_chunk(struct ends *self)
{
    const void *chunk = NULL;

    for (;;) {
        uint64_t missed;

        switch (iox_sub_take_chunk(self->subscriber, &chunk)) {
        case ChunkReceiveResult_SUCCESS:
            return chunk;
        case ChunkReceiveResult_NO_CHUNK_AVAILABLE:
            break;
        default:
            way_failed("iox_sub_take_chunk", "refused");
        }
        if (self->spins)
            way_relax();
        else
            (void)iox_ws_wait(self->waits, NULL, 0, &missed);
    }
}

static size_t receive_iceoryx(void *argument)
{
    struct ends *self = argument;
    const void *chunk = next_chunk(self);
    size_t size = *(const uint64_t *)chunk;

    way_look((const char *)chunk + HEADER, size);
    iox_sub_release_chunk(self->subscriber, chunk);
    return size;
}

static void close_iceoryx(void *argument)
{
    struct ends *self = argument;

    iox_ws_detach_subscriber_state(self->waits, self->subscriber, SubscriberState_HAS_DATA);
    iox_ws_deinit(self->waits);
    iox_sub_deinit(self->subscriber);
    iox_pub_deinit(self->publisher);
    iox_runtime_shutdown();
    free(self);
}

const struct way way_iceoryx = {
    .name = "peer:iceoryx",
    .wakes = SPIN | BLOCK,
    .most = MOST - HEADER,
    .start = start_daemon,
    .stop = stop_daemon,
    .open = open_iceoryx,
    .send = send_iceoryx,
    .receive = receive_iceoryx,
    .close = close_iceoryx,
};
