#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The commands of daily work. Each does its own set-up: packages that are missing
# on a Debian machine are installed (as root or through sudo), nothing else is.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

build_packages=(cmake ninja-build gcc libc6-dev pkg-config patch xz-utils libuv1-dev
    libsodium-dev libipsec-mb-dev libssl-dev libc-ares-dev libb2-dev libcmocka-dev check scdoc)
test_packages=(wireguard-go wireguard-tools dnsmasq-base iperf3 tcpdump curl iproute2 nftables
    python3 python3-pytest chromium valgrind qemu-system-x86 busybox-static systemd
    netcat-openbsd socat proxychains4 dante-client python3-socks python3-prometheus-client openssh-client openssh-server
    bind9-dnsutils git nodejs openssl)
fuzz_packages=(clang libclang-rt-dev llvm)
bench_packages=(python3 iproute2 util-linux wireguard-go wireguard-tools microsocks openvpn openssl binutils valgrind)
lint_packages=(clang-format clang-tidy cppcheck)

usage()
{
    cat >&2 <<'END'
usage: ./dev.sh COMMAND
  build           build the program, build/release/src/wgproxy
  test            build with sanitizers and warnings as errors, run every test
  demo [--once]   a far WireGuard endpoint and a client of it on this machine
  bench [--quick | --rounds N] [--write]
                  measure the release beside the others; tests/bench/install brings those
  bench --instructions [--write]
                  count instructions per packet; fails when they are 5 % more than before
  fuzz SECONDS    run every fuzzer for that long
  lint            format, static analysis, layers
END
    exit 2
}

fail()
{
    echo "dev.sh: $1" >&2
    exit 1
}

# Elsewhere than on Debian, CMake says what is missing.
install_missing()
{
    command -v dpkg-query >/dev/null || return 0
    local package missing=() as_root=()
    for package in "$@"; do
        if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null && sudo true ||
            fail "as root, first run: apt-get install --no-install-recommends ${missing[*]}"
        as_root=(sudo)
    fi
    echo "dev.sh: installing ${missing[*]}"
    "${as_root[@]}" apt-get -qq update || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "could not install: ${missing[*]}"
}

# What drives Chromium in a test. It is no package of Debian, and no more than that test is lost without it. Other
# sources of Node.js bring npm along; there Debian's own would not install.
install_playwright()
{
    command -v npm >/dev/null || install_missing npm
    mkdir -p build/playwright
    cp tests/interop/browser/package.json tests/interop/browser/package-lock.json build/playwright/
    (cd build/playwright && npm ci --ignore-scripts --no-audit --no-fund --silent) ||
        echo "dev.sh: playwright-core could not be installed: the test that needs it will be skipped" >&2
}

# build_preset <preset> [cmake option ...]; the target is in $target
build_preset()
{
    local preset=$1
    shift
    if command -v ninja >/dev/null; then
        export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
    fi
    cmake --preset "$preset" "$@"
    cmake --build "build/$preset" --parallel "$(nproc)" --target "${target:-all}"
}

run_build()
{
    install_missing "${build_packages[@]}"
    target=wgproxy build_preset release -DWGPROXY_TESTS=OFF
}

# A line for each reason. pytest says "SKIPPED [3] test_life.py:45: reason", the others "SKIPPED: reason".
tell_skips()
{
    awk '/^SKIPPED \[[0-9]+\] / { n = substr($2, 2) + 0; sub(/^SKIPPED \[[0-9]+\] [^ ]+ /, ""); sum[$0] += n }
        sub(/^SKIPPED: /, "") { sum[$0]++ }
        END { for (why in sum) printf "dev.sh: %d skipped: %s\n", sum[why], why }' "$1" | sort
}

# run_ctest <preset> <selection ...>
run_ctest()
{
    local preset=$1 status=0
    shift
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "$@" || status=$?
    tell_skips "build/$preset/Testing/Temporary/LastTest.log"
    return "$status"
}

