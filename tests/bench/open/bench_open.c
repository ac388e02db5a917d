/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to open a host with many plugins in its folder, beside dlopen(3) of the same libraries.
 *
 * Printed: milliseconds, the best, the median and the worst of the rounds, and the median of the processor time. The folder holds copies of the plugins of this build under other names,
 * each a file of its own. Times are only shown. usage: bench_open [PLUGINS]
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/viaduct.h>

enum { ROUNDS = 15, FEW_ROUNDS = 3, MOST = 2000, NAME_SIZE = 16, SOURCES = 32 };

static char folder[1024];
static unsigned plugins = 200;
static size_t text_bytes, library_bytes;

static _Noreturn void failed(const char *what, const char *why)
{
    fprintf(stderr, "bench_open: %s: %s\n", what, why);
    exit(1);
}

/* Of one run: passed, and used by this process. On a busy machine only the latter says what the work costs. */
typedef struct cost {
    double taken_ms;
    double used_ms;
} cost;

static double read_ms(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static cost now(void)
{
    return (cost){read_ms(CLOCK_MONOTONIC), read_ms(CLOCK_PROCESS_CPUTIME_ID)};
}

static cost since(cost start)
{
    const cost end = now();

    return (cost){end.taken_ms - start.taken_ms, end.used_ms - start.used_ms};
}

/* ---- the folder --------------------------------------------------------------------------------------------- */

static char *read_whole(const char *path, size_t *size)
{
    enum { LARGEST = 16 * 1024 * 1024 }; /* and room for a longer name */
    FILE *file = fopen(path, "re");
    char *text = calloc(1, LARGEST + 64);

    if (!file || !text)
        failed(path, strerror(errno));
    *size = fread(text, 1, LARGEST, file);
    (void)fclose(file);
    return text;
}

static void write_whole(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "we");

    if (!file || fwrite(text, 1, size, file) != size || fclose(file) != 0)
        failed(path, strerror(errno));
}

static void name_of(unsigned number, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "many-%04u", number % 10000);
}

/* The text has room for more. */
static void replace_first(char *text, const char *old, const char *new)
{
    char *at = strstr(text, old);

    if (!at)
        failed(old, "the manifest does not hold it");
    memmove(at + strlen(new), at + strlen(old), strlen(at + strlen(old)) + 1);
    for (size_t i = 0; new[i] != 0; i++)
        at[i] = new[i];
}

