/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompressing what a stranger sent.
 *
 * Owns: the limits. A frame of twenty bytes can announce a gigabyte, and one of a kilobyte contain it: room is made for
 * what has been produced, never for what is announced, and nothing is produced above the channel's largest message.
 */
#include "zstd_layer.h"

enum { FIRST_ROOM = 64 * 1024, TRUSTED_RATIO = 16 };

ZSTD_DCtx *zstd_unpacker_create(void)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();

    if (context != NULL &&
        ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_LAYER_WINDOW_LOG)) != 0) {
        (void)ZSTD_freeDCtx(context);
        return NULL;
    }
    return context;
}

static via_status refuse(const char **why, const char *reason)
{
    *why = reason;
    return VIA_EPROTO;
}

/* Room for the first attempt: all of it where that is little, measured by what has really come. */
static size_t first_room(size_t size, uint64_t announced)
{
    const size_t room = size > SIZE_MAX / TRUSTED_RATIO ? size : size * TRUSTED_RATIO;
    const size_t first = room < FIRST_ROOM ? FIRST_ROOM : room;
    return announced < first ? (size_t)announced : first;
}

/* Twice as much as before, and never more than was announced, which is within the limit. */
static bool make_room(zstd_buffer *out, const ZSTD_outBuffer *filled, uint64_t announced)
{
    const uint64_t wanted = (uint64_t)filled->size * 2;
    return zstd_buffer_reserve(out, (size_t)(wanted < announced ? wanted : announced), filled->pos);
}

static size_t usable(const zstd_buffer *out, uint64_t announced)
{
    return out->capacity < announced ? out->capacity : (size_t)announced;
}

/* Until the frame is over. It ends early or late, or at its size. */
static via_status produce(ZSTD_DCtx *context, ZSTD_inBuffer *in, uint64_t announced, zstd_buffer *out, size_t *out_size,
                          const char **why)
{
    ZSTD_outBuffer to = {out->bytes, usable(out, announced), 0};
    for (;;) {
        const size_t fed = in->pos, made = to.pos;
        const size_t left = ZSTD_decompressStream(context, &to, in);
        if (ZSTD_isError(left) != 0)
            return refuse(why, "a frame is damaged, or needs a window larger than 8 MiB");
        *out_size = to.pos;
        if (left == 0)
            return VIA_OK;
        if (to.pos == announced && in->pos == in->size)
            return refuse(why, "a frame is cut short");
        if (to.pos == to.size && to.size < announced) {
            if (!make_room(out, &to, announced))
                return VIA_ENOMEM;
            to.dst = out->bytes;
            to.size = usable(out, announced);
        } else if (in->pos == fed && to.pos == made) {
            return refuse(why,
                          to.pos == announced ? "a frame has more in it than it announces" : "a frame is cut short");
        }
    }
}

via_status zstd_unpack(ZSTD_DCtx *context, const void *frame, size_t size, uint64_t limit, zstd_buffer *out,
                       size_t *out_size, const char **why)
{
    const unsigned long long announced = ZSTD_getFrameContentSize(frame, size);
    ZSTD_inBuffer in = {frame, size, 0};

    *out_size = 0;
    if (announced == ZSTD_CONTENTSIZE_ERROR || announced == ZSTD_CONTENTSIZE_UNKNOWN || announced == 0)
        return refuse(why, "no frame that announces its size");
    if (announced > limit || announced > SIZE_MAX)
        return refuse(why, "a frame announces more than max_message");
    (void)ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
    if (!zstd_buffer_reserve(out, first_room(size, announced), 0))
        return VIA_ENOMEM;
    const via_status status = produce(context, &in, announced, out, out_size, why);
    if (status != VIA_OK)
        return status;
    if (in.pos != size)
        return refuse(why, "something follows a frame");
    return *out_size == announced ? VIA_OK : refuse(why, "a frame has less in it than it announces");
}
