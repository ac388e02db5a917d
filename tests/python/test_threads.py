# SPDX-License-Identifier: Apache-2.0
"""Many threads on one channel, closing at any time, forks."""
import contextlib
import os
import signal
import threading
import unittest

import viaduct
from test_channel import LIMIT, PAIRS, pair


class Threads(unittest.TestCase):
    def test_receivers_share_what_comes(self):
        """The main thread sleeps in Python, the others in C; none of them may be forgotten."""
        for scheme in PAIRS:
            with self.subTest(scheme), pair(scheme) as (a, b):
                got, count = [], 3000

                def take():
                    with contextlib.suppress(viaduct.ClosedError):
                        while True:
                            got.append(int(bytes(b.recv(LIMIT))))

                def send():
                    for number in range(count):
                        a.send(b"%d" % number, more=number % 3 < 2, timeout=LIMIT)
                    a.finish(LIMIT)

                threads = [threading.Thread(target=each) for each in (take, take, take, send)]
                for each in threads:
                    each.start()
                take()
                for each in threads:
                    each.join()
                self.assertEqual(sorted(got), list(range(count)))

    def test_senders_share_a_channel(self):
        with pair() as (a, b):
            def send(first):
                for number in range(first, 1000, 4):
                    a.send(b"%d" % number, timeout=LIMIT)

            threads = [threading.Thread(target=send, args=(first,)) for first in range(4)]
            for each in threads:
                each.start()
            got = [int(bytes(b.recv(LIMIT))) for _ in range(1000)]
            for each in threads:
                each.join()
            self.assertEqual(sorted(got), list(range(1000)))
            self.assertEqual([n for n in got if n % 4 == 1], list(range(1, 1000, 4)), "each sender's own order")

    def test_closing_ends_the_calls_of_others(self):
        for scheme in PAIRS:
            with self.subTest(scheme), pair(scheme) as (a, b):
                ended, entered = [], threading.Barrier(4)

                def take():
                    entered.wait(LIMIT)
                    with self.assertRaises((viaduct.CanceledError, viaduct.ClosedError)):
                        b.recv()
                    ended.append(True)

                threads = [threading.Thread(target=take) for _ in range(3)]
                for each in threads:
                    each.start()
                entered.wait(LIMIT)
                b.close()
                for each in threads:
                    each.join()
                self.assertEqual(len(ended), 3)
                self.assertIsNone(b._handle._address)

    def test_another_thread_ends_what_the_main_thread_waits_for(self):
        for end in ("close", "interrupt"):
            with self.subTest(end), pair() as (a, b), viaduct.listen("unix:quiet") as listener:
                for source, call in ((b, b.recv), (listener, listener.accept)):
                    asleep = threading.Event()
                    wake = source._handle.sleepers  # filled when it goes to sleep

                    def finish():
                        while not wake:
                            asleep.wait(0.001)
                        getattr(source, end)()

                    closer = threading.Thread(target=finish)
                    closer.start()
                    with self.assertRaises((viaduct.CanceledError, viaduct.ClosedError)):
                        call()
                    closer.join()

    def test_a_set_reports_many(self):
        with viaduct.WaitSet() as waits, viaduct.listen("unix:many") as listener:
            waits.add(listener)
            dialled = [viaduct.dial("unix:many", timeout=LIMIT) for _ in range(10)]
            accepted, seen = [], 0
            while seen < 10:
                for source, events in waits.wait(LIMIT):
                    if source is listener:
                        with contextlib.suppress(viaduct.TimeoutError):
                            accepted.append(listener.accept(0))
                            waits.add(accepted[-1])
                            dialled[len(accepted) - 1].send(b"x", timeout=LIMIT)
                    else:
                        self.assertEqual(events, viaduct.Event.READ)
                        with contextlib.suppress(viaduct.TimeoutError):
                            source.recv(0)
                            seen += 1
            self.assertEqual(len(accepted), 10)
            self.assertEqual(waits.wait(0), [])
            with viaduct.WaitSet() as other, self.assertRaises(viaduct.BusyError):
                other.add(listener)
            waits.remove(listener)
            with self.assertRaises(viaduct.NotFoundError):
                waits.remove(listener)
            threading.Timer(0.01, waits.wake).start()
            self.assertEqual(waits.wait(LIMIT), [])
            for each in dialled + accepted:
                each.close()

    def test_what_was_kept_counts_as_ready(self):
        with pair() as (a, b), viaduct.WaitSet() as waits:
            waits.add(b)
            a.send(b"0123456789", timeout=LIMIT)
            with self.assertRaises(viaduct.BufferTooSmallError):
                b.recv_into(bytearray(1), LIMIT)
            self.assertEqual(waits.wait(LIMIT), [(b, viaduct.Event.READ)])


class Fork(unittest.TestCase):
    def test_a_child_is_told_and_disturbs_nobody(self):
        with pair() as (a, b), viaduct.WaitSet() as waits, viaduct.listen("unix:parent") as listener:
            waits.add(b)
            with contextlib.suppress(viaduct.TimeoutError):
                b.recv(0.01)  # the descriptor for signals is there, too
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    for call in (lambda: a.send(b"x"), b.recv, lambda: a.info, lambda: listener.accept(0), lambda: waits.wait(0)):
                        with self.assertRaises(viaduct.ForkError):
                            call()
                    for each in (a, b, waits, listener):
                        each.close()
                    with viaduct.dial("unix:parent", timeout=LIMIT) as own:
                        own.send(b"from the child", timeout=LIMIT)
                    code = 0
                finally:
                    os._exit(code)
            with listener.accept(LIMIT) as channel:
                self.assertEqual(channel.recv(LIMIT), b"from the child")
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            a.send(b"still here", timeout=LIMIT)
            self.assertEqual(b.recv(LIMIT), b"still here")

    def test_the_death_of_the_other_end_is_told(self):
        with viaduct.listen("shm:victim") as listener:
            child = os.fork()
            if child == 0:
                with viaduct.dial("shm:victim", timeout=LIMIT) as channel:
                    channel.send(b"alive", timeout=LIMIT)
                    signal.pause()
            with listener.accept(LIMIT) as channel:
                self.assertEqual(channel.recv(LIMIT), b"alive")
                self.assertEqual(channel.peer.pid, child)
                os.kill(child, signal.SIGKILL)
                with self.assertRaises(ConnectionError) as caught:
                    channel.recv(LIMIT)
                self.assertIsInstance(caught.exception, viaduct.PeerError)
                self.assertEqual(channel.failure.status, viaduct.Status.EPEER)
            os.waitpid(child, 0)


if __name__ == "__main__":
    unittest.main()
