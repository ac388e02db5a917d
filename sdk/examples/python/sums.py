# SPDX-License-Identifier: Apache-2.0
"""Functions for other processes, and their calls. usage: sums.py serve | call"""
import pathlib
import sys

import viaduct

INTERFACE = pathlib.Path(__file__).resolve().parents[1] / "sums.rpc.json"
ADDRESS = "unix:sums"


def mean(values: "list[float]") -> float:
    if not values:
        raise viaduct.CallFailed("nothing_to_add")
    return sum(values) / len(values)


def serve() -> None:
    with viaduct.listen(ADDRESS, layers="rpc", options={"rpc.interface": INTERFACE}) as listener:
        with viaduct.Rpc(listener.accept(timeout=10), viaduct.Interface.read(INTERFACE)) as rpc:
            rpc.serve({"add": lambda a, b: a + b, "mean": mean})
            rpc.run()


def call() -> None:
    with viaduct.rpc(ADDRESS, timeout=5) as sums:
        print("40 + 2 =", sums.add(40, 2))
        print("the mean of 1, 2 and 6 is", sums.mean(values=[1, 2, 6]))
        try:
            sums.mean([])
        except viaduct.RemoteError as error:
            print("of nothing:", error.name)


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else call()
