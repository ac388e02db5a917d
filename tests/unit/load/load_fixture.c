/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the private folder of a test. Nothing outside of it is written.
 */
#include "load_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load/registry_state.h"

#define WRONG_FOLDER "/tests/plugins/wrong/"

/* ---- set-up ------------------------------------------------------------------------------------------------- */

static void collect(void *user, uint32_t level, const char *plugin, const char *text)
{
    load_fixture *fixture = user;
    size_t at = strlen(fixture->lines);

    (void)snprintf(fixture->lines + at, sizeof(fixture->lines) - at, "%u %s: %s\n", level, plugin ? plugin : "", text);
}

int load_fixture_setup(void **state)
{
    const char *base = getenv("TMPDIR");
    load_fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    (void)umask(022);
    (void)snprintf(fixture->folder, sizeof(fixture->folder), "%s/via-load.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    via_log_init(&fixture->log, collect, fixture, VIA_LOG_DEBUG, true);
    via_error_init(&fixture->error);
    *state = fixture;
    return 0;
}

int load_fixture_setup_watched(void **state)
{
    const int result = load_fixture_setup(state);

    ((load_fixture *)*state)->is_watched = true;
    return result;
}

static int remove_one(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file, (void)kind, (void)walk;
    return remove(path);
}

int load_fixture_teardown(void **state)
{
    load_fixture *fixture = *state;

    via_registry_close(fixture->registry);
    via_log_fini(&fixture->log);
    (void)nftw(fixture->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

/* ---- files -------------------------------------------------------------------------------------------------- */

const char *load_fixture_path(const load_fixture *fixture, const char *name)
{
    static char rooms[4][PATH_MAX];
    static unsigned next;
    char *room = rooms[next++ % 4];

    assert_true(snprintf(room, PATH_MAX, "%s/%s", fixture->folder, name) < PATH_MAX);
    return room;
}

static void make_folders(const char *path, size_t from)
{
    char part[PATH_MAX];

    for (const char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        (void)mkdir(part, 0755);
    }
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void load_fixture_write(const load_fixture *fixture, const char *name, const char *text)
{
    const char *path = load_fixture_path(fixture, name);

    make_folders(path, strlen(fixture->folder) + 1);
    write_bytes(path, text, strlen(text));
}

static char *read_bytes(const char *path, size_t *size)
{
    struct stat file;
    FILE *stream = fopen(path, "r");

    if (!stream)
        fail_msg("cannot open %s", path);
    assert_int_equal(fstat(fileno(stream), &file), 0);
    char *bytes = calloc((size_t)file.st_size + 1, 1);
    assert_non_null(bytes);
    *size = fread(bytes, 1, (size_t)file.st_size, stream);
    (void)fclose(stream);
    return bytes;
}

char *load_fixture_read(const load_fixture *fixture, const char *name, size_t *size)
{
    return read_bytes(load_fixture_path(fixture, name), size);
}

static void copy(const char *from, const char *to)
{
    size_t size;
    char *bytes = read_bytes(from, &size);

    (void)unlink(to);
    write_bytes(to, bytes, size);
    free(bytes);
}

void load_fixture_install(const load_fixture *fixture, const char *plugin, const char *folder)
{
    char from[PATH_MAX], name[256];
    const char *build = getenv("VIADUCT_BUILD");

    assert_non_null(build);
    (void)snprintf(name, sizeof(name), "%s/", folder);
    make_folders(load_fixture_path(fixture, name), strlen(fixture->folder) + 1);
    (void)snprintf(from, sizeof(from), "%s" WRONG_FOLDER "%s/%s.json", build, plugin, plugin);
    (void)snprintf(name, sizeof(name), "%s/%s.json", folder, plugin);
    copy(from, load_fixture_path(fixture, name));
    (void)snprintf(from, sizeof(from), "%s" WRONG_FOLDER "%s/via_%s.so", build, plugin, plugin);
    (void)snprintf(name, sizeof(name), "%s/via_%s.so", folder, plugin);
    copy(from, load_fixture_path(fixture, name));
}

void load_fixture_edit(const load_fixture *fixture, const char *name, const char *old, const char *new)
{
    size_t size;
    char *text = load_fixture_read(fixture, name, &size), *changed = NULL;
    char *at = strstr(text, old);

    if (!at)
        fail_msg("\"%s\" is not in %s", old, name);
    assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) > 0);
    write_bytes(load_fixture_path(fixture, name), changed, strlen(changed));
    free(changed);
    free(text);
}

/* ---- registries --------------------------------------------------------------------------------------------- */

typedef struct path_list {
    char room[8][PATH_MAX];
    const char *paths[8];
    size_t count;
} path_list;

static void split(const load_fixture *fixture, const char *parts, path_list *list)
{
    char *copy_of = strdup(parts ? parts : ""), *state = NULL;

    list->count = 0;
    for (char *part = strtok_r(copy_of, ":", &state); part; part = strtok_r(NULL, ":", &state)) {
        (void)snprintf(list->room[list->count], PATH_MAX, "%s", load_fixture_path(fixture, part));
        list->paths[list->count] = list->room[list->count];
        list->count++;
    }
    free(copy_of);
}

/* By opening calls. */
static void ask_often(via_registry *registry)
{
    via_resolved out;
    via_error error;

    via_error_init(&error);
    for (int i = 0; i < 20; i++)
        assert_int_not_equal(via_resolve(registry, "nobody-has-this:x", VIA_PAIR, true, NULL, &out, &error), VIA_OK);
    assert_non_null(registry->watch);
}

via_status load_fixture_open(load_fixture *fixture, const char *plugins, const char *endpoints)
{
    static path_list plugin_list, endpoint_list;
    via_host_options options;

    split(fixture, plugins, &plugin_list);
    split(fixture, endpoints, &endpoint_list);
    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_ENVIRONMENT | VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = plugin_list.paths;
    options.plugin_path_count = plugin_list.count;
    options.endpoint_paths = endpoint_list.paths;
    options.endpoint_path_count = endpoint_list.count;
    via_registry_close(fixture->registry);
    fixture->registry = NULL;
    via_status status = via_registry_open(&options, &fixture->log, &fixture->registry, &fixture->error);
    if (status == VIA_OK && fixture->is_watched)
        ask_often(fixture->registry);
    return status;
}

via_plugin_info load_fixture_plugin(load_fixture *fixture, const char *name)
{
    via_plugin_info info = {.size = sizeof(info)};
    size_t cursor = 0;

    while (via_registry_plugin_next(fixture->registry, &cursor, &info) == VIA_OK) {
        if (strcmp(info.name, name) == 0)
            return info;
    }
    fail_msg("no plugin is called %s", name);
    return info;
}

static via_status host_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    via_error_init(error);
    error->status = status;
    error->os_code = os_code;
    (void)snprintf(error->what, sizeof(error->what), "%s", what ? what : "");
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend ? mend : "");
    return status;
}

