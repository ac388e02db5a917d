/* SPDX-License-Identifier: Apache-2.0 */
/* One registry in many threads: resolving, loading, listing, explaining and scanning at once. */
#include "load_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 6, ROUNDS = 40 };

typedef struct crowd {
    load_fixture *fixture;
    atomic_uint failures;
    pthread_barrier_t start;
} crowd;

static const via_host_api host_table = {.size = sizeof(host_table)};

static bool load_and_release(via_registry *registry)
{
    via_resolved resolved;
    via_loaded *loaded = NULL;
    via_error error;

    if (via_resolve(registry, "good:x", VIA_PAIR, true, NULL, &resolved, &error) != VIA_OK)
        return false;
    via_status status = via_loader_acquire(resolved.plugin, &host_table, &loaded, &error);
    via_resolved_fini(&resolved);
    if (status != VIA_OK)
        return false;
    bool found = via_loaded_transport(loaded, "good") != NULL;
    via_loader_release(loaded);
    return found;
}

static bool list(via_registry *registry)
{
    via_plugin_info info = {.size = sizeof(info)};
    size_t cursor = 0, count = 0;

    while (via_registry_plugin_next(registry, &cursor, &info) == VIA_OK)
        count += info.status == VIA_PLUGIN_READY || info.status == VIA_PLUGIN_LOADED;
    return count == 2;
}

static bool explain(via_registry *registry)
{
    char *json = NULL;
    via_status status = via_registry_explain(registry, "wide:x", NULL, &json, NULL);

    free(json);
    return status == VIA_OK;
}

static void *work(void *argument)
{
    crowd *all = argument;
    via_registry *registry = all->fixture->registry;

    (void)pthread_barrier_wait(&all->start);
    for (int i = 0; i < ROUNDS; i++) {
        bool good = load_and_release(registry) && list(registry) && explain(registry) &&
                    via_registry_scan(registry, NULL) == VIA_OK;
        if (!good)
            (void)atomic_fetch_add(&all->failures, 1);
    }
    return NULL;
}

static void test_threads__share_a_registry(void **state)
{
    static crowd all;
    pthread_t threads[THREADS];

    all.fixture = *state;
    load_fixture_install(all.fixture, "good", "p");
    load_fixture_install(all.fixture, "wide", "p");
    assert_int_equal(load_fixture_open(all.fixture, "p", NULL), VIA_OK);
    assert_int_equal(pthread_barrier_init(&all.start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &all), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)pthread_barrier_destroy(&all.start);
    assert_int_equal(atomic_load(&all.failures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads__share_a_registry, load_fixture_setup, load_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
