# SPDX-License-Identifier: Apache-2.0
# How a plugin is built, sealed, tested and installed. Owns: via_add_plugin(). Must never name a plugin.
#
#   via_add_plugin(<name> SOURCES <file>... MANIFEST <file> [LIBRARIES <target>...] [FIXTURE <folder>])
#
# makes the target via_<name>: via_<name>.so with everything hidden but its entry, linked with the kit and the public
# headers only, and its manifest with `abi` and `sha256` written in by `via seal`; both side by side in the folder of
# this build's plugins, and installed. For each scheme and pattern that the manifest claims it registers the conformance
# suite as a test of its own, conformance.<name>.<scheme>.<pattern>; there is no way to leave it out.
#
# FIXTURE puts the plugin into <folder> instead, neither installed nor tested: for plugins that tests load because they
# are wrong on purpose or carry no messages.
include_guard(GLOBAL)

function(via_add_plugin name)
    cmake_parse_arguments(arg "" "MANIFEST;FIXTURE" "SOURCES;LIBRARIES" ${ARGN})
    if(NOT arg_SOURCES OR NOT arg_MANIFEST OR arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "via_add_plugin(${name}): expected SOURCES <file>... MANIFEST <file>, "
            "then perhaps LIBRARIES or FIXTURE; left over: '${arg_UNPARSED_ARGUMENTS}'")
    endif()
    get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE)
    set(folder "${VIADUCT_PLUGIN_OUTPUT_DIRECTORY}")
    if(arg_FIXTURE)
        set(folder "${arg_FIXTURE}")
    endif()
    via_plugin_library("${name}" "${manifest}" "${folder}" "${arg_SOURCES}" "${arg_LIBRARIES}")
    if(NOT arg_FIXTURE)
        install(FILES "${folder}/via_${name}.so" "${folder}/${name}.json"
            DESTINATION "${VIADUCT_PLUGIN_INSTALL_DIRECTORY}")
        via_plugin_conformance("${name}" "${manifest}" "${folder}/${name}.json")
    endif()
endfunction()

# The module, and beside it the sealed manifest. The manifest is a dependency of the link, so that a change in either
# seals again; a manifest that does not fit its library fails the build here.
function(via_plugin_library name manifest folder sources libraries)
    file(MAKE_DIRECTORY "${folder}")
    add_library(via_${name} MODULE ${sources})
    target_link_libraries(via_${name} PRIVATE via_kit viaduct_headers ${libraries})
    target_link_options(via_${name} PRIVATE -Wl,--exclude-libs,ALL)
    set_target_properties(via_${name} PROPERTIES PREFIX "" OUTPUT_NAME via_${name} C_VISIBILITY_PRESET hidden
        LIBRARY_OUTPUT_DIRECTORY "${folder}" LINK_DEPENDS "${manifest}")
    if(NOT TARGET via) # a tree without the command: nothing can seal, and the host refuses what is not sealed
        return()
    endif()
    add_dependencies(via_${name} via)
    add_custom_command(TARGET via_${name} POST_BUILD VERBATIM
        COMMAND via seal "${manifest}" $<TARGET_FILE:via_${name}> "${folder}/${name}.json")
endfunction()

# One test for each scheme and pattern of the manifest.
function(via_plugin_conformance name manifest sealed)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
    if(NOT VIADUCT_TESTS)
        return()
    endif()
    file(READ "${manifest}" text)
    string(JSON count ERROR_VARIABLE wrong LENGTH "${text}" schemes)
    if(wrong OR count EQUAL 0)
        message(FATAL_ERROR "${manifest}: expected an object \"schemes\" with at least one scheme (${wrong})")
    endif()
    math(EXPR last_scheme "${count} - 1")
    foreach(i RANGE ${last_scheme})
        string(JSON scheme MEMBER "${text}" schemes ${i})
        string(JSON patterns ERROR_VARIABLE wrong LENGTH "${text}" schemes "${scheme}" patterns)
        if(wrong OR patterns EQUAL 0)
            message(FATAL_ERROR "${manifest}: scheme ${scheme}: expected a list \"patterns\" (${wrong})")
        endif()
        math(EXPR last_pattern "${patterns} - 1")
        foreach(j RANGE ${last_pattern})
            string(JSON pattern GET "${text}" schemes "${scheme}" patterns ${j})
            set(test "conformance.${name}.${scheme}.${pattern}")
            add_test(NAME "${test}" COMMAND via-conformance --manifest "${sealed}" --scheme "${scheme}"
                --pattern "${pattern}")
            set_tests_properties("${test}" PROPERTIES LABELS "conformance;threads" TIMEOUT 600)
        endforeach()
    endforeach()
endfunction()
