# SPDX-License-Identifier: Apache-2.0
"""Messages over every transport: sending, receiving, loans, ending."""
import array
import contextlib
import gc
import os
import threading
import unittest

import viaduct

PAIRS = ("unix:", "tcp:", "pipe:", "shm:")
LIMIT = 20  # seconds; nothing here takes as long


def address_of(scheme, name):
    return "tcp://127.0.0.1:0" if scheme == "tcp:" else f"{scheme}{name}"


@contextlib.contextmanager
def pair(scheme="unix:", name="pair", **options):
    """Two ends in one process."""
    with viaduct.listen(address_of(scheme, name)) as listener:
        taken = []
        taker = threading.Thread(target=lambda: taken.append(listener.accept(LIMIT)))
        taker.start()
        with viaduct.dial(listener.address, timeout=LIMIT, **options) as dialled:
            taker.join()
            with taken[0] as accepted:
                yield dialled, accepted


class Pairs(unittest.TestCase):
    def test_a_message_arrives_whole_over_every_transport(self):
        for scheme in PAIRS:
            for size in (0, 1, 4096, 4097, 300_000):
                with self.subTest(scheme=scheme, size=size), pair(scheme) as (a, b):
                    sent = os.urandom(size)
                    sender = threading.Thread(target=a.send, args=(sent,), kwargs={"timeout": LIMIT})
                    sender.start()
                    message = b.recv(LIMIT)
                    sender.join()
                    self.assertEqual(message, sent)
                    self.assertEqual((len(message), bytes(message), message.copy()), (size, sent, sent))

    def test_everything_with_a_buffer_can_be_sent(self):
        with pair() as (a, b):
            numbers = array.array("i", range(4))
            for data in (b"text", bytearray(b"text"), memoryview(b"text"), memoryview(b"_text_")[1:5], numbers):
                a.send(data)
                self.assertEqual(b.recv(LIMIT), bytes(memoryview(data).cast("B")))
            with self.assertRaisesRegex(TypeError, "encode it first"):
                a.send("text")
            with self.assertRaises(BufferError):
                a.send(memoryview(b"abcdef")[::2])

    def test_buffers_are_joined(self):
        with pair() as (a, b):
            a.sendv([b"one ", bytearray(b"two "), memoryview(b"three")], timeout=LIMIT)
            a.sendv([], timeout=LIMIT)
            self.assertEqual(b.recv(LIMIT), b"one two three")
            self.assertEqual(b.recv(LIMIT), b"")

    def test_iteration_ends_with_the_other_end(self):
        with pair() as (a, b):
            for number in range(100):
                a.send(b"%d" % number, more=number < 99)
            a.finish(LIMIT)
            self.assertEqual([int(message.decode()) for message in b], list(range(100)))
            with self.assertRaises(viaduct.ClosedError):
                b.recv(LIMIT)
            with self.assertRaises(EOFError):
                b.recv(0)
            b.send(b"still open", timeout=LIMIT)
            self.assertEqual(a.recv(LIMIT).decode(), "still open")

    def test_a_timeout_takes_nothing(self):
        with pair() as (a, b):
            for timeout in (0, 0.01):
                with self.assertRaises(TimeoutError) as caught:
                    b.recv(timeout)
                self.assertIsInstance(caught.exception, viaduct.TimeoutError)
                self.assertEqual(caught.exception.status, viaduct.Status.ETIMEDOUT)
            with self.assertRaisesRegex(ValueError, "seconds"):
                b.recv(-1)
            a.send(b"later")
            self.assertEqual(b.recv(LIMIT), b"later")

    def test_a_full_channel_blocks_its_sender(self):
        with pair() as (a, b):
            sent = 0
            with self.assertRaises(viaduct.TimeoutError):
                while True:
                    a.send(bytes([sent % 256]) * 65536, timeout=0.02)
                    sent += 1
            self.assertGreater(sent, 0)
            for number in range(sent):
                self.assertEqual(b.recv(LIMIT)[0], number % 256)
            a.send(b"room again", timeout=LIMIT)
            a.drain(LIMIT)
            self.assertEqual(b.recv(LIMIT), b"room again")

    def test_a_large_message_leaves_before_send_returns(self):
        with pair() as (a, b):
            got = []
            reader = threading.Thread(target=lambda: got.append(len(b.recv(LIMIT))))
            reader.start()
            a.send(b"x" * 8_000_000)
            reader.join()
            self.assertEqual(got, [8_000_000])
            self.assertEqual(a.stats.backlog_bytes, 0)

    def test_receiving_into_a_buffer(self):
        with pair() as (a, b):
            a.send(b"0123456789", timeout=LIMIT)
            small, large = bytearray(4), bytearray(20)
            with self.assertRaises(viaduct.BufferTooSmallError) as caught:
                b.recv_into(small, LIMIT)
            self.assertEqual(caught.exception.needed, 10)
            self.assertEqual(b.recv_into(large, LIMIT), 10)
            self.assertEqual(large[:10], b"0123456789")

    def test_closing_is_final(self):
        with pair() as (a, b):
            a.close()
            a.close()
            self.assertTrue(a.closed)
            for call in (lambda: a.send(b"x"), a.recv, lambda: a.info, a.flush):
                with self.assertRaisesRegex(viaduct.ClosedError, "closed here"):
                    call()
            with self.assertRaises(viaduct.ClosedError):
                b.recv(LIMIT)

    def test_an_unclosed_channel_is_told(self):
        with viaduct.listen("unix:forgotten") as listener:
            channel = viaduct.dial(listener.address, timeout=LIMIT)
            with self.assertWarnsRegex(ResourceWarning, "unclosed <viaduct.Channel unix:"):
                del channel
                gc.collect()


