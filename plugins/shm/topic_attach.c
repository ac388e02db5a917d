/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is attached to a publisher; see topic_publisher.h.
 *
 * Owns: coming, leaving, and what is said over the sockets. Must never wait for anybody, nor believe a word before it is checked.
 */
#include "topic_publisher.h"

#include "kit/deadline.h"
#include "kit/fail.h"
#include "topic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    EVENTS = 64,     /* taken at once */
    IDLE_LOOKS = 64, /* in vain, before looking is rationed: somebody writes nonsense on the board */
    RATION_NS = 1000000
};

/* ---- segments ----------------------------------------------------------------------------------------------- */

static void tell_one(topic_subscriber *who, shm_word *word, int descriptor)
{
    if (shm_word_send(who->socket, word, &descriptor, descriptor >= 0 ? 1 : 0) == VIA_OK)
        who->told[shm_segment_index(word->serial)] = word->serial;
}

/* One that cannot be told now is told with the next message that lies there. */
via_status topic_publisher_tell(void *user, shm_word *word, int descriptor)
{
    topic_publisher *publisher = user;
    int *kept = &publisher->segments[shm_segment_index(word->serial)];
    int copy = descriptor >= 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : -1;

    if (descriptor >= 0 && copy < 0)
        return via_status_of_errno(errno);
    if (*kept >= 0)
        (void)close(*kept);
    *kept = copy;
    publisher->all_know[shm_segment_index(word->serial)] = false;
    for (size_t i = 0; i < publisher->heads.count; i++)
        tell_one(topic_subscriber_at(publisher, i), word, descriptor);
    return VIA_OK;
}

/* False: it cannot be told now. */
static bool show_to(topic_publisher *publisher, topic_subscriber *who, const shm_segment *segment)
{
    uint32_t index = (uint32_t)(segment - publisher->pool.segments);
    shm_word word = {.kind = SHM_SEGMENT, .serial = segment->serial, .size = segment->memory.size};

    if (segment->serial && who->told[index] != segment->serial)
        tell_one(who, &word, publisher->segments[index]);
    return who->told[index] == segment->serial;
}

void topic_publisher_show(topic_publisher *publisher, const shm_segment *segment)
{
    bool *all_know = &publisher->all_know[segment - publisher->pool.segments];
    bool missed = false;

    if (*all_know)
        return;
    for (size_t i = 0; i < publisher->heads.count; i++)
        missed |= !show_to(publisher, topic_subscriber_at(publisher, i), segment);
    *all_know = !missed;
}

/* ---- leaving ------------------------------------------------------------------------------------------------ */

static void release(topic_subscriber *who)
{
    (void)close(who->socket);
    shm_memory_drop(&who->memory);
    free(who);
}

/* How many messages it has lost by being slow. What it says is believed as far as it can be true. */
static uint64_t lost_by(const topic_publisher *publisher, const topic_subscriber *who)
{
    uint64_t all = publisher->writer.tail - who->start;
    uint64_t missed = who->desk ? SHM_GET(&who->desk->missed) : 0, head = who->desk ? SHM_LOOK(&who->desk->head) : 0;

    head = head > who->start ? head : who->start; /* 0 = it has not begun */
    uint64_t ahead = publisher->writer.oldest > head ? publisher->writer.oldest - head : 0;

    return missed <= all && ahead <= all - missed ? missed + ahead : 0;
}

uint64_t topic_publisher_lost(const topic_publisher *publisher)
{
    uint64_t sum = publisher->dropped;

    for (size_t i = 0; i < publisher->heads.count; i++)
        sum += lost_by(publisher, topic_subscriber_at(publisher, i));
    return sum;
}

void topic_publisher_drop(topic_publisher *publisher, topic_subscriber *who, const char *why)
{
    via_counters *counters = publisher->settings.counters;

    if (why) {
        via_count(&counters->protocol_errors, 1);
        via_note(publisher->settings.host, publisher->settings.context, VIA_LOG_WARNING,
                 "a subscriber was turned away: %s", why);
    }
    via_count(&counters->disconnects, 1);
    via_count(&counters->peers, UINT64_MAX); /* one less */
    publisher->deaf -= who->knocks ? 0 : 1;
    publisher->strangers -= who->desk ? 0 : 1;
    if (publisher->settings.overflow == SHM_DROP_OLDEST)
        publisher->dropped += lost_by(publisher, who);
    topic_waker_remove(&publisher->waker, who);
    topic_heads_remove(&publisher->heads, &who->head);
    via_pollset_remove(&publisher->set, who->socket);
    release(who);
    topic_redial_plan(&publisher->redial);
}

