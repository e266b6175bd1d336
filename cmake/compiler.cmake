# SPDX-License-Identifier: MIT
#
# How every file is compiled. `wgproxy_common` is for all code, borrowed or ours;
# `wgproxy_strict` adds the warnings that our own code has to pass.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# No -DNDEBUG: the assertions guard keys and nonces, and a release keeps them.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

if(WGPROXY_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT WGPROXY_LTO_WORKS LANGUAGES C)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${WGPROXY_LTO_WORKS})
  # The program is linked from the intermediate form, the hundred tests from the finished code beside it.
  if(WGPROXY_LTO_WORKS AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-ffat-lto-objects)
  endif()
endif()

add_library(wgproxy_common INTERFACE)
target_compile_definitions(wgproxy_common INTERFACE _GNU_SOURCE)
target_compile_options(wgproxy_common INTERFACE
  -fno-strict-aliasing
  -fno-common
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
)

if(WGPROXY_SANITIZE)
  set(sanitize -fsanitize=${WGPROXY_SANITIZE} -fno-sanitize-recover=all)
  target_compile_options(wgproxy_common INTERFACE ${sanitize} -fno-omit-frame-pointer)
  target_link_options(wgproxy_common INTERFACE ${sanitize})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT WGPROXY_COVERAGE)
  target_compile_options(wgproxy_common INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  target_link_options(wgproxy_common INTERFACE -Wl,-z,relro,-z,now)
endif()

if(WGPROXY_COVERAGE)
  target_compile_options(wgproxy_common INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(wgproxy_common INTERFACE --coverage)
endif()

if(WGPROXY_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "WGPROXY_FUZZ needs clang: cmake --preset fuzz chooses it")
  endif()
  target_compile_options(wgproxy_common INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Sign conversions are left out: indices and lengths would drown in casts.
add_library(wgproxy_strict INTERFACE)
target_link_libraries(wgproxy_strict INTERFACE wgproxy_common)
target_compile_options(wgproxy_strict INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wconversion -Wno-sign-conversion -Wpointer-arith -Wwrite-strings -Wvla -Wundef
  -Wformat=2 -Wimplicit-fallthrough
  $<$<BOOL:${WGPROXY_WERROR}>:-Werror>
)
target_compile_definitions(wgproxy_strict INTERFACE WGPROXY_VERSION="${PROJECT_VERSION}")
