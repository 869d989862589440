"""Whether a file can be used: links that lead nowhere, pointers that stand for data, JSON sidecars, NIfTI headers."""

from __future__ import annotations

import gzip
import io
import math
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..common import JsonError, describe_absence, error_line, is_device, message_line, read_json

EMPTY = "is empty (0 bytes)"
_POINTERS = ((b"/annex/objects/", "git-annex"), (b"version https://git-lfs", "git-lfs"))
SMALL = 4096  # bytes of a file that is read whatever its grid
LONGEST = 540  # bytes of a NIfTI-2 header
NAMES = (".nii", ".nii.gz")
_LONGEST_AXIS = 4096  # voxels in space; a whole brain at 0.1 mm has 2300
_MOST_PACKED = 500  # bytes of data for each of a file; brains pack to a quarter, masks to a hundredth
_ANY_PACKED = 64 * 2**20  # bytes of data that a compressed file may hold however small it is
_MANY = 4096  # compressed bytes that surely hold a header
_SECONDS = {"sec": 1.0, "unknown": 1.0, "msec": 1e-3, "usec": 1e-6}
_SAME_PLACE = 1e-3  # mm


class DataError(ValueError):
    """Something in a study's files that cannot be used: file, problem and remedy in one line."""

    def __init__(self, problem: str) -> None:
        super().__init__(message_line(problem))


def head_of(path: Path, size: int = 64) -> bytes:
    """The first bytes of a file.

    Raises `DataError` where it is absent, a link to nothing, not readable, empty, or only stands for data kept
    elsewhere (DataLad, git-annex, git-lfs).
    """
    if is_device(path):
        raise DataError(f"{path.name} is a pipe or a device, not a file")
    try:
        with path.open("rb") as file:
            head = file.read(size)
    except FileNotFoundError:
        raise DataError(f"{path.name} {describe_absence(path)}") from None
    except IsADirectoryError:
        raise DataError(f"{path.name} is a folder, not a file") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be opened ({error.strerror}); check its permissions") from None
    if not head:
        raise DataError(f"{path.name} {EMPTY}; copy it or make it again")
    for mark, keeper in _POINTERS:
        if head.startswith(mark):
            raise DataError(f"{path.name} only stands for the data, which {keeper} keeps elsewhere; fetch them")
    return head


def read_sidecar(path: Path) -> dict[str, Any]:
    """A JSON sidecar; raises `DataError` where it is no JSON object."""
    head_of(path)
    try:
        content = read_json(path)
    except JsonError as error:
        where = f", line {error.line}" if error.line is not None else ""
        raise DataError(f"{path.name}{where} {error.problem}; correct it") from None
    if not isinstance(content, dict):
        raise DataError(f"{path.name} is no JSON object {{…}}; correct it")
    return content


@dataclass(frozen=True, eq=False)
class Header:
    """The head of an image.

    Fields:
        shape: number of voxels along each axis, then of scans.
        affine: voxel numbers → mm.
        repetition_time: s; None where the header does not tell.
    """

    shape: tuple[int, ...]
    affine: Float[np.ndarray, "4 4"]
    repetition_time: float | None

    def same_grid(self, other: Header) -> bool:
        """Whether the voxels of both are at the same places."""
        return self.shape[:3] == other.shape[:3] and bool(np.allclose(self.affine, other.affine, atol=_SAME_PLACE))


def read_header(path: Path) -> Header:
    """The header of a ``.nii`` or ``.nii.gz``.

    Raises `DataError`, in one line with the file's name, where the file is unreadable, no NIfTI, cut off, or does not
    say where its voxels are.
    """
    header = _read(path)
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    _check_place(path, header, affine)
    shape = tuple(int(size) for size in header.get_data_shape())
    step = float(header.get_zooms()[3]) if len(shape) > 3 else 0.0
    step *= _SECONDS.get(header.get_xyzt_units()[1], 1.0)
    return Header(shape, affine, step if math.isfinite(step) and step > 0 else None)


def open_nifti(path: Path) -> Any:
    """nibabel's image of a file whose header and size are in order; no voxel is read yet.

    A compressed file is kept open, so that it is read on from where it is, not from its start, for each volume.

    Raises `DataError` as `read_header` does, whatever else nibabel raises among it; but not where the file does not
    say where its voxels are.
    """
    import nibabel

    if path.name.lower().endswith(NAMES):
        _read(path)
    try:
        with _quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: Any = nibabel.load(path, keep_file_open=True)
            shape = tuple(map(int, image.shape))
    except Exception as error:  # nibabel raises a dozen kinds on damaged headers
        raise DataError(f"{path.name} is no image that can be read ({error_line(error)}); make it again") from None
    if not shape or min(shape) < 1:
        raise DataError(f"{path.name} holds voxels of shape {shape}, not a grid; make it again")
    return image


