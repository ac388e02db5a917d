/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of loading share: a private folder, a registry that sees nothing else, and the log it wrote.
 */
#ifndef VIADUCT_TESTS_LOAD_FIXTURE_H
#define VIADUCT_TESTS_LOAD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/log.h"
#include "load/loader.h"
#include "load/registry.h"

#include <limits.h>
#include <viaduct/viaduct.h>

/* One test's folder and host. */
typedef struct load_fixture {
    char folder[1024]; /* of this test alone, mode 0700 */
    via_log log;
    char lines[8192]; /* what was logged */
    via_registry *registry;
    via_error error; /* of the last call */
    bool is_watched; /* a registry that is opened is one that has been asked so often that it watches its folders */
} load_fixture;

/* cmocka's set-up and tear-down; *state is a load_fixture. */
int load_fixture_setup(void **state);
int load_fixture_setup_watched(void **state);
int load_fixture_teardown(void **state);

/* Paths are below the folder; a "/" in `name` makes folders. The answer is a static text, good for the next four calls. */
const char *load_fixture_path(const load_fixture *fixture, const char *name);
void load_fixture_write(const load_fixture *fixture, const char *name, const char *text);
/* Reads a whole file; free it. */
char *load_fixture_read(const load_fixture *fixture, const char *name, size_t *size);
/* Copies the fixture plugin `plugin` (tests/fixtures/plugins/wrong) to `name`.json and its library to via_<plugin>.so. */
void load_fixture_install(const load_fixture *fixture, const char *plugin, const char *folder);
/* Replaces the first occurrence of `old` in a file. */
void load_fixture_edit(const load_fixture *fixture, const char *name, const char *old, const char *new);

/* A registry of the folders and endpoint files below this one ("a:b"; NULL = none). No environment, no default paths. */
via_status load_fixture_open(load_fixture *fixture, const char *plugins, const char *endpoints);
/* The plugin of this name, which must be there. */
via_plugin_info load_fixture_plugin(load_fixture *fixture, const char *name);
/* Resolves and loads, as an opening call does. `loaded` is to be released. */
via_status load_fixture_load(load_fixture *fixture, const char *address, via_loaded **loaded);

/* Compares a whole error record, rendered: "STATUS stage file:line:column pointer | what | mend | more". */
void load_fixture_expect(const load_fixture *fixture, const via_error *error, const char *expected);

#endif
