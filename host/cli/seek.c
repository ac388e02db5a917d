/* SPDX-License-Identifier: Apache-2.0 */
/* Opening in the background; see seek.h. Owns: the descriptor that tells its end. */
#include "seek.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "stop.h"
#include "wait.h"

struct via_cli_seek {
    const via_cli_args *args;
    via_cli_open what;
    pthread_t thread;
    int over; /* eventfd */
    via_status status;
    via_channel *channel;
    via_error error;
};

static void *run(void *argument)
{
    via_cli_seek *seek = argument;
    uint64_t one = 1;
    seek->status = via_cli_channel_try(seek->args, &seek->what, &seek->channel, &seek->error);
    if (write(seek->over, &one, sizeof one) < 0)
        via_cli_stop_now(); /* cannot happen to a fresh eventfd; ending is better than waiting for ever */
    return NULL;
}

static void release(via_cli_seek *seek)
{
    if (seek->over >= 0)
        (void)close(seek->over);
    free(seek);
}

int via_cli_seek_start(const via_cli_args *args, const via_cli_open *what, via_cli_seek **seek)
{
    via_cli_seek *made = calloc(1, sizeof *made);
    int result = VIA_EXIT_OK, failed = 0;
    if (!made)
        return via_cli_out_of_memory();
    made->args = args;
    made->what = *what;
    made->over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->over < 0)
        result = via_cli_os_error("eventfd", errno, "close some files, or raise 'ulimit -n'");
    else if ((failed = pthread_create(&made->thread, NULL, run, made)) != 0)
        result = via_cli_os_error("thread", failed, "raise 'ulimit -u'");
    if (result == VIA_EXIT_OK)
        *seek = made;
    else
        release(made);
    return result;
}

via_status via_cli_seek_wait(const via_cli_seek *seek, via_deadline deadline)
{
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, deadline);
    sleep.readable[0] = seek->over;
    via_status status;
    do
        status = via_cli_sleep_wait(&sleep);
    while (status == VIA_OK && !via_cli_readable_now(seek->over));
    return status;
}

via_status via_cli_seek_take(via_cli_seek *seek, via_channel **channel, via_error *error)
{
    (void)pthread_join(seek->thread, NULL);
    via_status status = seek->status;
    *channel = seek->channel;
    *error = seek->error;
    release(seek);
    return status;
}
