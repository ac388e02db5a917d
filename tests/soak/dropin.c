/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's files are replaced again and again under full traffic; then: was a message lost, and is anything left over?
 *
 *     soak_dropin [--replacements N]
 *
 * Owns: the folder and what is in it. One lane keeps its channel from before the first replacement to the end; the others open
 * new ones all the time, so that each generation of the code serves. Every second replacement is written over the old file in
 * place, so that opening calls meet it half done.
 */
#include "dropin.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANIFEST_MOST = 64 * 1024, LIBRARY_MOST = 64 * 1024 * 1024, HEAP_MOST = 256 * 1024 };

/* The plugin, as it was built. */
typedef struct bytes {
    char *data;
    size_t size;
} bytes;

static char folder[1024], manifest[1100], library[1100], pattern[1100], new_library[1100];
static bytes built;

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "soak_dropin: %s: %s\n", what, why);
    exit(1);
}

static void require(via_status status, const char *what, const via_error *error)
{
    if (status != VIA_OK)
        give_up(what, error->what);
}

/* ---- files -------------------------------------------------------------------------------------------------- */

static bytes read_whole(const char *path, size_t most)
{
    FILE *file = fopen(path, "re");
    bytes all = {malloc(most), 0};

    if (!file || !all.data)
        give_up(path, strerror(errno));
    all.size = fread(all.data, 1, most, file);
    (void)fclose(file);
    return all;
}

static void write_whole(const char *path, const char *data, size_t size, const void *more, size_t more_size)
{
    FILE *file = fopen(path, "we");

    if (!file || fwrite(data, 1, size, file) != size || (more_size && fwrite(more, 1, more_size, file) != more_size) ||
        fclose(file) != 0)
        give_up(path, strerror(errno));
}

/* Another library of the same code: a number behind the end of it, where nothing is looked for. */
static void install(uint64_t generation)
{
    bool in_place = generation % 2 == 1;
    const char *target = in_place ? library : new_library;
    via_error error;

    write_whole(target, built.data, built.size, &generation, sizeof generation);
    if (!in_place && rename(new_library, library) != 0)
        give_up(library, strerror(errno));
    via_error_init(&error);
    require(via_seal(pattern, library, manifest, &error), "seal", &error);
}

