// SPDX-License-Identifier: Apache-2.0
//
// The mailbox of mailbox.c in C++17: the same calls, with owners that close what they hold.
//
//     mailbox take ADDRESS
//     mailbox post ADDRESS TEXT...
//
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <viaduct/viaduct.h>

namespace {

struct closer {
    void operator()(via_channel *channel) const { via_close(channel); }
    void operator()(via_listener *listener) const { via_listener_close(listener); }
};
using channel_owner = std::unique_ptr<via_channel, closer>;
using listener_owner = std::unique_ptr<via_listener, closer>;

void check(via_status status, const via_error &error)
{
    if (status != VIA_OK)
        throw std::runtime_error(std::string(error.what) + (error.mend[0] ? "\n  mend: " : "") + error.mend);
}

void check(via_status status)
{
    if (status != VIA_OK)
        throw std::runtime_error(via_status_text(status));
}

channel_owner accept_one(const char *address)
{
    via_error error;
    via_listener *listener = nullptr;
    via_channel *channel = nullptr;
    check(via_listen(nullptr, address, nullptr, &listener, &error), error);
    listener_owner owner(listener);
    check(via_accept(listener, VIA_FOREVER, &channel, &error), error);
    return channel_owner(channel);
}

void take(const char *address)
{
    channel_owner channel = accept_one(address);
    via_msg message;
    via_status status;
    while ((status = via_recv(channel.get(), VIA_FOREVER, &message)) == VIA_OK) {
        std::cout << std::string_view(static_cast<const char *>(message.data), message.size) << '\n';
        via_release(channel.get(), &message);
    }
    check(status == VIA_ECLOSED ? VIA_OK : status);
}

void post(const char *address, char **texts, int count)
{
    via_error error;
    via_channel *channel = nullptr;
    check(via_dial(nullptr, address, nullptr, via_after_ms(5000), &channel, &error), error);
    channel_owner owner(channel);
    for (int i = 0; i < count; i++) {
        const std::string_view text(texts[i]);
        check(via_send(channel, text.data(), text.size(), nullptr, via_after_ms(5000)));
    }
    check(via_drain(channel, via_after_ms(5000), nullptr));
}

} // namespace

int main(int argc, char **argv)
{
    const std::string_view verb = argc > 1 ? argv[1] : "";
    try {
        if (argc == 3 && verb == "take")
            take(argv[2]);
        else if (argc > 3 && verb == "post")
            post(argv[2], argv + 3, argc - 3);
        else
            return std::cerr << "usage: mailbox take ADDRESS | mailbox post ADDRESS TEXT...\n", 2;
    } catch (const std::exception &failure) {
        std::cerr << "mailbox: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}
