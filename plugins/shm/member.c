/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One member of a value or a region; see member.h.
 *
 * Owns: its life, the lock, and the ends of waiting. Must never believe a word of the shared page.
 */
#include "member.h"

#include "futex.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TURNS = 32 };

/* ---- life --------------------------------------------------------------------------------------------------- */

/* Comes by with the porter: who was killed between its news and the bell has left the call unanswered. */
static void visit(void *self)
{
    shm_member *member = self;

    if (!(SHM_GET(&member->common->call) & SHM_CALL_BELL))
        return;
    if (atomic_exchange(&member->wants_lock, false) || shm_member_latest(member) != atomic_load(&member->seen))
        shm_member_announce(member);
}

void shm_member_init(shm_member *member, const via_channel_ops *ops, const shm_settings *settings, shm_porter *porter,
                     uint32_t pattern)
{
    member->head.ops = ops;
    member->settings = *settings;
    member->porter = porter;
    member->pattern = pattern;
    member->is_writable = true;
    member->listening = member->bell = -1;
    member->roster.file = -1;
    member->sets[0] = member->sets[1] = (via_pollset){-1, -1};
    via_spin_init(&member->spin, settings->spin_ns);
    member->door = (shm_door){.descriptor = -1, .open = shm_member_let_in, .visit = visit, .user = member};
    shm_store_init(&member->store);
    via_wake_init(&member->wake);
    (void)pthread_mutex_init(&member->lock, NULL);
}

static void close_one(int descriptor)
{
    if (descriptor >= 0)
        (void)close(descriptor);
}

/*
 * The lock of one who leaves with it is as that of one who died: the next owner is told. To leave takes two descriptors for a moment:
 * so there are two at least. The listening one goes last, or the name looked free.
 */
void shm_member_dispose(shm_member *member, uint32_t how)
{
    if (how != VIA_CLOSE_FORKED && member->door.descriptor >= 0)
        shm_porter_remove(member->porter, &member->door);
    via_pollset_fini(&member->sets[0]);
    via_pollset_fini(&member->sets[1]);
    shm_store_drop(&member->store);
    close_one(member->bell);
    if (how == VIA_CLOSE_FORKED)
        shm_roster_forget(&member->roster);
    else
        shm_roster_leave(&member->roster, member->settings.host, &member->socket);
    close_one(member->listening);
    via_wake_fini(&member->wake);
    (void)pthread_mutex_destroy(&member->lock);
}

via_status shm_member_break(shm_member *member, const char *what)
{
    int sound = VIA_OK;

    if (atomic_compare_exchange_strong(&member->broken, &sound, VIA_EPROTO)) {
        via_count(&member->settings.counters->protocol_errors, 1);
        (void)via_fail_channel(member->settings.host, member->settings.context, VIA_EPROTO, 0,
                               "end all programs that share it, and start again", "%s", what);
    }
    return VIA_EPROTO;
}

void shm_member_interrupt(void *channel)
{
    shm_member *member = channel;

    via_wake_raise(&member->wake);
    shm_futex_interrupt(&member->wake);
}

/* ---- the lock ----------------------------------------------------------------------------------------------- */

bool shm_member_has_lock(const shm_member *member)
{
    return (SHM_GET(&member->common->owner) & SHM_LOCK_OWNER) == member->self;
}

/* The owner may be dead: then the lock is ours. */
static bool inherit(shm_member *member)
{
    uint64_t now = SHM_GET(&member->common->owner);

    return (now & SHM_LOCK_OWNER) && shm_roster_is_gone(&member->roster, now & SHM_LOCK_OWNER) &&
           shm_lock_inherit(&member->common->owner, now, member->self);
}

static bool spin_for_lock(shm_member *member, bool waited, via_deadline deadline)
{
    uint64_t spin_ns = member->settings.spin_ns;
    via_deadline enough =
        spin_ns == UINT64_MAX ? via_deadline_after(SHM_LOOK_NS) : via_deadline_after((int64_t)spin_ns);
    via_deadline until = via_deadline_min(deadline, enough);

    do {
        for (int turn = 0; turn < TURNS; turn++) {
            if (shm_lock_try(&member->common->owner, member->self, waited))
                return true;
            via_spin_pause();
        }
    } while (via_deadline_left(until) > 0);
    return false;
}

