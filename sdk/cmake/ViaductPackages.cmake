# SPDX-License-Identifier: Apache-2.0
# Debian packages, by CPack: libviaduct1, viaduct-plugins, viaduct-tools, libviaduct-dev, python3-viaduct. Owns: what they are called, what they
# depend on and what they say. What is in them is said where it is installed (COMPONENT lib, plugins, tools, dev, python).
#
#   make deb, or: cpack -G DEB in a build tree
include_guard(GLOBAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME viaduct)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "pluggable transports for inter-process communication")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL lib plugins tools dev)
if(VIADUCT_PYTHON)
    list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)

# As devscripts has it: who builds a package says who he is.
if(DEFINED ENV{DEBEMAIL})
    set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
else()
    set(CPACK_PACKAGE_CONTACT "The Viaduct developers <root@localhost>")
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SOURCE viaduct)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}") # `via` links our own library
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)

set(CPACK_COMPONENT_TOOLS_DEPENDS lib)
set(CPACK_COMPONENT_DEV_DEPENDS lib tools)
set(CPACK_COMPONENT_PYTHON_DEPENDS lib)

# Below the summary, which is everybody's; CPack indents.
set(about "Viaduct loads each mechanism of inter-process communication (sockets, pipes,
shared memory, message queues, the clipboard) as a plugin that a text file
names; programs send and receive messages and never know which one it is.
.")

set(CPACK_DEBIAN_LIB_PACKAGE_NAME libviaduct1)
set(CPACK_DEBIAN_LIB_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIB_PACKAGE_RECOMMENDS viaduct-plugins)
set(CPACK_DEBIAN_LIB_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/sdk/packaging/debian/shlibs;${PROJECT_SOURCE_DIR}/sdk/packaging/debian/triggers")
set(CPACK_DEBIAN_LIB_DESCRIPTION "${about}
This package holds the library that programs link.")

# The libraries of displays are opened when a display is used: machines without one need none.
set(CPACK_DEBIAN_PLUGINS_PACKAGE_NAME viaduct-plugins)
set(CPACK_DEBIAN_PLUGINS_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PLUGINS_PACKAGE_SUGGESTS "libxcb1, libxcb-xfixes0, libwayland-client0")
set(CPACK_DEBIAN_PLUGINS_PACKAGE_ENHANCES libviaduct1)
set(CPACK_DEBIAN_PLUGINS_DESCRIPTION "${about}
This package holds the plugins that come with it.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME viaduct-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_TOOLS_PACKAGE_RECOMMENDS viaduct-plugins)
set(CPACK_DEBIAN_TOOLS_DESCRIPTION "${about}
This package holds the command via, which sends and receives messages from a
shell, checks and explains configuration and measures, the conformance suite
for plugins, and the schemas of the configuration files.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libviaduct-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "cmake, pkg-config, libjansson-dev")
set(CPACK_DEBIAN_DEV_DESCRIPTION "${about}
This package holds headers, the helper library for plugins, and files for
CMake and pkg-config.")

# Nothing in it is compiled, so one package is for every architecture.
set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-viaduct)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.9)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS viaduct-plugins)
set(CPACK_DEBIAN_PYTHON_DESCRIPTION "${about}
This package holds the module viaduct for Python 3.")

# ---- what every package says of itself ----

find_program(VIADUCT_GZIP gzip)
mark_as_advanced(VIADUCT_GZIP)
if(NOT VIADUCT_GZIP)
    return() # no Debian; CPack's other generators need none of it
endif()
string(TIMESTAMP package_date "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH, where that is set
set(package_folder "${PROJECT_BINARY_DIR}/packaging")
configure_file("${PROJECT_SOURCE_DIR}/sdk/packaging/debian/changelog.in" "${package_folder}/changelog.Debian" @ONLY)
configure_file("${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${package_folder}/changelog" COPYONLY)
foreach(file IN ITEMS changelog.Debian changelog)
    execute_process(COMMAND "${VIADUCT_GZIP}" -9 -n -f "${package_folder}/${file}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
    string(TOUPPER "${component}" upper)
    install(FILES "${package_folder}/changelog.Debian.gz" "${package_folder}/changelog.gz"
        "${PROJECT_SOURCE_DIR}/sdk/packaging/debian/copyright" COMPONENT "${component}" EXCLUDE_FROM_ALL
        DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
endforeach()

include(CPack)
