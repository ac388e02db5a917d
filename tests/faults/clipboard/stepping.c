/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer of the clipboard's files that is killed (SIGKILL) at every single instruction of what it does.
 *
 * Whoever looks afterwards sees the content before or the new one, whole; whoever writes next is not kept waiting by the dead
 * one's lock, nor hindered by what it left half written, and leaves nothing of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kills.h"
#include "store.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NEXT = 100, DEATHS = 150 };

typedef struct deed {
    via_scene scene; /* first */
    size_t size;     /* of what it writes; 0 = it clears */
    bool is_first;   /* there is nothing yet */
} deed;

static char folder[64];
/* Made before any process, so that all have the same addresses and go the same way. */
static clip_content *contents[2];

/* ---- the host that the store talks to --------------------------------------------------------------------------- */

static via_status fill(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)error, (void)os_code, (void)mend;
    fprintf(stderr, "%s\n", what ? what : "");
    return status;
}

static const via_host_api host = {.size = sizeof(host), .error = fill};

/* ---- writing ------------------------------------------------------------------------------------------------ */

static clip_content *make_content(size_t size)
{
    unsigned char *bytes = malloc(size);

    if (!bytes)
        return NULL;
    via_kills_fill(bytes, size);
    const via_offer offers[] = {{"application/x-first", bytes, size}, {"application/x-second", bytes, size / 2}};
    clip_content *content = clip_content_create(offers, 2, (clip_marks){false, false}, 1);
    free(bytes);
    return content;
}

/* All that a writer does between its lock and the end of it. */
static via_status write_down(const clip_store *store, const clip_content *content)
{
    static clip_view view;
    clip_fault fault;
    uint64_t id, generation;
    int lock;

    via_status status = clip_store_lock(store, &lock, &fault);
    if (status != VIA_OK)
        return status;
    status = clip_store_look(store, &view, &fault);
    if (status == VIA_OK)
        status = clip_store_replace(store, &view, content, 0, &id, &generation, &fault);
    clip_view_close(&view);
    clip_store_unlock(lock);
    return status;
}

static void live(void *argument)
{
    const deed *act = argument;
    clip_store store;
    via_error error;

    VIA_STEPPER_MARK();
    via_kills_require(clip_store_open(&store, &host, "stepping", &error));
    const clip_content *content = act->size ? contents[act->size == LARGE] : NULL;
    VIA_STEPPER_MARK();
    via_kills_require(write_down(&store, content));
    VIA_STEPPER_MARK();
}

/* ---- the survivor ------------------------------------------------------------------------------------------- */

static void set_content(size_t size)
{
    clip_store store;
    via_error error;
    clip_content *content = make_content(size);

    assert_non_null(content);
    assert_int_equal(clip_store_open(&store, &host, "stepping", &error), VIA_OK);
    assert_int_equal(write_down(&store, content), VIA_OK);
    clip_store_close(&store);
    clip_content_drop(content);
}

/* The content's size, after each byte of it was looked at; 0 = there is none. */
static size_t look_at_content(void)
{
    static clip_view view;
    clip_store store;
    clip_fault fault;
    via_error error;
    clip_bytes bytes;
    size_t size = 0;

    assert_int_equal(clip_store_open(&store, &host, "stepping", &error), VIA_OK);
    assert_int_equal(clip_store_look(&store, &view, &fault), VIA_OK);
    if (view.head.count > 0) {
        assert_int_equal(view.head.count, 2);
        clip_bytes_init(&bytes, LARGE);
        assert_int_equal(clip_view_read(&view, 0, &bytes), VIA_OK);
        via_kills_expect_filled(bytes.data, bytes.size);
        size = bytes.size;
        clip_bytes_fini(&bytes);
        assert_int_equal(view.head.formats[1].size, size / 2);
    }
    clip_view_close(&view);
    clip_store_close(&store);
    return size;
}

static bool is_there(const char *name)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/viaduct/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void raise_one(const via_scene *scene, via_stepper *stepper)
{
    const deed *act = (const deed *)scene;
    char path[160];

    via_stepper_start(stepper, live, (void *)(uintptr_t)act);
    (void)snprintf(path, sizeof(path), "%s/viaduct/stepping.clip", folder);
    (void)unlink(path);
    if (!act->is_first)
        set_content(SMALL);
    via_stepper_to_mark(stepper);
}

static bool survive(const via_scene *scene, bool asleep)
{
    const deed *act = (const deed *)scene;
    const size_t before = act->is_first ? 0 : SMALL;

    (void)asleep;
    size_t current = look_at_content();
    if (current != before && current != act->size)
        fail_msg("%zu bytes, neither the old content nor the new one", current);
    set_content(NEXT);
    assert_int_equal(look_at_content(), NEXT);
    assert_false(is_there("stepping.clip.new"));
    return current == act->size;
}

/* ---- the tests ---------------------------------------------------------------------------------------------- */

#define SCENE(what)                                                                                                    \
    .name = (what), .happens = true, .stays = true, .at_most = DEATHS, .raise = raise_one, .survive = survive

static const deed acts[] = {
    {{SCENE("clipboard: set")}, .size = MEDIUM},
    {{SCENE("clipboard: set a large one")}, .size = LARGE},
    {{SCENE("clipboard: set the first")}, .size = MEDIUM, .is_first = true},
    {{SCENE("clipboard: clear")}, .size = 0},
};

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

int main(void)
{
    enum { ACTS = sizeof(acts) / sizeof(acts[0]) };
    struct CMUnitTest tests[ACTS];

    (void)snprintf(folder, sizeof(folder), "/tmp/via-stepping.XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    (void)setenv("XDG_RUNTIME_DIR", folder, 1);
    contents[0] = make_content(MEDIUM);
    contents[1] = make_content(LARGE);
    for (size_t i = 0; i < ACTS; i++)
        tests[i] = (struct CMUnitTest){acts[i].scene.name, via_kills_test, NULL, NULL, (void *)(uintptr_t)&acts[i]};
    int failed = cmocka_run_group_tests_name("clipboard stepping", tests, NULL, NULL);
    clip_content_drop(contents[0]);
    clip_content_drop(contents[1]);
    (void)nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return failed;
}
