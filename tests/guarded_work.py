"""What a guarded process may meet: content that is an order to misbehave."""

import os
import signal


def obey(content: bytes) -> bytes:
    if content == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if content == b"hang":
        while True:
            pass
    if content == b"fill":
        return bytes(4 * 2**30)
    if content == b"raise":
        raise KeyError("no\nsuch field")
    if content == b"chat":
        print("a library's own words", flush=True)
    return content[::-1]
