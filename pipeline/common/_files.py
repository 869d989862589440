"""Files written whole or not at all, errors of writing in one line, and JSON read and written."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NOT_HERE = "is a link to a file that is not here"  # as DataLad leaves them
LONGEST_STEM = 100  # bytes of a name that the temporary one keeps: file systems allow 255 in all
_TEMPORARY_NAME = re.compile(r"\..{0,100}\.[0-9a-f]{32}(\.[^.]{0,15})?", re.DOTALL)

_RUN_AGAIN = "run the same command again; what is already written stays"
_REMEDIES = {
    errno.ENOSPC: f"free some space there and {_RUN_AGAIN}",
    errno.EDQUOT: f"free some of your quota there and {_RUN_AGAIN}",
    errno.EFBIG: f"raise the limit on the size of files (ulimit -f) and {_RUN_AGAIN}",
    errno.EROFS: "it is read-only; give a folder that can be written to",
    errno.EACCES: "ask for the right to write there, or give another folder",
    errno.EPERM: "ask for the right to write there, or give another folder",
    errno.ENAMETOOLONG: "shorten the names of the folders, or of participants and sessions",
    errno.ENOENT: f"the folder was removed meanwhile; {_RUN_AGAIN}",
    errno.ESTALE: f"the folder was removed meanwhile; {_RUN_AGAIN}",
    errno.ENOTDIR: "a part of the path is a file; give another folder",
    errno.EEXIST: "a part of the path is a file; give another folder",
    errno.EISDIR: "a folder of that name is in the way; rename it, or give another place",
    errno.EIO: f"check the disk, and {_RUN_AGAIN}",
}
_CAUSES_FOR_ALL = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.ESTALE,
}  # causes that every other file would meet

DEEPEST_NESTING = 64  # levels of nesting; what we write has six
LARGEST_JSON = 256 * 2**20  # bytes


class WriteError(OSError):
    """A file that cannot be written: place, cause and remedy in one line.

    Fields:
        place: the file that was to be written.
        for_all: whether other files there would meet the same, as on a full disk.
    """

    def __init__(self, place: str | Path, cause: OSError | str) -> None:
        number = cause.errno if isinstance(cause, OSError) else None
        remedy = _REMEDIES.get(number or 0, f"see to it, and {_RUN_AGAIN}")
        why = cause if isinstance(cause, str) else f"cannot be written ({cause.strerror or cause}); {remedy}"
        super().__init__(number, f"{place} {why}")
        self.place, self.cause = str(place), str(why)
        self.for_all = isinstance(cause, str) or number in _CAUSES_FOR_ALL

    def __str__(self) -> str:
        return f"{self.place} {self.cause}"

    def __reduce__(self) -> tuple[type[WriteError], tuple[str, str], dict[str, object]]:
        return WriteError, (self.place, self.cause), {"errno": self.errno, "for_all": self.for_all}


def describe_absence(path: Path) -> str:
    """What is wrong with a file that cannot be opened since nothing is there, and what to do."""
    return f"{NOT_HERE}; fetch it (datalad get)" if path.is_symlink() else "does not exist; check the path"


def walk_folders(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """A folder and every one below it, with the names of the folders and files in each, as `os.walk` has them.

    Links to folders are followed once the folders themselves have been looked through, and no folder is looked at
    twice: a link to what lies above it leads nowhere, and what has two names has its own. Hidden ones (.git) are left
    out.
    """
    linked, seen = [folder], set[str]()
    while linked:
        links: list[Path] = []
        for place, folders, files in (step for link in linked for step in os.walk(link)):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            if (real := os.path.realpath(place)) in seen:
                folders.clear()
                continue
            seen.add(real)
            links += [path for name in folders if (path := Path(place, name)).is_symlink()]
            yield Path(place), folders, files
        linked = links


def find_files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, links to content that is not here among them; see `walk_folders`."""
    return (place / name for place, _, files in walk_folders(folder) for name in files)


@contextmanager
def as_write_error(path: str | Path) -> Iterator[None]:
    """Turns every `OSError` within into a `WriteError` that names `path`."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(path, error) from error


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to; renames it to `path` on success and removes it on failure.

    Missing folders are made. The two paths share a folder, and so a file system, which is what makes the rename
    atomic; the temporary name starts with a dot and keeps the suffix, for writers that go by it. A device or a pipe
    (/dev/stdout, /dev/null) is written to as it is: a file in its place would take it from everybody.

    Raises `WriteError` where the file cannot be written.
    """
    path = Path(path)
    if is_device(path):
        with as_write_error(path):
            yield path
        return
    temporary = path.with_name(_temporary_name(path))
    with as_write_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())  # otherwise a power cut may leave the new name on an empty file
            os.replace(temporary, path)  # noqa: PTH105 - the call that is atomic on every platform
        finally:
            with suppress(OSError):  # why it could not be written is what a user needs
                temporary.unlink()