void topic_publisher_drop_all(topic_publisher *publisher)
{
    for (size_t i = 0; i < publisher->heads.count; i++)
        release(topic_subscriber_at(publisher, i));
    topic_heads_fini(&publisher->heads);
}

/* ---- coming ------------------------------------------------------------------------------------------------- */

/* Its desk. The memory's descriptor stays the caller's. */
static bool know(topic_publisher *publisher, topic_subscriber *who, const shm_word *hello, int memory)
{
    const char *why;

    if (who->desk || !topic_is_subscriber(hello, memory, &why) ||
        shm_memory_adopt(memory, SHM_PAGE, 0, &who->memory) != VIA_OK)
        return false;
    who->desk = (const topic_desk *)(const void *)who->memory.base;
    publisher->strangers--;
    return true;
}

static via_status say_hello(topic_publisher *publisher, const topic_subscriber *who)
{
    const shm_settings *settings = &publisher->settings;
    const topic_writer *writer = &publisher->writer;
    bool is_old = who->start != writer->tail;
    shm_word word = {
        .kind = SHM_HELLO,
        .index = VIA_PATTERN_TOPIC,
        .serial = who->number,
        .slots = settings->slots,
        .flags = TOPIC_PUBLISHES | (settings->how & SHM_HUGE) |
                 (settings->overflow == SHM_DROP_OLDEST ? (uint32_t)TOPIC_LOSSY : 0) |
                 (writer->tickets ? (uint32_t)TOPIC_TICKETS : 0),
        .size = settings->ring,
        .max_message = settings->max_message,
        .from = who->start,
        .sequence = is_old ? SHM_GET(&topic_writer_slot(writer, who->start)->sequence) : publisher->sequence + 1,
    };

    via_status status = shm_word_send(who->socket, &word, &publisher->memory, 1);
    if (publisher->door.board)
        SHM_BUMP(&publisher->door.board->answers);
    return status;
}

static via_status attach(topic_publisher *publisher, topic_subscriber *who)
{
    via_counters *counters = publisher->settings.counters;
    via_status status = say_hello(publisher, who);

    if (status == VIA_OK)
        status = via_pollset_add(&publisher->set, who->socket, EPOLLIN, 0, who);
    if (status == VIA_OK && !topic_heads_add(&publisher->heads, &who->head))
        status = VIA_ENOMEM;
    if (status != VIA_OK) {
        via_pollset_remove(&publisher->set, who->socket);
        return status;
    }
    publisher->deaf += who->knocks ? 0 : 1;
    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        publisher->all_know[i] &= show_to(publisher, who, &publisher->pool.segments[i]);
    if (who->knocks)
        topic_waker_add(&publisher->waker, who);
    via_count(&counters->connects, 1);
    via_count(&counters->peers, 1);
    return VIA_OK;
}

/* The socket is its own from now on, or closed. `hello`: NULL, or what it has said. */
static via_status add(topic_publisher *publisher, int socket, const shm_greeting *hello)
{
    const topic_writer *writer = &publisher->writer;
    topic_subscriber *who = calloc(1, sizeof(*who));
    uint64_t whole = writer->tail - writer->oldest, wanted = hello ? hello->word.from : 0;
    via_status status = VIA_OK;

    if (!who) {
        (void)close(socket);
        return VIA_ENOMEM;
    }
    publisher->strangers++;
    who->socket = socket;
    who->number = ++publisher->last_number;
    who->head.position = who->start = writer->tail - (wanted < whole ? wanted : whole);
    /* What another user may write on the board must not keep anybody asleep. */
    who->knocks = hello && hello->word.flags & TOPIC_KNOCKS && publisher->door.board && !publisher->settings.any_user;
    if (hello && !know(publisher, who, &hello->word, hello->memory - 1))
        status = VIA_EPROTO;
    if (status == VIA_OK)
        status = attach(publisher, who);
    if (status != VIA_OK) {
        publisher->strangers -= who->desk ? 0 : 1;
        release(who);
    }
    return status;
}

via_status topic_publisher_add(topic_publisher *publisher, int socket)
{
    return add(publisher, socket, NULL);
}

