# SPDX-License-Identifier: Apache-2.0
"""Functions of another process as methods, and Python functions for others to call."""
import asyncio
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import unittest

import viaduct
import viaduct.aio
from test_channel import LIMIT
from test_signals import Waits

TOP = pathlib.Path(__file__).resolve().parents[2]
LIBM = TOP / "sdk/examples/rpc/libm.rpc.json"
SQLITE = TOP / "sdk/examples/rpc/sqlite3.rpc.json"
I32, F64, TEXT = ({"type": each} for each in ("i32", "f64", "string"))

CALC = {
    "rpc": 1,
    "name": "calc",
    "version": "1.0.0",
    "errors": {"divide_by_zero": {"code": 7}},
    "methods": {
        "add": {"params": [{"name": "a", **I32}, {"name": "b", **I32}], "returns": "i32"},
        "large": {"params": [{"name": "n", "type": "u64"}], "returns": "u64"},
        "divide": {
            "params": [{"name": "a", **F64}, {"name": "b", **F64}, {"name": "quotient", **F64, "dir": "out"}],
            "returns": "status",
        },
        "split": {"params": [{"name": "x", **F64}, {"name": "whole", "type": "i64", "dir": "out"}], "returns": "f64"},
        "greet": {"params": [{"name": "name", **TEXT, "nullable": True}], "returns": "string"},
        "digest": {
            "params": [{"name": "data", "type": "bytes", "length_is": "n"}, {"name": "n", "type": "size"}],
            "returns": "u32",
        },
        "mean": {
            "params": [{"name": "values", "type": "f64[]", "length_is": "n"}, {"name": "n", "type": "size"}],
            "returns": "f64",
        },
        "broken": {"returns": "status"},
        "forever": {"returns": "i32"},
        "note": {"oneway": True, "params": [{"name": "text", **TEXT}]},
        "fill": {
            "params": [{"name": "room", "type": "bytes", "dir": "out", "size_is": "n"}, {"name": "n", "type": "size"}],
        },
    },
}  # fmt: skip


class Calc:
    """What is served."""

    def __init__(self):
        self.notes = []
        self.stop = threading.Event()

    def add(self, a, b):
        return a + b

    def large(self, n):
        return n

    def divide(self, a, b):
        if b == 0:
            raise viaduct.CallFailed("divide_by_zero")
        return a / b

    def split(self, x):
        return x % 1, int(x)

    def greet(self, name):
        return f"hello {name or 'stranger'} ☺"

    def digest(self, data):
        return sum(data)

    def mean(self, values):
        return sum(values) / len(values)

    def forever(self):
        self.stop.wait(LIMIT)
        return 0

    def note(self, text):
        self.notes.append(text)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.interface = pathlib.Path(folder.name, "calc.rpc.json")
        self.interface.write_text(json.dumps(CALC))
        self.calc = Calc()

    @contextlib.contextmanager
    def served(self, codec="msgpack"):
        """A server in a thread; its address."""
        options = {"rpc.interface": self.interface, "rpc.codec": codec}

        def serve():
            with listener.accept(LIMIT) as channel:
                rpc = viaduct.Rpc(channel, viaduct.Interface.read(self.interface))
                rpc.serve(self.calc)
                rpc.run()

        with viaduct.listen("unix:calc", layers="rpc", options=options) as listener:
            server = threading.Thread(target=serve)
            server.start()
            try:
                yield "unix:calc"
            finally:
                self.calc.stop.set()
                server.join()

    @contextlib.contextmanager
    def via_serve(self, interface, library):
        via = pathlib.Path(os.environ["VIADUCT_BUILD"], "bin/via")
        server = subprocess.Popen(
            [via, "serve", "unix:library", "--interface", interface, "--library", library], stderr=subprocess.DEVNULL
        )
        try:
            yield "unix:library"
        finally:
            server.terminate()
            server.wait()


