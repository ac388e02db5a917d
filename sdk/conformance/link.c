/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening ends and links of any pattern.
 *
 * Owns: which call opens which end, which options go where, and the addresses. An echo and a loopback have one channel
 * that is both ends, so that the tests of delivery need not know.
 */
#include "conform.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Silent: what plugins say about tests that provoke them is no news. */
static void log_nothing(void *user, uint32_t level, const char *plugin, const char *text)
{
    (void)user, (void)level, (void)plugin, (void)text;
}

via_status via_conform_host_open(const via_conform_claims *claims, via_host **host, via_error *error)
{
    const char *folders[] = {claims->folder, claims->layer_folder};
    via_host_options options;

    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = folders;
    options.plugin_path_count = claims->layers[0] ? 2 : 1;
    options.log = getenv("VIADUCT_LOG") ? NULL : log_nothing;
    const via_status status = via_host_open(&options, host, error);
    /* A host that is asked often watches its folders. From the start, so that the descriptors for it are not taken for ones left open. */
    if (status == VIA_OK)
        (void)!via_host_watch(*host, &(via_poll_handle){.size = sizeof(via_poll_handle)}, NULL);
    return status;
}

via_host *via_conform_host(via_conform *suite)
{
    via_error error;

    if (suite->host)
        return suite->host;
    via_status status = via_conform_host_open(suite->claims, &suite->host, &error);
    via_conform_check_error(__FILE__, __LINE__, status, VIA_OK, "via_host_open", &error);
    return suite->host;
}

/* ---- addresses and options ---------------------------------------------------------------------------------- */

static void expand(const via_conform *suite, const char *template, uint32_t name, char address[CONFORM_ADDRESS])
{
    size_t at = 0;

    for (const char *c = template; *c && at + 128 < CONFORM_ADDRESS; c++) {
        if (strncmp(c, "{name}", 6) == 0) {
            at += (size_t)sprintf(address + at, "conform-%ld-%u", (long)getpid(), name);
            c += 5;
        } else if (strncmp(c, "{dir}", 5) == 0) {
            at += (size_t)sprintf(address + at, "%s", suite->folder);
            c += 4;
        } else {
            address[at++] = *c;
        }
    }
    address[at] = '\0';
}

void via_conform_new_address(via_conform *suite, char address[CONFORM_ADDRESS])
{
    expand(suite, suite->claims->address, suite->names++, address);
}

enum { WISHES = sizeof(((via_conform_how *)0)->options) / sizeof(((via_conform_how *)0)->options[0]) };

static bool same_name(const char *one, const char *other)
{
    size_t length = strcspn(one, "=");
    return strncmp(one, other, length + 1) == 0;
}

/* The wished options that the scheme has; then what everything is opened with, unless the wish says otherwise. */
static size_t gather_options(const via_conform *suite, const via_conform_how *how, const char **list)
{
    const via_conform_claims *claims = suite->claims;
    size_t count = 0;

    for (size_t i = 0; how && i < WISHES && how->options[i]; i++) {
        char name[64];
        const char *wish = how->options[i];
        bool insists = *wish == '!';
        wish += insists;
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(wish, "="), wish);
        if (insists || via_conform_find_option(claims, name))
            list[count++] = wish;
    }
    const size_t wishes = count;
    for (size_t i = 0; i < claims->extra_count; i++) {
        size_t j = 0;
        while (j < wishes && !same_name(list[j], claims->extras[i]))
            j++;
        if (j == wishes)
            list[count++] = claims->extras[i];
    }
    return count;
}

static uint32_t role_of(const via_conform *suite, int job)
{
    if (suite->claims->pattern == VIA_PATTERN_QUEUE)
        return job == END_SENDS ? VIA_PUSH : VIA_PULL;
    if (suite->claims->pattern == VIA_PATTERN_VALUE)
        return VIA_VALUE;
    if (suite->claims->pattern == VIA_PATTERN_REGION)
        return VIA_REGION;
    return job == END_SENDS ? VIA_PUBLISH : VIA_SUBSCRIBE;
}

bool via_conform_has_members(const via_conform *suite)
{
    return suite->claims->pattern & (VIA_PATTERN_VALUE | VIA_PATTERN_REGION);
}

int via_conform_binder(const via_conform *suite, const via_conform_how *how)
{
    int usual = suite->claims->pattern == VIA_PATTERN_TOPIC ? END_SENDS : END_RECEIVES;
    return how && how->flipped ? 1 - usual : usual;
}

/* `side` is spelled out only where it is not the default, so that the default is tested too. */
static via_status join_or_dial(via_conform *suite, via_conform_end *end, int job, const char *address,
                               const via_conform_how *how, bool binds, via_deadline deadline, via_error *error)
{
    const char *list[CONFORM_EXTRAS + 8];
    via_open_options options;

    via_open_options_init(&options);
    options.options = list;
    options.option_count = gather_options(suite, how, list);
    options.threads = how ? how->threads : VIA_TWO;
    options.layers = suite->claims->layers[0] ? suite->claims->layers : NULL;
    via_conform_step("opening %s", address);
    if (suite->claims->pattern == VIA_PATTERN_PAIR) {
        if (binds)
            return via_listen(via_conform_host(suite), address, &options, &end->listener, error);
        return via_dial(via_conform_host(suite), address, &options, deadline, &end->channel, error);
    }
    if (!via_conform_has_members(suite) && binds != (via_conform_binder(suite, NULL) == job))
        options.side = binds ? VIA_SIDE_BIND : VIA_SIDE_CONNECT;
    return via_join(via_conform_host(suite), address, role_of(suite, job), &options, deadline, &end->channel, error);
}

