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

/* ---- refusing while scanning -------------------------------------------------------------------------------- */

typedef struct meeting {
    via_plugin_entry *plugin;
    via_status status;
    atomic_bool is_met;
    pthread_barrier_t point;
} meeting;

static void *be_refused(void *argument)
{
    meeting *both = argument;
    via_loaded *loaded = NULL;
    via_error error;

    (void)pthread_barrier_wait(&both->point);
    both->status = via_loader_acquire(both->plugin, &host_table, &loaded, &error);
    return NULL;
}

/* Called in the middle of a scan: from here on both threads are on their own. */
static void let_the_other_go(void *user, uint32_t level, const char *plugin, const char *text)
{
    meeting *both = user;

    (void)level, (void)plugin;
    if (strstr(text, "a.json") && !atomic_exchange(&both->is_met, true))
        (void)pthread_barrier_wait(&both->point);
}

/* A scan logs the first plugin's refusal and looks at the second while another thread refuses that one. */
static void test_threads__refuse_what_a_scan_looks_at(void **state)
{
    static meeting both;
    load_fixture *fixture = *state;
    via_resolved resolved;
    pthread_t thread;

    load_fixture_write(fixture, "p/a.json", "{}");
    load_fixture_install(fixture, "half_loan", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(via_resolve(fixture->registry, "half-loan:x", VIA_PAIR, true, NULL, &resolved, &fixture->error),
                     VIA_OK);
    both.plugin = resolved.plugin;
    load_fixture_write(fixture, "p/a.json", "[]"); /* another mistake, which is told */
    assert_int_equal(pthread_barrier_init(&both.point, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, be_refused, &both), 0);
    via_log before = fixture->log;
    fixture->log.write = let_the_other_go;
    fixture->log.user = &both;
    assert_int_equal(via_registry_scan(fixture->registry, NULL), VIA_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    fixture->log = before;
    assert_true(atomic_load(&both.is_met));
    assert_int_equal(both.status, VIA_EREFUSED);
    via_resolved_fini(&resolved);
    (void)pthread_barrier_destroy(&both.point);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads__share_a_registry, load_fixture_setup, load_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_threads__refuse_what_a_scan_looks_at, load_fixture_setup,
                                        load_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
