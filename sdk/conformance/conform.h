/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the suite are made from: claims, checks, links, other processes.
 *
 * Owns: the vocabulary of the suite. Uses libviaduct's public ABI only, and must never know a plugin.
 * A check that fails reports and ends the process, from any thread or peer process.
 */
#ifndef VIADUCT_CONFORMANCE_CONFORM_H
#define VIADUCT_CONFORMANCE_CONFORM_H

#include <stdio.h>
#include <sys/types.h>
#include <viaduct/viaduct.h>

/* ---- claims.c: what the manifest says ----------------------------------------------------------------------- */

/* via_conform_test.needs: a test runs only where the manifest claims all of these */
enum {
    NEEDS_ATTACH = 1u,
    NEEDS_LOSSLESS = 2u,
    NEEDS_ORDERED = 4u,
    NEEDS_DEATH = 8u,
    NEEDS_BOUNDARIES = 16u,
    NEEDS_LINGER = 32u,   /* linger: native */
    NEEDS_TWO_ENDS = 64u, /* peer: self */
    NEEDS_OVERFLOW = 128u,
    NEEDS_FILTER = 256u,
    NEEDS_SEQUENCE = 512u,
    NEEDS_NAMES =
        1024u, /* more addresses than one: every transport but what has one thing of a kind, unless it lacks them */
    NEEDS_KEEPING = 2048u, /* a value lives as long as any member, not only as its writer */
    NEEDS_ENDING = 4096u,  /* the other end is told when one has finished, unless the transport lacks it */
    NEEDS_OWNERS = 16384u, /* an end owns the address: nobody meets at a broker's, unless the transport says so */
    NEEDS_FAULTS = 8192u,  /* a build whose memory and calls can be made to fail: none with a sanitizer */
    /* what nearly every test of delivery needs */
    NEEDS_WHOLE = NEEDS_ATTACH | NEEDS_LOSSLESS | NEEDS_ORDERED | NEEDS_BOUNDARIES
};

enum { PEER_SELF, PEER_ECHO, PEER_LOOPBACK };

typedef struct via_conform_option {
    char name[64];
    char type[16];
    char fallback[256]; /* the default as text */
    bool has_fallback;
    char values[256]; /* of an enum, separated by one space */
} via_conform_option;

enum { CONFORM_OPTIONS = 64, CONFORM_EXTRAS = 16, CONFORM_ADDRESS = 512 };

typedef struct via_conform_claims {
    char folder[512]; /* of the manifest */
    char plugin[64];
    char scheme[32];
    uint32_t pattern; /* VIA_PATTERN_*, the one under test */
    uint32_t has;     /* NEEDS_* */
    uint32_t info;    /* the VIA_INFO_* flags that follow from the manifest */
    uint64_t max_message;
    uint64_t room;     /* messages of some hundred bytes that fit while nobody receives; UINT64_MAX = very many */
    bool shares_taken; /* receivers of a queue take from a common store: nothing is handed to one that does not ask */
    uint32_t peer;     /* PEER_* */
    char address[CONFORM_ADDRESS];
    char dial[CONFORM_ADDRESS]; /* a template for what the other end opens; "" = where the first one says it is */
    char setup[512];            /* a command of the shell that makes what a test needs; "" = none */
    size_t option_count;        /* those that apply to the pattern */
    via_conform_option options[CONFORM_OPTIONS];
    char layers[128];       /* "tap,zip": what everything goes through; "" = nothing */
    char layer_folder[512]; /* where their plugins are */
    size_t extra_count;     /* "name=value" that everything is opened with */
    char extras[CONFORM_EXTRAS][128];
} via_conform_claims;