@contextmanager
def _quiet() -> Iterator[None]:
    """nibabel says on the terminal what it mends in a header."""
    from nibabel.imageglobals import logger

    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _read(path: Path) -> Any:
    """nibabel's header of a file whose fields, voxels and size make sense."""
    head = head_of(path, _MANY)
    compressed = path.suffix == ".gz"
    if compressed:
        if not head.startswith(b"\x1f\x8b"):
            raise DataError(f"{path.name} is not compressed, whatever its name says; rename it, or make it again")
        head = _inflated(path, head)
    header = _parsed(path, head)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shape = tuple(int(size) for size in header.get_data_shape())
            kind, start = header.get_data_dtype(), int(header["vox_offset"])
            header.get_best_affine()
            header.get_zooms()
            header.get_xyzt_units()
            header.get_slope_inter()
    except Exception as error:  # nibabel raises a dozen kinds on damaged headers
        raise DataError(f"{path.name} has a damaged header ({error_line(error)}); make it again") from None
    if kind.kind not in "iuf" or not shape or min(shape) < 1:
        raise DataError(f"{path.name} holds {kind} voxels of shape {shape}, not real numbers on a grid; make it again")
    if max(shape[:3]) > _LONGEST_AXIS:
        size = " × ".join(map(str, shape[:3]))
        raise DataError(f"{path.name} claims {size} voxels, as no image of a brain has; make it again")
    if not 0 <= start < 2**31:
        raise DataError(f"{path.name} has voxels that begin at byte {start}; its header is damaged: make it again")
    _check_size(path, compressed, start + math.prod(shape) * kind.itemsize)
    return header


def check_filled(path: Path, header: Header) -> None:
    """Raises `DataError` where an image holds nothing but zeros.

    Zeros compress a thousandfold and brains do not, so that only files which are small for their grid are read.
    """
    if path.suffix == ".gz" and path.stat().st_size > SMALL + math.prod(header.shape) // 200:
        return
    try:
        filled = bool(np.asarray(open_nifti(path).dataobj).any())
    except (OSError, EOFError, ValueError, zlib.error, MemoryError) as error:
        raise DataError(f"{path.name} is damaged ({error_line(error)}); copy it or make it again") from None
    if not filled:
        raise DataError(f"{path.name} is empty: no voxel is in the mask; make it again")


def _inflated(path: Path, head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, LONGEST)
    except zlib.error:
        raise DataError(f"{path.name} is damaged: it does not decompress; copy it or make it again") from None


def _parsed(path: Path, head: bytes) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    kinds: tuple[Any, ...] = (Nifti1Header, Nifti2Header)  # nibabel's methods have no types
    for kind in kinds:
        size = kind.template_dtype.itemsize
        if len(head) >= size and kind.may_contain_header(head[:size]):
            return kind.from_fileobj(io.BytesIO(head[:size]), check=False)
    if len(head) < Nifti1Header.template_dtype.itemsize:
        raise DataError(f"{path.name} is cut off within its header; copy it or make it again")
    raise DataError(f"{path.name} is no NIfTI image, whatever its name says; make it again")


def _check_place(path: Path, header: Any, affine: np.ndarray) -> None:
    if not (int(header["qform_code"]) > 0 or int(header["sform_code"]) > 0):
        raise DataError(f"{path.name} has neither qform nor sform, so where the brain is is unknown; make it again")
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise DataError(f"{path.name} has an affine that cannot be inverted; make it again")


def _check_size(path: Path, compressed: bool, expected: int) -> None:
    """Compressed files end with their length modulo 2³²; only where it does not fit is the file read through."""
    size = path.stat().st_size
    if not compressed:
        found = size
    elif expected > max(_ANY_PACKED, _MOST_PACKED * size):
        raise DataError(
            f"{path.name} claims {expected / 1e6:,.0f} MB of voxels in a file of {size / 1e6:.3g} MB, as no image of a "
            "brain has; make it again"
        )
    else:
        with path.open("rb") as file:
            file.seek(-4, io.SEEK_END)
            found = int.from_bytes(file.read(4), "little")
        if found == expected % 2**32:
            return
        found = _length(path, expected)
    if found < expected:
        raise DataError(
            f"{path.name} is cut off: it holds {found:,} of {expected:,} bytes of data; copy it or make it again"
        )


def _length(path: Path, enough: int) -> int:
    """Bytes that a compressed file yields, as far as `enough`; several compressed blocks in a row are one file."""
    found = 0
    try:
        with gzip.open(path) as file:
            while found < enough and (block := file.read(1 << 20)):
                found += len(block)
    except (EOFError, OSError, zlib.error):
        pass  # what came before is what there is
    return found
