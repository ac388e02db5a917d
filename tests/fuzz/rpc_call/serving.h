/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is served: calc, but for three functions that a number could make take for ever.
 */
#ifndef FUZZ_SERVING_H
#define FUZZ_SERVING_H

#include "calc.h"
#include "peer.h"

void fuzz_serve(rpc_peer *peer);

#endif
