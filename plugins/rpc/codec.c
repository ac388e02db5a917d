/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: which codecs there are, and the words for what a value is. Must never know how one of them writes or reads.
 */
#include "codec.h"

#include <string.h>

const rpc_codec *rpc_codec_find(const char *name)
{
    static const rpc_codec *const codecs[] = {&rpc_msgpack, &rpc_json};

    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
        if (strcmp(codecs[i]->name, name) == 0)
            return codecs[i];
    return NULL;
}

/* JSON-RPC begins with a brace, or a bracket, or a header of Content-Length; MessagePack-RPC with a list of a few values. */
const char *rpc_codec_mend(const rpc_codec *codec, const unsigned char *data, size_t size)
{
    const unsigned char first = size > 0 ? data[0] : 0;

    if (codec != &rpc_json && (first == '{' || first == '[' || first == 'C'))
        return "the other program speaks JSON-RPC: set rpc.codec=json (via call, via serve: --codec json)";
    if (codec != &rpc_msgpack && first > 0x90 && first < 0xa0)
        return "the other program speaks MessagePack-RPC: set rpc.codec=msgpack (via call, via serve: --codec msgpack)";
    return "is the other program speaking this codec?";
}

const char *rpc_token_words(rpc_token token)
{
    static const char *const words[] = {
        [RPC_NOTHING] = "no value",
        [RPC_NIL] = "nil",
        [RPC_BOOLEAN] = "a boolean",
        [RPC_UNSIGNED] = "an integer",
        [RPC_NEGATIVE] = "a negative integer",
        [RPC_FLOAT] = "a floating point number",
        [RPC_TEXT] = "text",
        [RPC_BINARY] = "bytes",
        [RPC_LIST] = "a list",
        [RPC_MAP] = "a map",
        [RPC_OTHER] = "an extension type",
    };

    return words[token];
}
