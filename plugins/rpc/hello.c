/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting to know the other end; see peer.h.
 *
 * Owns: the first question. Two ends with the same interface find that out by its hash; otherwise the caller asks for the other's
 * description and compares method by method, so that a mismatch is told before a call is sent, and only of what is unlike.
 */
#include "kit/deadline.h"
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* ---- answering ---------------------------------------------------------------------------------------------- */

static void put_identity(const rpc_peer *peer, rpc_writer *writer)
{
    const rpc_interface *interface = peer->interface;
    const char *name = interface ? interface->name : "", *version = interface ? interface->version : "";

    peer->codec->put_text(writer, name, strlen(name));
    peer->codec->put_text(writer, version, strlen(version));
    peer->codec->put_unsigned(writer, interface ? interface->hash : 0);
}

static void answer_hello(rpc_peer *peer, const rpc_id *id)
{
    rpc_writer writer;

    rpc_writer_init(&writer, (size_t)peer->max_message);
    rpc_writer_reset(&writer);
    peer->codec->result(&writer, id);
    peer->codec->begin_list(&writer, 3);
    put_identity(peer, &writer);
    peer->codec->end_list(&writer);
    peer->codec->end(&writer);
    (void)rpc_answer(peer, &writer, NULL);
    rpc_writer_fini(&writer);
}

static void answer_describe(rpc_peer *peer, const rpc_id *id)
{
    rpc_writer writer;

    rpc_writer_init(&writer, (size_t)peer->max_message);
    rpc_writer_reset(&writer);
    peer->codec->result(&writer, id);
    peer->codec->put_text(&writer, peer->interface->text, peer->interface->text_size);
    peer->codec->end(&writer);
    (void)rpc_answer(peer, &writer, NULL);
    rpc_writer_fini(&writer);
}

static bool describes(const rpc_peer *peer, const rpc_envelope *envelope)
{
    return rpc_envelope_is(envelope, "rpc.describe") && peer->interface && peer->functions;
}

bool rpc_is_own(const rpc_peer *peer, const rpc_envelope *envelope)
{
    return envelope->kind == RPC_REQUEST && (rpc_envelope_is(envelope, "rpc.hello") || describes(peer, envelope));
}

void rpc_serve_own(rpc_peer *peer, const rpc_opened *request)
{
    atomic_store(&peer->is_rich, true);
    if (describes(peer, &request->envelope))
        answer_describe(peer, &request->envelope.id);
    else
        answer_hello(peer, &request->envelope.id);
}

/* ---- asking ------------------------------------------------------------------------------------------------- */

/* What is known now. Whoever waits for it looks again. */
static void conclude(rpc_peer *peer, rpc_acquaintance now)
{
    (void)pthread_mutex_lock(&peer->lock);
    peer->acquaintance = now;
    for (rpc_waiter *waiter = peer->waiters; waiter; waiter = waiter->next)
        (void)pthread_cond_signal(&waiter->woken);
    (void)pthread_mutex_unlock(&peer->lock);
}

static via_status ask(rpc_peer *peer, const char *question, rpc_deliver_fn deliver, rpc_finish_fn finish,
                      via_deadline deadline, bool tells)
{
    rpc_call *call;
    via_status status = rpc_call_take(peer, NULL, deliver, &call);

    if (status != VIA_OK)
        return status;
    call->finish = finish;
    call->deadline = deadline;
    call->method = NULL;
    call->json = NULL;
    peer->codec->request(&call->writer, call->id, question, 0, tells ? 3 : 0);
    if (tells)
        put_identity(peer, &call->writer);
    peer->codec->end(&call->writer);
    if ((status = rpc_call_send(peer, call)) != VIA_OK)
        rpc_call_give(peer, NULL, call);
    return status;
}

/* ---- ... for the description -------------------------------------------------------------------------------- */

static char *copy_text(const char *text, size_t size)
{
    char *made = malloc(size + 1);

    if (!made)
        return NULL;
    memcpy(made, text, size);
    made[size] = '\0';
    return made;
}