/* One sleep, and a look at the owner. */
static void sleep_for_lock(shm_member *member, via_deadline deadline)
{
    shm_common *common = member->common;
    uint32_t seen = SHM_LOOK(&common->turn);

    if (shm_lock_wait(&common->owner) && !via_wake_is_raised(&member->wake))
        shm_futex_sleep(&common->turn, seen, &member->wake,
                        via_deadline_min(deadline, via_deadline_after(SHM_LOOK_NS)));
}

static via_status take_lock(shm_member *member, via_deadline deadline)
{
    for (bool waited = false;; waited = true) {
        if (shm_lock_try(&member->common->owner, member->self, waited) || inherit(member) ||
            (deadline != VIA_NOW && spin_for_lock(member, waited, deadline)))
            return VIA_OK;
        if (via_wake_is_raised(&member->wake))
            return VIA_ECANCELED;
        if (via_deadline_left(deadline) == 0)
            return VIA_ETIMEDOUT;
        sleep_for_lock(member, deadline);
    }
}

via_status shm_member_lock(shm_member *member, via_deadline deadline, bool *died)
{
    if (via_wake_is_raised(&member->wake))
        return VIA_ECANCELED;
    via_status status = take_lock(member, deadline);
    *died = status == VIA_OK && (SHM_GET(&member->common->owner) & SHM_LOCK_DIRTY);
    return status;
}

via_status shm_member_unlock(shm_member *member)
{
    shm_common *common = member->common;
    bool waited = false;

    if (!shm_lock_give(&common->owner, member->self, &waited))
        return VIA_EINVAL;
    if (waited) {
        shm_lock_pass(&common->turn);
        shm_futex_wake(&common->turn);
        if (SHM_GET(&common->call) & SHM_CALL_BELL)
            shm_member_announce(member);
    }
    return VIA_OK;
}

/* ---- sleeping ----------------------------------------------------------------------------------------------- */

void shm_member_announce(shm_member *member)
{
    shm_common *common = member->common;
    uint32_t call = shm_common_called(common);
    eventfd_t ignored;

    if (!call)
        return;
    (void)SHM_ADD(&common->news, 1u);
    if (call & SHM_CALL_FUTEX)
        shm_futex_wake(&common->news);
    /* Full, it would ring no more. Nobody needs what is in it: a bell is heard, not read. */
    if ((call & SHM_CALL_BELL) && eventfd_write(member->bell, 1) < 0 && errno == EAGAIN &&
        eventfd_read(member->bell, &ignored) == 0)
        (void)eventfd_write(member->bell, 1);
}

/* VIA_ETIMEDOUT: not yet. */
static via_status look(shm_member *member, uint64_t seen)
{
    via_status broken = atomic_load_explicit(&member->broken, memory_order_relaxed);

    if (broken != VIA_OK)
        return broken;
    if (shm_member_latest(member) != seen)
        return VIA_OK;
    return via_wake_is_raised(&member->wake) ? VIA_ECANCELED : VIA_ETIMEDOUT;
}

static via_status spin(shm_member *member, uint64_t seen, via_deadline until)
{
    via_status status;

    do {
        for (int turn = 0; turn < TURNS; turn++) {
            if ((status = look(member, seen)) != VIA_ETIMEDOUT)
                return status;
            via_spin_pause();
        }
    } while (via_deadline_left(until) > 0);
    return status;
}

static via_status sleep_once(shm_member *member, uint64_t seen, via_deadline deadline)
{
    shm_common *common = member->common;
    uint32_t news = SHM_LOOK(&common->news);

    shm_common_call(common, SHM_CALL_FUTEX);
    via_status status = look(member, seen);
    if (status != VIA_ETIMEDOUT)
        return status;
    shm_futex_sleep(&common->news, news, &member->wake, via_deadline_min(deadline, via_deadline_after(SHM_LOOK_NS)));
    return look(member, seen);
}

