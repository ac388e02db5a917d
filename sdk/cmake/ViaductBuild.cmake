# SPDX-License-Identifier: Apache-2.0
# How everything in this tree is compiled. Owns: flags, visibility, sanitizers, output folders. Must never name a target.
include_guard(GLOBAL)

# Plain `lib` everywhere but below /usr, where the system says which folder is this machine's. Plugins lie beside the host.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(CMAKE_INSTALL_LIBDIR lib CACHE PATH "where libviaduct goes, below the prefix")
endif()
include(GNUInstallDirs)

# What is installed belongs to one of the packages lib, plugins, tools and dev (ViaductPackages.cmake); this is for what does
# not say to which.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME tools)
set(VIADUCT_PLUGIN_COMPONENT plugins)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, RelWithDebInfo or Release" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The build tree mirrors an installation, so that the command finds its plugins the same way in both.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(VIADUCT_PLUGIN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib/viaduct/plugins")
set(VIADUCT_PLUGIN_INSTALL_DIRECTORY "${CMAKE_INSTALL_LIBDIR}/viaduct/plugins")

find_package(Threads REQUIRED)

find_program(VIADUCT_CCACHE ccache)
mark_as_advanced(VIADUCT_CCACHE)
if(VIADUCT_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER "${VIADUCT_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${VIADUCT_CCACHE}")
endif()

add_compile_definitions(_GNU_SOURCE)
# What is installed names files of this tree (__FILE__) by their place in it, not by that of whoever built it.
add_compile_options("-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wundef -Wformat=2 -Wno-format-nonliteral
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(VIADUCT_WERROR)
    add_compile_options(-Werror)
endif()

# Small files, one idea each, cost calls; the linker takes them out again. Archives keep real code too: any compiler links the kit.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT DEFINED CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT CMAKE_INTERPROCEDURAL_OPTIMIZATION OUTPUT ignored LANGUAGES C)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(CMAKE_C_COMPILE_OPTIONS_IPO -flto=auto -ffat-lto-objects)
endif()

if(VIADUCT_SANITIZE)
    add_compile_options(-fsanitize=${VIADUCT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${VIADUCT_SANITIZE})
else()
    add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>:-Wl,-z,defs>
        $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,MODULE_LIBRARY>:-Wl,-z,defs>)
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
    add_compile_options(-fstack-protector-strong)
endif()
add_link_options(-Wl,-z,relro,-z,now)

if(VIADUCT_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "VIADUCT_FUZZ needs clang (libFuzzer): configure with -DCMAKE_C_COMPILER=clang")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Adds a folder if it has a CMakeLists.txt.
function(via_add_folder folder)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
        add_subdirectory("${folder}")
    endif()
endfunction()

# Adds every subfolder that has a CMakeLists.txt, in byte order.
function(via_add_subfolders)
    file(GLOB lists CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt")
    list(SORT lists)
    foreach(list IN LISTS lists)
        get_filename_component(folder "${list}" DIRECTORY)
        add_subdirectory("${folder}")
    endforeach()
endfunction()
