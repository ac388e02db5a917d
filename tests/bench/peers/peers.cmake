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

pkg_check_modules(BENCH_SYSTEMD IMPORTED_TARGET libsystemd)
if(BENCH_SYSTEMD_FOUND)
    bench_add_peer(SDBUS way_sdbus.c PkgConfig::BENCH_SYSTEMD)
endif()

pkg_check_modules(BENCH_FABRIC IMPORTED_TARGET libfabric)
if(BENCH_FABRIC_FOUND)
    bench_add_peer(FABRIC way_fabric.c PkgConfig::BENCH_FABRIC)
endif()

find_package(iceoryx_binding_c QUIET)
if(iceoryx_binding_c_FOUND)
    bench_add_peer(ICEORYX way_iceoryx.c iceoryx_binding_c::iceoryx_binding_c)
endif()

include(CheckLanguage)
check_language(CXX)
find_path(VIADUCT_BOOST_INCLUDE boost/interprocess/ipc/message_queue.hpp)
mark_as_advanced(VIADUCT_BOOST_INCLUDE)
if(CMAKE_CXX_COMPILER AND VIADUCT_BOOST_INCLUDE)
    enable_language(CXX)
    bench_add_peer(BOOST way_boost.cpp)
    target_compile_features(via-bench-peers PRIVATE cxx_std_17)
endif()
