"""One run at a time on a folder of results; a run that was killed holds no lock."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from ..common import UsageError, WriteError, as_write_error, remove_unfinished_files, visible_text

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]  # a module, to mypy, wherever it runs

RECORDS = ".effconn"  # in a folder of results: locks, and records of what was made from what


@dataclass(frozen=True)
class HeldFolder:
    """A folder of results that this process alone works in.

    Fields:
        folder: as the user named it.
        lock: a file in it, and the device and inode that it had when it was locked.
        identity: device and inode of the lock.
        since: when it was locked, ns, by the clock of the folder's file system.
    """

    folder: Path
    lock: Path
    identity: tuple[int, int]
    since: int

    def check(self) -> None:
        """Raises `WriteError` where the folder was removed or replaced since: results would be in no one place."""
        try:
            now = self.lock.stat()
        except OSError:
            now = None
        if now is None or (now.st_dev, now.st_ino) != self.identity:
            raise WriteError(
                self.folder,
                "was removed or replaced while effconn worked in it; leave it in place and run the same command again",
            )

    def remove_leftovers(self, *folders: Path) -> None:
        """Removes unfinished files that killed runs have left in these folders, not in those within."""
        for folder in folders:
            remove_unfinished_files(folder, self.since)


@contextmanager
def locked(folder: Path, people: Sequence[str] = ()) -> Iterator[HeldFolder]:
    """Holds a folder of records: all of it, or what is of some participants, so that others may go on beside.

    Raises `UsageError`, saying who, where another run holds it, and `WriteError` where nothing can be written there.
    The operating system lets go when a process ends, however it ends.
    """
    with as_write_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        path = folder / "study.lock"
        file = stack.enter_context(_hold(path, shared=bool(people)))
        for name in sorted(set(people)):
            stack.enter_context(_hold(folder / f"{name}.lock", shared=False))
        with as_write_error(path):
            os.utime(file.fileno() if os.utime in os.supports_fd else path)
            found = os.fstat(file.fileno())
        yield HeldFolder(folder.parent, path, (found.st_dev, found.st_ino), found.st_mtime_ns)


@contextmanager
def _hold(path: Path, shared: bool) -> Iterator[IO[str]]:
    with as_write_error(path):
        file = path.open("a+", encoding="utf-8")  # NFS shares a lock among those that may read alone
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"another effconn works on {path.parent.parent}{_holder(file)}; wait for it, or give another --out"
                ) from None
            except OSError:  # a file system without locks: that nobody else works there is left to the user
                pass
        _sign(file)
        yield file


def _sign(file: IO[str]) -> None:
    """Leaves word of who holds a lock; of several that share one, the last. It is for people: nothing rests on it."""
    command = " ".join(["effconn", *sys.argv[1:2]])
    line = f"{command}, process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M}\n"
    with suppress(OSError):  # such as a full disk, which is told where it matters
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), os.fsencode(line))


def _holder(file: IO[str]) -> str:
    with suppress(OSError, ValueError):
        file.seek(0)
        if line := file.readline(200).strip():
            return f" ({visible_text(line)})"
    return ""
