/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of 200 plugins: found, listed and looked at again without any of their code. */
#include "load_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLUGINS = 200 };

/* Every "aborts" becomes the name. */
static void rename_all(const char *text, const char *name, char *out, size_t capacity)
{
    static const char old[] = "aborts";
    size_t at = 0;

    while (*text && at + 16 < capacity) {
        if (strncmp(text, old, strlen(old)) == 0) {
            at += (size_t)snprintf(out + at, capacity - at, "%s", name);
            text += strlen(old);
        } else {
            out[at++] = *text++;
        }
    }
    out[at] = '\0';
}

/* A library whose constructor ends the process, under many names and schemes. */
static void install_traps(const load_fixture *fixture)
{
    char name[32], file[64], changed[4096], library[PATH_MAX];
    size_t size;

    load_fixture_install(fixture, "aborts", "from");
    char *text = load_fixture_read(fixture, "from/aborts.json", &size);
    (void)snprintf(library, sizeof(library), "%s", load_fixture_path(fixture, "from/via_aborts.so"));
    for (int i = 0; i < PLUGINS; i++) {
        (void)snprintf(name, sizeof(name), "trap-%03d", i);
        rename_all(text, name, changed, sizeof(changed));
        (void)snprintf(file, sizeof(file), "p/%s.json", name);
        load_fixture_write(fixture, file, changed);
        (void)snprintf(file, sizeof(file), "p/via_%s.so", name);
        assert_int_equal(link(library, load_fixture_path(fixture, file)), 0);
    }
    free(text);
}

static size_t count_ready(load_fixture *fixture)
{
    via_plugin_info info = {.size = sizeof(info)};
    size_t cursor = 0, count = 0;

    while (via_registry_plugin_next(fixture->registry, &cursor, &info) == VIA_OK)
        count += info.status == VIA_PLUGIN_READY;
    return count;
}

/* So that the rest of the test means something. */
static void expect_trap(load_fixture *fixture)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        via_loaded *loaded;
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)load_fixture_load(fixture, "trap-007:x", &loaded);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void test_many__no_code_runs_before_a_plugin_is_needed(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle = {.size = sizeof(handle)};
    via_resolved out;
    char *json = NULL;

    install_traps(fixture);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(via_registry_watch(fixture->registry, &handle, &fixture->error), VIA_OK);
    assert_int_equal(count_ready(fixture), PLUGINS);
    assert_int_equal(via_registry_explain(fixture->registry, "trap-007:x", NULL, &json, &fixture->error), VIA_OK);
    free(json);
    load_fixture_edit(fixture, "p/trap-100.json", "1.0.0", "1.0.1");
    assert_int_equal(via_resolve(fixture->registry, "trap-007:x", VIA_PAIR, true, NULL, &out, &fixture->error), VIA_OK);
    via_resolved_fini(&out);
    assert_string_equal(load_fixture_plugin(fixture, "trap-100").version, "1.0.1");
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_int_equal(count_ready(fixture), PLUGINS);
    expect_trap(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many__no_code_runs_before_a_plugin_is_needed, load_fixture_setup,
                                        load_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
