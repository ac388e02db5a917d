/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table. CMake defines BENCH_HAS_<PEER> for each library that it found; the others have an entry that says what is
 * missing.
 */
#include "ways.h"

#define PRESENT(identifier) extern const struct way identifier
#define ABSENT(identifier, shown, package)                                                                             \
    static const struct way identifier = {.name = (shown), .missing = "not built: install " package}

PRESENT(way_unix);
PRESENT(way_tcp);
PRESENT(way_pipe);
PRESENT(way_mq);

#ifdef BENCH_HAS_NNG
PRESENT(way_nng);
#else
ABSENT(way_nng, "peer:nng", "libnng-dev");
#endif
#ifdef BENCH_HAS_ZMQ
PRESENT(way_zmq);
#else
ABSENT(way_zmq, "peer:libzmq", "libzmq3-dev");
#endif
#ifdef BENCH_HAS_SDBUS
PRESENT(way_sdbus);
#else
ABSENT(way_sdbus, "peer:sd-bus", "libsystemd-dev");
#endif
#ifdef BENCH_HAS_BOOST
PRESENT(way_boost);
#else
ABSENT(way_boost, "peer:boost", "libboost-dev");
#endif
#ifdef BENCH_HAS_FABRIC
PRESENT(way_fabric);
#else
ABSENT(way_fabric, "peer:libfabric", "libfabric-dev");
#endif
#ifdef BENCH_HAS_ICEORYX
PRESENT(way_iceoryx);
#else
ABSENT(way_iceoryx, "peer:iceoryx", "libiceoryx-binding-c-dev and iceoryx");
#endif

const struct way *const ways[] = {
    &way_line, &way_futex, &way_ring,  &way_unix,   &way_tcp,     &way_pipe,  &way_mq,
    &way_nng,  &way_zmq,   &way_sdbus, &way_fabric, &way_iceoryx, &way_boost, NULL,
};
