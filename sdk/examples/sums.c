/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that another process calls as if they were its own. sums.rpc.json says which there are.
 *
 *     sums serve ADDRESS      serves one caller
 *     sums call ADDRESS       calls, and prints
 *
 * ADDRESS has the layer on it: 'unix:sums?layers=rpc&rpc.interface=sums.rpc.json', or an endpoint that says so.
 */
#include <stdio.h>
#include <string.h>
#include <viaduct/rpc.h>

static int explain(const char *doing, const via_error *error)
{
    fprintf(stderr, "sums: %s: %s%s%s\n", doing, error->what, error->mend[0] != '\0' ? "; " : "", error->mend);
    return 1;
}

/* ---- serving: C functions that know nothing of it ----------------------------------------------------------- */

static int32_t add(int32_t a, int32_t b)
{
    return a + b;
}

static int32_t mean(const double *values, size_t count, double *out)
{
    double sum = 0;

    if (count == 0)
        return 1;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    *out = sum / (double)count;
    return 0;
}

static int serve(const char *address)
{
    static const via_rpc_function functions[] = {VIA_RPC_FUNCTION("add", add), VIA_RPC_FUNCTION("mean", mean)};
    via_listener *listener = NULL;
    via_channel *channel = NULL;
    via_error error;
    via_status status;

    if (via_listen(NULL, address, NULL, &listener, &error) != VIA_OK)
        return explain("listening", &error);
    if (via_accept(listener, VIA_FOREVER, &channel, &error) != VIA_OK ||
        via_rpc_serve(channel, functions, 2, NULL, &error) != VIA_OK) {
        via_close(channel);
        via_listener_close(listener);
        return explain("serving", &error);
    }
    while ((status = via_rpc_pump(channel, VIA_FOREVER)) == VIA_OK)
        ;
    via_close(channel);
    via_listener_close(listener);
    return status == VIA_ECLOSED ? 0 : 1;
}

/* ---- calling: function pointers ----------------------------------------------------------------------------- */

static int call_functions(via_channel *channel)
{
    int32_t (*add_there)(int32_t, int32_t);
    int32_t (*mean_there)(const double *, size_t, double *);
    const double values[] = {1, 2, 6};
    double result;
    via_error error;
    via_rpc_error why;

    if (via_rpc_import(channel, "add", &add_there, sizeof(add_there), &error) != VIA_OK ||
        via_rpc_import(channel, "mean", &mean_there, sizeof(mean_there), &error) != VIA_OK)
        return explain("importing", &error);
    printf("40 + 2 = %d\n", add_there(40, 2));
    if (mean_there(values, 3, &result) == 0)
        printf("the mean of 1, 2 and 6 is %g\n", result);
    if (mean_there(values, 0, &result) != 0 && via_rpc_last_error(channel, &why) == VIA_EREMOTE)
        printf("of nothing: %s\n", why.name);
    return via_rpc_last_error(channel, NULL) == VIA_EREMOTE ? 0 : 1;
}

static int call(const char *address)
{
    via_channel *channel = NULL;
    via_error error;

    if (via_dial(NULL, address, NULL, via_after_ms(5000), &channel, &error) != VIA_OK)
        return explain("dialling", &error);
    int result = call_functions(channel);
    via_close(channel);
    return result;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc == 3 && strcmp(argv[1], "call") == 0)
        return call(argv[2]);
    fprintf(stderr, "usage: sums serve ADDRESS | sums call ADDRESS\n");
    return 2;
}
