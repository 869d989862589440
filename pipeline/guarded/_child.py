"""The child's side of `GuardedProcess`: one content after another, within limits of memory and time.

A request is two numbers (bytes of the content, seconds of processor time) and the content; a reply is a status, the
number of its bytes and these. Nothing is pickled: what a child that a hostile file has taken over may say is bytes.
"""

from __future__ import annotations

import importlib
import os
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

SIZE = struct.Struct("<Q")
READY, RAISED, MEMORY, DIED = b"R", b"E", b"M", b"D"
HEADER = 1 + SIZE.size
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from pipeline.guarded._child import serve; serve(sys.argv[2], int(sys.argv[3]))"
)


def serve(work: str, memory: int) -> None:
    """Does the work on each content that comes, until the parent ends; see `GuardedProcess`."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    source, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no reply
    module, _, name = work.partition(":")
    function: Callable[[bytes], bytes] = getattr(importlib.import_module(module), name)
    _reply(replies, READY, b"")
    while len(head := source.read(2 * SIZE.size)) == 2 * SIZE.size:
        size, seconds = SIZE.unpack(head[: SIZE.size])[0], SIZE.unpack(head[SIZE.size :])[0]
        content = source.read(size)
        _limit(memory + 4 * size, seconds)
        try:
            status, reply = READY, function(content)
        except MemoryError:
            status, reply = MEMORY, b""
        except BaseException as error:  # whatever it is, the parent says it
            text = " ".join(str(error).split())
            status, reply = RAISED, f"{type(error).__name__}\n{text}".encode("utf-8", "replace")
        del content
        _reply(replies, status, reply)


def _reply(replies: BinaryIO, status: bytes, reply: bytes) -> None:
    replies.write(status + SIZE.pack(len(reply)))
    replies.write(reply)
    replies.flush()


_start_size: list[int] = []  # bytes of address space before the first content


def _limit(memory: int, seconds: int) -> None:
    """Address space and processor time; the latter ends a child whose parent was killed while it ran in circles."""
    try:
        import resource
    except ImportError:  # Windows: the parent's watch alone
        return
    if not _start_size:
        _start_size.append(_address_space())
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = resource.getrusage(resource.RUSAGE_SELF)
    _set(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds)
    if _start_size[0]:
        _set(resource.RLIMIT_AS, _start_size[0] + memory)


def _set(kind: int, value: int) -> None:
    import resource

    most = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _address_space() -> int:
    """Bytes; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


__all__ = ["DIED", "HEADER", "MEMORY", "RAISED", "READY", "SIZE", "START", "serve"]

if sys.platform == "win32":  # pragma: no cover - text mode would change bytes
    import msvcrt

    for number in (0, 1):
        msvcrt.setmode(number, os.O_BINARY)