static void deliver_description(rpc_peer *peer, rpc_call *call, rpc_opened *reply)
{
    const char *text;
    size_t size;

    if (reply->envelope.kind == RPC_FAULT)
        rpc_call_fault(call, &reply->envelope.fault);
    else if (!peer->codec->get_text(&reply->reader, &text, &size))
        rpc_call_fail(call, VIA_ETYPE, VIA_RPC_HERE, "the other end describes itself by what is no text");
    else if (!(call->json = copy_text(text, size)))
        rpc_call_fail(call, VIA_ENOMEM, VIA_RPC_HERE, "out of memory");
}

/* The first one stays. False: it cannot be read. */
static bool keep_description(rpc_peer *peer, const char *text)
{
    rpc_interface *theirs = NULL;
    via_error ignored;

    if (rpc_interface_parse("the other end's interface", text, strlen(text), &theirs, &ignored) != VIA_OK)
        return false;
    (void)pthread_mutex_lock(&peer->lock);
    if (peer->theirs)
        rpc_interface_drop(theirs);
    else
        peer->theirs = theirs;
    (void)pthread_mutex_unlock(&peer->lock);
    return true;
}

static void finish_description(rpc_peer *peer, rpc_call *call)
{
    bool is_known = call->status == VIA_OK && keep_description(peer, call->json);

    free(call->json);
    rpc_call_give(peer, NULL, call);
    conclude(peer, is_known ? RPC_DIFFERENT : RPC_FOREIGN);
}

/* ---- ... for the identity ----------------------------------------------------------------------------------- */

static bool read_identity(const rpc_peer *peer, rpc_reader *reader, uint64_t *hash)
{
    const char *text;
    size_t count, size;

    return peer->codec->enter_list(reader, &count) && count == 3 && peer->codec->get_text(reader, &text, &size) &&
           peer->codec->get_text(reader, &text, &size) && peer->codec->get_unsigned(reader, hash);
}

/* The hash is kept as the number of the user's pointer: 0 = it serves nothing. */
static void deliver_identity(rpc_peer *peer, rpc_call *call, rpc_opened *reply)
{
    uint64_t hash;

    if (reply->envelope.kind == RPC_FAULT) {
        rpc_call_fault(call, &reply->envelope.fault);
    } else if (!read_identity(peer, &reply->reader, &hash)) {
        rpc_call_fail(call, VIA_ETYPE, VIA_RPC_HERE, "an answer that no Viaduct gives");
    } else {
        atomic_store(&peer->is_rich, true);
        call->deadline = rpc_deadline(peer, NULL, VIA_RPC_USUAL);
        call->words[0] = hash == 0 || hash == peer->interface->hash ? NULL : peer;
    }
}

