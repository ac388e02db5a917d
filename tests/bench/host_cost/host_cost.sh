#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the host adds to one via_send(): nanoseconds by the clock, instructions by callgrind.
# usage: host_cost.sh HOST_COST FOLDER_OF_PLUGINS      fails if more than 28 instructions are added
set -eu
program=$1
plugins=$2
count=10000
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$program" "$plugins" both

instructions() { # of one loop, a message
    # A compiler adds to the name of a function that it has changed for its callers. A plugin in a sealed memory file has no
    # name that valgrind can read symbols from: load the real file.
    VIADUCT_LOAD=direct valgrind --tool=callgrind --callgrind-out-file="$folder/$1" --toggle-collect="host_cost_$1*" \
        "$program" "$plugins" "$1" "$count" >"$folder/$1.log" 2>&1 || { cat "$folder/$1.log" >&2; exit 1; }
    awk '/^(totals|summary):/ { total = $2 } END { print total }' "$folder/$1"
}

command -v valgrind >/dev/null || { echo "host_cost.sh: valgrind is missing: apt-get install valgrind" >&2; exit 1; }
direct=$(instructions direct)
private=$(VIADUCT_STATS=0 instructions host)
host=$(instructions host)
awk -v direct="$direct" -v host="$host" -v private="$private" -v count="$count" 'BEGIN {
    added = (host - direct) / count
    printf "instructions %5.1f   %8.1f  %6.1f   (at most 28 may be added)\n", direct / count, host / count, added
    printf "of them for a counter page, beside VIADUCT_STATS=0: %.1f\n", (host - private) / count
    exit direct == 0 || added > 28
}'
