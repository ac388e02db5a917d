/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfabric's provider for shared memory: reliable datagrams (FI_EP_RDM) with FI_MSG, completions polled. A large
 * message is read out of the sender's memory (process_vm_readv) where the system allows that.
 */
#include "way.h"

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { NAME_MOST = 256, POSTED = 8, POSTED_BYTES = 64 << 20 };

/* The addresses of the two, [is_server]: exchanging them is the user's business. */
struct names {
    struct {
        _Atomic(int) is_there;
        char name[NAME_MOST];
    } of[2];
};

struct ends {
    struct fi_info *info;
    struct fid_fabric *fabric;
    struct fid_domain *domain;
    struct fid_av *addresses;
    struct fid_cq *sent, *received;
    struct fid_ep *endpoint;
    struct names *names;
    fi_addr_t peer;
    bool is_server, knows_peer;
    size_t size, posted; /* bytes in a buffer, buffers */
    char *buffers;
    struct fi_context contexts[POSTED + 1];
};

static void check(long result, const char *what)
{
    if (result < 0)
        way_failed(what, fi_strerror((int)-result));
}

static void *prepare_fabric(const struct place *place)
{
    (void)place;
    return way_share(sizeof(struct names));
}

static void find(struct ends *self)
{
    struct fi_info *hints = fi_allocinfo();

    if (!hints)
        way_failed("fi_allocinfo", "no memory");
    hints->fabric_attr->prov_name = strdup("shm");
    hints->ep_attr->type = FI_EP_RDM;
    hints->caps = FI_MSG;
    hints->mode = FI_CONTEXT;
    hints->domain_attr->threading = FI_THREAD_DOMAIN;
    check(fi_getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &self->info), "fi_getinfo");
    fi_freeinfo(hints);
}

static void open_endpoint(struct ends *self)
{
    struct fi_cq_attr completions = {.format = FI_CQ_FORMAT_MSG, .wait_obj = FI_WAIT_NONE};
    struct fi_av_attr addresses = {.type = FI_AV_UNSPEC};

    check(fi_fabric(self->info->fabric_attr, &self->fabric, NULL), "fi_fabric");
    check(fi_domain(self->fabric, self->info, &self->domain, NULL), "fi_domain");
    check(fi_av_open(self->domain, &addresses, &self->addresses, NULL), "fi_av_open");
    check(fi_cq_open(self->domain, &completions, &self->sent, NULL), "fi_cq_open");
    check(fi_cq_open(self->domain, &completions, &self->received, NULL), "fi_cq_open");
    check(fi_endpoint(self->domain, self->info, &self->endpoint, NULL), "fi_endpoint");
    check(fi_ep_bind(self->endpoint, &self->addresses->fid, 0), "fi_ep_bind");
    check(fi_ep_bind(self->endpoint, &self->sent->fid, FI_TRANSMIT), "fi_ep_bind");
    check(fi_ep_bind(self->endpoint, &self->received->fid, FI_RECV), "fi_ep_bind");
    check(fi_enable(self->endpoint), "fi_enable");
}

static void post(struct ends *self, size_t index)
{
    ssize_t result;

    while ((result = fi_recv(self->endpoint, self->buffers + index * self->size, self->size, NULL, FI_ADDR_UNSPEC,
                             &self->contexts[index])) == -FI_EAGAIN)
        way_relax();
    check(result, "fi_recv");
}

static void post_all(struct ends *self)
{
    size_t affordable = POSTED_BYTES / self->size;

    self->posted = affordable < 2 ? 2 : affordable > POSTED ? POSTED : affordable;
    self->buffers = calloc(self->posted, self->size);
    if (!self->buffers)
        way_failed("calloc", "no memory");
    for (size_t i = 0; i < self->posted; i++)
        post(self, i);
}

static void tell_name(struct ends *self)
{
    size_t length = NAME_MOST;

    check(fi_getname(&self->endpoint->fid, self->names->of[self->is_server].name, &length), "fi_getname");
    atomic_store(&self->names->of[self->is_server].is_there, 1);
}

static void *open_fabric(const struct place *place, bool is_server)
{
    struct ends *self = calloc(1, sizeof(*self));

    if (!self)
        way_failed("calloc", "no memory");
    self->is_server = is_server;
    self->names = place->shared;
    self->size = place->size;
    find(self);
    open_endpoint(self);
    post_all(self);
    tell_name(self);
    return self;
}

/* The server learns of the client after it has opened. */
static void learn_peer(struct ends *self)
{
    while (!atomic_load(&self->names->of[!self->is_server].is_there))
        way_relax();
    if (fi_av_insert(self->addresses, self->names->of[!self->is_server].name, 1, &self->peer, 0, NULL) != 1)
        way_failed("fi_av_insert", "the other end's name was refused");
    self->knows_peer = true;
}

static void await_completion(struct fid_cq *queue, struct fi_cq_msg_entry *entry)
{
    ssize_t result;

    while ((result = fi_cq_read(queue, entry, 1)) == -FI_EAGAIN)
        way_relax();
    check(result, "fi_cq_read");
}

/* Small ones are copied at once; the buffer of others is the library's until it says that it has sent them. */
static void send_fabric(void *argument, const void *data, size_t size, bool more)
{
    struct ends *self = argument;
    bool is_small = size <= self->info->tx_attr->inject_size;
    struct fi_cq_msg_entry entry;
    ssize_t result;

    (void)more;
    if (!self->knows_peer)
        learn_peer(self);
    do {
        result = is_small ? fi_inject(self->endpoint, data, size, self->peer)
                          : fi_send(self->endpoint, data, size, NULL, self->peer, &self->contexts[POSTED]);
        if (result == -FI_EAGAIN) /* only a look at a queue moves anything */
            (void)fi_cq_read(self->sent, &entry, 0);
    } while (result == -FI_EAGAIN);
    check(result, "fi_send");
    if (!is_small)
        await_completion(self->sent, &entry);
}

static size_t receive_fabric(void *argument)
{
    struct ends *self = argument;
    struct fi_cq_msg_entry entry;
    size_t index;

    if (!self->knows_peer)
        learn_peer(self);
    await_completion(self->received, &entry);
    index = (size_t)((struct fi_context *)entry.op_context - self->contexts);
    way_look(self->buffers + index * self->size, entry.len);
    post(self, index);
    return entry.len;
}

static void close_fabric(void *argument)
{
    struct ends *self = argument;

    (void)fi_close(&self->endpoint->fid);
    (void)fi_close(&self->sent->fid);
    (void)fi_close(&self->received->fid);
    (void)fi_close(&self->addresses->fid);
    (void)fi_close(&self->domain->fid);
    (void)fi_close(&self->fabric->fid);
    fi_freeinfo(self->info);
    free(self->buffers);
    free(self);
}

const struct way way_fabric = {
    .name = "peer:libfabric",
    .wakes = SPIN,
    .prepare = prepare_fabric,
    .open = open_fabric,
    .send = send_fabric,
    .receive = receive_fabric,
    .close = close_fabric,
};