class Memory(unittest.TestCase):
    def test_what_a_view_shows_outlives_message_and_channel(self):
        for scheme in PAIRS:
            with self.subTest(scheme), pair(scheme) as (a, b):
                sent = os.urandom(70_000)
                threading.Thread(target=a.send, args=(sent,)).start()
                message = b.recv(LIMIT)
                view = message.data[1000:2000]
                self.assertTrue(view.readonly)
                message.release()
                with self.assertRaisesRegex(ValueError, "released"):
                    len(message)
                b.close()
                self.assertTrue(b._handle.lent)
                self.assertEqual(view, sent[1000:2000])
                del view
                self.assertFalse(b._handle.lent)
                self.assertIsNone(b._handle._address)

    def test_a_message_that_is_held_survives_its_channel(self):
        with pair("shm:") as (a, b):
            a.send(b"y" * 50_000, timeout=LIMIT)
            with b.recv(LIMIT) as first:
                self.assertEqual(len(b._handle.lent), 1)
                self.assertEqual(first[0], ord("y"))
            self.assertEqual(len(b._handle.lent), 0)
            a.send(b"z" * 50_000, timeout=LIMIT)
            second = b.recv(LIMIT)
            b.close()
            self.assertIsNone(b._handle._address)
            self.assertEqual(second, b"z" * 50_000)

    def test_messages_go_back_from_any_thread(self):
        with pair("shm:", ring="256KiB") as (a, b):
            def send():
                for number in range(200):
                    a.send(bytes([number]) * 20_000, timeout=LIMIT)

            sender = threading.Thread(target=send)
            sender.start()
            for number in range(200):
                message = b.recv(LIMIT)
                self.assertEqual(message.data[-1], number)
                other = threading.Thread(target=message.release)
                other.start()
                other.join()
            sender.join()

    def test_a_loan_is_written_in_place(self):
        for scheme in PAIRS:
            with self.subTest(scheme), pair(scheme) as (a, b):
                with a.loan(10, LIMIT) as loan:
                    loan.data[:] = b"0123456789"
                    loan.size = 5
                self.assertEqual(b.recv(LIMIT), b"01234")
                with self.assertRaisesRegex(ValueError, "sent or discarded"):
                    loan.commit()
                with self.assertRaises(KeyError), a.loan(10, LIMIT) as loan:
                    raise KeyError
                with a.loan(0, LIMIT):
                    pass
                self.assertEqual(b.recv(LIMIT), b"")
                self.assertFalse(a._handle.lent)

    def test_nobody_writes_to_a_loan_that_was_sent(self):
        with pair("shm:") as (a, b):
            with self.assertRaisesRegex(BufferError, "still in use"):
                with a.loan(10, LIMIT) as loan:
                    view = loan.data[2:]
            self.assertTrue(a._handle.lent)
            view[0] = 1
            del view
            self.assertFalse(a._handle.lent)
            a.send(b"next", timeout=LIMIT)
            self.assertEqual(b.recv(LIMIT), b"next")

    def test_a_loan_that_does_not_fit_can_be_tried_again(self):
        with pair() as (a, b):
            with self.assertRaises(viaduct.TimeoutError):
                while True:
                    a.send(b"x" * 65536, timeout=0)
            loan = a.loan(100_000, LIMIT)
            loan.data[:3] = b"abc"
            with self.assertRaises(viaduct.TimeoutError):
                loan.commit(timeout=0)
            self.assertEqual(loan.data[:3], b"abc")
            a_closer = threading.Thread(target=lambda: [None for _ in b])
            a_closer.start()
            loan.commit(LIMIT)
            a.finish(LIMIT)
            a_closer.join()