class Calls(Case):
    def test_functions_of_a_library(self):
        with self.via_serve(LIBM, "libm.so.6") as address, viaduct.rpc(address, timeout=LIMIT) as libm:
            self.assertEqual(libm.hypot(3, 4), 5.0)
            self.assertEqual(libm.hypot(y=5, x=12), 13.0)
            self.assertEqual(libm.frexp(48), {"return": 0.75, "exponent": 6})
            self.assertIn("hypot", list(libm))
            self.assertIn("hypot(x: f64, y: f64) -> f64", libm.hypot.__doc__)
            self.assertGreaterEqual(libm.stats["calls"], 3)

    def test_both_codecs_carry_every_kind_of_value(self):
        for codec in ("msgpack", "json"):
            with self.subTest(codec), self.served(codec) as address:
                with viaduct.rpc(address, timeout=LIMIT, codec=codec) as calc:
                    self.assertEqual(calc.add(40, 2), 42)
                    self.assertEqual(calc.large(2**64 - 1), 2**64 - 1)
                    self.assertEqual(calc.divide(1, 4), 0.25)
                    self.assertEqual(calc.split(2.5), {"return": 0.5, "whole": 2})
                    self.assertEqual(calc.greet("Ada"), "hello Ada ☺")
                    self.assertEqual(calc.greet(None), "hello stranger ☺")
                    self.assertEqual(calc.digest(bytes(range(256))), 32640)
                    self.assertEqual(calc.mean([1, 2, 6]), 3.0)
                    calc.note("a note")
                    self.assertEqual(calc.add(1, 1), 2)
                    self.assertEqual(self.calc.notes.pop(), "a note")

    def test_errors_say_what_and_where(self):
        with self.served() as address, viaduct.rpc(address, self.interface, timeout=LIMIT) as calc:
            with self.assertRaises(viaduct.RemoteError) as caught:
                calc.divide(1, 0)
            error = caught.exception
            self.assertEqual((error.code, error.name, error.method), (7, "divide_by_zero", "divide"))
            self.assertEqual(error.origin, viaduct.RpcOrigin.THERE)
            self.assertIn("divide: divide_by_zero", str(error))
            with self.assertRaises(TypeError) as caught:
                calc.add("one", 2)
            self.assertEqual(caught.exception.origin, viaduct.RpcOrigin.HERE)
            with self.assertRaises(viaduct.WrongTypeError):
                calc.add(2**31, 0)
            for wrong, told in (((1,), "misses 'b'"), ((1, 2, 3), "got 3 arguments")):
                with self.assertRaisesRegex(TypeError, told):
                    calc.add(*wrong)
            with self.assertRaisesRegex(TypeError, "has no parameter 'c'"):
                calc.add(1, c=2)
            with self.assertRaisesRegex(viaduct.WrongTypeError, "finite"):
                calc.mean([float("nan")])
            with self.assertRaisesRegex(AttributeError, "no method 'subtract'; it has add, "):
                calc.subtract(1, 2)

    def test_a_deadline_ends_a_call(self):
        with self.served() as address, viaduct.rpc(address, timeout=LIMIT) as calc:
            with self.assertRaises(viaduct.TimeoutError):
                calc.call("forever", timeout=0.05)
            self.calc.stop.set()
            self.assertEqual(calc.add(1, 2), 3)

    def test_ctrl_c_ends_a_call(self):
        with self.served() as address, viaduct.rpc(address, timeout=LIMIT) as calc:
            with self.assertRaises(KeyboardInterrupt), Waits():
                calc.forever()
            self.calc.stop.set()
            self.assertEqual(calc.add(1, 2), 3)

    def test_many_threads_call(self):
        with self.served() as address, viaduct.rpc(address, timeout=LIMIT) as calc:
            sums = []

            def add(first):
                for number in range(100):
                    sums.append(calc.add(first, number) - first - number)

            threads = [threading.Thread(target=add, args=(first,)) for first in range(4)]
            for each in threads:
                each.start()
            add(1000)
            for each in threads:
                each.join()
            self.assertEqual(sums, [0] * 500)

    def test_callbacks_and_handles(self):
        with self.via_serve(SQLITE, "libsqlite3.so.0") as address, viaduct.rpc(address, timeout=LIMIT) as sqlite:
            database, rows = sqlite.open(":memory:")["database"], []
            sqlite["exec"](database, "create table p(name, age); insert into p values('Ada', 36)", None)
            sqlite["exec"](database, "select * from p", lambda *row: rows.append(row))
            self.assertEqual(rows, [(["Ada", "36"], ["name", "age"])])


