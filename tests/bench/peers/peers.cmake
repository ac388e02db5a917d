# SPDX-License-Identifier: Apache-2.0
# Which libraries of the peers are here.
find_package(PkgConfig REQUIRED)

find_path(VIADUCT_NNG_INCLUDE nng/nng.h) # Debian's libnng-dev has no pkg-config file
find_library(VIADUCT_NNG_LIBRARY nng)
mark_as_advanced(VIADUCT_NNG_INCLUDE VIADUCT_NNG_LIBRARY)
if(VIADUCT_NNG_INCLUDE AND VIADUCT_NNG_LIBRARY)
    bench_add_peer(NNG way_nng.c "${VIADUCT_NNG_LIBRARY}")
endif()

pkg_check_modules(BENCH_ZMQ IMPORTED_TARGET libzmq)
if(BENCH_ZMQ_FOUND)
    bench_add_peer(ZMQ way_zmq.c PkgConfig::BENCH_ZMQ)
endif()
