/* SPDX-License-Identifier: Apache-2.0 */
#include "kit_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/deadline.h"

const char *const kind_names[KIND_COUNT] = {"socket", "tcp", "pipe", "shared", "spinning"};

via_context *fake_context(fake_host *host)
{
    return (via_context *)host;
}

static via_status remember_error(via_error *error, via_status status, int32_t os_code, const char *what,
                                 const char *mend)
{
    via_error_init(error);
    error->status = status;
    error->os_code = os_code;
    strncpy(error->what, what ? what : "", sizeof(error->what) - 1);
    strncpy(error->mend, mend ? mend : "", sizeof(error->mend) - 1);
    return status;
}

static void ignore_log(via_context *context, uint32_t level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

static void remember_failure(via_context *context, via_status status, int32_t os_code, const char *what,
                             const char *mend)
{
    fake_host *host = (fake_host *)context;

    host->failures++;
    (void)remember_error(&host->failure, status, os_code, what, mend);
}

static void remember_attention(via_context *context)
{
    atomic_fetch_add(&((fake_host *)context)->attentions, 1);
}

const via_host_api fake_host_api = {
    .size = sizeof(via_host_api),
    .error = remember_error,
    .log = ignore_log,
    .failed = remember_failure,
    .attention = remember_attention,
};

/* ---- descriptors -------------------------------------------------------------------------------------------- */

static void make_tcp_pair(int descriptors[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    descriptors[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(descriptors[0], (struct sockaddr *)&address, size), 0);
    descriptors[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(descriptors[1] >= 0);
    close(listener);
}

/* ends[i] = {read, write} */
static void make_descriptors(int kind, int ends[2][2])
{
    int one[2];
    int other[2];

    if (kind == KIND_SOCKET || kind == KIND_TCP || kind == KIND_SPINNING) {
        if (kind == KIND_TCP)
            make_tcp_pair(one);
        else
            assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, one), 0);
        ends[0][0] = ends[0][1] = one[0];
        ends[1][0] = ends[1][1] = one[1];
        return;
    }
    assert_int_equal(pipe2(one, O_CLOEXEC | (kind == KIND_PIPE ? O_NONBLOCK : 0)), 0);
    assert_int_equal(pipe2(other, O_CLOEXEC | (kind == KIND_PIPE ? O_NONBLOCK : 0)), 0);
    ends[0][0] = one[0];
    ends[1][1] = one[1];
    ends[1][0] = other[0];
    ends[0][1] = other[1];
}

static via_stream *make_stream(stream_pair *pair, int index, int kind, const int descriptors[2],
                               const via_stream_config *template)
{
    static const via_stream_io *const io[KIND_COUNT] = {&via_stream_io_socket, &via_stream_io_socket,
                                                        &via_stream_io_pipe, &via_stream_io_shared,
                                                        &via_stream_io_socket};
    via_stream_config config = *template;
    via_stream *stream = malloc(sizeof(*stream));

    assert_non_null(stream);
    config.host = &fake_host_api;
    config.context = fake_context(&pair->host[index]);
    config.counters = &pair->counters[index];
    config.io = io[kind];
    config.spin_ns = kind == KIND_SPINNING ? UINT64_MAX : template->spin_ns;
    config.read_fd = descriptors[0];
    config.write_fd = descriptors[1];
    assert_int_equal(via_stream_init(stream, &config), VIA_OK);
    return stream;
}

void pair_open(stream_pair *pair, int kind, const via_stream_config *template)
{
    int ends[2][2];

    memset(pair, 0, sizeof(*pair));
    pair->peer_fd[0] = pair->peer_fd[1] = -1;
    make_descriptors(kind, ends);
    for (int i = 0; i < 2; i++)
        pair->end[i] = make_stream(pair, i, kind, ends[i], template);
}

void pair_open_half(stream_pair *pair, int kind, const via_stream_config *template)
{
    int ends[2][2];

    memset(pair, 0, sizeof(*pair));
    make_descriptors(kind, ends);
    pair->end[0] = make_stream(pair, 0, kind, ends[0], template);
    pair->peer_fd[0] = ends[1][1];
    pair->peer_fd[1] = ends[1][0];
}

void pair_close_peer_fds(stream_pair *pair)
{
    if (pair->peer_fd[0] >= 0)
        close(pair->peer_fd[0]);
    if (pair->peer_fd[1] >= 0 && pair->peer_fd[1] != pair->peer_fd[0])
        close(pair->peer_fd[1]);
    pair->peer_fd[0] = pair->peer_fd[1] = -1;
}

void pair_close(stream_pair *pair)
{
    pair_close_peer_fds(pair);
    for (int i = 0; i < 2; i++) {
        if (pair->end[i])
            via_stream_close(pair->end[i], VIA_CLOSE_FLUSH);
        pair->end[i] = NULL;
    }
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

via_stream_config config_of(const via_framing *framing)
{
    via_stream_config config = {.framing = framing, .max_message = 1 << 30, .linger_ns = 1000000000};

    return config;
}

via_deadline soon_enough(void)
{
    return via_deadline_after(INT64_C(20000000000));
}

void send_text(via_stream *stream, const char *text, uint32_t flags)
{
    via_slice slice = {text, strlen(text)};
    via_meta meta = {.flags = flags};

    assert_int_equal(via_stream_send(stream, &slice, 1, &meta, soon_enough()), VIA_OK);
}

void expect_text(via_stream *stream, const char *text)
{
    via_msg message;

    assert_int_equal(via_stream_recv(stream, soon_enough(), &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    via_stream_release(stream, &message);
}

void expect_end(via_stream *stream, via_status status)
{
    via_msg message;

    for (int i = 0; i < 3; i++) /* an end is final */
        assert_int_equal(via_stream_recv(stream, soon_enough(), &message), status);
}

static uint8_t body_byte(size_t at, unsigned seed)
{
    return (uint8_t)((at * 31 + (size_t)seed * 17 + (at >> 8)) % 251);
}

uint8_t *make_body(size_t size, unsigned seed)
{
    uint8_t *body = malloc(size + 1);

    assert_non_null(body);
    for (size_t i = 0; i < size; i++)
        body[i] = body_byte(i, seed);
    return body;
}

void expect_body(const via_msg *message, size_t size, unsigned seed)
{
    const uint8_t *data = message->data;

    assert_int_equal(message->size, size);
    for (size_t i = 0; i < size; i++)
        if (data[i] != body_byte(i, seed))
            fail_msg("byte %zu of %zu is wrong", i, size);
}
