/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region: bytes that all members see, which the application alone knows the meaning of.
 *
 * Owns: the table of via.region/1. Must never touch the bytes, nor move them.
 */
#include "kit/fail.h"
#include "kit/text.h"
#include "member.h"
#include "memfd.h"

#include <stdlib.h>
#include <string.h>
#include <viaduct/ext/region.h>

typedef struct shm_region {
    shm_member member; /* first */
} shm_region;

/* ---- via.region/1 ------------------------------------------------------------------------------------------- */

/* The agreed size, if it can be true. */
static via_status read_size(shm_member *member, uint64_t *bytes)
{
    *bytes = SHM_LOOK(&member->common->end);
    if (*bytes <= member->limit && shm_store_reaches(&member->store, SHM_PAGE + *bytes))
        return VIA_OK;
    return shm_member_break(member, "the region says that it is larger than it is");
}

static via_status region_map(void *self, via_region_view *view)
{
    shm_member *member = self;
    via_status status = read_size(member, &view->bytes);

    view->writable = member->is_writable;
    view->address = member->store.base + SHM_PAGE;
    view->max_bytes = member->limit;
    view->generation = shm_notice_look(member->common);
    return status;
}

static via_status region_lock(void *self, via_deadline deadline, uint32_t *state)
{
    shm_member *member = self;
    bool died = false;
    via_status status = member->is_writable ? shm_member_lock(member, deadline, &died) : VIA_EPERM;

    *state = died ? VIA_REGION_ABANDONED : VIA_REGION_CONSISTENT;
    return status;
}

static via_status region_repaired(void *self)
{
    shm_member *member = self;

    if (!shm_member_has_lock(member))
        return VIA_EPERM;
    shm_lock_clean(&member->common->owner);
    return VIA_OK;
}

static via_status region_unlock(void *self)
{
    return shm_member_unlock(self) == VIA_OK ? VIA_OK : VIA_EPERM;
}

static via_status region_notify(void *self)
{
    shm_member *member = self;

    shm_notice_post(member->common);
    shm_member_announce(member);
    return VIA_OK;
}

static via_status region_wait(void *self, uint64_t *generation, via_deadline deadline)
{
    shm_member *member = self;
    via_status status = shm_member_await(member, *generation, deadline);

    if (status != VIA_OK)
        return status;
    *generation = shm_notice_look(member->common);
    atomic_store(&member->seen, *generation);
    return VIA_OK;
}

static via_status region_grow(void *self, uint64_t bytes)
{
    shm_member *member = self;
    uint64_t now = 0, wanted = bytes <= member->limit ? shm_memory_round(bytes, 0) : 0;

    if (!shm_member_has_lock(member))
        return VIA_EPERM;
    if (bytes > member->limit)
        return VIA_ETOOBIG;
    via_status status = read_size(member, &now);
    if (status != VIA_OK || wanted <= now)
        return status;
    status = shm_store_allocate(&member->store, SHM_PAGE + now, wanted - now);
    if (status != VIA_OK)
        return status;
    SHM_PUBLISH(&member->common->end, wanted);
    return region_notify(self);
}

static const via_region region_table = {
    .size = sizeof(via_region),
    .map = region_map,
    .lock = region_lock,
    .repaired = region_repaired,
    .unlock = region_unlock,
    .notify = region_notify,
    .wait = region_wait,
    .grow = region_grow,
};

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static via_status say_no(const shm_member *member)
{
    via_note(member->settings.host, member->settings.context, VIA_LOG_WARNING,
             "a region has no messages to send or receive: see <viaduct/ext/region.h>");
    return VIA_ENOTSUP;
}

static via_status region_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                              via_deadline deadline)
{
    (void)slices, (void)count, (void)meta, (void)deadline;
    return say_no(channel);
}

static via_status region_receive(void *channel, via_deadline deadline, via_msg *out)
{
    (void)deadline, (void)out;
    return say_no(channel);
}

static via_status region_loan(void *channel, size_t size, via_deadline deadline, via_msg *out)
{
    (void)size, (void)deadline, (void)out;
    return say_no(channel);
}

static const void *region_extension(void *channel, const char *id, void **self)
{
    if (strcmp(id, VIA_REGION_ID) != 0)
        return NULL;
    *self = channel;
    return &region_table;
}

static void region_info(void *channel, via_channel_info *inout)
{
    (void)channel;
    inout->flags &= VIA_INFO_ATTACH | VIA_INFO_DEATH;
    inout->max_message = 0;
}

static void region_close(void *channel, uint32_t how)
{
    shm_region *region = channel;

    shm_member_dispose(&region->member, how);
    free(region);
}

static const via_channel_ops region_ops = {
    .size = sizeof(via_channel_ops),
    .send = region_send,
    .recv = region_receive,
    .loan = region_loan,
    .pollable = shm_member_pollable,
    .arm = shm_member_arm,
    .interrupt = shm_member_interrupt,
    .close = region_close,
    .info = region_info,
    .refresh_counters = shm_member_refresh_counters,
    .extension = region_extension,
};

/* ---- life --------------------------------------------------------------------------------------------------- */

static void prepare(shm_common *common, const shm_extent *extent)
{
    SHM_PUT(&common->end, extent->size - SHM_PAGE);
}

static via_status measure(const via_host_api *host, const via_open *open, shm_extent *extent, via_error *error)
{
    uint64_t bytes = shm_memory_round((uint64_t)via_option_find(open, "size")->number, 0);
    uint64_t most = shm_memory_round((uint64_t)via_option_find(open, "max_size")->number, 0);

    if (bytes > most)
        return via_fail(host, error, VIA_EINVAL, 0, "raise max_size, or lower size",
                        "a region of %llu bytes that may have %llu at most", (unsigned long long)bytes,
                        (unsigned long long)most);
    *extent = (shm_extent){SHM_PAGE + bytes, SHM_PAGE + most, most, prepare};
    return VIA_OK;
}

static bool is_read_only(const via_open *open)
{
    const char *access = via_option_find(open, "access")->text;

    return access && strcmp(access, "read") == 0;
}

via_status shm_region_join(const via_host_api *host, shm_porter *porter, const via_open *open, void **channel,
                           via_error *error)
{
    shm_region *region = aligned_alloc(SHM_LINE, (sizeof(*region) + SHM_LINE - 1) / SHM_LINE * SHM_LINE);
    shm_settings settings;
    shm_extent extent;

    if (!region)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    memset(region, 0, sizeof(*region));
    shm_settings_read(host, open, &settings);
    shm_member_init(&region->member, &region_ops, &settings, porter, VIA_PATTERN_REGION);
    region->member.is_writable = !is_read_only(open);
    via_status status = measure(host, open, &extent, error);
    if (status == VIA_OK)
        status = shm_member_join(&region->member, open, &extent, error);
    if (status == VIA_OK)
        *channel = region;
    else
        region_close(region, VIA_CLOSE_FLUSH);
    return status;
}
