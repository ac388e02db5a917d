# SPDX-License-Identifier: Apache-2.0
# How a plugin is built, sealed, tested and installed. Owns: via_add_plugin(). Must never name a plugin.
#
#   via_add_plugin(<name> SOURCES <file>... MANIFEST <file> [LIBRARIES <target>...] [FIXTURE <folder>]
#                  [ON <plugin>:<scheme>:<pattern>...])
#
# makes the target via_<name>: via_<name>.so with everything hidden but its entry, linked with the kit and the public
# headers only, and its manifest with `abi` and `sha256` written in by `via seal`; both side by side in the folder of
# this build's plugins, and installed. For each scheme and pattern that the manifest claims it registers the conformance
# suite as a test of its own, conformance.<name>.<scheme>.<pattern>; there is no way to leave it out.
#
# ON is for layers: what each filter of the manifest is tested on, at least once for each pattern that it claims, as
# conformance.<name>.<layer>.<scheme>.<pattern>. A terminal layer carries no messages, so the suite cannot ask it anything.
#
# FIXTURE puts the plugin into <folder> instead, neither installed nor tested: for plugins that tests load because they
# are wrong on purpose or carry no messages.
include_guard(GLOBAL)

function(via_add_plugin name)
    cmake_parse_arguments(arg "" "MANIFEST;FIXTURE" "SOURCES;LIBRARIES;ON" ${ARGN})
    if(NOT arg_SOURCES OR NOT arg_MANIFEST OR arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "via_add_plugin(${name}): expected SOURCES <file>... MANIFEST <file>, "
            "then perhaps LIBRARIES, FIXTURE or ON; left over: '${arg_UNPARSED_ARGUMENTS}'")
    endif()
    get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE)
    set(folder "${VIADUCT_PLUGIN_OUTPUT_DIRECTORY}")
    if(arg_FIXTURE)
        set(folder "${arg_FIXTURE}")
    endif()
    via_plugin_library("${name}" "${manifest}" "${folder}" "${arg_SOURCES}" "${arg_LIBRARIES}")
    if(NOT arg_FIXTURE)
        via_plugin_install("${name}" "${folder}")
        via_plugin_conformance("${name}" "${manifest}" "${folder}/${name}.json" ${arg_ON})
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

# Installing with --strip, as packages do, changes the library: its manifest is then sealed again.
function(via_plugin_install name folder)
    set(component "")
    if(VIADUCT_PLUGIN_COMPONENT)
        set(component COMPONENT "${VIADUCT_PLUGIN_COMPONENT}")
    endif()
    set(to "${VIADUCT_PLUGIN_INSTALL_DIRECTORY}")
    install(FILES "${folder}/via_${name}.so" "${folder}/${name}.json" DESTINATION "${to}" ${component})
    if(NOT TARGET via OR NOT CMAKE_STRIP)
        return()
    endif()
    install(CODE "
        if(CMAKE_INSTALL_DO_STRIP)
            set(installed \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${to}\")
            execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-unneeded --remove-section=.comment
                \"\${installed}/via_${name}.so\" COMMAND_ERROR_IS_FATAL ANY)
            execute_process(COMMAND \"$<TARGET_FILE:via>\" seal \"\${installed}/${name}.json\"
                \"\${installed}/via_${name}.so\" COMMAND_ERROR_IS_FATAL ANY)
        endif()" ${component})
endfunction()

# One test for each scheme and pattern of the manifest; for each filter and pattern, on what it is to be tested on.
function(via_plugin_conformance name manifest sealed)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
    if(NOT VIADUCT_TESTS)
        return()
    endif()
    file(READ "${manifest}" text)
    string(JSON kind ERROR_VARIABLE wrong GET "${text}" kind)
    if(kind STREQUAL "layer")
        via_layer_conformance("${name}" "${manifest}" "${text}" "${ARGN}")
        return()
    endif()
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

function(via_layer_conformance name manifest text stacks)
    string(JSON count ERROR_VARIABLE wrong LENGTH "${text}" layers)
    if(wrong OR count EQUAL 0)
        message(FATAL_ERROR "${manifest}: expected an object \"layers\" with at least one layer (${wrong})")
    endif()
    math(EXPR last_layer "${count} - 1")
    foreach(i RANGE ${last_layer})
        string(JSON layer MEMBER "${text}" layers ${i})
        string(JSON terminal ERROR_VARIABLE none GET "${text}" layers "${layer}" terminal)
        string(JSON patterns ERROR_VARIABLE wrong LENGTH "${text}" layers "${layer}" patterns)
        if(wrong OR patterns EQUAL 0)
            message(FATAL_ERROR "${manifest}: layer ${layer}: expected a list \"patterns\" (${wrong})")
        endif()
        if(terminal)
            continue()
        endif()
        math(EXPR last_pattern "${patterns} - 1")
        foreach(j RANGE ${last_pattern})
            string(JSON pattern GET "${text}" layers "${layer}" patterns ${j})
            via_layer_conformance_on("${name}" "${layer}" "${pattern}" "${stacks}")
        endforeach()
    endforeach()
endfunction()

# The transport is one of this build, or an installed one.
function(via_layer_conformance_on name layer pattern stacks)
    list(FILTER stacks INCLUDE REGEX "^[^:]+:[^:]+:${pattern}$")
    if(NOT stacks)
        message(FATAL_ERROR "via_add_plugin(${name}): layer ${layer} is for ${pattern}; say on what it is to be tested: "
            "ON <plugin>:<scheme>:${pattern}")
    endif()
    foreach(item IN LISTS stacks)
        string(REPLACE ":" ";" parts "${item}")
        list(GET parts 0 plugin)
        list(GET parts 1 scheme)
        set(folder "${VIADUCT_PLUGIN_OUTPUT_DIRECTORY}")
        if(NOT TARGET via_${plugin} AND viaduct_plugin_folder)
            set(folder "${viaduct_plugin_folder}")
        endif()
        set(test "conformance.${name}.${layer}.${scheme}.${pattern}")
        add_test(NAME "${test}" COMMAND via-conformance --manifest "${folder}/${plugin}.json" --scheme "${scheme}"
            --pattern "${pattern}" --layers "${layer}" --layer-folder "${VIADUCT_PLUGIN_OUTPUT_DIRECTORY}")
        set_tests_properties("${test}" PROPERTIES LABELS "conformance;threads" TIMEOUT 600)
    endforeach()
endfunction()
