"""A child process that reads content of unknown origin: what kills, hangs or fills it ends the child alone.

Both sides are here. A request is two numbers (bytes of the content, seconds of processor time) and the content; a reply
is a status, the number of its bytes and these. Nothing is pickled: what a child that a hostile file has taken over may
say is bytes.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO, Literal

How = Literal["signal", "time", "memory", "raised", "start"]

_START_SECONDS = 120.0  # importing from a busy network disk takes a while; no file is to blame
_BYTES_PER_SECOND = 16 * 2**20  # a large file may take longer
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")

SIZE = struct.Struct("<Q")
READY, RAISED, MEMORY, DIED = b"R", b"E", b"M", b"D"
HEADER = 1 + SIZE.size
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from pipeline.guarded._process import serve; serve(sys.argv[2], int(sys.argv[3]))"
)


class GuardedError(Exception):
    """Content that could not be read.

    Fields:
        how: ended by a signal, out of time, out of memory, an error that the work raised, or no process to be had.
        kind: name of the class of the error raised; empty otherwise.
    """

    def __init__(self, how: How, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.how, self.kind = how, kind


class GuardedProcess:
    """A child that does one kind of work, started with the first content and again after each death.

    Arguments:
        work: ``package.module:function``, which takes bytes and returns bytes; the child imports nothing else.
        seconds: that reading one content may take; a second more for each 16 MiB of it.
        memory: bytes of address space that it may take beyond those of the child at its start and 4 × the content's.
    """

    def __init__(self, work: str, seconds: float = 4.0, memory: int = 640 * 2**20) -> None:
        self.work, self.seconds, self.memory = work, seconds, memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0  # process that started the child: a forked copy of this object starts its own

    def run(self, content: bytes) -> bytes:
        """What the work makes of a content; raises `GuardedError` where it fails in whatever way."""
        with self._lock:
            process = self._running()
            seconds = self.seconds + len(content) / _BYTES_PER_SECOND
            with _Deadline(process, seconds) as watch:
                status, reply = self._exchange(process, content)
            if status == READY:
                return reply
            if status == RAISED:
                kind, _, text = reply.decode("utf-8", "replace").partition("\n")
                raise GuardedError("raised", text, kind)
            self._end()
        if watch.expired:
            raise GuardedError("time", f"takes longer than {seconds:.0f} s to read")
        if status == MEMORY:
            raise GuardedError("memory", "needs more memory to read than a file of its size may take")
        raise GuardedError("signal", f"ends the process that reads it ({_ended_by(process)})")

    def close(self) -> None:
        """Ends the child, if there is one; the next content starts another."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and (self._owner != os.getpid() or self._process.poll() is not None):
            self._end()
        if self._process is None:
            self._process, self._owner = self._start(), os.getpid()
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        # Never the folder that happens to be the current one: a file there could pass for one of our modules.
        places = [place for place in sys.path if place]
        command = [sys.executable, "-P", "-c", START, json.dumps(places), self.work, str(self.memory)]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
            )
        except OSError as error:
            raise GuardedError("start", f"no process could be started to read it ({error.strerror})") from error
        atexit.register(self.close)
        with _Deadline(process, _START_SECONDS):
            status, _ = _read_reply(_pipe(process.stdout), self.memory)
        if status != READY:
            _end(process)
            raise GuardedError("start", "the process that is to read it did not start; is memory short?")
        return process

    def _exchange(self, process: subprocess.Popen[bytes], content: bytes) -> tuple[bytes, bytes]:
        try:
            to = _pipe(process.stdin)
            to.write(SIZE.pack(len(content)) + SIZE.pack(int(self.seconds + len(content) / _BYTES_PER_SECOND) + 2))
            to.write(content)
            to.flush()
            return _read_reply(_pipe(process.stdout), self.memory + 4 * len(content))
        except (OSError, ValueError):  # the child is gone
            return DIED, b""

    def _end(self) -> None:
        process, self._process = self._process, None
        atexit.unregister(self.close)
        if process is not None and self._owner == os.getpid():
            _end(process)


class _Deadline:
    """Kills a process that is still at work after some seconds."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._process, self.expired = process, False
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def _expire(self) -> None:
        self.expired = True
        self._process.kill()

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._timer.cancel()


def _read_reply(source: IO[bytes], most: int) -> tuple[bytes, bytes]:
    head = source.read(HEADER)
    if len(head) < HEADER:
        return DIED, b""
    status, size = head[:1], SIZE.unpack(head[1:])[0]
    if size > most:
        return MEMORY, b""
    reply = source.read(size)
    return (status, reply) if len(reply) == size else (DIED, b"")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what could not be written need not be
            _pipe(pipe).close()
    process.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "the child has no pipes"
    return pipe


def _ended_by(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    if code is None or code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"


def serve(work: str, memory: int) -> None:
    """The child's side: does the work on each content that comes, until the parent ends; see `GuardedProcess`."""
    if sys.platform == "win32":  # pragma: no cover - text mode would change bytes
        import msvcrt

        for number in (0, 1):
            msvcrt.setmode(number, os.O_BINARY)
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
