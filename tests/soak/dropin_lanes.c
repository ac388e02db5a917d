/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic without a pause; see dropin.h. Owns: who counts what, under one lock where it is not a lane's own. */
#include "dropin.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LETTERS = 40, PATIENCE_MS = 60000, OBJECTS = 64 };

/* Both ends of a pair in one process. */
typedef struct ends {
    via_listener *listener;
    via_channel *sender, *receiver;
    uint64_t next;
} ends;

static via_host *host;
static ends long_ends;
static pthread_t threads[SOAK_LANES + 1];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static uint64_t opens[SOAK_LANES]; /* guarded by the lock, like all that follows */
static bool stops;
static soak_result result;

static void fail(const char *what, const via_error *error)
{
    (void)pthread_mutex_lock(&lock);
    if (!result.failed[0])
        (void)snprintf(result.failed, sizeof result.failed, "%s: %.200s", what, error ? error->what : "");
    (void)pthread_cond_broadcast(&opened);
    (void)pthread_mutex_unlock(&lock);
}

static bool is_over(void)
{
    (void)pthread_mutex_lock(&lock);
    bool over = stops || result.failed[0];
    (void)pthread_mutex_unlock(&lock);
    return over;
}

/* ---- one pair ----------------------------------------------------------------------------------------------- */

static void close_ends(ends *pair)
{
    via_close(pair->sender);
    via_close(pair->receiver);
    via_listener_close(pair->listener);
    *pair = (ends){0};
}

static bool open_ends(ends *pair, const char *address)
{
    via_deadline deadline = via_after_ms(PATIENCE_MS);
    via_error error;

    *pair = (ends){0};
    via_error_init(&error);
    if (via_listen(host, address, NULL, &pair->listener, &error) != VIA_OK)
        fail("listen", &error);
    else if (via_dial(host, address, NULL, deadline, &pair->sender, &error) != VIA_OK)
        fail("dial", &error);
    else if (via_accept(pair->listener, deadline, &pair->receiver, &error) != VIA_OK)
        fail("accept", &error);
    else
        return true;
    close_ends(pair);
    return false;
}

/* Each message holds its number, many times over. */
static bool pass_one(ends *pair)
{
    uint64_t text[64], number = pair->next++;
    via_msg message = {0};

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        text[i] = number;
    if (via_send(pair->sender, text, sizeof text, NULL, via_after_ms(PATIENCE_MS)) != VIA_OK ||
        via_recv(pair->receiver, via_after_ms(PATIENCE_MS), &message) != VIA_OK)
        return false;
    bool is_right = message.size == sizeof text && memcmp(message.data, text, sizeof text) == 0;
    via_release(pair->receiver, &message);
    return is_right;
}

static void pass(ends *pair, uint64_t count)
{
    uint64_t lost = 0;

    for (uint64_t i = 0; i < count; i++)
        lost += !pass_one(pair);
    (void)pthread_mutex_lock(&lock);
    result.messages += count;
    result.lost += lost;
    (void)pthread_mutex_unlock(&lock);
}

/* ---- lanes -------------------------------------------------------------------------------------------------- */

static void *keep_on(void *unused)
{
    (void)unused;
    while (!is_over())
        pass(&long_ends, LETTERS);
    return NULL;
}

static void *open_again_and_again(void *argument)
{
    size_t index = (size_t)((uint64_t *)argument - opens);
    char address[64];
    ends pair;

    (void)snprintf(address, sizeof address, "unix:dropin-%d-%zu", (int)getpid(), index);
    while (!is_over() && open_ends(&pair, address)) {
        (void)pthread_mutex_lock(&lock);
        opens[index]++;
        result.channels++;
        (void)pthread_cond_broadcast(&opened);
        (void)pthread_mutex_unlock(&lock);
        pass(&pair, LETTERS);
        close_ends(&pair);
    }
    return NULL;
}

void soak_lanes_open(via_host *given)
{
    char address[64];

    host = given;
    (void)snprintf(address, sizeof address, "unix:dropin-%d-long", (int)getpid());
    (void)open_ends(&long_ends, address);
}

static void start(size_t index, void *(*work)(void *), void *argument)
{
    if (pthread_create(&threads[index], NULL, work, argument) != 0) {
        perror("soak_dropin: no thread");
        exit(1);
    }
}

void soak_lanes_start(void)
{
    stops = false;
    for (size_t i = 0; i < SOAK_LANES; i++)
        start(i, open_again_and_again, &opens[i]);
    start(SOAK_LANES, keep_on, NULL);
}

/* The first one may have been begun before; the second was not. */
void soak_lanes_await_opens(void)
{
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < SOAK_LANES; i++) {
        uint64_t wanted = opens[i] + 2;
        while (opens[i] < wanted && !result.failed[0])
            (void)pthread_cond_wait(&opened, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
}

void soak_lanes_rest(void)
{
    (void)pthread_mutex_lock(&lock);
    stops = true;
    (void)pthread_mutex_unlock(&lock);
    for (size_t i = 0; i <= SOAK_LANES; i++)
        (void)pthread_join(threads[i], NULL);
}

void soak_lanes_close(void)
{
    close_ends(&long_ends);
}

soak_result soak_lanes_result(void)
{
    return result;
}

/* ---- what the process holds --------------------------------------------------------------------------------- */

static void count_mappings(soak_state *now)
{
    unsigned long inodes[OBJECTS], inode;
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];

    while (maps && fgets(line, sizeof line, maps)) {
        size_t i = 0;
        if (!strstr(line, "viaduct-plugin") || sscanf(line, "%*s %*s %*s %*s %lu", &inode) != 1)
            continue;
        now->mappings++;
        while (i < now->objects && inodes[i] != inode)
            i++;
        if (i == now->objects && i < OBJECTS)
            inodes[now->objects++] = inode;
    }
    if (maps)
        (void)fclose(maps);
}

size_t soak_count_objects(void)
{
    soak_state now = {0};

    count_mappings(&now);
    return now.objects;
}

soak_state soak_state_now(void)
{
    soak_state now = {0};
    DIR *all = opendir("/proc/self/fd");

    while (all && readdir(all))
        now.descriptors++;
    if (all)
        (void)closedir(all);
    count_mappings(&now);
    now.heap = mallinfo2().uordblks;
    return now;
}
