/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boost.Interprocess message_queue, one each way: a mutex and two condition variables in /dev/shm.
 */
#include "way.h"

#include <boost/interprocess/ipc/message_queue.hpp>
#include <memory>
#include <string>
#include <vector>

namespace
{

using boost::interprocess::message_queue;

enum { MESSAGES_MOST = 64, WAITING_BYTES = 32 << 20 };

struct ends {
    std::unique_ptr<message_queue> in, out;
    std::vector<char> buffer;
    bool spins;
};

std::string name_of(const struct place *place, int number)
{
    return std::string(place->name) + "-" + std::to_string(number);
}

std::size_t messages_for(std::size_t size)
{
    std::size_t count = WAITING_BYTES / size;

    return count < 2 ? 2 : count > MESSAGES_MOST ? std::size_t(MESSAGES_MOST) : count;
}

void *prepare_boost(const struct place *place)
{
    try {
        for (int i = 0; i < 2; i++)
            message_queue(boost::interprocess::create_only, name_of(place, i).c_str(), messages_for(place->size),
                          place->size);
    } catch (const std::exception &error) {
        way_failed("message_queue", error.what());
    }
    return nullptr;
}

void clean_boost(const struct place *place)
{
    for (int i = 0; i < 2; i++)
        (void)message_queue::remove(name_of(place, i).c_str());
}

void *open_boost(const struct place *place, bool is_server)
{
    try {
        auto self = std::make_unique<ends>();

        self->in = std::make_unique<message_queue>(boost::interprocess::open_only, name_of(place, is_server).c_str());
        self->out = std::make_unique<message_queue>(boost::interprocess::open_only, name_of(place, !is_server).c_str());
        self->buffer.resize(place->size);
        self->spins = place->wake == WAKE_SPIN;
        return self.release();
    } catch (const std::exception &error) {
        way_failed("message_queue", error.what());
    }
}

void send_boost(void *argument, const void *data, std::size_t size, bool more)
{
    auto *self = static_cast<ends *>(argument);

    (void)more;
    if (!self->spins)
        self->out->send(data, size, 0);
    else
        while (!self->out->try_send(data, size, 0))
            way_relax();
}

std::size_t receive_boost(void *argument)
{
    auto *self = static_cast<ends *>(argument);
    message_queue::size_type size = 0;
    unsigned priority = 0;

    if (!self->spins)
        self->in->receive(self->buffer.data(), self->buffer.size(), size, priority);
    else
        while (!self->in->try_receive(self->buffer.data(), self->buffer.size(), size, priority))
            way_relax();
    way_look(self->buffer.data(), size);
    return size;
}

void close_boost(void *self)
{
    delete static_cast<ends *>(self);
}

} // namespace

extern "C" {
extern const struct way way_boost;
const struct way way_boost = {
    "peer:boost",  SPIN | BLOCK, false,      0,          nullptr,       nullptr,     nullptr,
    prepare_boost, clean_boost,  open_boost, send_boost, receive_boost, close_boost,
};
}
