"""NetCDF files of results, with named dimensions and units, exact to the last bit and checked when they are read.

The file's SHA-256 follows the end of the NetCDF data (where netCDF and HDF5 read nothing), so that damage is found
before HDF5, which damage can kill or send in circles, sees the bytes. A file without, from an older version or changed
since, is read in a guarded child process. A second checksum, an attribute, is of the content whatever the container.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import xarray as xr

from ..common import Attributes, describe_absence, message_line, write_bytes
from ..guarded import (
    SIGNATURE,
    GuardedError,
    GuardedProcess,
    NetcdfContent,
    content_from_reply,
    netcdf_request,
    parse_netcdf,
)
from ._dataset import values_of
from ._netcdf_layout import netcdf_bytes

DIGEST = "content_sha256"
_SEAL = b"\neffconn sha256 "  # then 64 hexadecimal digits and a line feed
_SEAL_SIZE = len(_SEAL) + 64 + 1
_LARGEST, _LARGEST_UNSEALED = 4 * 2**30, 256 * 2**20  # bytes: of a result, and of one that a child is to read

_child = GuardedProcess("pipeline.guarded._netcdf_content:parse_request", seconds=3.0)  # a hundred times what one takes
_Result = TypeVar("_Result")


class ResultFileError(ValueError):
    """A result file that cannot be used: path, problem and remedy in one line.

    Fields:
        path: of the file.
        form: what kind of result it says that it is; empty where it does not say.
    """

    remedy: ClassVar[str] = "delete it and invert again"

    def __init__(self, path: Path, problem: str, remedy: str | None = None, form: str = "") -> None:
        super().__init__(message_line(f"{path}: {problem}; {remedy or self.remedy}"))
        self.path, self.form = path, form


class AnyResultFileError(ResultFileError):
    """A file of whatever kind of result that cannot be used."""

    remedy = "delete it and make it again"


def write_dataset(path: str | Path, dataset: xr.Dataset) -> None:
    """Writes a result's dataset as NetCDF, whole or not at all; the same dataset gives the same bytes."""
    dataset = dataset.assign_attrs({DIGEST: _digest(values_of(dataset), dataset.attrs)})
    try:
        content = netcdf_bytes(dataset)
    except ValueError as error:  # of which UnicodeEncodeError is one
        said = message_line(str(error))
        raise ValueError(f"{path}: a name holds a character that NetCDF cannot ({said}); rename it") from error
    write_bytes(path, content + _seal(hashlib.sha256(content).hexdigest()))


def read_content(
    path: Path, form: str, refused: type[ResultFileError] = ResultFileError
) -> tuple[dict[str, np.ndarray], Attributes]:
    """Every variable and attribute of a result file of a form, its checksums held; raises `refused` where it is not."""
    found = _checked(path, form.__eq__, refused, labelled=False)
    return found.values, found.attributes


def read_format(path: Path) -> str:
    """What kind of result a file says that it holds; raises `ResultFileError` where it is damaged."""
    return _form(_content(path, AnyResultFileError, labelled=False))


def open_dataset(path: str | Path) -> xr.Dataset:
    """A result file of any kind as an xarray dataset with named dimensions and units, in memory and checked.

    Raises `ResultFileError` as `open_result` does. (`xarray.open_dataset` reads the same file, unchecked.)

    Example:
        >>> open_dataset("out/sub-01.nc")["mean"].sel(parameter="A[V5<-V1]")
    """
    path = Path(path)
    found = _checked(path, lambda form: form.startswith("effconn "), AnyResultFileError, labelled=True)
    return build_result(path, lambda: _dataset(found), AnyResultFileError)


def read_any_dataset(path: Path, form: str) -> xr.Dataset:
    """A NetCDF file of a form of ours, its checksum held, or of anybody who says none.

    Raises `ResultFileError` where it is damaged, or of another form of ours.
    """
    found = _content(path, ResultFileError, labelled=True)
    own = _form(found)
    if own not in ("", form):
        raise ResultFileError(path, "is no result of this kind, or of another version of effconn", form=own)
    if own and found.attributes.pop(DIGEST, None) != _digest(found.values, found.attributes):
        raise ResultFileError(path, "is damaged: its content does not match its checksum", form=own)
    return build_result(path, lambda: _dataset(found))