static bool is_rationed(topic_publisher *publisher)
{
    uint64_t now;

    if (publisher->idle_looks < IDLE_LOOKS)
        return false;
    now = via_deadline_clock();
    if (now - publisher->admitted_ns < RATION_NS)
        return true;
    publisher->admitted_ns = now;
    return false;
}

static void limit(topic_publisher *publisher)
{
    bool is_full = publisher->heads.count >= publisher->settings.peers;

    if (is_full != publisher->is_full)
        via_acceptor_hold(publisher->meeting.acceptor, is_full);
    publisher->is_full = is_full;
}

/* Whoever comes after the board was read writes there again. */
void topic_publisher_admit(topic_publisher *publisher)
{
    shm_greeting greeting = {.memory = 0};
    int socket;

    if (!publisher->meeting.acceptor || is_rationed(publisher))
        return;
    if (publisher->door.board)
        publisher->joins = SHM_LOOK(&publisher->door.board->joins);
    publisher->idle_looks++;
    limit(publisher);
    while (!publisher->is_full && via_acceptor_next(publisher->meeting.acceptor, &socket, &greeting) == VIA_OK) {
        if (add(publisher, socket, &greeting) != VIA_OK)
            via_count(&publisher->settings.counters->protocol_errors, 1);
        shm_greeting_drop(&greeting);
        publisher->idle_looks = 0;
        limit(publisher);
    }
}

via_status topic_publisher_dial(topic_publisher *publisher, via_error *error)
{
    const shm_settings *settings = &publisher->settings;
    int socket = -1;
    via_status status = shm_meeting_dial(settings, publisher->path, &socket, error);

    if (status == VIA_OK && (status = add(publisher, socket, NULL)) != VIA_OK)
        status = via_fail(settings->host, error, status, errno, NULL, "the subscriber takes no hello");
    if (status == VIA_OK)
        topic_redial_done(&publisher->redial);
    return status;
}

/* ---- listening ---------------------------------------------------------------------------------------------- */

/* False: it is gone. */
static bool heed(topic_publisher *publisher, topic_subscriber *who, const shm_word *word,
                 int descriptors[SHM_WORD_DESCRIPTORS])
{
    if (word->kind == SHM_RING) {
        if (publisher->bell >= 0)
            (void)eventfd_write(publisher->bell, 1); /* who waits for room may be another than who reads this */
    } else if (word->kind == SHM_REFUSED) {
        topic_publisher_drop(publisher, who, word->text);
        return false;
    } else if (!know(publisher, who, word, descriptors[0])) {
        topic_publisher_drop(publisher, who, "it said something that makes no sense");
        return false;
    }
    return true;
}

static void listen_to(topic_publisher *publisher, topic_subscriber *who)
{
    int descriptors[SHM_WORD_DESCRIPTORS];
    shm_word word;
    via_status status;
    bool is_there = true;

    while (is_there && (status = shm_word_receive(who->socket, &word, descriptors)) != VIA_ETIMEDOUT) {
        if (status != VIA_OK) {
            topic_publisher_drop(publisher, who, status == VIA_EPEER ? NULL : "it does not speak shm");
            return;
        }
        is_there = heed(publisher, who, &word, descriptors);
        shm_word_close(descriptors);
    }
}

void topic_publisher_hear(topic_publisher *publisher)
{
    size_t i = 0;

    while (publisher->strangers > 0 && i < publisher->heads.count) {
        topic_subscriber *who = topic_subscriber_at(publisher, i);
        size_t before = publisher->heads.count;
        if (!who->desk)
            listen_to(publisher, who);
        i = publisher->heads.count == before ? i + 1 : 0; /* who goes puts the others in another order */
    }
}

static void dial_again(topic_publisher *publisher)
{
    via_error error;

    via_error_init(&error);
    if (topic_redial_is_due(&publisher->redial) && topic_publisher_dial(publisher, &error) != VIA_OK)
        topic_redial_plan(&publisher->redial);
}

/* Nobody but those who are named in the events leaves meanwhile. */
void topic_publisher_look(topic_publisher *publisher)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(publisher->set.main, events, EVENTS, 0);

    for (int i = 0; i < count; i++) {
        void *tag = events[i].data.ptr;
        if (tag == &publisher->meeting)
            topic_publisher_admit(publisher);
        else if (tag == &publisher->redial)
            dial_again(publisher);
        else if (tag && tag != &publisher->bell)
            listen_to(publisher, tag);
    }
    if (publisher->meeting.acceptor)
        limit(publisher);
}
