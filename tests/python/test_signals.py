# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C ends every call that waits, at once, and takes no message with it."""
import contextlib
import os
import signal
import sys
import threading
import time
import unittest

import viaduct
from test_channel import LIMIT, PAIRS, address_of, pair

SOON = 5  # seconds; far more than the tenth of one that is meant, far less than for ever


class Waits:
    """Sends SIGINT when the main thread has gone to sleep in the kernel."""

    def __init__(self):
        self.thread = threading.Thread(target=self._interrupt)
        self.main = threading.main_thread().native_id

    def _state(self):
        with open(f"/proc/self/task/{self.main}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]

    def _interrupt(self):
        asleep = 0
        while asleep < 20:  # not just waiting for the interpreter's lock
            asleep = asleep + 1 if self._state() == "S" else 0
            threading.Event().wait(0.002)
        self.when = time.monotonic()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *exception):
        self.thread.join()
        self.late = time.monotonic() - self.when


class CtrlC(unittest.TestCase):
    def interrupts(self, call):
        with self.assertRaises(KeyboardInterrupt):
            with Waits() as waits:
                call()
        self.assertLess(waits.late, SOON)
        self.assertEqual(signal.set_wakeup_fd(-1), -1, "the descriptor for signals is as it was")

    def test_receiving(self):
        for scheme in PAIRS:
            with self.subTest(scheme), pair(scheme) as (a, b):
                self.interrupts(b.recv)
                a.send(b"not lost", timeout=LIMIT)
                self.assertEqual(b.recv(LIMIT), b"not lost")

    def test_sending_to_a_full_channel(self):
        for scheme in PAIRS:
            with self.subTest(scheme), pair(scheme) as (a, b):
                with contextlib.suppress(viaduct.TimeoutError):
                    while True:
                        a.send(b"x" * 50_000, timeout=0)
                self.interrupts(lambda: [a.send(b"y" * 50_000) for _ in range(1000)])  # a system may find some room yet
                first = []
                reader = threading.Thread(target=lambda: first.extend(chr(message[0]) for message in b))
                reader.start()
                a.send(b"z", timeout=LIMIT)
                a.finish(LIMIT)
                reader.join()
                self.assertRegex("".join(first), "^x+y*z$")

    def test_a_large_message_that_is_leaving(self):
        with pair() as (a, b):
            self.interrupts(lambda: a.send(b"x" * 8_000_000))
            threading.Thread(target=a.drain, args=(LIMIT,)).start()
            self.assertEqual(len(b.recv(LIMIT)), 8_000_000)

    def test_accepting_and_dialling(self):
        for scheme in PAIRS:
            with self.subTest(scheme), viaduct.listen(address_of(scheme, "quiet")) as listener:
                self.interrupts(listener.accept)
                with viaduct.dial(listener.address, timeout=LIMIT) if scheme != "pipe:" else contextlib.nullcontext():
                    pass
        self.interrupts(lambda: viaduct.dial("unix:nobody"))
        self.interrupts(lambda: viaduct.join("unix:nobody", "push"))

    def test_a_set(self):
        with pair() as (a, b), viaduct.WaitSet() as waits:
            waits.add(b)
            self.interrupts(waits.wait)
            a.send(b"x")
            self.assertEqual(waits.wait(LIMIT), [(b, viaduct.Event.READ)])

    def test_draining(self):
        with pair() as (a, b):
            a.send(b"x" * 8_000_000, timeout=0.01)
            self.interrupts(a.drain)
            with self.assertRaises(viaduct.TimeoutError) as caught:
                a.drain(0.01)
            self.assertGreater(caught.exception.undelivered, 0)
            threading.Thread(target=a.drain, args=(LIMIT,)).start()
            self.assertEqual(len(b.recv(LIMIT)), 8_000_000)

    def test_who_listened_for_signals_before_still_hears_them(self):
        heard, rings = os.pipe2(os.O_NONBLOCK)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.set_wakeup_fd(rings)
        try:
            with pair() as (a, b):
                timer = threading.Timer(0.05, lambda: (os.kill(os.getpid(), signal.SIGUSR1), a.send(b"x")))
                timer.start()
                b.recv(LIMIT)
                timer.join()
            self.assertEqual(os.read(heard, 10), bytes([signal.SIGUSR1]))
            self.assertEqual(signal.set_wakeup_fd(rings), rings)
        finally:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
            os.close(heard)
            os.close(rings)

    def test_waiting_costs_no_processor_time(self):
        with pair() as (a, b):
            before = time.process_time()
            with self.assertRaises(viaduct.TimeoutError):
                b.recv(1.0)
            self.assertLess(time.process_time() - before, 0.2)


class Handlers:
    """Of signals that raise again and again, wherever the main thread is. Before Python 3.11 a handler can raise just as a function
    returns, and what it returns is lost, whichever function it is."""

    class Alarm(Exception):
        pass

    def setUp(self):
        self.inside = False
        self.alarms = 0
        signal.signal(signal.SIGALRM, self._ring)

    def tearDown(self):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _ring(self, *_):
        if self.inside:
            self.inside = False
            self.alarms += 1
            raise self.Alarm

    def _take(self, receive):
        """The next message, however often the handler raises."""
        while True:
            message = None
            try:
                self.inside = True
                message = receive()
                self.inside = False
            except self.Alarm:
                pass
            if message is not None:
                return message

    def _storm(self, scheme, size, count):
        with pair(scheme) as (a, b):
            def send():
                for number in range(count):
                    a.send(b"%08d" % number + bytes(size), timeout=LIMIT)

            sender = threading.Thread(target=send)
            sender.start()
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            got = [int(bytes(self._take(lambda: b.recv(LIMIT)).data[:8])) for _ in range(count)]
            signal.setitimer(signal.ITIMER_REAL, 0)
            sender.join()
            self.assertEqual(got, list(range(count)))
            self.assertFalse(b._handle.lent)


@unittest.skipIf(sys.version_info < (3, 11), "see above")
class Storm(Handlers, unittest.TestCase):
    def test_no_message_is_lost(self):
        for scheme in ("unix:", "shm:"):
            for size in (10, 10_000):
                with self.subTest(scheme=scheme, size=size):
                    self._storm(scheme, size, 800)
        self.assertGreater(self.alarms, 0)

    def test_nobody_who_dials_is_lost(self):
        with viaduct.listen("unix:storm") as listener:
            def dial():
                for number in range(100):
                    with viaduct.dial("unix:storm", timeout=LIMIT) as channel:
                        channel.send(b"%d" % number, timeout=LIMIT)

            dialler = threading.Thread(target=dial)
            dialler.start()
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            for number in range(100):
                channel = self._take(lambda: listener.accept(LIMIT))
                self.assertEqual(int(bytes(self._take(lambda: channel.recv(LIMIT)))), number)
                channel.close()
            signal.setitimer(signal.ITIMER_REAL, 0)
            dialler.join()


if __name__ == "__main__":
    unittest.main()