static const via_host_api host_table = {.size = sizeof(host_table), .error = host_error};

via_status load_fixture_load(load_fixture *fixture, const char *address, via_loaded **loaded)
{
    via_resolved resolved;

    *loaded = NULL;
    via_error_init(&fixture->error);
    via_status status = via_resolve(fixture->registry, address, VIA_PAIR, true, NULL, &resolved, &fixture->error);
    if (status == VIA_OK) {
        status = via_loader_acquire(resolved.plugin, &host_table, loaded, &fixture->error);
        via_resolved_fini(&resolved);
    }
    return status;
}

/* ---- expectations --------------------------------------------------------------------------------------------- */

/* The private folder reads "$" in expectations. */
static void shorten(const load_fixture *fixture, char *text)
{
    size_t size = strlen(fixture->folder);

    for (char *at = strstr(text, fixture->folder); at; at = strstr(at + 1, fixture->folder)) {
        *at = '$';
        memmove(at + 1, at + size, strlen(at + size) + 1);
    }
}

static const char *stage_name(uint32_t stage)
{
    static const char *const names[] = {"none",      "discover", "parse",   "schema",  "trust", "preflight", "load",
                                        "negotiate", "init",     "resolve", "options", "open",  "data"};

    return stage < sizeof(names) / sizeof(names[0]) ? names[stage] : "?";
}

void load_fixture_expect(const load_fixture *fixture, const via_error *error, const char *expected)
{
    char text[4096], place[700] = "";

    if (error->file[0] || error->line)
        (void)snprintf(place, sizeof(place), " %s:%u:%u", error->file, error->line, error->column);
    (void)snprintf(text, sizeof(text), "%s %s%s%s%s%s%s | %s | %s%s%s", via_status_name(error->status),
                   stage_name(error->stage), error->plugin[0] ? " " : "", error->plugin, place,
                   error->pointer[0] ? " " : "", error->pointer, error->what, error->mend, error->more[0] ? " | " : "",
                   error->more);
    shorten(fixture, text);
    assert_string_equal(text, expected);
}