def write_bytes(path: str | Path, content: bytes | memoryview) -> None:
    """Writes a file, whole or not at all.

    What a library would write by itself is made in memory and written here: on a full disk HDF5 fails as it closes a
    file, some of that at the interpreter's exit.

    Raises `WriteError` where the file cannot be written.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """Writes a text in UTF-8, with its ends of lines as they are and escapes for what UTF-8 has no bytes for.

    Raises `WriteError` where the file cannot be written.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def read_bytes(path: Path) -> bytes:
    """The content of a file; raises `OSError` where it cannot be read, or is a pipe or device, which may never end."""
    if is_device(path):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")
    return path.read_bytes()


def remove_unfinished_files(folder: Path, before: int) -> None:
    """Removes from a folder, not from those within, what killed writers of `atomic_write` have left there.

    Arguments:
        before: time in ns, by the clock of the folder's file system; files that changed later are kept.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                temporary = _TEMPORARY_NAME.fullmatch(entry.name) is not None and entry.is_file(follow_symlinks=False)
                if temporary and entry.stat(follow_symlinks=False).st_mtime_ns < before:
                    Path(entry.path).unlink()


def relative_path(path: Path, folder: Path) -> str:
    """A path as seen from a folder, where there is a way that does not leave the drive."""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def is_device(path: Path) -> bool:
    """Whether something is there that is neither a file nor a folder: a pipe or a device, which may never end."""
    with suppress(OSError, ValueError):
        return not (path.is_file() or path.is_dir()) and path.exists()
    return False


def _temporary_name(path: Path) -> str:
    """A new name that is no longer than file systems allow, in any script."""
    stem = os.fsencode(path.stem)[:LONGEST_STEM].decode(errors="ignore")
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= 16 else ""
    return f".{stem}.{uuid.uuid4().hex}{suffix}"


class JsonError(ValueError):
    """A file that is no JSON that could be used: ``problem`` in a few words, and the line where it is known."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"{problem} in line {line}")
        self.problem, self.line = problem, line


def read_json(path: Path) -> Any:
    """The content of a JSON file in UTF-8, with or without a byte order mark; halves of characters become U+FFFD.

    Raises `JsonError` where it cannot be opened, is no JSON, is nested too deeply, or holds a number of thousands of
    digits.
    """
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise JsonError(f"is larger than {LARGEST_JSON / 2**20:.0f} MiB")
        text = read_bytes(path).decode("utf-8-sig")
        content = json.loads(text)
    except JsonError:
        raise
    except OSError as error:
        raise JsonError(f"cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise JsonError("is not in UTF-8") from None
    except RecursionError:
        raise JsonError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise JsonError(f"is no JSON ({error.msg})", error.lineno) from None
    except ValueError:
        raise JsonError("holds a number of too many digits") from None
    if _depth(content) > DEEPEST_NESTING:
        raise JsonError("is nested too deeply")
    return _replace_half_characters(content) if "\\u" in text else content


def _depth(content: Any) -> int:
    """How many objects and lists lie in each other, at most."""
    depth, level = 0, [content]
    while level := [
        child
        for item in level
        if isinstance(item, dict | list)
        for child in (item.values() if isinstance(item, dict) else item)
    ]:
        depth += 1
        if depth > DEEPEST_NESTING:
            break
    return depth


def _replace_half_characters(content: Any) -> Any:
    """With U+FFFD for halves of characters, which nothing could be written with."""
    if isinstance(content, str):
        return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(content, list):
        return [_replace_half_characters(item) for item in content]
    if isinstance(content, dict):
        return {_replace_half_characters(key): _replace_half_characters(item) for key, item in content.items()}
    return content


def json_value(value: Any) -> Any:
    """`value` as JSON can hold it: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path: Path, content: Any) -> None:
    """Writes JSON, whole or not at all; raises `WriteError` where it cannot be."""
    write_text(path, json.dumps(json_value(content), indent=2, ensure_ascii=False) + "\n")
