/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leader and followers.
 *
 * Why nobody is forgotten: followers sleep only while there is a leader; whoever leaves, leader or not, for whatever
 * reason, lets one of them go on if there is none. Why the leader is not forgotten: a call to a slot while it sleeps
 * may undo its arming, so whoever makes one stirs it, and it arms again. A raised event is cleared by the leader that it
 * woke, or else by who finds it raised with nobody asleep; an interrupt stays raised for good.
 */
#include "core/crowd.h"

#include "platform/clock.h"

via_status via_crowd_init(via_crowd *crowd)
{
    int32_t os_code;
    const via_status status = via_event_open(&crowd->event, &os_code);
    if (status != VIA_OK)
        return status;
    via_mutex_init(&crowd->lock);
    via_condition_init(&crowd->free);
    crowd->is_led = false;
    atomic_init(&crowd->is_asleep, false);
    atomic_init(&crowd->is_stirred, false);
    crowd->followers = 0;
    crowd->work = (via_poll_handle){0};
    return VIA_OK;
}

/* The parent's followers are in the child's copy of the condition: to end it would wait for them for ever. */
void via_crowd_fini(via_crowd *crowd, bool is_foreign)
{
    if (!is_foreign)
        via_condition_fini(&crowd->free);
    via_mutex_fini(&crowd->lock);
    via_event_close(crowd->event);
}

static bool is_interrupted(const via_crowd *crowd)
{
    return atomic_load(crowd->is_interrupted);
}

static void follow(via_crowd *crowd, via_deadline deadline)
{
    crowd->followers++;
    (void)via_condition_wait(&crowd->free, &crowd->lock, deadline);
    crowd->followers--;
}

static void settle(const via_crowd *crowd)
{
    if (!is_interrupted(crowd))
        via_event_clear(crowd->event);
}

static via_status sleep_on_handles(via_crowd *crowd, const via_poll_handle *handle, bool works, via_deadline deadline)
{
    const via_poll_handle handles[VIA_EVENT_HANDLES] = {*handle, crowd->work};
    bool is_raised = false;
    via_mutex_give(&crowd->lock);
    const via_status status = via_event_wait(crowd->event, handles, works ? 2 : 1, deadline, &is_raised);
    via_mutex_take(&crowd->lock);
    if (is_raised)
        settle(crowd);
    return status == VIA_ETIMEDOUT ? VIA_OK : status;
}

/*
 * Arms and sleeps for all. VIA_OK: try again. The handle first: a transport may make it when it is asked for, and what happens
 * between the arming and that would raise nothing. Then work: what it moves may be what the others wait for. Whoever stirs
 * from now on is seen, by the arming or by the sleep.
 */
static via_status lead(via_crowd *crowd, via_deadline deadline)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    crowd->is_led = true;
    const via_status has_handle = crowd->pollable(crowd->object, crowd->poll_event, &handle);
    (void)atomic_exchange(&crowd->is_stirred, false);
    atomic_store(&crowd->is_asleep, true);
    const bool works = crowd->work.size != 0 && crowd->arm(crowd->object, VIA_WORK) == VIA_OK;
    via_status status = crowd->arm(crowd->object, crowd->poll_event);
    if (status == VIA_OK)
        status = has_handle == VIA_OK ? sleep_on_handles(crowd, &handle, works, deadline) : has_handle;
    else if (status == VIA_EREADY)
        status = VIA_OK;
    atomic_store(&crowd->is_asleep, false);
    crowd->is_led = false;
    return status;
}

void via_crowd_stir(via_crowd *crowd)
{
    if (atomic_load(&crowd->is_asleep) && !atomic_exchange(&crowd->is_stirred, true))
        via_event_raise(crowd->event);
}

/* One round with the lock held. True: another round is needed. */
static bool take_part(via_crowd *crowd, via_attempt_fn attempt, void *argument, via_deadline deadline,
                      via_status *status)
{
    if (is_interrupted(crowd)) {
        *status = VIA_ECANCELED;
        return false;
    }
    if (crowd->is_led && !via_clock_has_passed(deadline)) {
        follow(crowd, deadline);
        return true;
    }
    *status = attempt(argument);
    via_crowd_stir(crowd);
    if (*status != VIA_ETIMEDOUT || via_clock_has_passed(deadline))
        return false;
    *status = lead(crowd, deadline);
    return *status == VIA_OK;
}

via_status via_crowd_run(via_crowd *crowd, via_attempt_fn attempt, void *argument, via_deadline deadline)
{
    via_status status = VIA_OK;
    via_mutex_take(&crowd->lock);
    while (take_part(crowd, attempt, argument, deadline, &status)) {
    }
    if (!crowd->is_led && crowd->followers > 0)
        via_condition_signal(&crowd->free);
    via_mutex_give(&crowd->lock);
    return status;
}

via_status via_crowd_call(via_crowd *crowd, via_attempt_fn call, void *argument)
{
    if (crowd == NULL)
        return call(argument);
    via_mutex_take(&crowd->lock);
    const via_status status = call(argument);
    via_crowd_stir(crowd);
    via_mutex_give(&crowd->lock);
    return status;
}

void via_crowd_pause(via_crowd *crowd, bool works, via_deadline deadline)
{
    bool is_raised = false;
    (void)via_event_wait(crowd->event, &crowd->work, works ? 1 : 0, deadline, &is_raised);
    if (!is_raised)
        return;
    via_mutex_take(&crowd->lock);
    if (!crowd->is_led) /* a leader does it itself */
        settle(crowd);
    via_mutex_give(&crowd->lock);
}

void via_crowd_interrupt(via_crowd *crowd)
{
    via_event_raise(crowd->event);
}
