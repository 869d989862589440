"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to; renames it to `path` on success and removes it on failure.

    Missing folders are made. The two paths share a folder, and so a file system, which is what makes the rename
    atomic; the name aside starts with a dot and keeps the suffix, for writers that go by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem[:100]}.{uuid.uuid4().hex}{path.suffix}")
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())  # otherwise a power cut may leave the new name on an empty file
        os.replace(aside, path)  # noqa: PTH105 - the call that is atomic on every platform
    finally:
        aside.unlink(missing_ok=True)