via_status shm_member_await(shm_member *member, uint64_t seen, via_deadline deadline)
{
    via_status status = look(member, seen);

    if (status != VIA_ETIMEDOUT || deadline == VIA_NOW)
        return status;
    uint64_t began = via_spin_begin(&member->spin);
    if (member->spin.now_ns > 0)
        status = spin(member, seen, via_spin_until(&member->spin, began, deadline));
    if (status != VIA_ETIMEDOUT)
        return status;
    while ((status = sleep_once(member, seen, deadline)) == VIA_ETIMEDOUT && via_deadline_left(deadline) > 0)
        ;
    if (status == VIA_OK)
        via_spin_end(&member->spin, began);
    return status;
}

/* ---- polling ------------------------------------------------------------------------------------------------ */

/* The bell is shared, so it is watched for its ringing and never read: each set hears it by itself. */
static via_status make_set(shm_member *member, via_pollset *set)
{
    int interrupt = via_wake_descriptor(&member->wake);
    via_status status = via_pollset_init(set, false);

    if (status == VIA_OK && interrupt < 0)
        status = via_status_of_errno(errno);
    if (status == VIA_OK)
        status = via_pollset_add(set, interrupt, EPOLLIN, 0, NULL);
    if (status == VIA_OK)
        status = via_pollset_add(set, member->bell, EPOLLIN | EPOLLET, 0, NULL);
    if (status == VIA_OK)
        shm_porter_visit(member->porter, &member->door);
    else
        via_pollset_fini(set);
    return status;
}

static via_pollset *set_of(shm_member *member, uint32_t event)
{
    return &member->sets[event == VIA_WRITE];
}

static bool happens(const shm_member *member, uint32_t event)
{
    return event == VIA_READ || (event == VIA_WRITE && member->pattern == VIA_PATTERN_VALUE);
}

via_status shm_member_pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    shm_member *member = channel;
    via_pollset *set = set_of(member, event);
    via_status status = VIA_OK;

    if (!happens(member, event))
        return VIA_ENOTSUP;
    (void)pthread_mutex_lock(&member->lock);
    if (set->main < 0)
        status = make_set(member, set);
    (void)pthread_mutex_unlock(&member->lock);
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = set->main;
    out->wait = VIA_WAIT_READABLE;
    return status;
}

static void clear(shm_member *member, uint32_t event)
{
    struct epoll_event ignored[2];

    (void)pthread_mutex_lock(&member->lock);
    if (set_of(member, event)->main >= 0)
        (void)epoll_wait(set_of(member, event)->main, ignored, 2, 0);
    (void)pthread_mutex_unlock(&member->lock);
}

/* Another one's writing is over in no time, unless it was stopped or has died: then the porter comes by. */
static via_status arm_for_lock(shm_member *member)
{
    if (via_wake_is_raised(&member->wake) || !(SHM_GET(&member->common->owner) & SHM_LOCK_OWNER))
        return VIA_EREADY;
    clear(member, VIA_WRITE);
    atomic_store(&member->wants_lock, true);
    shm_common_call(member->common, SHM_CALL_BELL);
    return shm_lock_wait(&member->common->owner) && !via_wake_is_raised(&member->wake) ? VIA_OK : VIA_EREADY;
}

via_status shm_member_arm(void *channel, uint32_t event)
{
    shm_member *member = channel;

    if (!happens(member, event))
        return VIA_ENOENT;
    if (event == VIA_WRITE)
        return arm_for_lock(member);
    uint64_t seen = atomic_load(&member->seen);
    if (look(member, seen) != VIA_ETIMEDOUT)
        return VIA_EREADY;
    clear(member, VIA_READ);
    shm_common_call(member->common, SHM_CALL_BELL);
    return look(member, seen) == VIA_ETIMEDOUT ? VIA_OK : VIA_EREADY;
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

via_status shm_member_flush(void *channel, via_deadline deadline)
{
    (void)deadline;
    return atomic_load(&((shm_member *)channel)->broken);
}

void shm_member_refresh_counters(void *channel)
{
    shm_member *member = channel;

    member->settings.counters->peers = shm_roster_count(&member->roster);
}
