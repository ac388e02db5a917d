/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of the mqueue plugin share; see mqueue_unit.h.
 */
#include "mqueue_unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static via_counters counters;

static via_status host_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    via_error_init(error);
    error->status = status;
    error->os_code = os_code;
    (void)snprintf(error->what, sizeof(error->what), "%s", what ? what : "");
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend ? mend : "");
    return status;
}

static void host_log(via_context *context, uint32_t level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

static const via_host_api host = {.size = sizeof(via_host_api), .error = host_error, .log = host_log};

mqueue_settings unit_settings(uint32_t role)
{
    return (mqueue_settings){.host = &host,
                             .counters = &counters,
                             .role = role,
                             .max_message = 1 << 30,
                             .messages = 10,
                             .message_size = 4608,
                             .mode = 0600,
                             .reconnect_ns = 50000000,
                             .peers = 1024,
                             .backlog = 128};
}

int unit_folder_make(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/via-mqueue-XXXXXX");
    return mkdtemp(folder) && setenv("XDG_RUNTIME_DIR", folder, 1) == 0 ? 0 : -1;
}

/* Counts, and perhaps removes. */
static unsigned walk(bool removes)
{
    char path[96];
    const struct dirent *entry;
    unsigned count = 0;

    (void)snprintf(path, sizeof(path), "%s/viaduct", folder);
    DIR *files = opendir(path);
    if (!files)
        return 0;
    while ((entry = readdir(files)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if (removes)
            (void)unlinkat(dirfd(files), entry->d_name, 0);
    }
    (void)closedir(files);
    if (removes)
        (void)rmdir(path);
    return count;
}

int unit_folder_remove(void **state)
{
    (void)state;
    (void)walk(true);
    return rmdir(folder);
}

unsigned unit_files(void)
{
    return walk(false);
}