/* Reads them; on failure writes one line to stderr and returns false. */
bool via_conform_read_claims(const char *manifest, const char *scheme, const char *pattern, via_conform_claims *claims);
bool via_conform_add_extra(via_conform_claims *claims, const char *assignment);
/* Takes back what a variant has not: "names", "keeping", "ending" or "owners". On failure as above. */
bool via_conform_lacks(via_conform_claims *claims, const char *what);
/* Another template for addresses. On failure as above. */
bool via_conform_set_address(via_conform_claims *claims, const char *address);
/* Another for what the end that connects opens; nothing is asked about names then. On failure as above. */
bool via_conform_set_dial(via_conform_claims *claims, const char *address);
/* "self", "echo" or "loopback". On failure as above. */
bool via_conform_set_peer(via_conform_claims *claims, const char *peer);
/* Another command that comes before each test. On failure as above. */
bool via_conform_set_setup(via_conform_claims *claims, const char *command);
/* Puts layers on everything, and takes back what they do not let through. On failure as above. */
bool via_conform_add_layers(via_conform_claims *claims, const char *layers, const char *folder);
const via_conform_option *via_conform_find_option(const via_conform_claims *claims, const char *name);

/* A host that sees the plugins under test and no others. */
via_status via_conform_host_open(const via_conform_claims *claims, via_host **host, via_error *error);

/* ---- the suite ---------------------------------------------------------------------------------------------- */

/* One test that is running, in a process of its own. */
typedef struct via_conform {
    const via_conform_claims *claims;
    via_host *host; /* this process's own; opened by the first use */
    uint64_t seed;
    uint64_t random; /* state of via_conform_random() */
    uint32_t names;  /* handed out so far */
    char folder[64]; /* private to the test */
} via_conform;

typedef struct via_conform_test {
    const char *name;
    const char *rule;
    uint32_t patterns; /* VIA_PATTERN_* it is for */
    uint32_t needs;    /* NEEDS_* */
    void (*run)(via_conform *suite);
} via_conform_test;

#define CONFORM_ALL (VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE | VIA_PATTERN_TOPIC)
#define CONFORM_VALUE_TOO (CONFORM_ALL | VIA_PATTERN_VALUE)
#define CONFORM_EVERY (CONFORM_VALUE_TOO | VIA_PATTERN_REGION)
#define CONFORM_BLOCKING (VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE)

typedef struct via_conform_group {
    const via_conform_test *tests;
    size_t count;
} via_conform_group;

extern const via_conform_group via_conform_attach_tests;
extern const via_conform_group via_conform_counters_tests;
extern const via_conform_group via_conform_deadline_tests;
extern const via_conform_group via_conform_death_tests;
extern const via_conform_group via_conform_delivery_tests;
extern const via_conform_group via_conform_ending_tests;
extern const via_conform_group via_conform_faults_tests;
extern const via_conform_group via_conform_full_tests;
extern const via_conform_group via_conform_info_tests;
extern const via_conform_group via_conform_interrupt_tests;
extern const via_conform_group via_conform_loans_tests;
extern const via_conform_group via_conform_more_tests;
extern const via_conform_group via_conform_polling_tests;
extern const via_conform_group via_conform_process_tests;
extern const via_conform_group via_conform_queue_tests;
extern const via_conform_group via_conform_receive_tests;
extern const via_conform_group via_conform_region_tests;
extern const via_conform_group via_conform_threads_tests;
extern const via_conform_group via_conform_topic_tests;
extern const via_conform_group via_conform_value_tests;
extern const via_conform_group via_conform_value_death_tests;
extern const via_conform_group via_conform_waitset_tests;

/* ---- check.c: failing --------------------------------------------------------------------------------------- */

/* A way for every process of a test to say what went wrong; the first one is kept. Shared memory. */
typedef struct via_conform_report via_conform_report;