/* The same plugin under another name. Its schemes are those of others, too: that is settled when one is needed. */
static void write_plugin(unsigned number, const char *from, const char *source)
{
    char path[PATH_MAX], name[NAME_SIZE], old[300], new[300];
    size_t size;

    name_of(number, name);
    (void)snprintf(path, sizeof path, "%s/%s.json", from, source);
    char *bytes = read_whole(path, &size);
    (void)snprintf(old, sizeof old, "\"name\": \"%s\"", source);
    (void)snprintf(new, sizeof new, "\"name\": \"%s\"", name);
    replace_first(bytes, old, new);
    (void)snprintf(old, sizeof old, "\"via_%s.so\"", source);
    (void)snprintf(new, sizeof new, "\"via_%s.so\"", name);
    replace_first(bytes, old, new);
    text_bytes += strlen(bytes);
    (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
    write_whole(path, bytes, strlen(bytes));
    free(bytes);
    (void)snprintf(path, sizeof path, "%s/via_%s.so", from, source);
    bytes = read_whole(path, &size);
    library_bytes += size;
    (void)snprintf(path, sizeof path, "%s/via_%s.so", folder, name);
    write_whole(path, bytes, size);
    free(bytes);
}

/* The names of the plugins of this build, whichever there are. */
static unsigned find_sources(const char *from, char sources[][256])
{
    DIR *all = opendir(from);
    unsigned count = 0;

    if (!all)
        failed(from, strerror(errno));
    for (struct dirent *entry = readdir(all); entry && count < SOURCES; entry = readdir(all)) {
        const char *end = strstr(entry->d_name, ".json");
        if (end && end[5] == '\0' && entry->d_name[0] != '.')
            (void)snprintf(sources[count++], 256, "%.*s", (int)(end - entry->d_name), entry->d_name);
    }
    (void)closedir(all);
    if (!count)
        failed(from, "there is no plugin");
    return count;
}

static void fill_folder(void)
{
    const char *base = getenv("TMPDIR"), *from = getenv("VIADUCT_PLUGIN_PATH");
    static char sources[SOURCES][256];

    if (!from)
        failed("VIADUCT_PLUGIN_PATH", "set it to the folder of the plugins");
    (void)umask(022);
    (void)snprintf(folder, sizeof folder, "%.900s/bench-open.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        failed(folder, strerror(errno));
    unsigned count = find_sources(from, sources);
    for (unsigned i = 0; i < plugins; i++)
        write_plugin(i, from, sources[i % count]);
    printf("%u plugins, copies of %u; on average a manifest of %zu bytes and a library of %zu\n", plugins, count,
           text_bytes / plugins, library_bytes / plugins);
}

static void empty_folder(void)
{
    char path[PATH_MAX], name[NAME_SIZE];

    for (unsigned i = 0; i < plugins; i++) {
        name_of(i, name);
        (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
        (void)unlink(path);
        (void)snprintf(path, sizeof path, "%s/via_%s.so", folder, name);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

/* ---- what is measured --------------------------------------------------------------------------------------- */

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
    if (via_host_open(&options, &host, &error) != VIA_OK)
        failed("open the host", error.what);
    return host;
}

static cost time_open(void)
{
    const cost start = now();
    via_host *host = open_host();
    const cost taken = since(start);

    via_host_close(host);
    return taken;
}

/* The whole check of each, as `via plugins` does it: trust, preflight, SHA-256; still no code. */
static cost time_list(void)
{
    via_host *host = open_host();
    via_plugin_info info = {.size = sizeof info};
    size_t cursor = 0, ready = 0;
    const cost start = now();

    while (via_plugin_next(host, &cursor, &info) == VIA_OK)
        ready += info.status == VIA_PLUGIN_READY;
    const cost taken = since(start);
    if (ready != plugins)
        failed("list the plugins", "not all of them are ready");
    via_host_close(host);
    return taken;
}

static cost time_scan(void)
{
    via_host *host = open_host();
    via_error error;
    const cost start = now();

    if (via_host_scan(host, &error) != VIA_OK)
        failed("scan", error.what);
    const cost taken = since(start);
    via_host_close(host);
    return taken;
}

static cost time_dlopen(void)
{
    static void *handles[MOST];
    char path[PATH_MAX], name[NAME_SIZE];
    const cost start = now();

    for (unsigned i = 0; i < plugins; i++) {
        name_of(i, name);
        (void)snprintf(path, sizeof path, "%s/via_%s.so", folder, name);
        handles[i] = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!handles[i])
            failed("dlopen", path);
    }
    const cost taken = since(start);
    for (unsigned i = 0; i < plugins; i++)
        (void)dlclose(handles[i]);
    return taken;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(const char *what, cost (*once)(void), int rounds)
{
    double taken[ROUNDS], used[ROUNDS];

    for (int i = 0; i < rounds; i++) {
        const cost run = once();
        taken[i] = run.taken_ms;
        used[i] = run.used_ms;
    }
    qsort(taken, (size_t)rounds, sizeof *taken, by_size);
    qsort(used, (size_t)rounds, sizeof *used, by_size);
    printf("%-38s %8.2f ms %8.2f ms %8.2f ms %8.2f ms\n", what, taken[0], taken[rounds / 2], taken[rounds - 1],
           used[rounds / 2]);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        plugins = (unsigned)strtoul(argv[1], NULL, 10);
    if (plugins < 1 || plugins > MOST)
        failed("usage", "bench_open [PLUGINS]   (1 to 2000)");
    fill_folder();
    printf("%-38s %11s %11s %11s %11s\n", "", "best", "median", "worst", "processor");
    measure("via_host_open", time_open, ROUNDS);
    measure("via_host_scan, nothing new", time_scan, ROUNDS);
    measure("dlopen(3) of the libraries", time_dlopen, ROUNDS);
    measure("all checked, as via plugins does", time_list, FEW_ROUNDS);
    empty_folder();
    return 0;
}
