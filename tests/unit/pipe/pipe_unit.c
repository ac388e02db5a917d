/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of the pipe plugin share; see pipe_unit.h.
 */
#include "pipe_unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

via_error unit_failure;
via_counters unit_counters;

static void fill(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    via_error_init(error);
    error->status = status;
    error->os_code = os_code;
    (void)snprintf(error->what, sizeof(error->what), "%s", what ? what : "");
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend ? mend : "");
}

static via_status host_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    fill(error, status, os_code, what, mend);
    return status;
}

static void host_log(via_context *context, uint32_t level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

static void host_failed(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)context;
    fill(&unit_failure, status, os_code, what, mend);
}

static void host_attention(via_context *context)
{
    (void)context;
}

const via_host_api unit_host = {
    .size = sizeof(via_host_api),
    .error = host_error,
    .log = host_log,
    .failed = host_failed,
    .attention = host_attention,
};

via_open unit_open(const char *rest, const via_option *options, size_t count)
{
    return (via_open){.size = sizeof(via_open),
                      .pattern = VIA_PATTERN_PAIR,
                      .role = VIA_PAIR,
                      .side = VIA_SIDE_CONNECT,
                      .rest = rest,
                      .options = options,
                      .option_count = count,
                      .max_message = 1 << 20,
                      .counters = &unit_counters};
}

pipe_settings unit_settings(uint32_t role, uint32_t side)
{
    return (pipe_settings){.host = &unit_host,
                           .counters = &unit_counters,
                           .role = role,
                           .side = side,
                           .framing = &via_framing_length32,
                           .max_message = 1 << 20,
                           .linger_ns = 1000000000};
}

void unit_folder_make(char path[64])
{
    (void)snprintf(path, 64, "/tmp/via-pipe-XXXXXX");
    assert_non_null(mkdtemp(path));
    memcpy(path + strlen(path), "/x", sizeof("/x"));
}

static void folder_of(const char *path, char folder[64])
{
    (void)snprintf(folder, 64, "%.*s", (int)(strrchr(path, '/') - path), path);
}

void unit_folder_remove(const char *path)
{
    char folder[64];

    folder_of(path, folder);
    assert_int_equal(unit_folder_count(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

unsigned unit_folder_count(const char *path)
{
    char name[64];
    unsigned count = 0;
    const struct dirent *entry;
    DIR *folder;

    folder_of(path, name);
    folder = opendir(name);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            count++;
    closedir(folder);
    return count;
}
