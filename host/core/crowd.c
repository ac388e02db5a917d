/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leader and followers.
 *
 * Why nobody is forgotten: followers sleep only while there is a leader; whoever leaves, leader or not, for whatever
 * reason, lets one of them go on if there is none. Why the leader is not forgotten: a call to a slot while it sleeps
 * may undo its arming, so whoever makes one stirs it, and it arms again.
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
    crowd->is_stirred = false;
    crowd->followers = 0;
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

static bool has_passed(via_deadline deadline)
{
    return deadline == VIA_NOW || (deadline != VIA_FOREVER && via_clock_now() >= deadline);
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

static via_status sleep_on_handle(via_crowd *crowd, via_deadline deadline)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    via_status status = crowd->pollable(crowd->object, crowd->poll_event, &handle);
    if (status != VIA_OK)
        return status;
    via_mutex_give(&crowd->lock);
    status = via_event_wait(crowd->event, &handle, deadline);
    via_mutex_take(&crowd->lock);
    return status == VIA_ETIMEDOUT ? VIA_OK : status;
}

/* Arms and sleeps for all. VIA_OK: try again. */
static via_status lead(via_crowd *crowd, via_deadline deadline)
{
    crowd->is_led = true;
    via_status status = crowd->arm(crowd->object, crowd->poll_event);
    if (status == VIA_OK)
        status = sleep_on_handle(crowd, deadline);
    else if (status == VIA_EREADY)
        status = VIA_OK;
    if (crowd->is_stirred && !is_interrupted(crowd)) /* an interrupt stays raised for good */
        via_event_clear(crowd->event);
    crowd->is_stirred = false;
    crowd->is_led = false;
    return status;
}

static void stir_leader(via_crowd *crowd)
{
    if (!crowd->is_led || crowd->is_stirred)
        return;
    crowd->is_stirred = true;
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
    if (crowd->is_led && !has_passed(deadline)) {
        follow(crowd, deadline);
        return true;
    }
    *status = attempt(argument);
    stir_leader(crowd);
    if (*status != VIA_ETIMEDOUT || has_passed(deadline))
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
    stir_leader(crowd);
    via_mutex_give(&crowd->lock);
    return status;
}

void via_crowd_interrupt(via_crowd *crowd)
{
    via_event_raise(crowd->event);
}