static void finish_identity(rpc_peer *peer, rpc_call *call)
{
    bool is_unlike = call->status == VIA_OK && call->words[0];
    via_status status = call->status;
    via_deadline deadline = call->deadline;

    rpc_call_give(peer, NULL, call);
    if (is_unlike && ask(peer, "rpc.describe", deliver_description, finish_description, deadline, false) == VIA_OK)
        return;
    if (status == VIA_OK)
        conclude(peer, is_unlike ? RPC_FOREIGN : RPC_KNOWN);
    else
        conclude(peer,
                 status == VIA_EREMOTE || status == VIA_ETYPE || status == VIA_EPROTO ? RPC_FOREIGN : RPC_STRANGER);
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

static via_status compare(const rpc_peer *peer, const rpc_method *method, via_rpc_error *error)
{
    const rpc_method *other = rpc_interface_find(peer->theirs, method->name, strlen(method->name));
    char why[256], written[256];

    if (!other)
        return rpc_refuse(error, method->name, VIA_ENOENT,
                          "the other end's interface (%s %s) has no such method; here it is %s %s", peer->theirs->name,
                          peer->theirs->version, peer->interface->name, peer->interface->version);
    if (rpc_method_is_like(method, other, why, sizeof(why)))
        return VIA_OK;
    (void)rpc_method_write(other, written, sizeof(written));
    return rpc_refuse(error, method->name, VIA_ETYPE, "the other end's method differs: %s; there it is %s", why,
                      written);
}

static bool is_answered(rpc_peer *peer, void *argument)
{
    (void)argument;
    return peer->acquaintance != RPC_ASKED;
}

static rpc_acquaintance claim(rpc_peer *peer)
{
    (void)pthread_mutex_lock(&peer->lock);
    rpc_acquaintance now = peer->acquaintance;
    if (now == RPC_STRANGER)
        peer->acquaintance = RPC_ASKED;
    (void)pthread_mutex_unlock(&peer->lock);
    return now;
}

static via_status get_acquainted(rpc_peer *peer, rpc_acquaintance *now, via_deadline deadline)
{
    rpc_wait wait = {.is_over = is_answered, .thread = rpc_thread_here(peer)};
    via_status status = wait.thread ? VIA_OK : VIA_ENOMEM;

    if (status == VIA_OK && *now == RPC_STRANGER &&
        (status = ask(peer, "rpc.hello", deliver_identity, finish_identity, deadline, true)) != VIA_OK)
        conclude(peer, RPC_STRANGER);
    if (status == VIA_OK)
        status = rpc_wait_for(peer, &wait, deadline);
    (void)pthread_mutex_lock(&peer->lock);
    *now = peer->acquaintance;
    (void)pthread_mutex_unlock(&peer->lock);
    return status;
}

via_status rpc_hello(rpc_peer *peer, const rpc_method *method, via_deadline *deadline, via_rpc_error *error)
{
    rpc_acquaintance now = atomic_load_explicit(&peer->acquaintance, memory_order_acquire);

    if (!peer->greets || now == RPC_KNOWN || now == RPC_FOREIGN)
        return VIA_OK;
    now = claim(peer);
    if (now == RPC_STRANGER || now == RPC_ASKED) {
        *deadline = rpc_deadline(peer, method, *deadline);
        via_status status = get_acquainted(peer, &now, *deadline);
        if (status != VIA_OK || now == RPC_STRANGER) {
            status = status == VIA_OK ? VIA_ETIMEDOUT : status;
            rpc_explain(error, method->name, status, "the other end has not answered who it is");
            if (error)
                error->origin = VIA_RPC_TRANSPORT;
            return status;
        }
    }
    return now == RPC_DIFFERENT ? compare(peer, method, error) : VIA_OK;
}

/* ---- for the application ------------------------------------------------------------------------------------ */

via_status rpc_table_describe(void *self, via_deadline deadline, char **text, via_rpc_error *error)
{
    rpc_peer *peer = self;
    rpc_call *call;

    *text = NULL;
    if (rpc_peer_is_foreign(peer))
        return rpc_refuse(error, "rpc.describe", VIA_EFORK, "this channel belongs to the parent process");
    rpc_thread *thread = rpc_thread_here(peer);
    via_status status = thread ? rpc_call_take(peer, NULL, deliver_description, &call) : VIA_ENOMEM;
    if (status != VIA_OK)
        return rpc_refuse(error, "rpc.describe", status, "too many calls, or no memory");
    call->thread = thread;
    call->deadline = rpc_deadline(peer, NULL, deadline);
    strcpy(call->name, "rpc.describe");
    peer->codec->request(&call->writer, call->id, "rpc.describe", 0, 0);
    peer->codec->end(&call->writer);
    if ((status = rpc_call_send(peer, call)) == VIA_OK)
        status = rpc_call_await(peer, call, thread);
    *text = call->json;
    if (status == VIA_OK) {
        atomic_store(&peer->is_rich, true); /* nobody else answers that */
        (void)keep_description(peer, *text);
    }
    rpc_tell(call, error);
    rpc_call_give(peer, NULL, call);
    return status;
}
