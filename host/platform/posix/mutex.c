/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks and conditions by POSIX threads, conditions by CLOCK_MONOTONIC.
 */
#include "platform/mutex.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

void via_mutex_init(via_mutex *mutex)
{
    (void)pthread_mutex_init(&mutex->handle, NULL);
}

void via_mutex_fini(via_mutex *mutex)
{
    (void)pthread_mutex_destroy(&mutex->handle);
}

void via_mutex_take(via_mutex *mutex)
{
    (void)pthread_mutex_lock(&mutex->handle);
}

bool via_mutex_try(via_mutex *mutex)
{
    return pthread_mutex_trylock(&mutex->handle) == 0;
}

void via_mutex_give(via_mutex *mutex)
{
    (void)pthread_mutex_unlock(&mutex->handle);
}

void via_condition_init(via_condition *condition)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&condition->condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void via_condition_fini(via_condition *condition)
{
    (void)pthread_cond_destroy(&condition->condition);
}

via_status via_condition_wait(via_condition *condition, via_mutex *mutex, via_deadline deadline)
{
    if (deadline == VIA_FOREVER) {
        (void)pthread_cond_wait(&condition->condition, &mutex->handle);
        return VIA_OK;
    }
    const struct timespec point = {(time_t)(deadline / UINT64_C(1000000000)), (long)(deadline % UINT64_C(1000000000))};
    const int answer = pthread_cond_timedwait(&condition->condition, &mutex->handle, &point);
    return answer == ETIMEDOUT ? VIA_ETIMEDOUT : VIA_OK;
}

void via_condition_signal(via_condition *condition)
{
    (void)pthread_cond_signal(&condition->condition);
}

void via_mutex_yield(void)
{
    (void)sched_yield();
}
