# SPDX-License-Identifier: MIT
#
# The words that src/ and tests/ are described with:
#
#   wgproxy_module(wg SOURCES wg.c peer.c LINK base dep_sodium dep_b2)
#   wgproxy_program(wgproxy SOURCES main.c LINK app io config)
#   wgproxy_test(unit/wg/replay SOURCES test_replay.c LINK wg [LABELS slow] [TIMEOUT 60])
#   wgproxy_script_test(interop/curl COMMAND python3 curl.py [LABELS ..] [TIMEOUT ..])
#   wgproxy_fuzzer(ini SOURCES fuzz_ini.c LINK config CORPUS corpus/ini)
#
# In LINK, a module goes by its plain name and everything else by its target's.
# A module passes its own headers and those of the modules it links on to its
# users; the dep_* that it links stay its own business.

# One line per fuzzer, program and corpus, for `dev.sh fuzz`.
set(WGPROXY_FUZZERS "${PROJECT_BINARY_DIR}/fuzzers.txt")
file(WRITE "${WGPROXY_FUZZERS}" "")
add_custom_target(fuzzers)

set(WGPROXY_MODULES base wg stack dns proxy config control io app cmd)

# Add each of the directories that exists, so that a module needs no line elsewhere.
function(wgproxy_add_directories)
  foreach(directory IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${directory}/CMakeLists.txt")
      add_subdirectory(${directory})
    endif()
  endforeach()
endfunction()

function(wgproxy_link target module_scope)
  foreach(name IN LISTS ARGN)
    if(name IN_LIST WGPROXY_MODULES)
      target_link_libraries(${target} ${module_scope} wgp_${name})
    else()
      target_link_libraries(${target} PRIVATE ${name})
    endif()
  endforeach()
endfunction()

function(wgproxy_module name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINK")
  add_library(wgp_${name} STATIC ${ARG_SOURCES})
  target_include_directories(wgp_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(wgp_${name} PRIVATE wgproxy_strict)
  wgproxy_link(wgp_${name} PUBLIC ${ARG_LINK})
endfunction()

function(wgproxy_program name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINK")
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${name} PRIVATE wgproxy_strict)
  wgproxy_link(${name} PRIVATE ${ARG_LINK})
endfunction()

# What every test gets: labels (the first part of its name among them), a time
# limit, and the places of the tree. A script says "not here" by exit code 77.
function(wgproxy_describe_test name labels timeout)
  string(REGEX MATCH "^[^/]+" family "${name}")
  if(NOT timeout)
    set(timeout 900) # ends what hangs, on a busy machine too
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${family};${labels}"
    TIMEOUT ${timeout}
    ENVIRONMENT "WGPROXY_SOURCE_DIR=${PROJECT_SOURCE_DIR};WGPROXY_BUILD_DIR=${PROJECT_BINARY_DIR};\
ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1;\
UBSAN_OPTIONS=print_stacktrace=1"
  )
endfunction()

# Optimising each test across files at its link costs more than all else of the build.
function(wgproxy_link_plainly target)
  set_target_properties(${target} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_link_options(${target} PRIVATE -fno-lto)
  endif()
endfunction()

function(wgproxy_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "TIMEOUT" "SOURCES;LINK;LABELS")
  string(REPLACE "/" "-" target "test-${name}")
  wgproxy_program(${target} SOURCES ${ARG_SOURCES} LINK ${ARG_LINK} dep_cmocka)
  wgproxy_link_plainly(${target})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_compile_definitions(${target} PRIVATE
    WGPROXY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${target})
  wgproxy_describe_test(${name} "${ARG_LABELS}" "${ARG_TIMEOUT}")
endfunction()

function(wgproxy_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "TIMEOUT" "COMMAND;LABELS")
  add_test(NAME ${name} COMMAND ${ARG_COMMAND}
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  wgproxy_describe_test(${name} "${ARG_LABELS}" "${ARG_TIMEOUT}")
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

# With WGPROXY_FUZZ a libFuzzer program; else the same function fed with its corpus
# once, as the test fuzz/<name>.
function(wgproxy_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "CORPUS" "SOURCES;LINK")
  set(target fuzz-${name})
  set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/${ARG_CORPUS}")
  if(WGPROXY_FUZZ)
    wgproxy_program(${target} SOURCES ${ARG_SOURCES} LINK ${ARG_LINK})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    wgproxy_program(${target} LINK ${ARG_LINK}
      SOURCES ${ARG_SOURCES} "${PROJECT_SOURCE_DIR}/cmake/fuzz_replay.c")
    wgproxy_link_plainly(${target})
    add_test(NAME fuzz/${name} COMMAND ${target} "${corpus}")
    wgproxy_describe_test(fuzz/${name} "" "")
  endif()
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  set_source_files_properties(${ARG_SOURCES} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
  file(RELATIVE_PATH program "${PROJECT_BINARY_DIR}" "${CMAKE_CURRENT_BINARY_DIR}/${target}")
  file(APPEND "${WGPROXY_FUZZERS}" "${program} ${corpus}\n")
  add_dependencies(fuzzers ${target})
endfunction()
