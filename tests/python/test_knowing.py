# SPDX-License-Identifier: Apache-2.0
"""What can be found out: channels, plugins, endpoints, errors."""
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import unittest

import viaduct
from test_channel import LIMIT, pair


class Channels(unittest.TestCase):
    def test_info_stats_and_peer(self):
        with pair() as (a, b):
            a.send(b"12345", timeout=LIMIT)
            b.recv(LIMIT)
            info = a.info
            self.assertEqual((info.pattern, info.role, info.scheme, info.plugin), (viaduct.Pattern.PAIR, viaduct.Role.PAIR, "unix", "socket"))
            self.assertEqual(info.threads, viaduct.Threads.MANY)
            self.assertIn(viaduct.InfoFlag.KEEPS_BOUNDARIES, info.flags)
            self.assertEqual((a.stats.sent_messages, a.stats.sent_bytes, b.stats.received_bytes), (1, 5, 5))
            self.assertEqual((b.peer.pid, b.peer.uid), (os.getpid(), os.geteuid()))
            self.assertIsNone(a.failure)
            self.assertRegex(repr(a), r"<viaduct.Channel unix:.*\(pair, pair\)>")

    def test_options_as_words_and_as_a_dict(self):
        with pair(send_buffer="64KiB", options={"max_message": 2048}) as (a, b):
            self.assertEqual(a.info.max_message, 2048)
            with self.assertRaises(viaduct.TooBigError):
                a.send(bytes(2049), timeout=LIMIT)


class Hosts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name, "shop.json")
        self.write({"orders": {"pattern": "pair", "address": "unix:orders", "summary": "from the shop"}})

    def write(self, endpoints):
        self.file.write_text(json.dumps({"manifest": 1, "endpoints": endpoints}, indent=2))

    def test_plugins_are_listed(self):
        found = {plugin.name: plugin for plugin in viaduct.plugins()}
        self.assertEqual(found["socket"].schemes, ("unix", "tcp"))
        self.assertEqual(found["socket"].status, viaduct.PluginStatus.READY)
        self.assertIsNone(found["socket"].error)

    def test_names_come_from_endpoint_files(self):
        with viaduct.Host(endpoints=[str(self.file)]) as host:
            (orders,) = host.endpoints()
            self.assertEqual((orders.name, orders.address, orders.pattern), ("orders", "unix:orders", viaduct.Pattern.PAIR))
            self.assertEqual((orders.file, orders.line), (str(self.file), 4))
            self.assertEqual(host.explain("orders")["plugin"]["name"], "socket")
            with host.listen("orders") as listener, host.dial("orders", timeout=LIMIT) as channel:
                with listener.accept(LIMIT) as accepted:
                    self.assertEqual((channel.info.endpoint, accepted.info.endpoint), ("orders", "orders"))
            self.write({"invoices": {"address": "unix:invoices"}})
            host.scan()
            self.assertEqual([each.name for each in host.endpoints()], ["invoices"])

    def test_a_refused_file_says_where(self):
        self.write({"orders": {"adress": "unix:orders"}})
        with viaduct.Host(endpoints=[str(self.file)]) as host:
            (refused,) = host.endpoints()
            self.assertEqual((refused.name, refused.error.file, refused.error.line), ("", str(self.file), 5))
            self.assertEqual(refused.error.pointer, "/endpoints/orders/adress")
            self.assertIn("did you mean", refused.error.what)
            self.assertIn(f"  at:   {self.file}:5:", str(refused.error))

    def test_a_log_is_called(self):
        lines = []
        with viaduct.Host(log=lambda *line: lines.append(line), log_level=viaduct.LogLevel.DEBUG) as host:
            with host.listen("unix:logged"):
                pass
        self.assertTrue(any("listening" in text for _, _, text in lines), lines)
        self.assertTrue(all(isinstance(level, viaduct.LogLevel) for level, _, _ in lines))


class Errors(unittest.TestCase):
    def test_an_error_has_the_whole_record(self):
        with self.assertRaises(viaduct.InvalidError) as caught:
            viaduct.dial("unix:x", timeout=0, send_bufer="1MiB")
        error = caught.exception
        self.assertIsInstance(error, ValueError)
        self.assertEqual((error.stage, error.mend), (viaduct.Stage.OPTIONS, 'write "send_buffer"'))
        self.assertEqual(str(error).splitlines()[-1], '  mend: write "send_buffer"')
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((type(again), again.record), (type(error), error.record))

    def test_nobody_there(self):
        with self.assertRaises(ConnectionError) as caught:
            viaduct.dial("unix:nobody", timeout=0.05)
        self.assertIsInstance(caught.exception, viaduct.NoPeerError)
        self.assertIn("nobody listens on unix:", str(caught.exception))
        self.assertEqual(caught.exception.os_code, 2)

    def test_a_name_that_nobody_knows(self):
        with self.assertRaises(LookupError):
            viaduct.explain("no-such-name")


class Library(unittest.TestCase):
    def run_with(self, **changes):
        environment = {name: value for name, value in {**os.environ, **changes}.items() if value is not None}
        return subprocess.run(
            [sys.executable, "-c", "import viaduct; print(viaduct.__version__)"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def test_a_missing_library_is_told(self):
        told = self.run_with(VIADUCT_LIBRARY="/nowhere/libviaduct.so.1")
        self.assertEqual(told.returncode, 1)
        self.assertIn("ImportError: libviaduct cannot be loaded: /nowhere/libviaduct.so.1", told.stderr)
        self.assertIn("mend: install Viaduct", told.stderr)

    def test_another_library_is_told(self):
        told = self.run_with(VIADUCT_LIBRARY="libc.so.6")
        self.assertIn("ImportError: libc.so.6 has no via_", told.stderr)
        self.assertIn("mend:", told.stderr)

    def test_an_installation_finds_its_own(self):
        with tempfile.TemporaryDirectory() as prefix:
            install = ["cmake", "--install", os.environ["VIADUCT_BUILD"], "--component", "python", "--prefix", prefix]
            subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
            folder = pathlib.Path(prefix, "lib/python3/dist-packages")
            source = pathlib.Path(viaduct.__file__).parent
            self.assertEqual(
                sorted(file.name for file in folder.joinpath("viaduct").iterdir()),
                sorted(file.name for file in source.iterdir() if file.suffix in (".py", ".typed")),
            )
            self.assertNotEqual(self.run_with(VIADUCT_LIBRARY=None, PYTHONPATH=str(folder)).returncode, 0)
            pathlib.Path(prefix, "lib/libviaduct.so.1").symlink_to(os.environ["VIADUCT_LIBRARY"])
            told = self.run_with(VIADUCT_LIBRARY=None, PYTHONPATH=str(folder))
            self.assertEqual((told.stdout.strip(), told.stderr), (viaduct.__version__, ""))

    def test_the_variable_that_names_it_is_known(self):
        lines = []
        with viaduct.Host(log=lambda level, plugin, text: lines.append(text)):
            self.assertIn("VIADUCT_LIBRARY", os.environ)
        self.assertFalse([line for line in lines if "VIADUCT_LIBRARY" in line])

    def test_its_symbols_stay_its_own(self):
        import ctypes

        with self.assertRaises(AttributeError):
            ctypes.CDLL(None).via_version


if __name__ == "__main__":
    unittest.main()
