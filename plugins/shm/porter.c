/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The porter; see porter.h.
 *
 * Must never sleep with the lock held, nor look at a door that is not on the list.
 */
#include "porter.h"

#include "kit/fail.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ROUND_MS = 50, SHOWN = 16 };

void shm_porter_init(shm_porter *porter)
{
    *porter = (shm_porter){.set = -1, .wake = -1};
    (void)pthread_mutex_init(&porter->lock, NULL);
    (void)pthread_mutex_init(&porter->gate, NULL);
    (void)pthread_mutex_init(&porter->turn, NULL);
}

void shm_porter_fini(shm_porter *porter)
{
    (void)pthread_mutex_destroy(&porter->turn);
    (void)pthread_mutex_destroy(&porter->gate);
    (void)pthread_mutex_destroy(&porter->lock);
}

/* A busy porter would have the lock again before anybody who waits for it has woken. */
static void enter(shm_porter *porter)
{
    (void)pthread_mutex_lock(&porter->gate);
    (void)pthread_mutex_lock(&porter->lock);
    (void)pthread_mutex_unlock(&porter->gate);
}

/* ---- the thread --------------------------------------------------------------------------------------------- */

static bool is_listed(const shm_porter *porter, const shm_door *door)
{
    const shm_door *at = porter->doors;

    while (at && at != door)
        at = at->next;
    return at != NULL;
}

static void show(const shm_porter *porter, shm_door *door, bool shown)
{
    struct epoll_event event = {.events = shown ? EPOLLIN : 0, .data.ptr = door};

    door->rests = !shown;
    (void)epoll_ctl(porter->set, EPOLL_CTL_MOD, door->descriptor, &event);
}

static void show_again(const shm_porter *porter)
{
    for (shm_door *door = porter->doors; door; door = door->next)
        if (door->rests)
            show(porter, door, true);
}

/* Somebody may have left since it was shown. */
static void serve(shm_porter *porter, const struct epoll_event *shown, int count)
{
    eventfd_t ignored;

    for (int i = 0; i < count; i++) {
        shm_door *door = shown[i].data.ptr;
        if (!door)
            (void)eventfd_read(porter->wake, &ignored);
        else if (is_listed(porter, door) && !door->open(door->user))
            show(porter, door, false);
    }
}

/* How long to sleep then. */
static int make_round(const shm_porter *porter)
{
    int timeout_ms = -1;

    for (const shm_door *door = porter->doors; door; door = door->next) {
        if (door->visited)
            door->visit(door->user);
        if (door->visited || door->rests)
            timeout_ms = ROUND_MS;
    }
    return timeout_ms;
}

static void *stand_at_the_doors(void *argument)
{
    shm_porter *porter = argument;
    struct epoll_event shown[SHOWN];
    int timeout_ms = -1;
    bool goes_on = true;

    while (goes_on) {
        int count = epoll_wait(porter->set, shown, SHOWN, timeout_ms);
        enter(porter);
        show_again(porter);
        serve(porter, shown, count);
        timeout_ms = make_round(porter);
        goes_on = !porter->stops;
        (void)pthread_mutex_unlock(&porter->lock);
    }
    return NULL;
}

/* ---- starting and ending ------------------------------------------------------------------------------------ */

static void dispose(shm_porter *porter)
{
    if (porter->set >= 0)
        (void)close(porter->set);
    if (porter->wake >= 0)
        (void)close(porter->wake);
    porter->set = porter->wake = -1;
}

/* A thread inherits the processors of the one whose call starts it; ours works for all of the process. */
static void leave_its_processor(pthread_t thread)
{
    cpu_set_t processors;

    if (sched_getaffinity(getpid(), sizeof(processors), &processors) == 0)
        (void)pthread_setaffinity_np(thread, sizeof(processors), &processors);
}

/* And it inherits the signal mask. */
static int start_thread(shm_porter *porter)
{
    sigset_t all, before;
    int code;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&porter->thread, NULL, stand_at_the_doors, porter);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0)
        leave_its_processor(porter->thread);
    return code;
}

static via_status start(shm_porter *porter)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    porter->stops = false;
    porter->set = epoll_create1(EPOLL_CLOEXEC);
    porter->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code = porter->set < 0 || porter->wake < 0 ? errno : 0;
    if (code == 0 && epoll_ctl(porter->set, EPOLL_CTL_ADD, porter->wake, &event) < 0)
        code = errno;
    if (code == 0)
        code = start_thread(porter);
    if (code == 0)
        return VIA_OK;
    dispose(porter);
    errno = code;
    return code == EAGAIN ? VIA_ELIMIT : via_status_of_errno(code);
}

static void stop(shm_porter *porter)
{
    enter(porter);
    porter->stops = true;
    (void)eventfd_write(porter->wake, 1);
    (void)pthread_mutex_unlock(&porter->lock);
    (void)pthread_join(porter->thread, NULL);
    dispose(porter);
}

/* ---- doors -------------------------------------------------------------------------------------------------- */

static void list(shm_porter *porter, shm_door *door)
{
    enter(porter);
    door->next = porter->doors;
    porter->doors = door;
    (void)pthread_mutex_unlock(&porter->lock);
}

static bool strike(shm_porter *porter, shm_door *door)
{
    enter(porter);
    shm_door **at = &porter->doors;
    while (*at && *at != door)
        at = &(*at)->next;
    bool found = *at != NULL;
    if (found) {
        *at = door->next;
        (void)epoll_ctl(porter->set, EPOLL_CTL_DEL, door->descriptor, NULL);
    }
    (void)pthread_mutex_unlock(&porter->lock);
    return found;
}

via_status shm_porter_add(shm_porter *porter, shm_door *door)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = door};

    (void)pthread_mutex_lock(&porter->turn);
    via_status status = porter->set < 0 ? start(porter) : VIA_OK;
    if (status == VIA_OK) {
        list(porter, door);
        if (epoll_ctl(porter->set, EPOLL_CTL_ADD, door->descriptor, &event) < 0) {
            status = via_status_of_errno(errno);
            (void)strike(porter, door);
        }
    }
    if (porter->set >= 0 && !porter->doors)
        stop(porter);
    (void)pthread_mutex_unlock(&porter->turn);
    return status;
}

void shm_porter_remove(shm_porter *porter, shm_door *door)
{
    (void)pthread_mutex_lock(&porter->turn);
    if (strike(porter, door) && !porter->doors)
        stop(porter);
    (void)pthread_mutex_unlock(&porter->turn);
}

void shm_porter_visit(shm_porter *porter, shm_door *door)
{
    enter(porter);
    door->visited = true;
    (void)eventfd_write(porter->wake, 1);
    (void)pthread_mutex_unlock(&porter->lock);
}
