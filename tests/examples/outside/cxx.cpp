// SPDX-License-Identifier: Apache-2.0
//
// A plugin in C++17, as somebody outside this tree would write one: pairs over Unix-domain sockets, on the kit's stream.
//
// Owns: that <viaduct/plugin.h>, VIA_PLUGIN() and the kit are of use to C++. The kit's headers are C: extern "C" around them.
// Must never let an exception cross a slot.
//
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <new>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include <viaduct/plugin.h>

extern "C" {
#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/stream.h"
#include "kit/unix_name.h"
}

namespace {

constexpr size_t path_size = 108;

class listener {
public:
    listener(const via_host_api *host, const char *rest) : host_(host), rest_(rest) { via_wake_init(&wake_); }
    ~listener() { via_wake_fini(&wake_); }
    listener(const listener &) = delete;
    listener &operator=(const listener &) = delete;

    via_status start(const char *path, via_error *error)
    {
        via_status status = via_unix_name_take(host_, path, SOCK_STREAM, 0600, &name_, error);
        if (status == VIA_OK && listen(name_.descriptor, 128) != 0) {
            via_unix_name_give_up(&name_, VIA_CLOSE_FLUSH);
            status = via_fail(host_, error, VIA_EIO, 0, nullptr, "%s cannot be listened on", path);
        }
        return status;
    }
    via_status wait(via_deadline deadline, int &fd, via_error *error)
    {
        while ((fd = accept4(name_.descriptor, nullptr, nullptr, SOCK_CLOEXEC)) < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
                return via_fail(host_, error, via_status_of_errno(errno), errno, nullptr, "nobody can be let in");
            via_status status = via_wake_poll(&wake_, name_.descriptor, POLLIN, deadline);
            if (status != VIA_OK)
                return status;
        }
        return VIA_OK;
    }
    void give_up(uint32_t how) { via_unix_name_give_up(&name_, how); }
    void interrupt() { via_wake_raise(&wake_); }
    bool is_interrupted() const { return via_wake_is_raised(&wake_); }
    int descriptor() const { return name_.descriptor; }
    const via_host_api *host() const { return host_; }
    std::string address() const { return "cxx:" + rest_; }

private:
    const via_host_api *host_;
    std::string rest_;
    via_unix_name name_{};
    via_wake wake_{};
};

via_status make_channel(const via_host_api *host, const via_open *open, int fd, void **channel, via_error *error)
{
    via_stream_config config{};
    config.host = host;
    config.context = open->context;
    config.counters = open->counters;
    config.io = &via_stream_io_socket;
    config.read_fd = fd;
    config.write_fd = fd;
    config.framing = &via_framing_length32;
    config.max_message = open->max_message;
    config.linger_ns = 1000000000;
    auto *stream = static_cast<via_stream *>(malloc(sizeof(via_stream))); // via_stream_close() frees it
    via_status status = stream ? via_stream_init(stream, &config) : VIA_ENOMEM;
    if (status == VIA_OK) {
        *channel = stream;
        return VIA_OK;
    }
    free(stream);
    (void)close(fd);
    return via_fail(host, error, status, 0, nullptr, "no memory for a channel");
}

via_status cxx_dial(void *state, const via_open *open, void **channel, via_error *error)
{
    auto *host = static_cast<const via_host_api *>(state);
    char path[path_size];
    int fd = -1;
    via_status status = via_runtime_path(host, open->rest, ".cxx", path, path_size, error);
    if (status == VIA_OK)
        status = via_unix_name_dial(host, path, SOCK_STREAM, &fd, error);
    if (status != VIA_OK)
        return status;
    (void)fcntl(fd, F_SETFL, 0); // the kit asks for MSG_DONTWAIT where it must not wait
    return make_channel(host, open, fd, channel, error);
}

via_status cxx_listen(void *state, const via_open *open, void **out, via_error *error)
try {
    auto *host = static_cast<const via_host_api *>(state);
    auto made = std::make_unique<listener>(host, open->rest);
    char path[path_size];
    via_status status = via_runtime_path(host, open->rest, ".cxx", path, path_size, error);
    if (status == VIA_OK)
        status = made->start(path, error);
    if (status == VIA_OK)
        *out = made.release();
    return status;
} catch (const std::bad_alloc &) {
    return VIA_ENOMEM;
}

via_status cxx_accept(void *self, via_deadline deadline, const via_open *open, void **channel, via_error *error)
{
    auto *of = static_cast<listener *>(self);
    int fd = -1;
    via_status status = of->wait(deadline, fd, error);
    return status == VIA_OK ? make_channel(of->host(), open, fd, channel, error) : status;
}

via_status cxx_address(void *self, char *buffer, size_t capacity)
try {
    const std::string address = static_cast<listener *>(self)->address();
    if (address.size() >= capacity)
        return VIA_EBUFFER;
    address.copy(buffer, address.size());
    buffer[address.size()] = '\0';
    return VIA_OK;
} catch (const std::bad_alloc &) {
    return VIA_ENOMEM;
}

via_status cxx_pollable(void *self, via_poll_handle *out)
{
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = static_cast<listener *>(self)->descriptor();
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

via_status cxx_arm(void *self)
{
    return static_cast<listener *>(self)->is_interrupted() ? VIA_EREADY : VIA_OK;
}

void cxx_interrupt(void *self)
{
    static_cast<listener *>(self)->interrupt();
}

void cxx_close(void *self, uint32_t how)
{
    auto *of = static_cast<listener *>(self);
    of->give_up(how);
    delete of;
}

via_status cxx_init(const via_host_api *host, void **state, via_error *)
{
    *state = const_cast<via_host_api *>(host);
    return VIA_OK;
}

void cxx_fini(void *)
{
}

const via_listener_ops listener_ops = {sizeof(via_listener_ops), 0,       cxx_accept,    cxx_address,
                                       cxx_pollable,             cxx_arm, cxx_interrupt, cxx_close};

// C++17 has no designated initialisers: an empty table, then the slots by name.
via_channel_ops make_channel_ops()
{
    via_channel_ops ops{};
    ops.size = sizeof ops;
    ops.send = via_stream_send;
    ops.recv = via_stream_recv;
    ops.release = via_stream_release;
    ops.flush = via_stream_flush;
    ops.finish = via_stream_finish;
    ops.drain = via_stream_drain;
    ops.pollable = via_stream_pollable;
    ops.arm = via_stream_arm;
    ops.interrupt = via_stream_interrupt;
    ops.close = via_stream_close;
    ops.refresh_counters = via_stream_refresh_counters;
    return ops;
}
const via_channel_ops channel_ops = make_channel_ops();

const via_transport transports[] = {{sizeof(via_transport), VIA_PATTERN_PAIR, "cxx", cxx_listen, cxx_dial, nullptr,
                                     &listener_ops, &channel_ops}};

} // namespace

VIA_PLUGIN("cxx", cxx_init, cxx_fini, transports);
