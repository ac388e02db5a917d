/* SPDX-License-Identifier: Apache-2.0 */
/* Deaths; see kills.h. */
#include "kills.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    ROUNDS = 3,      /* of a loop, at its beginning and its end */
    LOOK_EVERY = 100 /* deaths: how often the survivor is asleep in a call */
};

/* ---- what stays loaded -------------------------------------------------------------------------------------- */

static char kept_address[64];
static via_host *host;
static via_listener *kept; /* by the survivor; a connection to it by each process */

void via_kills_require(via_status status)
{
    if (status != VIA_OK)
        _exit(1);
}

via_host *via_kills_enter(void)
{
    via_channel *connection = NULL;
    via_host *own = NULL;

    via_kills_require(via_host_open(NULL, &own, NULL));
    via_kills_require(via_dial(own, kept_address, NULL, via_after_ms(PATIENCE_MS), &connection, NULL));
    return own;
}

via_host *via_kills_host(void)
{
    return host;
}

int via_kills_begin(void **state)
{
    (void)state;
    (void)snprintf(kept_address, sizeof(kept_address), "shm:stepping-kept-%d", (int)getpid());
    via_poll_handle folders = {.size = sizeof(folders)}; /* once, so that it is not made in the middle */

    return via_host_open(NULL, &host, NULL) == VIA_OK && via_host_watch(host, &folders, NULL) == VIA_OK &&
                   via_listen(host, kept_address, NULL, &kept, NULL) == VIA_OK
               ? 0
               : -1;
}

int via_kills_end(void **state)
{
    (void)state;
    via_listener_close(kept);
    via_host_close(host);
    return 0;
}

/* Of the dead. */
static void drop_connections(void)
{
    via_channel *connection = NULL;

    while (kept && via_accept(kept, VIA_NOW, &connection, NULL) == VIA_OK)
        via_close(connection);
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static unsigned char byte_of(size_t size, size_t i)
{
    return (unsigned char)(size * 31 + i * 7 + (i >> 8));
}

void via_kills_fill(void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)data)[i] = byte_of(size, i);
}

void via_kills_expect_filled(const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)data)[i] != byte_of(size, i))
            fail_msg("byte %zu of %zu is torn", i, size);
}

void via_kills_expect_whole(via_channel *channel, via_msg *message, size_t size)
{
    assert_int_equal(message->size, size);
    via_kills_expect_filled(message->data, size);
    via_release(channel, message);
}

via_status via_kills_next(via_channel *channel, bool asleep, via_msg *message)
{
    via_deadline deadline = via_after_ms(PATIENCE_MS);
    via_status status;

    if (asleep)
        return via_recv(channel, deadline, message);
    while ((status = via_recv(channel, VIA_NOW, message)) == VIA_ETIMEDOUT && via_after_ms(0) < deadline)
        ;
    return status;
}

void via_kills_expect_next(via_channel *channel, bool asleep, size_t size)
{
    via_msg message;

    assert_int_equal(via_kills_next(channel, asleep, &message), VIA_OK);
    via_kills_expect_whole(channel, &message, size);
}

/* ---- what is kept ------------------------------------------------------------------------------------------- */

static size_t count_entries(const char *folder)
{
    DIR *directory = opendir(folder);
    size_t count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    (void)closedir(directory);
    return count;
}

static size_t count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    size_t count = 0;
    char line[512];

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        count += strstr(line, "memfd:") != NULL;
    (void)fclose(maps);
    return count;
}

/* ---- deaths ------------------------------------------------------------------------------------------------- */

/* Kills one at that step; NULL: at the end of the act. */
static bool kill_at(const via_scene *act, const via_step *step, bool asleep)
{
    via_stepper stepper;

    act->raise(act, &stepper);
    if (!step)
        via_stepper_to_mark(&stepper);
    else if (!via_stepper_to(&stepper, step))
        step = NULL;
    via_stepper_kill(&stepper);
    bool has_happened = act->survive(act, asleep);
    drop_connections();
    if (!step && act->happens)
        assert_true(has_happened);
    return has_happened;
}

static void record(const via_scene *act, via_steps *steps)
{
    via_stepper stepper;

    act->raise(act, &stepper);
    via_stepper_record(&stepper, ROUNDS, steps);
    via_stepper_kill(&stepper);
    (void)act->survive(act, false);
    drop_connections();
}

static size_t choose_stride(const via_scene *act, size_t count)
{
    if (getenv("VIADUCT_STEPPING_ALL"))
        return 1;
    return count > act->at_most ? count / act->at_most : 1;
}

void via_kills_test(void **state)
{
    const via_scene *act = *state;
    size_t happened = 0, deaths = 0;
    via_steps steps;

    (void)kill_at(act, NULL, false); /* once, so that what is made once is made */
    size_t descriptors = count_entries("/proc/self/fd"), mappings = count_mappings();
    record(act, &steps);
    size_t stride = choose_stride(act, steps.count);
    for (size_t i = (size_t)getpid() % stride; i < steps.count; i += stride, deaths++) {
        bool has_happened = kill_at(act, &steps.list[i], deaths % LOOK_EVERY == 0);
        if (act->stays && happened && !has_happened)
            fail_msg("%s: it has happened before instruction %u already", act->name, (unsigned)steps.list[i].at);
        happened += has_happened;
    }
    free(steps.list);
    print_message("%s: %zu instructions at %zu places, killed at %zu, in vain at %zu of them\n", act->name,
                  steps.executed, steps.count, deaths, deaths - happened);
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    assert_int_equal(count_mappings(), mappings);
}
