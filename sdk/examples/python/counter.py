# SPDX-License-Identifier: Apache-2.0
"""A server for many clients in one event loop, and its clients. usage: counter.py [CLIENTS]"""
import asyncio
import sys

from viaduct import aio


async def serve(channel: aio.Channel) -> None:
    async with channel:
        count = 0
        async for message in channel:
            count += len(message)
            await channel.send(b"%d" % count, timeout=5)


async def welcome(listener: aio.Listener) -> None:
    async for channel in listener:
        asyncio.ensure_future(serve(channel))


async def ask(number: int) -> str:
    async with aio.dial("unix:counter", timeout=5) as channel:
        await channel.send(b"x" * number, timeout=5)
        return (await channel.recv(timeout=5)).decode()


async def main(clients: int) -> None:
    async with aio.listen("unix:counter") as listener:
        welcoming = asyncio.ensure_future(welcome(listener))
        print(*await asyncio.gather(*(ask(number) for number in range(1, clients + 1))))
        welcoming.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
