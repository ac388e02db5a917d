# SPDX-License-Identifier: Apache-2.0
# What an installation has besides the commands and the plugins, which are installed where they are built: library,
# headers, kit, schemas, pkg-config and CMake files.
include_guard(GLOBAL)

set_target_properties(via PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS viaduct LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/include/viaduct" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

install(TARGETS via_kit via_kit_json ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/kit" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/viaduct-kit"
    FILES_MATCHING PATTERN "*.h")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/manifests/schema" DESTINATION "${CMAKE_INSTALL_DATADIR}/viaduct")

set(pc_folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH VIADUCT_PC_TO_PREFIX "/${pc_folder}" "/")
foreach(pc IN ITEMS viaduct viaduct-plugin)
    configure_file("${PROJECT_SOURCE_DIR}/sdk/pkgconfig/${pc}.pc.in" "${PROJECT_BINARY_DIR}/${pc}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${pc}.pc" DESTINATION "${pc_folder}")
endforeach()

set(cmake_folder "${CMAKE_INSTALL_LIBDIR}/cmake/Viaduct")
file(RELATIVE_PATH VIADUCT_CMAKE_TO_PREFIX "/${cmake_folder}" "/")
configure_file("${PROJECT_SOURCE_DIR}/sdk/cmake/ViaductConfig.cmake.in" "${PROJECT_BINARY_DIR}/ViaductConfig.cmake" @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ViaductConfigVersion.cmake" COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ViaductConfig.cmake" "${PROJECT_BINARY_DIR}/ViaductConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/sdk/cmake/ViaAddPlugin.cmake" DESTINATION "${cmake_folder}")
