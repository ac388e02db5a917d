/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host adds to one message: via_send() to a plugin that does nothing, against calling the plugin's slot.
 *
 * usage: host_cost FOLDER_OF_PLUGINS [both | direct | host] [COUNT]
 *
 * `both` prints nanoseconds; `direct` and `host` run one of the two loops, for host_cost.sh to count instructions in.
 */
#include <null/null.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <viaduct/viaduct.h>

enum { ROUNDS = 201 };

/* Not inlined, and named: callgrind collects inside them only. */
__attribute__((noinline)) via_status host_cost_direct(const via_null_direct *direct, void *self, uint64_t count);
__attribute__((noinline)) via_status host_cost_host(via_channel *channel, uint64_t count);

static const char body[64];

/* The slice is made once, outside the loop: that the host makes one is part of its cost. */
via_status host_cost_direct(const via_null_direct *direct, void *self, uint64_t count)
{
    const via_slice slice = {body, sizeof(body)};
    via_status status = VIA_OK;
    for (uint64_t i = 0; i < count; i++)
        status |= direct->send(self, &slice, 1, NULL, VIA_FOREVER);
    return status;
}

via_status host_cost_host(via_channel *channel, uint64_t count)
{
    via_status status = VIA_OK;
    for (uint64_t i = 0; i < count; i++)
        status |= via_send(channel, body, sizeof(body), NULL, VIA_FOREVER);
    return status;
}

static int by_value(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The two loops in turn, so that a slow moment of the machine meets both. */
static void compare(via_channel *channel, const via_null_direct *direct, void *self, uint64_t count)
{
    static double around[ROUNDS];
    static double through[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        const uint64_t start = via_now_ns();
        (void)host_cost_direct(direct, self, count);
        const uint64_t middle = via_now_ns();
        (void)host_cost_host(channel, count);
        around[i] = (double)(middle - start) / (double)count;
        through[i] = (double)(via_now_ns() - middle) / (double)count;
    }
    qsort(around, ROUNDS, sizeof(around[0]), by_value);
    qsort(through, ROUNDS, sizeof(through[0]), by_value);
    printf("             direct   via_send   added\n");
    printf("median ns  %8.2f   %8.2f  %6.2f\n", around[ROUNDS / 2], through[ROUNDS / 2],
           through[ROUNDS / 2] - around[ROUNDS / 2]);
    printf("least ns   %8.2f   %8.2f  %6.2f\n", around[0], through[0], through[0] - around[0]);
}

static via_channel *open_null(via_host *host)
{
    via_channel *channel = NULL;
    via_error error;
    if (via_join(host, "null:", VIA_PUSH, NULL, VIA_NOW, &channel, &error) != VIA_OK)
        (void)fprintf(stderr, "host_cost: %s\n%s\n", error.what, error.mend);
    return channel;
}

static via_host *open_host(const char *folder)
{
    via_host_options options;
    via_host *host = NULL;
    via_error error;
    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = &folder;
    options.plugin_path_count = 1;
    if (via_host_open(&options, &host, &error) != VIA_OK)
        (void)fprintf(stderr, "host_cost: %s\n", error.what);
    return host;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[2] : "both";
    const uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : 100000;
    via_host *host = argc > 1 ? open_host(argv[1]) : NULL;
    via_channel *channel = host != NULL ? open_null(host) : NULL;
    void *self = NULL;
    const via_null_direct *direct = channel != NULL ? via_extension(channel, VIA_NULL_DIRECT_ID, &self) : NULL;
    if (direct == NULL) {
        (void)fprintf(stderr, "usage: host_cost FOLDER_OF_PLUGINS [both | direct | host] [COUNT]\n");
        via_close(channel);
        via_host_close(host);
        return 2;
    }
    if (strcmp(mode, "direct") == 0)
        (void)host_cost_direct(direct, self, count);
    else if (strcmp(mode, "host") == 0)
        (void)host_cost_host(channel, count);
    else
        compare(channel, direct, self, count);
    via_close(channel);
    via_host_close(host);
    return 0;
}