class Patterns(unittest.TestCase):
    def test_a_queue(self):
        with viaduct.join("unix:jobs", "pull") as pull, viaduct.join("unix:jobs", "push", timeout=LIMIT) as push:
            for number in range(10):
                push.send(b"%d" % number, timeout=LIMIT)
            self.assertEqual([int(bytes(pull.recv(LIMIT))) for _ in range(10)], list(range(10)))
            with self.assertRaises(viaduct.NotSupportedError):
                pull.send(b"x", timeout=LIMIT)

    def test_a_topic_has_keys(self):
        with viaduct.join("shm:prices", viaduct.Role.PUBLISH) as publish:
            with viaduct.join("shm:prices", "subscribe", timeout=LIMIT, filter="fx") as subscribe:
                publish.send(b"no", key="metal.gold", timeout=LIMIT)
                publish.send(b"yes", key="fx.eur", timeout=LIMIT)
                message = subscribe.recv(LIMIT)
                self.assertEqual((bytes(message), message.key), (b"yes", "fx.eur"))

    def test_priorities(self):
        with viaduct.join("mq:urgent", "pull") as pull, viaduct.join("mq:urgent", "push", timeout=LIMIT) as push:
            push.send(b"later", priority=1, timeout=LIMIT)
            push.send(b"now", priority=9, timeout=LIMIT)
            self.assertEqual([pull.recv(LIMIT).priority for _ in range(2)], [9, 1])

    def test_a_value_is_the_newest(self):
        with viaduct.join("shm:state", "value") as one, viaduct.join("shm:state", "value") as two:
            one.send(b"1", timeout=LIMIT)
            one.send(b"2", timeout=LIMIT)
            self.assertEqual(two.recv(LIMIT), b"2")

    def test_a_child_is_a_peer(self):
        with viaduct.dial("exec:sort?framing=line", timeout=LIMIT) as sort:
            for word in (b"pear", b"apple"):
                sort.send(word, timeout=LIMIT)
            sort.finish(LIMIT)
            self.assertEqual([message.decode() for message in sort], ["apple", "pear"])

    def test_a_role_is_one_of_six(self):
        with self.assertRaisesRegex(ValueError, "push, pull"):
            viaduct.join("unix:x", "pusher")


if __name__ == "__main__":
    unittest.main()