# The release meets the other implementations, and the simulation's many seeds; the units run in both
# builds, since the optimiser and the sanitizers see other faults. What is about time, valgrind or a browser
# stays with the release. Those that take minutes wait more than they work: they run beside the sanitizers' tests.
run_test()
{
    local failed=
    local asan_leaves_out='rekey|outside|weather|ground|transfer|names|life|memory|check|browser|doors|clients|limits'
    install_missing "${build_packages[@]}" "${test_packages[@]}"
    install_playwright
    build_preset release -DWGPROXY_WERROR=ON
    build_preset asan -DWGPROXY_WERROR=ON
    WGPROXY_ALLOWEDIPS_LOOKUPS=10000000 \
        run_ctest release -L '^(unit|interop|kernel|sim)$' -LE '^slow$' || failed=" release"
    run_ctest release -L '^slow$' -E '^lwip/' >build/slow.log 2>&1 &
    local slow=$!
    run_ctest asan -E "^(kernel/.*|interop/($asan_leaves_out))$" || failed+=" asan"
    wait "$slow" || failed+=" slow"
    cat build/slow.log
    [ -z "$failed" ] || fail "tests failed in:$failed"
}

# What the demo shows must not need root, so root gives its rights up first.
run_demo()
{
    install_missing "${build_packages[@]}"
    mkdir -p build
    echo "dev.sh: building; what the compiler says goes to build/demo-build.log" >&2
    target=wgproxy build_preset release -DWGPROXY_TESTS=OFF >build/demo-build.log 2>&1 || {
        cat build/demo-build.log >&2
        fail "the build failed"
    }
    local program=$PWD/build/release/src/wgproxy
    if [ "$(id -u)" != 0 ]; then
        exec "$program" demo "$@"
    fi
    local as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    if "${as_nobody[@]}" test -x "$program"; then
        exec "${as_nobody[@]}" "$program" demo "$@"
    fi

    # The checkout lies where that user may not look: run a copy.
    local copy status=0 child
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    install -m 755 "$program" "$copy/"
    chmod 755 "$copy"
    cd "$copy"
    "${as_nobody[@]}" ./wgproxy demo "$@" &
    child=$!
    trap 'kill "$child" 2>/dev/null' INT TERM HUP
    while kill -0 "$child" 2>/dev/null; do
        wait "$child" && status=0 || status=$?
    done
    exit "$status"
}

run_bench()
{
    install_missing "${build_packages[@]}" "${bench_packages[@]}"
    mkdir -p build
    echo "dev.sh: building; what the compiler says goes to build/bench-build.log" >&2
    { target=wgproxy build_preset release && target=bench-programs build_preset release; } >build/bench-build.log 2>&1 || {
        cat build/bench-build.log >&2
        fail "the build failed"
    }
    exec tests/bench/run "$@"
}

run_fuzz()
{
    [[ ${1:-} =~ ^[1-9][0-9]*$ ]] || usage
    install_missing "${build_packages[@]}" "${fuzz_packages[@]}"
    target=fuzzers build_preset fuzz
    local program corpus name found
    while read -r program corpus; do
        name=$(basename "$program")
        found=build/fuzz/found/$name
        mkdir -p "$found" build/fuzz/corpus/"$name"
        echo "dev.sh: $name for $1 s"
        "build/fuzz/$program" -max_total_time="$1" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
            -print_final_stats=1 -artifact_prefix="$found/" build/fuzz/corpus/"$name" "$corpus" ||
            fail "$name failed: the input is in $found"
    done <build/fuzz/fuzzers.txt
}

run_lint()
{
    install_missing "${build_packages[@]}" "${lint_packages[@]}"
    build_preset debug
    tests/lint/run build/debug
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
build | test | demo | bench | fuzz | lint) "run_$command" "$@" ;;
*) usage ;;
esac
