# SPDX-License-Identifier: Apache-2.0
"""The same in an event loop: messages, cancelling, work that nobody waits for."""
import asyncio
import contextlib
import os
import threading
import time
import unittest

import viaduct
import viaduct.aio
from test_channel import LIMIT, PAIRS, address_of


@contextlib.asynccontextmanager
async def pair(scheme="unix:", name="aio"):
    async with viaduct.aio.listen(address_of(scheme, name)) as listener:
        accepting = asyncio.ensure_future(listener.accept(LIMIT))
        async with viaduct.aio.dial(listener.address, timeout=LIMIT) as dialled, await accepting as accepted:
            yield dialled, accepted


class Aio(unittest.IsolatedAsyncioTestCase):
    async def test_messages_go_both_ways(self):
        for scheme in PAIRS:
            with self.subTest(scheme):
                async with pair(scheme) as (a, b):
                    async def echo():
                        async for message in b:
                            await b.send(message.data, timeout=LIMIT)
                        await b.finish(LIMIT)

                    echoing = asyncio.ensure_future(echo())
                    sent = [os.urandom(size) for size in (0, 1, 5000, 300_000)] + [b"%d" % n for n in range(50)]
                    for each in sent:
                        await a.send(each, timeout=LIMIT)
                        self.assertEqual(await a.recv(LIMIT), each)
                    await a.finish(LIMIT)
                    with self.assertRaises(viaduct.ClosedError):
                        await a.recv(LIMIT)
                    await echoing

    async def test_a_full_channel_blocks_its_task_only(self):
        for scheme in PAIRS:
            with self.subTest(scheme):
                async with pair(scheme) as (a, b):
                    async def send():
                        for number in range(100):
                            await a.send(bytes([number]) * 50_000, timeout=LIMIT)
                        await a.finish(LIMIT)

                    sending = asyncio.ensure_future(send())
                    with self.assertRaises(asyncio.TimeoutError):
                        await asyncio.wait_for(asyncio.shield(sending), 0.05)
                    self.assertEqual([message.data[-1] async for message in b], list(range(100)))
                    await sending

    async def test_timeouts(self):
        async with pair() as (a, b):
            for timeout in (0, 0.02):
                with self.assertRaises(viaduct.TimeoutError):
                    await b.recv(timeout)
            with self.assertRaises(viaduct.TimeoutError):
                while True:
                    await a.send(bytes(65536), timeout=0.02)

    async def test_draining_waits_for_the_reader(self):
        async with pair() as (a, b):
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(a.send(bytes(8_000_000)), 0.02)
            with self.assertRaises(viaduct.TimeoutError):
                await a.drain(0.02)
            reading = asyncio.ensure_future(b.recv(LIMIT))
            await a.drain(LIMIT)
            self.assertEqual(len(await reading), 8_000_000)

    async def test_cancelling_loses_no_message(self):
        async with pair("shm:") as (a, b):
            count, got = 200, []

            async def send():
                for number in range(count):
                    await a.send(b"%d" % number, timeout=LIMIT)
                    if number % 7 == 0:
                        await asyncio.sleep(0.0005)

            sending = asyncio.ensure_future(send())
            cancelled = 0
            while len(got) < count:
                task = asyncio.ensure_future(b.recv(LIMIT))
                await asyncio.sleep(0)
                if len(got) % 3 == 0 and not task.done():
                    task.cancel()
                try:
                    got.append(int(bytes(await task)))
                except asyncio.CancelledError:
                    cancelled += 1
                    got.append(int(bytes(await b.recv(LIMIT))))
            await sending
            self.assertEqual(got, list(range(count)))
            self.assertGreater(cancelled, 0)

    async def test_a_cancelled_dial_takes_nobodys_place(self):
        dialling = asyncio.ensure_future(viaduct.aio.dial("unix:later").__aenter__())
        await asyncio.sleep(0.02)
        dialling.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await dialling
        async with viaduct.aio.listen("unix:later") as listener:
            async with await listener.accept(LIMIT) as gone:  # it was on its way, and leaves again
                with self.assertRaises(viaduct.ClosedError):
                    await gone.recv(LIMIT)

    async def test_tasks_share_a_channel(self):
        async with pair() as (a, b):
            got = []

            async def take():
                async for message in b:
                    got.append(int(bytes(message)))

            takers = [asyncio.ensure_future(take()) for _ in range(5)]
            await asyncio.sleep(0)
            for number in range(300):
                await a.send(b"%d" % number, timeout=LIMIT)
            await a.finish(LIMIT)
            await asyncio.gather(*takers)
            self.assertEqual(got, list(range(300)))

    async def test_another_thread_is_a_receiver_too(self):
        async with pair() as (a, b):
            got, inner = [], b._channel

            def take():
                with contextlib.suppress(viaduct.ClosedError):
                    while True:
                        got.append(int(bytes(inner.recv(LIMIT))))

            thread = threading.Thread(target=take)
            thread.start()
            for number in range(300):
                await a.send(b"%d" % number, more=number % 3 < 2, timeout=LIMIT)
            await a.finish(LIMIT)
            async for message in b:
                got.append(int(bytes(message)))
            await asyncio.get_running_loop().run_in_executor(None, thread.join)
            self.assertEqual(sorted(got), list(range(300)))

    async def test_an_idle_publisher_takes_subscribers_in(self):
        for address in ("unix:news", "shm:news"):
            with self.subTest(address):
                async with viaduct.aio.join(address, "publish") as publish:
                    async with viaduct.aio.join(address, "subscribe", timeout=LIMIT) as subscribe:
                        while publish.stats.peers == 0:  # nobody calls anything on it meanwhile
                            await asyncio.sleep(0.001)
                        await publish.send(b"hear", timeout=LIMIT)
                        self.assertEqual(await subscribe.recv(LIMIT), b"hear")

    async def test_closing_ends_what_waits(self):
        async with pair() as (a, b), viaduct.aio.listen("unix:idle") as listener:
            waiting = [asyncio.ensure_future(call) for call in (b.recv(), listener.accept())]
            await asyncio.sleep(0.01)
            b.close()
            listener.close()
            for each in waiting:
                with self.assertRaises((viaduct.ClosedError, viaduct.CanceledError)):
                    await each

    async def test_a_server_for_many(self):
        async def serve(channel):
            async with channel:
                async for message in channel:
                    await channel.send(message.copy().upper(), timeout=LIMIT)

        async def ask(number):
            async with viaduct.aio.dial("unix:server", timeout=LIMIT) as channel:
                await channel.send(b"client %d" % number, timeout=LIMIT)
                return (await channel.recv(LIMIT)).decode()

        async with viaduct.aio.listen("unix:server") as listener:
            async def welcome():
                async for channel in listener:
                    asyncio.ensure_future(serve(channel))

            welcoming = asyncio.ensure_future(welcome())
            answers = await asyncio.gather(*(ask(number) for number in range(20)))
            self.assertEqual(answers, [f"CLIENT {number}" for number in range(20)])
            listener.close()
            await welcoming

    async def test_waiting_costs_no_processor_time(self):
        async with viaduct.aio.join("unix:still", "publish") as publish, pair() as (a, b):
            before = time.process_time()
            with self.assertRaises(viaduct.TimeoutError):
                await b.recv(1.0)
            self.assertLess(time.process_time() - before, 0.2)
            del publish


if __name__ == "__main__":
    unittest.main()
