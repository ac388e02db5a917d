/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks and conditions.
 *
 * Owns: the OS's types behind them. A condition's deadline is one of <viaduct/types.h>.
 */
#ifndef VIADUCT_HOST_PLATFORM_MUTEX_H
#define VIADUCT_HOST_PLATFORM_MUTEX_H

#include <pthread.h>
#include <stdbool.h>
#include <viaduct/types.h>

typedef struct via_mutex {
    pthread_mutex_t handle;
} via_mutex;

typedef struct via_condition {
    pthread_cond_t condition;
} via_condition;

void via_mutex_init(via_mutex *mutex);
void via_mutex_fini(via_mutex *mutex);
void via_mutex_take(via_mutex *mutex);
/* True: it is taken. */
bool via_mutex_try(via_mutex *mutex);
void via_mutex_give(via_mutex *mutex);

void via_condition_init(via_condition *condition);
void via_condition_fini(via_condition *condition);
/* Gives the lock, sleeps, takes it again. VIA_OK (perhaps for no reason) or VIA_ETIMEDOUT. */
via_status via_condition_wait(via_condition *condition, via_mutex *mutex, via_deadline deadline);
/* Wakes one sleeper. */
void via_condition_signal(via_condition *condition);

/* Lets another thread run. */
void via_mutex_yield(void);

#endif