def _dataset(content: NetcdfContent) -> xr.Dataset:
    variables = {}
    for key, values in content.values.items():
        dimensions, attributes = content.labels[key]
        if attributes.get("dtype") == "bool":  # how xarray marks what NetCDF has no type for
            values, attributes = values.astype(bool), {k: v for k, v in attributes.items() if k != "dtype"}
        variables[key] = (dimensions, values, attributes)
    return xr.Dataset(variables, attrs=content.attributes)


def build_result(path: Path, make: Callable[[], _Result], refused: type[ResultFileError] = ResultFileError) -> _Result:
    """What is made from a file's content; raises `refused` where that is not what a result of its kind holds."""
    try:
        return make()
    except ResultFileError:
        raise
    except Exception as error:  # numbers, names and shapes of somebody else's choice: whatever it is, it is the file's
        missing = f"lacks {error}" if isinstance(error, KeyError) else "does not hold what a result of its kind holds"
        raise refused(path, f"{missing}, whatever its checksum") from error


def _checked(
    path: Path, is_form: Callable[[str], bool], refused: type[ResultFileError], labelled: bool
) -> NetcdfContent:
    found = _content(path, refused, labelled)
    if not is_form(_form(found)):
        raise refused(path, "is no result of this kind, or of another version of effconn", form=_form(found))
    if found.attributes.pop(DIGEST, None) != _digest(found.values, found.attributes):
        raise refused(path, "is damaged: its content does not match its checksum")
    return found


def _form(content: NetcdfContent) -> str:
    return str(content.attributes.get("format", ""))


def _content(path: Path, refused: type[ResultFileError], labelled: bool) -> NetcdfContent:
    """What a file holds, its bytes checked before they are interpreted, in a child process where they cannot be."""
    raw = _bytes(path, refused)
    body = memoryview(raw)[:-_SEAL_SIZE]
    try:
        if raw[-_SEAL_SIZE:].startswith(_SEAL):
            if raw[-_SEAL_SIZE:] != _seal(hashlib.sha256(body).hexdigest()):
                raise refused(path, "is damaged: its bytes do not match their checksum")
            if not labelled:  # labels follow references, at which HDF5 may stumble whatever the checksum
                return parse_netcdf(bytes(body))
        if not raw.startswith(SIGNATURE):
            if path.suffix == ".mat":  # nobody is to delete what SPM took hours for
                raise refused(path, "is a MATLAB file", "read_dcm and read_peb open it")
            raise refused(path, "is damaged or no NetCDF file")
        return content_from_reply(_child.run(netcdf_request(raw, labelled)))
    except ResultFileError:
        raise
    except GuardedError as error:
        if error.how == "start":
            raise refused(path, str(error), "try again with more memory free") from error
        detail = "" if error.how == "raised" and error.kind != "ValueError" else f" ({error})"
        raise refused(path, f"is damaged or no NetCDF file{detail}") from error
    except Exception as error:  # h5py has a dozen ways to report damage, some of them by accident
        raise refused(path, "is damaged or no NetCDF file") from error


def _bytes(path: Path, refused: type[ResultFileError]) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _SEAL_SIZE))
            sealed = file.read().startswith(_SEAL)
            if size > (_LARGEST if sealed else _LARGEST_UNSEALED):
                raise refused(path, f"is larger than any result ({size / 2**20:,.0f} MiB)", "give results alone")
            file.seek(0)
            return file.read(size)
    except FileNotFoundError:
        raise refused(path, *describe_absence(path).split("; ")) from None
    except OSError as error:
        raise refused(path, f"cannot be read ({error.strerror})", "check it and its permissions") from error
    except MemoryError as error:
        raise refused(path, "does not fit into memory", "free some, or give fewer files") from error


def _seal(digest: str) -> bytes:
    return _SEAL + digest.encode() + b"\n"


def _digest(values: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> str:
    """SHA-256 over every value, name and attribute, whatever the container."""
    digest = hashlib.sha256()
    for key in sorted(values):
        array = values[key]
        text = array.dtype.kind in "OUT"
        content = _encoded("\0".join(map(str, array.ravel()))) if text else np.ascontiguousarray(array).tobytes()
        digest.update(_encoded(f"{key}|{array.shape}|") + content)
    for key in sorted(set(attributes) - {DIGEST}):
        digest.update(_encoded(f"{key}|{attributes[key]}|"))
    return digest.hexdigest()


def _encoded(text: str) -> bytes:
    """As UTF-8; a damaged text may hold halves of characters, which must not stop the check that finds the damage."""
    return text.encode("utf-8", "surrogatepass")
