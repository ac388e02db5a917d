# SPDX-License-Identifier: Apache-2.0
"""Pasting 5 MiB: `via paste` beside the program that everybody has (xclip, wl-paste), from either one's copy.

Whole commands take turns in one run. One byte is pasted as well: what that takes is the start of the command, and what 5 MiB take
beyond it is the transfer. usage: bench_clipboard.py x11|wayland VIA [ROUNDS]
"""
import os
import statistics
import subprocess
import sys
import time

PEERS = {
    "x11": ("xclip", ["xclip", "-selection", "clipboard", "-i"], ["xclip", "-selection", "clipboard", "-o"]),
    "wayland": ("wl-clipboard", ["wl-copy"], ["wl-paste", "--no-newline"]),
}
LARGE = 5 << 20


def copy(command, content):
    # What the command leaves behind must not hold a pipe of ours.
    subprocess.run(command, input=content, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def paste(command):
    """Milliseconds."""
    begin = time.perf_counter_ns()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.perf_counter_ns() - begin) / 1e6


def in_turn(commands, rounds):
    """Medians."""
    times = [[] for _ in commands]
    for _ in range(rounds):
        for taken, command in zip(times, commands):
            taken.append(paste(command))
    return [statistics.median(taken) for taken in times]


def main():
    display, via = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    name, peer_copy, peer_paste = PEERS[display]
    via_paste = [via, "paste", "--backend", display, "--no-newline"]
    large = os.urandom(LARGE // 2).hex().encode()
    print("copied by      via paste  " + f"{name:>12}   ratio   without the start   ratio")
    for owner, command in ((name, peer_copy), ("via", [via, "copy", "--backend", display])):
        copy(command, b"x")
        ours_start, theirs_start = in_turn((via_paste, peer_paste), rounds)
        copy(command, large)
        for each in (via_paste, peer_paste):
            if subprocess.run(each, stdout=subprocess.PIPE, check=True).stdout != large:
                sys.exit(f"{each[0]} pasted something else than {owner} had copied")
        ours, theirs = in_turn((via_paste, peer_paste), rounds)
        ours_alone, theirs_alone = ours - ours_start, theirs - theirs_start
        print(
            f"{owner:<12} {ours:8.1f} ms  {theirs:8.1f} ms {ours / theirs:7.2f}   "
            f"{ours_alone:6.1f} ms {theirs_alone:6.1f} ms {ours_alone / theirs_alone:6.2f}"
        )


if __name__ == "__main__":
    main()
