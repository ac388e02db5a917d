# SPDX-License-Identifier: Apache-2.0
"""Two ends of a pair. usage: mailbox.py take ADDRESS | post ADDRESS TEXT..."""
import sys

import viaduct


def take(address: str) -> None:
    with viaduct.listen(address) as listener, listener.accept(timeout=10) as channel:
        for message in channel:
            print(message.decode())


def post(address: str, texts: "list[str]") -> None:
    with viaduct.dial(address, timeout=5) as channel:
        for text in texts:
            channel.send(text.encode(), timeout=5)
        channel.drain(timeout=5)


def main() -> int:
    try:
        if sys.argv[1] == "take":
            take(sys.argv[2])
        else:
            post(sys.argv[2], sys.argv[3:])
    except viaduct.Error as error:
        print(f"mailbox: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
