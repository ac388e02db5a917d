/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number that several processes count up together, in memory that they share.
 *
 *     tally ADDRESS STEPS GOAL      counts up so many steps, waits until all together have reached the goal, prints the number
 */
#include <stdio.h>
#include <stdlib.h>
#include <viaduct/ext/region.h>
#include <viaduct/viaduct.h>

/* What lies in the region. The second copy is written last, so that a step which was cut short can be told. */
typedef struct tally {
    unsigned long long now, settled;
} tally;

static int explain(const char *doing, const via_error *error)
{
    fprintf(stderr, "tally: %s: %s%s%s\n", doing, error->what, error->mend[0] != '\0' ? "; " : "", error->mend);
    return 1;
}

/* With the lock held. An owner that died may have left half a step behind. */
static via_status repair(via_channel *channel, tally *shared)
{
    shared->now = shared->settled;
    return via_region_repaired(channel);
}

static via_status count_up(via_channel *channel, tally *shared)
{
    uint32_t state;
    via_status status = via_region_lock(channel, via_after_ms(5000), &state);

    if (status != VIA_OK)
        return status;
    if (state == VIA_REGION_ABANDONED)
        status = repair(channel, shared);
    if (status == VIA_OK) {
        shared->now++;
        shared->settled = shared->now;
    }
    via_status given = via_region_unlock(channel);
    return status == VIA_OK ? given : status;
}

static via_status look(via_channel *channel, const tally *shared, unsigned long long *now)
{
    via_status status = via_region_lock(channel, via_after_ms(5000), NULL);

    if (status != VIA_OK)
        return status;
    *now = shared->settled;
    return via_region_unlock(channel);
}

/* Sleeps until the others have done their share. */
static via_status await_goal(via_channel *channel, const tally *shared, unsigned long long goal,
                             unsigned long long *now)
{
    uint64_t generation = 0;
    via_status status = look(channel, shared, now);

    while (status == VIA_OK && *now < goal) {
        status = via_region_wait(channel, &generation, via_after_ms(20000));
        if (status == VIA_OK)
            status = look(channel, shared, now);
    }
    return status;
}

static via_status count(via_channel *channel, long steps, unsigned long long goal, unsigned long long *now)
{
    via_region_view view = {.size = sizeof view};
    via_status status = via_region_map(channel, &view);
    tally *shared = view.address;

    for (long i = 0; i < steps && status == VIA_OK; i++)
        status = count_up(channel, shared);
    if (status == VIA_OK)
        status = via_region_notify(channel);
    return status == VIA_OK ? await_goal(channel, shared, goal, now) : status;
}

int main(int argc, char **argv)
{
    unsigned long long now = 0;
    via_channel *channel;
    via_error error;

    if (argc != 4) {
        fprintf(stderr, "usage: tally ADDRESS STEPS GOAL\n");
        return 2;
    }
    via_status status = via_join(NULL, argv[1], VIA_REGION, NULL, via_after_ms(5000), &channel, &error);
    if (status != VIA_OK)
        return explain(argv[1], &error);
    status = count(channel, strtol(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), &now);
    via_close(channel);
    if (status == VIA_OK)
        printf("%llu\n", now);
    else
        fprintf(stderr, "tally: %s\n", via_status_name(status));
    return status != VIA_OK;
}
