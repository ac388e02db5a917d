/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "via.offers/1": one content in several formats, of which each reader takes the one that it can use.
 *
 * Owns: the table a transport offers and libviaduct's forwarders to it. clipboard: offers it.
 *
 * Types are MIME types (RFC 6838) of at most 255 bytes. via_send() publishes one format and via_recv() takes the one that the
 * channel's options prefer; this is for those who want to say more.
 */
#ifndef VIADUCT_EXT_OFFERS_H
#define VIADUCT_EXT_OFFERS_H

#include <viaduct/viaduct.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_OFFERS_ID "via.offers/1"

enum { VIA_OFFERS_MAX = 64 /* formats of one content */ };

/* Frozen. One format of a content. */
typedef struct via_offer {
    const char *type;
    const void *data;
    size_t size; /* bytes */
} via_offer;

/*
 * Offered by a transport. All functions are safe from any thread, and each waits by itself until its deadline; via_interrupt()
 * ends the waiting with VIA_ECANCELED. What asks others (types, receive) takes a moment: with VIA_NOW it is VIA_ETIMEDOUT.
 */
typedef struct via_offers {
    uint32_t size;
    uint32_t reserved;
    /*
     * Makes this the content, in all these formats at once, the best first; copies them. VIA_OK: others see it. VIA_EINVAL (none,
     * too many, the same type twice), VIA_ETOOBIG, VIA_ELIMIT (no room where it is kept), VIA_EREVOKED (another program was faster), and
     * what via_send() answers. After a failure the content is what it was before.
     */
    via_status (*publish)(void *self, const via_offer *offers, size_t count, via_deadline deadline);
    /* Empties it, whoever set it. VIA_OK, and what via_send() answers. */
    via_status (*clear)(void *self, via_deadline deadline);
    /*
     * The types that the present content is offered in, each ended by a newline, and a NUL: written as far as they fit whole into `capacity`
     * bytes, *needed = bytes for all with the NUL. VIA_OK, VIA_EBUFFER (too small), VIA_ENOENT (there is no content), VIA_ETYPE (what
     * is there cannot be read at all, as a damaged file).
     * `buffer` may be NULL with `capacity` 0.
     */
    via_status (*types)(void *self, char *buffer, size_t capacity, size_t *needed, via_deadline deadline);
    /*
     * Lends the present content in the first of these types that it is offered in; give it back with via_release(). `types`: separated by commas, `*` at an
     * end stands for anything (`image/` and `*`), text goes by each of its names; NULL = as via_recv() chooses. content_type
     * says which it is, and sequence which content. via_recv() does not take this into account: it may give the same one.
     * VIA_OK; VIA_ENOENT (empty), VIA_ETYPE (in none of them; or there is something that cannot be read at all, as a damaged file,
     * which the log names and the next content replaces), VIA_ESTALLED (its owner lives but does not answer),
     * VIA_EPEER (its owner died), VIA_EREVOKED (replaced in the middle: ask again), VIA_ETOOBIG, VIA_EPROTO; none of these ends the channel.
     * Never a part of it.
     */
    via_status (*receive)(void *self, const char *types, via_deadline deadline, via_msg *out);
    /* Waits until the generation is another than *generation, then sets it: a new content, or none. 0 = before the first. */
    via_status (*wait)(void *self, uint64_t *generation, via_deadline deadline);
} via_offers;

/* Forwarders; VIA_ENOTSUP where the channel does not offer the extension. */
VIA_API VIA_CHECK_RESULT via_status via_offers_publish(via_channel *channel, const via_offer *offers, size_t count,
                                                       via_deadline deadline);
VIA_API VIA_CHECK_RESULT via_status via_offers_clear(via_channel *channel, via_deadline deadline);
VIA_API VIA_CHECK_RESULT via_status via_offers_types(via_channel *channel, char *buffer, size_t capacity,
                                                     size_t *needed, via_deadline deadline);
VIA_API VIA_CHECK_RESULT via_status via_offers_receive(via_channel *channel, const char *types, via_deadline deadline,
                                                       via_msg *out);
VIA_API VIA_CHECK_RESULT via_status via_offers_wait(via_channel *channel, uint64_t *generation, via_deadline deadline);

#ifdef __cplusplus
}
#endif
#endif
