# SPDX-License-Identifier: Apache-2.0
"""Shared bytes, the clipboard, descriptors, a child process."""
import os
import signal
import threading
import unittest

import viaduct
from test_channel import LIMIT, pair
from test_signals import Waits


class Regions(unittest.TestCase):
    def test_bytes_are_shared(self):
        with viaduct.join("shm:board", "region", size="64KiB") as one, viaduct.join("shm:board", "region") as two:
            ours, theirs = viaduct.Region(one), viaduct.Region(two)
            self.assertEqual((ours.size, theirs.size), (65536, 65536))
            with ours.lock(LIMIT) as state:
                self.assertEqual(state, viaduct.RegionState.CONSISTENT)
                ours.data[:5] = b"hello"
                with self.assertRaises(viaduct.TimeoutError), theirs.lock(0):
                    pass
            self.assertEqual(theirs.data[:5], b"hello")
            waiter = threading.Timer(0.02, ours.notify)
            waiter.start()
            self.assertEqual(theirs.wait(LIMIT), 1)
            with self.assertRaises(viaduct.TimeoutError):
                theirs.wait(0)
            with theirs.lock(LIMIT):
                theirs.grow(128 * 1024)
            self.assertEqual(len(ours.data), 128 * 1024)

    def test_a_view_outlives_its_channel(self):
        with viaduct.join("shm:kept", "region", size="4KiB") as channel:
            data = viaduct.Region(channel).data
            data[0] = 7
        self.assertTrue(channel.closed)
        self.assertEqual(data[0], 7)
        data.release()
        del data
        self.assertIsNone(channel._handle._address)

    def test_ctrl_c_ends_waiting_for_lock_and_notice(self):
        with viaduct.join("shm:busy", "region") as one, viaduct.join("shm:busy", "region") as two:
            ours, theirs = viaduct.Region(one), viaduct.Region(two)
            with ours.lock(LIMIT):
                with self.assertRaises(KeyboardInterrupt), Waits():
                    theirs.lock().__enter__()
            with self.assertRaises(KeyboardInterrupt), Waits():
                theirs.wait()
            with theirs.lock(LIMIT):
                pass

    def test_a_reader_cannot_write(self):
        with viaduct.join("shm:read", "region"), viaduct.join("shm:read", "region", access="read") as reader:
            self.assertTrue(viaduct.Region(reader).data.readonly)
            with self.assertRaises(viaduct.PermissionError), viaduct.Region(reader).lock(LIMIT):
                pass

    def test_other_channels_have_none(self):
        with pair() as (a, _), self.assertRaises(viaduct.NotSupportedError):
            viaduct.Region(a).data


class Clipboard(unittest.TestCase):
    def test_copy_and_paste(self):
        viaduct.copy("good morning", backend="embedded")
        message = viaduct.paste(backend="embedded")
        self.assertEqual(message.decode(), "good morning")
        self.assertTrue(message.type.startswith("text/plain"), message.type)

    def test_several_formats(self):
        with viaduct.join("clipboard:", "value", backend="embedded") as one, viaduct.join("clipboard:", "value", backend="embedded") as two:
            offers, reader = viaduct.Offers(one), viaduct.Offers(two)
            offers.publish({"text/html": b"<b>x</b>", "text/plain": b"x"}, LIMIT)
            self.assertEqual(reader.types(LIMIT)[0], "text/html")
            self.assertEqual(reader.receive("image/*,text/html", LIMIT), b"<b>x</b>")
            with self.assertRaises(viaduct.WrongTypeError):
                reader.receive("image/png", LIMIT)
            seen = reader.wait(LIMIT)
            offers.clear(LIMIT)
            self.assertNotEqual(reader.wait(LIMIT), seen)
            self.assertEqual(reader.types(LIMIT), [])
            with self.assertRaises(viaduct.NotFoundError):
                reader.receive(timeout=LIMIT)


class Handles(unittest.TestCase):
    def test_descriptors_travel(self):
        with viaduct.listen("unix:fds", handles=True) as listener:
            taken = []
            taker = threading.Thread(target=lambda: taken.append(listener.accept(LIMIT)))
            taker.start()
            with viaduct.dial("unix:fds", timeout=LIMIT, handles=True) as a:
                taker.join()
                with taken[0] as b:
                    read, write = os.pipe()
                    viaduct.send_handles(a, b"a pipe", [write], LIMIT)
                    os.close(write)
                    self.assertEqual(b.recv(LIMIT), b"a pipe")
                    (theirs,) = viaduct.take_handles(b)
                    os.write(theirs, b"through it")
                    os.close(theirs)
                    self.assertEqual(os.read(read, 100), b"through it")
                    self.assertEqual(os.read(read, 100), b"")
                    os.close(read)
                    self.assertEqual(viaduct.take_handles(b), [])


class Children(unittest.TestCase):
    def test_how_a_child_ends(self):
        with viaduct.dial("exec:cat", timeout=LIMIT) as channel:
            cat = viaduct.Process(channel)
            os.kill(cat.pid, 0)
            with self.assertRaises(viaduct.TimeoutError):
                cat.wait(0)
            cat.kill(signal.SIGTERM)
            self.assertEqual(cat.wait(LIMIT), viaduct.Exit(None, signal.SIGTERM, False))
            with self.assertRaises(viaduct.NotFoundError):
                cat.kill(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
