# SPDX-License-Identifier: Apache-2.0
# What an installation consists of: command, library, plugins, headers, kit, pkg-config and CMake files.
# Plugins are copied byte for byte (FILES, not TARGETS): their manifests hold the hash of what was built.
include_guard(GLOBAL)

if(TARGET via)
    set_target_properties(via PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
    install(TARGETS via RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
if(TARGET viaduct)
    install(TARGETS viaduct LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/include/viaduct" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

if(TARGET via_kit)
    install(TARGETS via_kit ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/kit" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/viaduct-kit"
        FILES_MATCHING PATTERN "*.h")
endif()

install(DIRECTORY "${PROJECT_SOURCE_DIR}/manifests/schema" DESTINATION "${CMAKE_INSTALL_DATADIR}/viaduct")

set(pc_folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH VIADUCT_PC_TO_PREFIX "/${pc_folder}" "/")
foreach(pc IN ITEMS viaduct viaduct-plugin)
    configure_file("${PROJECT_SOURCE_DIR}/sdk/pkgconfig/${pc}.pc.in" "${PROJECT_BINARY_DIR}/${pc}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${pc}.pc" DESTINATION "${pc_folder}")
endforeach()
