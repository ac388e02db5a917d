/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC C++ with its synchronous server and stub.
 */
#include "contender.h"

#include "calc.grpc.pb.h"

#include <grpcpp/grpcpp.h>
#include <memory>
#include <string>

namespace
{

class Server final : public bench::Calc::Service
{
    grpc::Status Add(grpc::ServerContext *, const bench::Pair *pair, bench::Sum *sum) override
    {
        sum->set_sum(pair->a() + pair->b());
        return grpc::Status::OK;
    }
};

void serve(const char *path)
{
    Server service;
    grpc::ServerBuilder builder;

    builder.AddListeningPort("unix:" + std::string(path), grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    auto server = builder.BuildAndStart();
    if (!server)
        contender_failed("gRPC", "no server");
    server->Wait();
}

int32_t call(void *self, int32_t a, int32_t b)
{
    grpc::ClientContext context;
    bench::Pair pair;
    bench::Sum sum;

    pair.set_a(a);
    pair.set_b(b);
    auto status = static_cast<bench::Calc::Stub *>(self)->Add(&context, pair, &sum);
    if (!status.ok())
        contender_failed("gRPC", status.error_message().c_str());
    return sum.sum();
}

void *open_client(const char *path)
{
    contender_wait(path);
    auto channel = grpc::CreateChannel("unix:" + std::string(path), grpc::InsecureChannelCredentials());

    return bench::Calc::NewStub(channel).release();
}

void close_client(void *self)
{
    delete static_cast<bench::Calc::Stub *>(self);
}

} // namespace

int main(int argc, char **argv)
{
    static const struct contender contender = {serve, open_client, call, close_client};

    return contender_main(&contender, argc, argv);
}
