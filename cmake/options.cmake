# SPDX-License-Identifier: MIT
#
# Everything that a builder can choose, with the defaults of a plain `cmake -B build`.

option(WGPROXY_TESTS "Build the tests" ON)
option(WGPROXY_WERROR "Treat warnings as errors" OFF)
option(WGPROXY_LTO "Optimise across files when linking, where the compiler can" OFF)
option(WGPROXY_COVERAGE "Count executed lines, for gcov" OFF)
option(WGPROXY_FUZZ "Build the fuzzers with libFuzzer (needs clang)" OFF)

option(WGPROXY_IPSEC_MB "Seal and open packets with intel-ipsec-mb, where it is installed" ON)

option(WGPROXY_OPENSSL "TLS to the proxies by OpenSSL, where it is installed" ON)

set(WGPROXY_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")
set(WGPROXY_LWIP_SOURCE "" CACHE PATH "lwIP 2.2.1 source to use instead of the fetched one")
set(WGPROXY_INIH_SOURCE "" CACHE PATH "inih 59 source to use instead of the fetched one")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Kind of build" FORCE)
endif()