class Serving(Case):
    def test_a_function_that_fails_without_saying_how(self):
        told = []
        self.calc.broken = lambda: 1 / 0
        hook = viaduct._serve.sys.excepthook
        viaduct._serve.sys.excepthook = lambda kind, *_: told.append(kind)
        try:
            with self.served() as address, viaduct.rpc(address, timeout=LIMIT) as calc:
                with self.assertRaises(viaduct.RemoteError) as caught:
                    calc.broken()
                self.assertEqual(caught.exception.code, -32603)
        finally:
            viaduct._serve.sys.excepthook = hook
        self.assertEqual(told, [ZeroDivisionError])

    def test_what_cannot_be_served_is_refused_at_once(self):
        options = {"rpc.interface": self.interface}
        with viaduct.listen("unix:refuse", layers="rpc", options=options) as listener:
            dialler = threading.Thread(target=lambda: viaduct.dial("unix:refuse", timeout=LIMIT, layers="rpc").close())
            dialler.start()
            with listener.accept(LIMIT) as channel:
                rpc = viaduct.Rpc(channel, viaduct.Interface.read(self.interface))
                with self.assertRaisesRegex(viaduct.NotSupportedError, r"fill: the parameter room \(out bytes\) cannot be served"):
                    rpc.serve({"fill": lambda n: b""})
                with self.assertRaisesRegex(viaduct.NotFoundError, "has no method 'ad'"):
                    rpc.serve({"ad": lambda: 0})
                with self.assertRaisesRegex(viaduct.InvalidError, "interface file"):
                    viaduct.Rpc(channel).serve({"add": lambda a, b: a + b})
            dialler.join()

    def test_ctrl_c_in_a_served_function_reaches_who_serves(self):
        def interrupt():
            signal.raise_signal(signal.SIGINT)
            return 0

        options = {"rpc.interface": self.interface}
        with viaduct.listen("unix:inside", layers="rpc", options=options) as listener:
            def call():
                with viaduct.rpc("unix:inside", timeout=LIMIT) as calc, contextlib.suppress(viaduct.Error):
                    calc.forever()

            caller = threading.Thread(target=call)
            caller.start()
            with listener.accept(LIMIT) as channel:
                rpc = viaduct.Rpc(channel, viaduct.Interface.read(self.interface))
                rpc.serve({"forever": interrupt})
                with self.assertRaises(KeyboardInterrupt):
                    rpc.run()
            caller.join()


class Aio(Case):
    def test_calls_are_awaited(self):
        async def main(address):
            async with viaduct.aio.rpc(address, timeout=LIMIT) as calc:
                self.assertEqual(await asyncio.gather(*(calc.add(1, n) for n in range(50))), list(range(1, 51)))
                with self.assertRaises(viaduct.RemoteError):
                    await calc.divide(1, 0)
                task = asyncio.ensure_future(calc.forever())
                await asyncio.sleep(0.02)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.calc.stop.set()
                self.assertEqual(await calc.add(2, 2), 4)

        with self.served() as address:
            asyncio.run(main(address))

    def test_a_server_in_a_loop(self):
        async def main():
            options = {"rpc.interface": self.interface}
            async with viaduct.aio.listen("unix:loop", layers="rpc", options=options) as listener:
                async def serve():
                    async with viaduct.aio.Rpc.on(await listener.accept(LIMIT), self.interface) as rpc:
                        rpc.serve(self.calc)
                        await rpc.run()

                serving = asyncio.ensure_future(serve())
                async with viaduct.aio.rpc("unix:loop", timeout=LIMIT) as calc:
                    self.assertEqual(await calc.greet("loop"), "hello loop ☺")
                await serving

        asyncio.run(main())


if __name__ == "__main__":
    unittest.main()