/* ---- ends --------------------------------------------------------------------------------------------------- */

static via_status learn_address(const via_conform *suite, via_conform_end *end)
{
    via_channel_info info;

    if (suite->claims->dial[0]) { /* the name is the one that was handed out last */
        expand(suite, suite->claims->dial, suite->names - 1, end->address);
        return VIA_OK;
    }
    if (end->listener)
        return via_listener_address(end->listener, end->address, sizeof(end->address));
    memset(&info, 0, sizeof(info));
    info.size = sizeof(info);
    CHECK_OK(via_info(end->channel, &info));
    (void)snprintf(end->address, sizeof(end->address), "%s", info.address);
    return VIA_OK;
}

via_status via_conform_try_bind(via_conform *suite, via_conform_end *end, int job, const char *address,
                                const via_conform_how *how, via_error *error)
{
    char fresh[CONFORM_ADDRESS];

    memset(end, 0, sizeof(*end));
    if (!address) {
        via_conform_new_address(suite, fresh);
        address = fresh;
    }
    via_status status = join_or_dial(suite, end, job, address, how, true, via_conform_soon(), error);
    return status == VIA_OK ? learn_address(suite, end) : status;
}

void via_conform_bind(via_conform *suite, via_conform_end *end, int job, const char *address,
                      const via_conform_how *how)
{
    via_error error;
    via_status status = via_conform_try_bind(suite, end, job, address, how, &error);
    via_conform_check_error(__FILE__, __LINE__, status, VIA_OK, "binding a name of one's own", &error);
}

void via_conform_accept(via_conform_end *end)
{
    via_error error;

    if (!end->listener)
        return;
    via_conform_step("accepting on %s", end->address);
    via_status status = via_accept(end->listener, via_conform_soon(), &end->channel, &error);
    via_conform_check_error(__FILE__, __LINE__, status, VIA_OK, "via_accept after a dial", &error);
}

via_status via_conform_try_connect(via_conform *suite, via_conform_end *end, int job, const char *address,
                                   const via_conform_how *how, via_deadline deadline, via_error *error)
{
    memset(end, 0, sizeof(*end));
    return join_or_dial(suite, end, job, address, how, false, deadline, error);
}

void via_conform_connect(via_conform *suite, via_conform_end *end, int job, const char *address,
                         const via_conform_how *how)
{
    via_error error;
    via_status status = via_conform_try_connect(suite, end, job, address, how, via_conform_soon(), &error);
    via_conform_check_error(__FILE__, __LINE__, status, VIA_OK, "connecting to a bound name", &error);
}

void via_conform_end_close(via_conform_end *end)
{
    via_close(end->channel);
    via_listener_close(end->listener);
    memset(end, 0, sizeof(*end));
}

/* ---- links -------------------------------------------------------------------------------------------------- */

/* What is written to our standard output arrives on our standard input. */
static void join_standard_streams(void)
{
    int ends[2];

    CHECK(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == 0 && dup2(ends[1], STDOUT_FILENO) == 1,
          "the standard streams cannot be joined");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void open_single(via_conform *suite, via_conform_link *link, const via_conform_how *how)
{
    char address[CONFORM_ADDRESS];

    if (suite->claims->peer == PEER_LOOPBACK)
        join_standard_streams();
    via_conform_new_address(suite, address);
    via_conform_connect(suite, &link->ends[0], END_SENDS, address, how);
    link->tx = link->rx = link->ends[0].channel;
}

void via_conform_open_unlike(via_conform *suite, via_conform_link *link, const via_conform_how *sender,
                             const via_conform_how *receiver)
{
    const via_conform_how *hows[2] = {sender, receiver};
    int binder = via_conform_binder(suite, sender);

    memset(link, 0, sizeof(*link));
    if (!(suite->claims->has & NEEDS_TWO_ENDS)) {
        open_single(suite, link, sender);
        return;
    }
    via_conform_bind(suite, &link->ends[binder], binder, NULL, hows[binder]);
    via_conform_connect(suite, &link->ends[1 - binder], 1 - binder, link->ends[binder].address, hows[1 - binder]);
    via_conform_accept(&link->ends[binder]);
    link->tx = link->ends[END_SENDS].channel;
    link->rx = link->ends[END_RECEIVES].channel;
    via_conform_step("connected");
}

void via_conform_open(via_conform *suite, via_conform_link *link, const via_conform_how *how)
{
    via_conform_open_unlike(suite, link, how, how);
}

void via_conform_close(via_conform_link *link)
{
    via_conform_step("closing");
    via_conform_end_close(&link->ends[0]);
    via_conform_end_close(&link->ends[1]);
    link->tx = link->rx = NULL;
}

void via_conform_close_sender(via_conform_link *link)
{
    via_conform_step("closing the sender");
    via_close(link->tx);
    link->tx = link->ends[END_SENDS].channel = NULL;
}

void via_conform_close_receiver(via_conform_link *link)
{
    via_conform_step("closing the receiver");
    via_close(link->rx);
    link->rx = link->ends[END_RECEIVES].channel = NULL;
}
