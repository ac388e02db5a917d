/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two ends of shared memory meet; see meeting.h.
 *
 * Must never wait for the hello of one in particular: the kit's acceptor keeps those that are slow.
 */
#include "meeting.h"

#include "kit/credentials.h"
#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

via_status shm_meeting_path(const via_host_api *host, const via_open *open, char path[108], via_error *error)
{
    char *name = NULL;
    via_status status = via_text_decode(open->rest, &name);

    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "write % as %25", "'%s' is not percent-encoded rightly", open->rest);
    status = via_runtime_path(host, name, ".shm", path, 108, error);
    free(name);
    return status;
}

/* ---- hello -------------------------------------------------------------------------------------------------- */

static void refuse(int descriptor, const char *why)
{
    shm_word word = {.kind = SHM_REFUSED};

    (void)snprintf(word.text, sizeof(word.text), "refused: %s", why);
    (void)shm_word_send(descriptor, &word, NULL, 0);
}

static via_status hear_hello(void *user, int descriptor, void *state, const char **why)
{
    const shm_meeting *meeting = user;
    shm_greeting *greeting = state;
    int descriptors[SHM_WORD_DESCRIPTORS];
    via_status status = shm_word_receive(descriptor, &greeting->word, descriptors);

    if (status == VIA_EPROTO)
        *why = "it does not speak shm, or another version of it";
    else if (status == VIA_ELIMIT)
        *why = "the limit of open files kept its memory out";
    if (status != VIA_OK)
        return status;
    if (!meeting->is_hello(&greeting->word, descriptors[0], why)) {
        refuse(descriptor, *why);
        shm_word_close(descriptors);
        return VIA_EPROTO;
    }
    greeting->memory = descriptors[0] + 1;
    descriptors[0] = -1;
    shm_word_close(descriptors);
    return VIA_OK;
}

static via_status begin(void *user, int descriptor, void *state, const char **why)
{
    const shm_meeting *meeting = user;

    if (via_credentials_check_user(descriptor, meeting->settings.any_user) == VIA_OK)
        return hear_hello(user, descriptor, state, why);
    *why = "it is another user's (users=any would let it in)";
    refuse(descriptor, *why);
    return VIA_EPERM;
}

void shm_greeting_drop(shm_greeting *greeting)
{
    if (greeting->memory > 0)
        (void)close(greeting->memory - 1);
    greeting->memory = 0;
}

static void forget(void *user, void *state)
{
    (void)user;
    shm_greeting_drop(state);
}

static const via_greeter greeter = {sizeof(shm_greeting), begin, hear_hello, forget};

/* ---- binding ------------------------------------------------------------------------------------------------ */

void shm_meeting_init(shm_meeting *meeting, const shm_settings *settings,
                      bool (*is_hello)(const shm_word *word, int memory, const char **why))
{
    *meeting = (shm_meeting){.settings = *settings, .is_hello = is_hello};
    meeting->name.descriptor = meeting->name.lock.descriptor = -1;
}

via_status shm_meeting_take(shm_meeting *meeting, const char *path, via_error *error)
{
    const shm_settings *settings = &meeting->settings;

    return via_unix_name_take(settings->host, path, SOCK_SEQPACKET, settings->mode, &meeting->name, error);
}

via_status shm_meeting_listen(shm_meeting *meeting, const via_pollset *set, void *tag, via_error *error)
{
    const shm_settings *settings = &meeting->settings;

    if (listen(meeting->name.descriptor, settings->backlog) < 0)
        return via_fail(settings->host, error, via_status_of_errno(errno), errno, NULL, "cannot listen on '%s'",
                        meeting->name.path);
    const via_acceptor_config config = {
        .host = settings->host,
        .context = settings->context,
        .counters = settings->counters,
        .listening = meeting->name.descriptor,
        .set = set,
        .tag = tag,
        .handshake_ns = settings->handshake_ns,
        .handshake_limit = settings->handshake_limit,
        .greeter = &greeter,
        .user = meeting,
    };
    return via_acceptor_create(&config, &meeting->acceptor, error);
}

void shm_meeting_close(shm_meeting *meeting, uint32_t how)
{
    via_acceptor_destroy(meeting->acceptor, how);
    meeting->acceptor = NULL;
    via_unix_name_give_up(&meeting->name, how);
}

/* ---- connecting --------------------------------------------------------------------------------------------- */

via_status shm_meeting_dial(const shm_settings *settings, const char *path, int *descriptor, via_error *error)
{
    via_status status = via_unix_name_dial(settings->host, path, SOCK_SEQPACKET, descriptor, error);

    if (status != VIA_OK || via_credentials_check_user(*descriptor, settings->any_user) == VIA_OK)
        return status;
    (void)close(*descriptor);
    return via_fail(settings->host, error, VIA_EPERM, 0, "dial with users=any if you trust that user",
                    "'%s' is served by another user", path);
}
