"""NetCDF results changed by HDF5's own means."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

_SEAL = b"\neffconn sha256 "
_LARGE = 2**22  # values; more are a bomb, which is not to go off here
_STRANGE: tuple[Any, ...] = (
    np.nan,
    np.inf,
    -1.0,
    1e308,
    np.zeros((0,)),
    np.zeros((3, 0, 2)),
    np.array(2**62),
    np.full((4, 4), np.nan),
    np.array([b"\xff\xfe", b""]),
    np.array(b"text"),
    np.array([1 + 2j]),
)


def unsealed(content: bytes) -> bytes:
    """A result without the checksum at its end, as older versions wrote it."""
    place = content.rfind(_SEAL)
    return content if place < 0 else content[:place]


def sealed(content: bytes) -> bytes:
    """With the right checksum at its end."""
    return content + _SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n"


def change_hdf5(content: bytes, rng: random.Random, folder: Path) -> bytes:
    """One to three changes that leave a whole HDF5 file, of links, shapes, types and attributes."""
    path = folder / "changed.h5"
    path.write_bytes(unsealed(content))
    with h5py.File(path, "r+") as file:
        for _ in range(rng.randint(1, 3)):
            _CHANGES[rng.randrange(len(_CHANGES))](file, rng)
    changed = path.read_bytes()
    return sealed(_with_digest(path, changed)) if rng.random() < 0.5 else changed


def _with_digest(path: Path, changed: bytes) -> bytes:
    """The checksum of the content made right again where the content can be read."""
    from pipeline.guarded import parse_netcdf
    from pipeline.results._netcdf_file import DIGEST, _digest

    try:
        with h5py.File(path, "r+") as file:
            if any(not isinstance(file.get(key, getlink=True), h5py.HardLink) for key in file):
                return changed
            if sum(item.size for item in file.values() if isinstance(item, h5py.Dataset)) > _LARGE:
                return changed
        found = parse_netcdf(changed)
        with h5py.File(path, "r+") as file:
            file.attrs[DIGEST] = _digest(found.values, found.attributes)
    except Exception:  # h5py raises of every kind on damage; the file goes to the reader as it is
        return changed
    return path.read_bytes()


def _name(file: h5py.File, rng: random.Random) -> str:
    return rng.choice(sorted(file))


def _remove(file: h5py.File, rng: random.Random) -> None:
    del file[_name(file, rng)]


def _replace(file: h5py.File, rng: random.Random) -> None:
    name = _name(file, rng)
    del file[name]
    file[name] = rng.choice(_STRANGE)


def _reshape(file: h5py.File, rng: random.Random) -> None:
    name = _name(file, rng)
    item = file[name]
    if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu" and item.shape and item.size < _LARGE:
        values = np.asarray(item[()])
        shorter = values[: max(1, len(values) // 2)] if rng.random() < 0.5 else np.concatenate([values, values])
        del file[name]
        file[name] = shorter if rng.random() < 0.5 else shorter.T


def _numbers(file: h5py.File, rng: random.Random) -> None:
    item = file[_name(file, rng)]
    if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu" and 0 < item.size < _LARGE:
        values = np.array(item[()])
        odd = (np.nan, np.inf, -1e30, 0.0) if item.dtype.kind == "f" else (-1, 0, 100)
        values.reshape(-1)[rng.randrange(values.size)] = rng.choice(odd)
        item[...] = values


def _attribute(file: h5py.File, rng: random.Random) -> None:
    if len(file.attrs):
        name = rng.choice(sorted(file.attrs))
        if rng.random() < 0.3:
            del file.attrs[name]
        else:
            file.attrs[name] = rng.choice(("", "[" * 3000, "\x1b[2J", -1, np.nan, "{}", "x" * 5000, h5py.Empty("f8")))


def _link(file: h5py.File, rng: random.Random) -> None:
    file[f"link{rng.random()}"] = (
        h5py.ExternalLink("other.h5", "/x") if rng.random() < 0.5 else h5py.SoftLink("/nowhere")
    )


def _group(file: h5py.File, rng: random.Random) -> None:
    file.create_group(f"group{rng.random()}")


def _bomb(file: h5py.File, rng: random.Random) -> None:
    """Terabytes that were never written; for some, packed so that a chunk is a few bytes."""
    side = rng.choice((2**14, 2**20))
    packed = {"compression": "gzip"} if rng.random() < 0.5 else {}
    file.create_dataset(f"bomb{rng.random()}", (side, side), "f8", chunks=(256, 256), fillvalue=1.0, **packed)


_CHANGES: tuple[Callable[[h5py.File, random.Random], None], ...] = (
    *(_remove, _replace, _replace, _reshape, _reshape, _numbers, _numbers, _attribute, _attribute),
    *(_link, _group, _bomb),
)
