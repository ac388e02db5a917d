# SPDX-License-Identifier: Apache-2.0
# What the tests of an installation start from: an empty folder, into which this build is installed. Sourced.
# shellcheck shell=bash
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$XDG_RUNTIME_DIR
unset VIADUCT_PLUGIN_PATH # the installed library finds its own

fail() {
    echo "$*" >&2
    exit 1
}

# Says nothing unless it fails.
quietly() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "failed: $*"; }
}

# install_below BUILD PREFIX [DESTDIR]: from here on, $prefix is where it lies, and pkg-config and the loader find it.
install_below() {
    prefix=${3:-}$2
    [ ! -e "$prefix" ] || fail "$prefix is there already"
    DESTDIR=${3:-} quietly cmake --install "$1" --prefix "$2"
    libraries=$(dirname "$(find "$prefix" -name libviaduct.so)")
    export PKG_CONFIG_PATH=$libraries/pkgconfig LD_LIBRARY_PATH=$libraries
}

# words NAME COMMAND...: the words that a command prints, as an array.
words() {
    local -n into=$1
    read -ra into <<<"$("${@:2}")"
}

# The compilers, and clang beside gcc where it is there: what one has built the others have to take.
compilers() {
    printf '%s %s\n' "$1" "$2"
    if [[ $1 != *clang* ]] && command -v clang++ >/dev/null; then
        echo clang clang++
    fi
}
