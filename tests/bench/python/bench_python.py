# SPDX-License-Identifier: Apache-2.0
"""Round trips between two Python processes: viaduct over unix: and shm:, and multiprocessing.connection over AF_UNIX.

They take turns in one run, so that a busy machine is as busy for each; the ratios say more than the times. usage: bench_python.py [COUNT]
"""
import multiprocessing
import multiprocessing.connection
import os
import statistics
import sys
import time

import viaduct

SIZES = (64, 4096, 65536)
ROUNDS = 5


def echo_viaduct(address):
    with viaduct.listen(address) as listener, listener.accept(30) as channel:
        for message in channel:
            channel.send(message.data)


def echo_standard(address):
    with multiprocessing.connection.Listener(address, "AF_UNIX") as listener, listener.accept() as connection:
        while True:
            try:
                connection.send_bytes(connection.recv_bytes())
            except EOFError:
                return


def dial_standard(address):
    while not os.path.exists(address):
        time.sleep(0.01)
    return multiprocessing.connection.Client(address, "AF_UNIX")


def microseconds(send, receive, data, count):
    """The median of one round trip."""
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        send(data)
        receive()
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1000


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    plain = os.path.join(os.environ["XDG_RUNTIME_DIR"], "standard.sock")
    servers = [multiprocessing.Process(target=echo_viaduct, args=(address,)) for address in ("unix:py", "shm:py")]
    servers.append(multiprocessing.Process(target=echo_standard, args=(plain,)))
    for server in servers:
        server.start()
    with viaduct.dial("unix:py", 30) as unix, viaduct.dial("shm:py", 30) as shm, dial_standard(plain) as standard:
        contenders = {
            "standard": (standard.send_bytes, standard.recv_bytes),
            "unix:": (unix.send, unix.recv),
            "shm:": (shm.send, shm.recv),
        }
        print("bytes   multiprocessing.connection      unix:              shm:")
        for size in SIZES:
            data, told = bytes(size), {name: [] for name in contenders}
            for _ in range(ROUNDS):
                for name, (send, receive) in contenders.items():
                    told[name].append(microseconds(send, receive, data, count // ROUNDS))
            best = {name: min(each) for name, each in told.items()}
            print(
                f"{size:<7} {best['standard']:>8.1f} us                "
                + "".join(f"{best[name]:>8.1f} us (x{best[name] / best['standard']:.2f})" for name in ("unix:", "shm:"))
            )
    for server in servers:
        server.join()


if __name__ == "__main__":
    main()
