"""One run at a time on a folder of results; a run that was killed holds no lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .._runtime import UsageError

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]  # a module, to mypy, wherever it runs


@contextmanager
def locked(folder: Path, people: Sequence[str] = ()) -> Iterator[None]:
    """Holds a folder of records: all of it, or what is of some participants, so that others may go on beside.

    Raises `UsageError` where another run holds it. The operating system lets go when a process ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_hold(folder / "study.lock", shared=bool(people)))
        for name in sorted(set(people)):
            stack.enter_context(_hold(folder / f"{name}.lock", shared=False))
        yield


@contextmanager
def _hold(path: Path, shared: bool) -> Iterator[None]:
    with path.open("a+", encoding="utf-8") as file:  # NFS shares a lock among those that may read alone
        if fcntl is not None:
            try:
                fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"another effconn works on {path.parent.parent}; wait for it, or give another --out"
                ) from None
            except OSError:  # a file system without locks: that nobody else works there is left to the user
                pass
        yield
