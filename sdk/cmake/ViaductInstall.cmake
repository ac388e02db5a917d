# SPDX-License-Identifier: Apache-2.0
# What an installation has besides the commands and the plugins, which are installed where they are built: library,
# headers, kit, pkg-config and CMake files.
include_guard(GLOBAL)

set_target_properties(via PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS viaduct LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT lib NAMELINK_COMPONENT dev)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/include/viaduct" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev)

install(TARGETS via_kit via_kit_json ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/kit" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/viaduct-kit" COMPONENT dev
    FILES_MATCHING PATTERN "*.h")
# CMake strips no archive, rightly: it would take all symbols. What goes here is of use to a debugger, or to the very compiler
# that built it; the code stays.
if(CMAKE_STRIP)
    foreach(archive IN ITEMS via_kit via_kit_json)
        install(CODE "
            if(CMAKE_INSTALL_DO_STRIP)
                execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-debug --enable-deterministic-archives --wildcard
                    --remove-section=.comment --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_*
                    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/lib${archive}.a\"
                    COMMAND_ERROR_IS_FATAL ANY)
            endif()" COMPONENT dev)
    endforeach()
endif()

set(pc_folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH VIADUCT_PC_TO_PREFIX "/${pc_folder}" "/")
foreach(pc IN ITEMS viaduct viaduct-plugin)
    configure_file("${PROJECT_SOURCE_DIR}/sdk/pkgconfig/${pc}.pc.in" "${PROJECT_BINARY_DIR}/${pc}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${pc}.pc" DESTINATION "${pc_folder}" COMPONENT dev)
endforeach()

set(cmake_folder "${CMAKE_INSTALL_LIBDIR}/cmake/Viaduct")
file(RELATIVE_PATH VIADUCT_CMAKE_TO_PREFIX "/${cmake_folder}" "/")
configure_file("${PROJECT_SOURCE_DIR}/sdk/cmake/ViaductConfig.cmake.in" "${PROJECT_BINARY_DIR}/ViaductConfig.cmake" @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ViaductConfigVersion.cmake" COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ViaductConfig.cmake" "${PROJECT_BINARY_DIR}/ViaductConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/sdk/cmake/ViaAddPlugin.cmake" DESTINATION "${cmake_folder}" COMPONENT dev)

# What `via new-plugin` makes builds against this tree, too, before anything is installed.
file(WRITE "${PROJECT_BINARY_DIR}/lib/pkgconfig/viaduct-plugin.pc" "Name: viaduct-plugin
Description: What a Viaduct plugin is built with, in the build tree
Version: ${PROJECT_VERSION}
Cflags: -D_GNU_SOURCE -I${PROJECT_SOURCE_DIR}/sdk/include -I${PROJECT_SOURCE_DIR}/sdk
Libs: -L${PROJECT_BINARY_DIR}/lib -lvia_kit -pthread
")
install(FILES "${PROJECT_SOURCE_DIR}/sdk/completion/via" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
    COMPONENT tools)
