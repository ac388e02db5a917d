/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_observe(): what this user's processes have open.
 */
#include "core/context.h"
#include "kit/error.h"
#include "kit/runtime.h"
#include "stats/pages.h"
#include <viaduct/viaduct.h>

static via_status fail_memory(via_error *error)
{
    return via_error_set(error, VIA_ENOMEM, VIA_STAGE_NONE, NULL, "out of memory");
}

static via_status fail_absent(int64_t pid, via_error *error)
{
    return via_error_set(error, VIA_ENOENT, VIA_STAGE_NONE,
                         "see `via ps` for those there are; a program with VIADUCT_STATS=0 shows nothing",
                         "process %lld has no counters: it has nothing open, or is another user's", (long long)pid);
}

via_status via_observe(int64_t pid, char **json, via_error *error)
{
    char folder[VIA_PAGE_PATH];
    *json = NULL;
    if (error != NULL)
        via_error_init(error);
    const via_status status = via_runtime_folder(&via_context_api, VIA_PAGE_FOLDER, folder, sizeof(folder), error);
    if (status != VIA_OK)
        return status;
    json_t *processes = via_pages_read(folder, pid);
    if (processes == NULL)
        return fail_memory(error);
    if (pid != 0 && json_array_size(processes) == 0) {
        json_decref(processes);
        return fail_absent(pid, error);
    }
    json_t *whole = json_pack("{s:o}", "processes", processes);
    *json = whole != NULL ? json_dumps(whole, JSON_COMPACT) : NULL;
    json_decref(whole);
    return *json != NULL ? VIA_OK : fail_memory(error);
}
