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

RECORDS_FOLDER = ".effconn"  # in a folder of results: locks, and records of what was made from what


@dataclass(frozen=True)
class LockedFolder:
    """A folder of results that no other process works in meanwhile.

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
        """Raises `WriteError` where the folder was removed or replaced since: results would be spread over two."""
        try:
            now = self.lock.stat()
        except OSError:
            now = None
        if now is None or (now.st_dev, now.st_ino) != self.identity:
            raise WriteError(
                self.folder,
                "was removed or replaced while effconn worked in it; leave it in place and run the same command again",
            )

    def remove_unfinished_files(self, *folders: Path) -> None:
        """Removes unfinished files that killed runs have left in these folders, not in those within."""
        for folder in folders:
            remove_unfinished_files(folder, self.since)


@contextmanager
def lock_folder(folder: Path, participants: Sequence[str] = ()) -> Iterator[LockedFolder]:
    """Locks a folder of records: all of it, or what belongs to some participants, so that runs of others may go on.

    Raises `UsageError`, naming it, where another run holds it, and `WriteError` where nothing can be written there.
    The operating system lets go when a process ends, however it ends.
    """
    with as_write_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        path = folder / "study.lock"
        file = stack.enter_context(_lock_file(path, shared=bool(participants)))
        for name in sorted(set(participants)):
            stack.enter_context(_lock_file(folder / f"{name}.lock", shared=False))
        with as_write_error(path):
            os.utime(file.fileno() if os.utime in os.supports_fd else path)
            found = os.fstat(file.fileno())
        yield LockedFolder(folder.parent, path, (found.st_dev, found.st_ino), found.st_mtime_ns)


@contextmanager
def _lock_file(path: Path, shared: bool) -> Iterator[IO[str]]:
    with as_write_error(path):
        file = path.open("a+", encoding="utf-8")  # NFS shares a lock among those that may read alone
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"another effconn works on {path.parent.parent}{_read_holder(file)}; wait for it, "
                    "or give another --out"
                ) from None
            except OSError:  # a file system without locks: the user must see to it that no other run works there
                pass
        _write_holder(file)
        yield file


def _write_holder(file: IO[str]) -> None:
    """Writes which run holds a lock (of several that share it, the last), for the message of a run that is refused."""
    command = " ".join(["effconn", *sys.argv[1:2]])
    line = f"{command}, process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M}\n"
    with suppress(OSError):  # such as a full disk, which is reported where it matters
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), os.fsencode(line))


def _read_holder(file: IO[str]) -> str:
    with suppress(OSError, ValueError):
        file.seek(0)
        if line := file.readline(200).strip():
            return f" ({visible_text(line)})"
    return ""
