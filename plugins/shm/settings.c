/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once; see settings.h.
 */
#include "settings.h"

#include "kit/barrier.h"

#include "kit/fail.h"
#include "kit/spin.h"
#include "kit/text.h"
#include "layout.h"
#include "memfd.h"
#include "topic_layout.h"

#include <errno.h>
#include <string.h>

static int64_t number_of(const via_open *open, const char *name)
{
    return via_option_find(open, name)->number;
}

static bool is_word(const via_open *open, const char *name, const char *word)
{
    const char *text = via_option_find(open, name)->text;

    return text && strcmp(text, word) == 0;
}

static uint32_t power_of_two(int64_t count)
{
    uint32_t power = 1;

    while (power < count && power < SHM_SLOTS_MAX)
        power *= 2;
    return power;
}

void shm_settings_read(const via_host_api *host, const via_open *open, shm_settings *settings)
{
    int64_t handshake_ns = number_of(open, "handshake_timeout");

    *settings = (shm_settings){
        .host = host,
        .context = open->context,
        .counters = open->counters,
        .max_message = open->max_message,
        .slots = power_of_two(number_of(open, "slots")),
        .ring = (size_t)number_of(open, "ring"),
        .how = (number_of(open, "touch") ? (uint32_t)SHM_TOUCH : 0) |
               (number_of(open, "huge_pages") ? (uint32_t)SHM_HUGE : 0),
        .spin_ns = via_spin_most_of(via_option_find(open, "wake")->text),
        .is_crossed = via_barrier_reaches_us(),
        .copies = is_word(open, "copy", "always"),
        .any_user = is_word(open, "users", "any"),
        .mode = (uint32_t)number_of(open, "mode"),
        .backlog = (int)number_of(open, "backlog"),
        .handshake_ns = handshake_ns < 0 ? UINT64_MAX : (uint64_t)handshake_ns,
        .handshake_limit = (uint32_t)number_of(open, "handshake_limit"),
        .many = is_word(open, "publishers", "many"),
        .overflow = (uint32_t)number_of(open, "overflow"),
        .history = (uint64_t)number_of(open, "history"),
        .peers = (uint32_t)number_of(open, "peers"),
        .reconnect_ns = (uint64_t)number_of(open, "reconnect"),
        .filter = via_option_find(open, "filter")->text,
    };
}

size_t shm_settings_size(const shm_settings *settings)
{
    return shm_memory_round(topic_head_size(settings->slots, settings->many) + settings->ring, settings->how);
}

static const char *mend_of(const shm_settings *settings)
{
    if (errno == EFBIG)
        return "raise the limit of file sizes (ulimit -f), which counts for memory, too";
    if (errno == EMFILE || errno == ENFILE)
        return "raise the limit of open files (ulimit -n), or close some";
    return settings->how & SHM_HUGE ? "reserve huge pages (vm.nr_hugepages), or open without huge_pages"
                                    : "open with a smaller ring";
}

via_status shm_settings_no_memory(const shm_settings *settings, via_status status, via_error *error)
{
    return via_fail(settings->host, error, status, errno, mend_of(settings), "no shared memory of %zu bytes",
                    shm_settings_size(settings));
}