via_conform_report *via_conform_report_create(void);
void via_conform_report_reset(via_conform_report *report);
/* Becomes readable when something failed. */
int via_conform_report_descriptor(const via_conform_report *report);
bool via_conform_report_failed(const via_conform_report *report);
/* Says what is wrong with the process of the test itself; kept only if nothing else was reported. */
void via_conform_report_end(via_conform_report *report, const char *expected, const char *found);
/* What it holds; borrowed, and "" where nothing was said. */
typedef struct via_conform_finding {
    const char *expected;
    const char *found;
    const char *file; /* in the suite */
    int line;
    const char *step; /* the last thing that was begun */
} via_conform_finding;
void via_conform_report_read(const via_conform_report *report, via_conform_finding *finding);

/* Remembers what is being done, for a report of a test that never ends. Other threads than the first are not heard. */
void via_conform_step(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void via_conform_fail(const char *file, int line, const char *expected, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Fails unless `got` is `want`; `doing` says what was called. */
void via_conform_check_status(const char *file, int line, via_status got, via_status want, const char *doing);
/* As above, for a set-up call: the error's text is reported. */
void via_conform_check_error(const char *file, int line, via_status got, via_status want, const char *doing,
                             const via_error *error);

#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            via_conform_fail(__FILE__, __LINE__, #condition, __VA_ARGS__);                                             \
    } while (0)
#define CHECK_STATUS(want, call) via_conform_check_status(__FILE__, __LINE__, (call), (want), #call)
#define CHECK_OK(call) CHECK_STATUS(VIA_OK, call)

/* ---- tools.c: time, chance, threads, payloads --------------------------------------------------------------- */

enum { CONFORM_PATIENCE_MS = 20000 }; /* how long anything may take that should be at once */

/* The deadline for what should succeed. */
via_deadline via_conform_soon(void);
uint64_t via_conform_random(via_conform *suite);
uint64_t via_conform_random_below(via_conform *suite, uint64_t limit);
uint64_t via_conform_mix(uint64_t value); /* a fixed scrambling */
/* Lets time pass to widen a window; nothing may depend on it. */
void via_conform_linger(uint32_t microseconds);

typedef struct via_conform_thread via_conform_thread;
via_conform_thread *via_conform_thread_start(void *(*run)(void *), void *argument);
void *via_conform_thread_join(via_conform_thread *thread);
bool via_conform_in_main_thread(void);

/* Bytes that follow from seed, index and place, so that anything torn, doubled or swapped shows. */
void via_conform_fill(uint64_t seed, uint64_t index, void *data, size_t size);
/* Fails unless `data` is message `index`. */
void via_conform_check_bytes(uint64_t seed, uint64_t index, const void *data, size_t size, size_t expected);

/* ---- link.c: ends and links --------------------------------------------------------------------------------- */

enum { END_SENDS, END_RECEIVES };

/* How to open an end; all zero = the defaults. */
typedef struct via_conform_how {
    uint32_t threads;
    uint32_t side;
    const char *options[6]; /* "name=value"; dropped where the scheme has no such option, "!name=value" never is */
    bool flipped;           /* the end that usually connects binds (a pair: the listener sends) */
} via_conform_how;

typedef struct via_conform_end {
    via_listener *listener; /* of a pair's binding end */
    via_channel *channel;
    char address[CONFORM_ADDRESS]; /* that others dial; of a binding end */
} via_conform_end;

via_host *via_conform_host(via_conform *suite);
/* A new address nobody uses, as the manifest's template has it. */
void via_conform_new_address(via_conform *suite, char address[CONFORM_ADDRESS]);
/* Takes `address` (NULL = a new one). A pair's channel comes with via_conform_accept(). */
void via_conform_bind(via_conform *suite, via_conform_end *end, int job, const char *address,
                      const via_conform_how *how);
/* The same, without insisting. */
via_status via_conform_try_bind(via_conform *suite, via_conform_end *end, int job, const char *address,
                                const via_conform_how *how, via_error *error);
void via_conform_accept(via_conform_end *end);
void via_conform_connect(via_conform *suite, via_conform_end *end, int job, const char *address,
                         const via_conform_how *how);
via_status via_conform_try_connect(via_conform *suite, via_conform_end *end, int job, const char *address,
                                   const via_conform_how *how, via_deadline deadline, via_error *error);
/* A value and a region have equal members: whoever comes first makes it, and "binding" and "connecting" are the same call. */
bool via_conform_has_members(const via_conform *suite);
/* Which job does the end that binds have? */
int via_conform_binder(const via_conform *suite, const via_conform_how *how);
void via_conform_end_close(via_conform_end *end);

/* Two ends in one process: what is sent on `tx` arrives at `rx`, which is the same channel where the peer is an echo. */
typedef struct via_conform_link {
    via_channel *tx;
    via_channel *rx;
    via_conform_end ends[2]; /* by job; an echo's only one is the first */
} via_conform_link;

void via_conform_open(via_conform *suite, via_conform_link *link, const via_conform_how *how);
/* The same with options of its own for each end. */
void via_conform_open_unlike(via_conform *suite, via_conform_link *link, const via_conform_how *sender,
                             const via_conform_how *receiver);
void via_conform_close(via_conform_link *link);
void via_conform_close_sender(via_conform_link *link);
void via_conform_close_receiver(via_conform_link *link);

/* Message `index` of `size` bytes. */
via_status via_conform_try_send(via_conform *suite, via_channel *channel, uint64_t index, size_t size, uint32_t flags,
                                via_deadline deadline);
void via_conform_send(via_conform *suite, via_channel *channel, uint64_t index, size_t size);
/* Receives and checks. */
void via_conform_expect(via_conform *suite, via_channel *channel, uint64_t index, size_t size);
/* The same, flushing the sender meanwhile. */
void via_conform_expect_moving(via_conform *suite, const via_conform_link *link, uint64_t index, size_t size);
/* Fails if something can be received. */
void via_conform_expect_nothing(via_channel *channel);
/* Receives until the end of the channel, which must be VIA_ECLOSED, or VIA_EPEER where `or_peer`. */
void via_conform_expect_end(via_channel *channel, bool or_peer);
/* Sends messages of `size` bytes with VIA_NOW from `index` on until the channel is full; returns the first not taken. */
uint64_t via_conform_fill_up(via_conform *suite, via_channel *channel, uint64_t index, size_t size);
/* Arms; both answers are right. */
void via_conform_arm(via_channel *channel, uint32_t event);
/* A size no larger than the channel takes. */
size_t via_conform_fit(const via_conform *suite, size_t size);
/* No more messages than the channel takes while nobody receives. */
uint64_t via_conform_room(const via_conform *suite, uint64_t count);

/* A thread that sends or receives messages [first, first + count) of the sizes that `size` gives. */
typedef struct via_conform_stream {
    via_conform *suite;
    via_channel *channel;
    uint64_t first;
    uint64_t count;
    size_t (*size)(const via_conform *suite, uint64_t index);
    uint32_t more_until; /* VIA_MORE on all but each n-th; 0 = never */
} via_conform_stream;

void *via_conform_run_sender(void *stream);
void *via_conform_run_receiver(void *stream);
size_t via_conform_small_size(const via_conform *suite, uint64_t index);
size_t via_conform_page_size(const via_conform *suite, uint64_t index); /* always the same, 3000 bytes or less */

/* ---- peer.c: other processes -------------------------------------------------------------------------------- */

typedef struct via_conform_peer {
    pid_t pid;
    int control; /* a socket to the other process */
} via_conform_peer;

/* Runs `run` in a new process; start it before this process opens anything. */
void via_conform_peer_start(via_conform *suite, via_conform_peer *peer,
                            void (*run)(via_conform *suite, int control, void *argument), void *argument);
void via_conform_tell(int control, const void *data, size_t size);
void via_conform_hear(int control, void *data, size_t size);
void via_conform_peer_kill(via_conform_peer *peer);
/* Waits for its end, which must be a good one. */
void via_conform_peer_join(via_conform_peer *peer);

#endif
