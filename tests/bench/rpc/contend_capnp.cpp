/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cap'n Proto, the way its tutorial goes: one object that is served, called and waited for.
 */
#include "contender.h"

#include "calc.capnp.h"

#include <capnp/ez-rpc.h>
#include <memory>
#include <string>

namespace
{

class Server final : public Calc::Server
{
  public:
    kj::Promise<void> add(AddContext context) override
    {
        auto params = context.getParams();
        context.getResults().setSum(params.getA() + params.getB());
        return kj::READY_NOW;
    }
};

void serve(const char *path)
{
    capnp::EzRpcServer server(kj::heap<Server>(), "unix:" + std::string(path));

    kj::NEVER_DONE.wait(server.getWaitScope());
}

struct Client {
    explicit Client(const char *path) : ez("unix:" + std::string(path)), calc(ez.getMain<Calc>())
    {
    }

    capnp::EzRpcClient ez;
    Calc::Client calc;
};

int32_t call(void *self, int32_t a, int32_t b)
{
    auto client = static_cast<Client *>(self);
    auto request = client->calc.addRequest();

    request.setA(a);
    request.setB(b);
    return request.send().wait(client->ez.getWaitScope()).getSum();
}

void *open_client(const char *path)
{
    contender_wait(path);
    return new Client(path);
}

void close_client(void *self)
{
    delete static_cast<Client *>(self);
}

} // namespace

int main(int argc, char **argv)
{
    static const struct contender contender = {serve, open_client, call, close_client};

    return contender_main(&contender, argc, argv);
}
