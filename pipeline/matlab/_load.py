"""MATLAB files, Octave's too → plain nested Python: v4 to v7 without trust in any size, v7.3 in a guarded process."""

from __future__ import annotations

import stat
import zlib
from pathlib import Path
from typing import Any

from ..common import error_line
from ._stream import DamagedError, Room, TooLargeError
from ._values import MatFileError
from ._version4 import load_mat4, looks_like_mat4
from ._version5 import load_mat5
from ._version73 import load_hdf5

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
AGAIN = "copy it again from its source"


def load_mat(path: str | Path) -> dict[str, Any]:
    """Every variable of a MATLAB file, by name.

    A struct becomes a dict, a struct array a `StructArray`, a cell array an object array of the same shape, one row of
    characters a str, several rows an array of str, numbers an array of MATLAB's shape (scalars 1 × 1) and class, a
    sparse matrix a `scipy.sparse.csc_array`, anything else an `Opaque` marker, as is what claims more than a file of
    its size may hold. Whatever the bytes are, this ends within seconds, in memory in proportion to the file.

    Raises `MatFileError` where the file is missing, damaged or of another kind.
    """
    path = Path(path)
    start = _first_bytes(path)
    try:
        return _load(path, start)
    except OSError as error:
        raise MatFileError(f"cannot be read ({error.strerror}); check the disk and its permissions") from None


def _load(path: Path, start: bytes) -> dict[str, Any]:
    if start.startswith(b"MATLAB 7.3") or HDF5_SIGNATURE in (start[at : at + 8] for at in (0, 512, 1024, 2048)):
        return load_hdf5(path)
    if start.startswith(b"# Created by Octave"):
        raise MatFileError("is an Octave text file; save it again in Octave with: save -v7 FILE DCM")
    if start.startswith((b"Octave-1-L", b"Octave-1-B")):
        raise MatFileError("is an Octave binary file; save it again in Octave with: save -v7 FILE DCM")
    if not start.startswith(b"MATLAB") and _is_text(start):
        raise MatFileError("is a text file, not a MATLAB file; give the .mat file itself")
    named = start.startswith(b"MATLAB")
    version5 = start[124:128] in (b"\x00\x01IM", b"\x01\x00MI")
    if not (named or version5 or looks_like_mat4(start)):
        raise MatFileError(f"is not a MATLAB file; {AGAIN}")
    what = "is a damaged or truncated MATLAB file" if named or version5 else "is not a MATLAB file"
    try:
        with path.open("rb") as file:
            about = path.stat()
            # A file of holes, which take no room on disk, does not account for the memory that its length would.
            room = Room(min(about.st_size, 512 * getattr(about, "st_blocks", about.st_size)))
            return (load_mat5 if named or version5 else load_mat4)(file, about.st_size, room)
    except (DamagedError, zlib.error) as error:
        raise MatFileError(f"{what} ({error_line(error)}); {AGAIN}") from error
    except (TooLargeError, MemoryError) as error:
        raise MatFileError(
            "unpacks to more than a file of its size may hold; save it again with what is needed alone, or in parts"
        ) from error


def _first_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise MatFileError("is a folder; give the .mat files inside it")
        if not stat.S_ISREG(mode):
            raise MatFileError("is a device or a pipe; give a file")
        with path.open("rb") as file:
            start = file.read(2056)
    except FileNotFoundError:
        raise MatFileError("does not exist; check the path") from None
    except OSError as error:
        raise MatFileError(f"cannot be opened ({error.strerror}); check its permissions") from None
    except MatFileError:
        raise
    except ValueError:  # a NUL in the name
        raise MatFileError("has a name that no file can have; check the path") from None
    if not start:
        raise MatFileError("is empty (0 bytes); copy it again from its source")
    return start


def _is_text(start: bytes) -> bool:
    return b"\0" not in start and all(byte >= 32 or byte in b"\t\r\n\f" for byte in start)
