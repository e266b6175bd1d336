# SPDX-License-Identifier: MIT
#
# The libraries that come from the machine, as targets dep_*. A missing one costs
# one line that names the package to install.

find_program(WGPROXY_PKG_CONFIG NAMES "$ENV{PKG_CONFIG}" pkg-config pkgconf)
if(NOT WGPROXY_PKG_CONFIG)
  message(FATAL_ERROR "pkg-config is missing: install the package pkg-config")
endif()
find_package(PkgConfig REQUIRED QUIET)

set(WGPROXY_MISSING "")

# wgproxy_dependency(<target> <pkg-config spec> <Debian package>)
function(wgproxy_dependency target spec package)
  pkg_check_modules(${target} QUIET IMPORTED_TARGET ${spec})
  if(NOT ${target}_FOUND)
    message(NOTICE "wgproxy: ${spec} is missing: install the package ${package}")
    set(WGPROXY_MISSING ${WGPROXY_MISSING} ${package} PARENT_SCOPE)
    return()
  endif()
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE PkgConfig::${target})
endfunction()

wgproxy_dependency(dep_uv "libuv>=1.40" libuv1-dev)
wgproxy_dependency(dep_sodium "libsodium>=1.0.18" libsodium-dev)
wgproxy_dependency(dep_cares "libcares>=1.17" libc-ares-dev)
wgproxy_dependency(dep_b2 "libb2>=0.98" libb2-dev)
# Only faster with it: where it is missing, libsodium works the packets. Its pkg-config file comes with
# later versions than Debian 12's.
if(WGPROXY_IPSEC_MB AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  find_path(WGPROXY_IPSEC_MB_INCLUDE intel-ipsec-mb.h)
  find_library(WGPROXY_IPSEC_MB_LIBRARY IPSec_MB)
  mark_as_advanced(WGPROXY_IPSEC_MB_INCLUDE WGPROXY_IPSEC_MB_LIBRARY)
  if(WGPROXY_IPSEC_MB_INCLUDE AND WGPROXY_IPSEC_MB_LIBRARY)
    add_library(dep_ipsec_mb INTERFACE)
    target_include_directories(dep_ipsec_mb SYSTEM INTERFACE "${WGPROXY_IPSEC_MB_INCLUDE}")
    target_link_libraries(dep_ipsec_mb INTERFACE "${WGPROXY_IPSEC_MB_LIBRARY}")
  else()
    message(NOTICE "wgproxy: intel-ipsec-mb is missing, packets will cost three to four times as much: "
      "install the package libipsec-mb-dev")
  endif()
endif()
# Without it there is no TLS between clients and the proxies, and a configuration that asks for it is refused.
if(WGPROXY_OPENSSL)
  pkg_check_modules(dep_openssl QUIET IMPORTED_TARGET "libssl>=1.1.1" "libcrypto>=1.1.1")
  if(dep_openssl_FOUND)
    add_library(dep_openssl INTERFACE)
    target_link_libraries(dep_openssl INTERFACE PkgConfig::dep_openssl)
  else()
    message(NOTICE "wgproxy: libssl is missing, CertFile will be refused: install the package libssl-dev")
  endif()
endif()
if(WGPROXY_TESTS)
  wgproxy_dependency(dep_cmocka "cmocka>=1.1.5" libcmocka-dev)
endif()

if(WGPROXY_MISSING)
  list(JOIN WGPROXY_MISSING " " missing)
  message(FATAL_ERROR "cannot build without: ${missing}")
endif()
