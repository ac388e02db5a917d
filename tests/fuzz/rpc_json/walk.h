/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing again all that is in an open message, whatever the codec.
 */
#ifndef FUZZ_RPC_WALK_H
#define FUZZ_RPC_WALK_H

#include "codec.h"

/*
 * Reads every value of the message that the reader has opened, tries each type on each value first, and writes what it read, if it
 * can be written. Aborts if the codec contradicts itself.
 */
void fuzz_walk(const rpc_codec *codec, rpc_reader *reader, rpc_writer *writer);

#endif