static void prepare(void)
{
    const char *base = getenv("TMPDIR"), *from = getenv("VIADUCT_PLUGIN_PATH");
    char path[PATH_MAX];

    if (!from)
        give_up("VIADUCT_PLUGIN_PATH", "set it to the folder that holds socket.json");
    (void)umask(022);
    (void)snprintf(folder, sizeof folder, "%.900s/soak-dropin.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        give_up(folder, strerror(errno));
    (void)snprintf(manifest, sizeof manifest, "%s/socket.json", folder);
    (void)snprintf(library, sizeof library, "%s/via_socket.so", folder);
    (void)snprintf(pattern, sizeof pattern, "%s/socket.pattern", folder);
    (void)snprintf(new_library, sizeof new_library, "%s/via_socket.so.dpkg-new", folder);
    (void)snprintf(path, sizeof path, "%s/socket.json", from);
    bytes text = read_whole(path, MANIFEST_MOST);
    write_whole(pattern, text.data, text.size, NULL, 0);
    free(text.data);
    (void)snprintf(path, sizeof path, "%s/via_socket.so", from);
    built = read_whole(path, LIBRARY_MOST);
    install(0);
}

static void clean_up(void)
{
    const char *const all[] = {manifest, library, pattern, new_library};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        (void)unlink(all[i]);
    (void)rmdir(folder);
    free(built.data);
}

static via_host *open_host(void)
{
    const char *const paths[] = {folder};
    via_host_options options;
    via_host *host = NULL;
    via_error error;

    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_ENVIRONMENT | VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = paths;
    options.plugin_path_count = 1;
    require(via_host_open(&options, &host, &error), "open the host", &error);
    return host;
}

/* ---- the run ------------------------------------------------------------------------------------------------ */

typedef struct tally {
    uint64_t replaced, refused, others;
} tally;

static void take_changes(via_host *host, tally *seen)
{
    via_change change = {.size = sizeof change};

    while (via_change_next(host, &change) == VIA_OK) {
        if (change.kind == VIA_CHANGE_REPLACED)
            seen->replaced++;
        else if (change.kind == VIA_CHANGE_REFUSED && change.serves)
            seen->refused++; /* a half-done state was met, and the last good one went on */
        else
            seen->others++;
        change.size = sizeof change;
    }
}

static size_t most_objects;

static void replace(via_host *host, uint64_t from, uint64_t to, tally *seen)
{
    for (uint64_t generation = from; generation < to; generation++) {
        install(generation);
        soak_lanes_await_opens();
        take_changes(host, seen);
        size_t objects = soak_count_objects();
        most_objects = objects > most_objects ? objects : most_objects;
    }
}

/* Between two runs nothing but the long channel is open, so what is there more afterwards is a leak. */
static soak_state measure(const char *when)
{
    soak_state now = soak_state_now();

    printf("%-10s %zu descriptors, %zu code objects, %zu mappings, %zu bytes of heap\n", when, now.descriptors,
           now.objects, now.mappings, now.heap);
    return now;
}

static int judge(const soak_state *before, const soak_state *after, const tally *seen, uint64_t wanted)
{
    soak_result traffic = soak_lanes_result();
    int result = 0;

    printf(
        "%llu replaced, %llu half-done states met, %llu channels, %llu messages, %llu lost; at most %zu code objects\n",
        (unsigned long long)seen->replaced, (unsigned long long)seen->refused, (unsigned long long)traffic.channels,
        (unsigned long long)traffic.messages, (unsigned long long)traffic.lost, most_objects);
    if (traffic.lost || traffic.failed[0])
        result = fprintf(stderr, "FAULT: a message was lost, or a call failed: %s\n", traffic.failed);
    if (seen->replaced != wanted || seen->others)
        result =
            fprintf(stderr, "FAULT: %llu replacements, expected %llu; %llu other changes, expected none\n",
                    (unsigned long long)seen->replaced, (unsigned long long)wanted, (unsigned long long)seen->others);
    if (after->descriptors != before->descriptors || after->mappings != before->mappings ||
        after->objects != before->objects)
        result = fprintf(stderr, "FAULT: a descriptor, a mapping or a code object is left over\n");
    if (after->heap > before->heap + HEAP_MOST)
        result = fprintf(stderr, "FAULT: %zu bytes of memory are left over\n", after->heap - before->heap);
    if (most_objects > SOAK_OBJECTS_MOST)
        result =
            fprintf(stderr, "FAULT: %zu code objects at once; expected at most %d\n", most_objects, SOAK_OBJECTS_MOST);
    return result != 0;
}

static uint64_t read_arguments(int argc, char **argv)
{
    static const struct option words[] = {{"replacements", required_argument, NULL, 'n'}, {0}};
    uint64_t count = 1000;
    int letter;

    while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
        if (letter == 'n')
            count = strtoull(optarg, NULL, 10);
        if (letter != 'n' || count < 20) {
            fprintf(stderr, "usage: soak_dropin [--replacements N]   (N from 20)\n");
            exit(2);
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    uint64_t count = read_arguments(argc, argv), warm = count / 10;
    via_poll_handle handle = {.size = sizeof handle};
    tally seen = {0, 0, 0};
    via_error error;

    prepare();
    via_host *host = open_host();
    require(via_host_watch(host, &handle, &error), "watch", &error);
    soak_lanes_open(host);
    soak_lanes_start();
    replace(host, 1, 1 + warm, &seen);
    soak_lanes_rest();
    soak_state before = measure("warm");
    soak_lanes_start();
    replace(host, 1 + warm, 1 + count, &seen);
    soak_lanes_rest();
    soak_state after = measure("at the end");
    soak_lanes_close();
    via_host_close(host);
    int result = judge(&before, &after, &seen, count);
    clean_up();
    return result;
}
