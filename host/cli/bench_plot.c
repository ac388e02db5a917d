/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via bench --plot`: hands the rows to gnuplot, which draws the SVG.
 *
 * Owns: the gnuplot script: latency above throughput, over the size of a message, one line for each address.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

static const char missing_mend[] = "install it (apt-get install gnuplot-nox), or leave out --plot and use --json";

/* ---- finding and starting it -------------------------------------------------------------------------------- */

/* Written to and taken away again: every other question leaves a reason out for which gnuplot may fail. */
static int check_writable(const char *name)
{
    struct stat there;
    bool is_new = stat(name, &there) != 0;
    if (!is_new && !S_ISREG(there.st_mode))
        return via_cli_complain(VIA_EXIT_FAILED, "name a regular file, or one that is not there",
                                "%s is not a regular file", name);
    int file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (file < 0)
        return via_cli_os_error(name, errno, "name a file that can be written");
    (void)close(file);
    if (is_new)
        (void)unlink(name);
    return VIA_EXIT_OK;
}

static bool is_svg(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".svg") == 0;
}

int via_bench_plot_check(const char *name)
{
    const char *path = getenv("PATH"); /* NOLINT(concurrency-mt-unsafe): no thread writes variables */
    char file[4096];
    if (!is_svg(name))
        return via_cli_complain(VIA_EXIT_USAGE, "call it NAME.svg; other programs turn that into other formats",
                                "--plot draws SVG only, and '%s' does not end in .svg", name);
    for (const char *next = path ? path : ""; *next;) {
        size_t length = strcspn(next, ":");
        (void)snprintf(file, sizeof file, "%.*s/gnuplot", (int)length, next);
        if (access(file, X_OK) == 0)
            return check_writable(name);
        next += length + (next[length] == ':');
    }
    return via_cli_complain(VIA_EXIT_FAILED, missing_mend, "--plot needs gnuplot, which is in no folder of PATH");
}

/* Starts gnuplot with a pipe as its standard input. */
static FILE *start(pid_t *child)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    char *const words[] = {(char *)(uintptr_t) "gnuplot", NULL};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    /* It may print the picture there (without its file), where the table or the JSON goes. */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int failed = posix_spawnp(child, "gnuplot", &actions, NULL, words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[0]);
    FILE *script = failed ? NULL : fdopen(ends[1], "w");
    if (!script)
        (void)close(ends[1]);
    errno = failed ? failed : errno;
    return script;
}

/* ---- the script --------------------------------------------------------------------------------------------- */

/* A text in gnuplot's single quotes, where a quote is written twice; what is no text becomes '?'. */
static void put_quoted(FILE *out, const char *text)
{
    (void)fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputs("''", out);
        else
            (void)fputc((unsigned char)*text < 0x20 ? '?' : *text, out);
    }
    (void)fputc('\'', out);
}

/* One plot of a picture: which rows it shows. */
struct panel {
    uint32_t mode;
    int wake; /* ANY = all of them */
    const char *title;
    bool has_bars; /* from p50 to p99 */
};
enum { ANY = -1 };

static bool shows(const struct panel *panel, const via_bench_row *row)
{
    return row->job.mode == panel->mode && (panel->wake == ANY || panel->wake == (int)row->job.wake);
}

static bool is_first_in_panel(const struct panel *panel, const via_bench_row *rows, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (rows[i].address == rows[index].address && shows(panel, &rows[i]))
            return false;
    return shows(panel, &rows[index]);
}

static bool is_empty(const struct panel *panel, const via_bench_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (shows(panel, &rows[i]))
            return false;
    return true;
}

/* An address has the same colour in every panel: by its place among all addresses. */
static size_t place_of(const via_bench_row *rows, const char *address)
{
    size_t place = 0;
    for (size_t i = 0; rows[i].address != address; i++) {
        bool is_new = true;
        for (size_t k = 0; k < i && is_new; k++)
            is_new = rows[k].address != rows[i].address;
        place += is_new;
    }
    return place;
}

/* Colours that people with any kind of colour vision can tell apart (Okabe and Ito); marks and dashes tell the rest. */
static void put_style(FILE *out, size_t place)
{
    static const char *const colours[] = {"#d55e00", "#0072b2", "#009e73", "#cc79a7",
                                          "#e69f00", "#56b4e9", "#000000", "#8a8a8a"};
    static const int marks[] = {7, 5, 9, 11, 13, 6, 4, 8, 10, 12, 2, 3, 1};
    size_t colour_count = sizeof colours / sizeof colours[0];
    (void)fprintf(out, " lc rgb '%s' pt %d dt %d lw %s ps 0.7", colours[place % colour_count],
                  marks[place % (sizeof marks / sizeof marks[0])], place < colour_count ? 1 : 2,
                  place < 4 ? "3" : "1.5");
}

/* The figure a row contributes to a panel; 0 = none. */
static double height_of(const struct panel *panel, const via_bench_row *row)
{
    if (!shows(panel, row))
        return 0;
    double bytes = row->job.size > 0 ? (double)row->job.size : 1;
    return panel->mode == VIA_BENCH_LATENCY ? row->result.p50 / 1e3 : row->result.messages_per_s * bytes / 1e6;
}

/* A tick for each size that was measured, as the table writes it. */
static void put_size_ticks(FILE *out, const via_bench_row *rows, size_t count)
{
    char size[32];
    const char *separator = "set xtics nomirror (";
    for (size_t i = 0; i < count; i++) {
        via_cli_format_size(rows[i].job.size, size, sizeof size);
        (void)fprintf(out, "%s'%s' %g", separator, size, rows[i].job.size > 0 ? (double)rows[i].job.size : 1);
        separator = ", ";
    }
    (void)fputs(")\n", out);
}

/* 1, 2 and 5 of each power of ten: whole powers alone may leave a narrow range with a single figure. */
static void put_height_ticks(FILE *out, double low, double high)
{
    static const double steps[] = {1, 2, 5};
    const char *separator = "set ytics nomirror (";
    double power = 1;
    while (power > low)
        power /= 10;
    while (power <= high) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            (void)fprintf(out, "%s%g", separator, steps[i] * power);
            separator = ", ";
        }
        power *= 10;
    }
    (void)fputs(")\n", out);
}

/* Room on every side, also around a single point, for which gnuplot would find no range. */
static void put_ranges(FILE *out, const struct panel *panel, const via_bench_row *rows, size_t count)
{
    double left = 0, right = 0, low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        double bytes = rows[i].job.size > 0 ? (double)rows[i].job.size : 1, height = height_of(panel, &rows[i]);
        double top = panel->has_bars && height > 0 ? rows[i].result.p99 / 1e3 : height;
        left = left > 0 && left < bytes ? left : bytes;
        right = right > bytes ? right : bytes;
        low = height > 0 && (low <= 0 || height < low) ? height : low;
        high = high > top ? high : top;
    }
    (void)fprintf(out, "set xrange [%g:%g]\n", left / 2, right * 2);
    put_size_ticks(out, rows, count);
    if (low <= 0)
        return;
    (void)fprintf(out, "set yrange [%g:%g]\n", low / 2, high * 2);
    put_height_ticks(out, low / 2, high * 2);
}

static void put_points(FILE *out, const struct panel *panel, const via_bench_row *rows, size_t count,
                       const char *address)
{
    for (size_t i = 0; i < count; i++) {
        const via_bench_row *row = &rows[i];
        double bytes = row->job.size > 0 ? (double)row->job.size : 1, height = height_of(panel, row);
        if (row->address != address || !shows(panel, row))
            continue;
        if (panel->has_bars)
            (void)fprintf(out, "%g %g %g %g\n", bytes, height, height, row->result.p99 / 1e3);
        else
            (void)fprintf(out, "%g %g\n", bytes, height);
    }
    (void)fputs("e\n", out);
}

/* A line for each address, its data following inline. */
static void put_panel(FILE *out, const struct panel *panel, const via_bench_row *rows, size_t count)
{
    const char *separator = "plot ";
    put_ranges(out, panel, rows, count);
    (void)fprintf(out, "set title '%s'\nset ylabel '%s%s'\n", panel->title,
                  panel->mode == VIA_BENCH_LATENCY ? "one-way latency, us (p50" : "throughput, MB/s",
                  panel->has_bars                    ? ", bar to p99)"
                  : panel->mode == VIA_BENCH_LATENCY ? ")"
                                                     : "");
    for (size_t i = 0; i < count; i++) {
        if (!is_first_in_panel(panel, rows, i))
            continue;
        (void)fprintf(out, "%s'-' with %s title ", separator, panel->has_bars ? "yerrorlines" : "linespoints");
        put_quoted(out, rows[i].address);
        put_style(out, place_of(rows, rows[i].address));
        separator = ", ";
    }
    (void)fputc('\n', out);
    for (size_t i = 0; i < count; i++)
        if (is_first_in_panel(panel, rows, i))
            put_points(out, panel, rows, count, rows[i].address);
}

/* Panels without rows are left out. */
static void put_script(FILE *out, const char *file, const struct panel *panels, size_t panel_count,
                       const via_bench_row *rows, size_t count)
{
    int used = 0;
    for (size_t i = 0; i < panel_count; i++)
        used += !is_empty(&panels[i], rows, count);
    (void)fprintf(out, "set terminal svg size 960,%d enhanced background rgb 'white'\nset output ", used * 480);
    put_quoted(out, file);
    (void)fputs("\nset logscale xy\nset grid\nset key outside right top noenhanced\nset lmargin 12\n"
                "set xlabel 'bytes in a message'\n",
                out);
    if (used > 1)
        (void)fprintf(out, "set multiplot layout %d,1\n", used);
    for (size_t i = 0; i < panel_count; i++)
        if (!is_empty(&panels[i], rows, count))
            put_panel(out, &panels[i], rows, count);
    if (used > 1)
        (void)fputs("unset multiplot\n", out);
}

static int draw(const char *file, const struct panel *panels, size_t panel_count, const via_bench_row *rows,
                size_t count)
{
    pid_t child;
    int status = 0;
    FILE *script = start(&child);
    if (!script)
        return via_cli_os_error("gnuplot", errno, missing_mend);
    put_script(script, file, panels, panel_count, rows, count);
    (void)fclose(script);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && access(file, R_OK) == 0)
        return VIA_EXIT_OK;
    return via_cli_complain(VIA_EXIT_FAILED, "see what gnuplot wrote above; name a file that can be written",
                            "gnuplot did not draw %s", file);
}

int via_bench_plot(const char *file, const via_bench_row *rows, size_t count)
{
    static const struct panel panels[] = {
        {.mode = VIA_BENCH_LATENCY, .wake = ANY, .title = "", .has_bars = true},
        {.mode = VIA_BENCH_THROUGHPUT, .wake = ANY, .title = ""},
    };
    return draw(file, panels, 2, rows, count);
}

/* No bars: with a dozen lines they would hide each other. */
int via_bench_plot_mode(const char *file, const via_bench_row *rows, size_t count, uint32_t mode)
{
    const struct panel panels[] = {
        {.mode = mode, .wake = VIA_BENCH_POLLING, .title = "receivers that spin"},
        {.mode = mode, .wake = VIA_BENCH_HYBRID, .title = "receivers that spin, then sleep"},
        {.mode = mode, .wake = VIA_BENCH_BLOCKING, .title = "receivers that sleep"},
    };
    bool has_other = false;
    for (size_t i = 0; i < count; i++)
        has_other |= rows[i].job.wake != VIA_BENCH_HYBRID;
    /* While messages keep coming a hybrid wait is a spin: its own panel is of use only where it was asked for alone. */
    const struct panel both[] = {panels[0], panels[2]};
    return has_other ? draw(file, both, 2, rows, count) : draw(file, &panels[1], 1, rows, count);
}
