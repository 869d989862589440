"""Damaged and hostile MATLAB files (v4, v5, v7, v7.3), made from good ones by edits that know the format."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

import h5py
import numpy as np
import scipy.io
import scipy.sparse

from . import _fuzz_models as models
from ._mat73_file import PRISTINE, classed, mat73

HEADER = 128
MATRIX, COMPRESSED, INT32, UINT32 = 14, 15, 5, 6
ODD_SIZES = (0, 1, 3, 7, 8, 255, 4096, 65535, 10**6, 2**28, 2**31 - 1, 2**31, 2**32 - 1)
ODD_LONG = (0, 1, 7, 2**16, 2**31 - 1, 2**32, 10**12, 2**63 - 1, 2**64 - 1)
ODD_KINDS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 99)
ODD_CLASSES = (0, *range(1, 19), 255)
BOMB_BYTES = 100_000_000

Mutation = Callable[[bytearray, np.random.Generator], bytes | bytearray]


@cache
def mat_seeds() -> dict[str, bytes]:
    """One good, small, estimated DCM in every container; a matrix and text in version 4."""
    model = models.full_struct()
    return {
        "v4": _saved({"X": np.eye(3), "note": "text", "S": scipy.sparse.csc_array(np.eye(3))}, format="4"),
        "v5": _saved({"DCM": model}, do_compression=False),
        "v7": _saved({"DCM": model}, do_compression=True),
        "v7.3": mat73({"DCM": model}),
    }


def mutate_mat(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three edits of a MATLAB file of whatever version; the same generator gives the same bytes."""
    if b"\x89HDF" in content[:1024]:
        table = HDF5_MUTATIONS
    else:
        table = MAT5_MUTATIONS if content.startswith(b"MATLAB") else MAT4_MUTATIONS
    for _ in range(int(rng.integers(1, 4))):
        mutation = table[int(rng.integers(len(table)))]
        content = bytes(mutation(bytearray(content), rng))
    return content


def flip_bytes(content: bytearray, rng: np.random.Generator) -> bytearray:
    """One to eight bytes become others."""
    for place in rng.integers(len(content), size=int(rng.integers(1, 9))) if content else ():
        content[place] = int(rng.integers(256))
    return content


def cut(content: bytearray, rng: np.random.Generator) -> bytearray:
    """The end is missing."""
    return content[: int(rng.integers(len(content) + 1))]


def splice(content: bytearray, rng: np.random.Generator) -> bytearray:
    """A stretch is copied to another place, over or between what is there."""
    if len(content) < 16:
        return content
    start, to = (int(place) for place in rng.integers(len(content), size=2))
    size = int(rng.integers(1, 512))
    content[to : to + (size if rng.random() < 0.5 else 0)] = content[start : start + size]
    return content


def set_number(content: bytearray, rng: np.random.Generator) -> bytearray:
    """Four or eight aligned bytes become a number that programs trip over."""
    wide = bool(rng.random() < 0.5)
    form, odd = ("<Q", ODD_LONG) if wide else ("<I", ODD_SIZES)
    if len(content) >= 16:
        place = int(rng.integers(len(content) // 8 - 1)) * 8 + (0 if wide else 4 * int(rng.integers(2)))
        struct.pack_into(form, content, place, odd[int(rng.integers(len(odd)))])
    return content


def _inside(edit: Callable[[bytearray, list[tuple[int, int, int]], np.random.Generator], None]) -> Mutation:
    """An edit of the elements within the first variable of a v5 or v7 file, which is packed again."""

    def mutation(content: bytearray, rng: np.random.Generator) -> bytearray:
        try:
            kind, size = struct.unpack_from("<II", content, HEADER)
            body = bytearray(content[HEADER + 8 : HEADER + 8 + size])
            inner = bytearray(zlib.decompress(body)) if kind == COMPRESSED else content[HEADER : HEADER + 8 + size]
            found = _elements(inner)
            if found:
                edit(inner, found, rng)
        except (zlib.error, struct.error):
            return flip_bytes(content, rng)
        if kind == COMPRESSED:
            packed = zlib.compress(inner, 1)
            inner = bytearray(struct.pack("<II", COMPRESSED, len(packed)) + packed)
        return content[:HEADER] + inner + content[HEADER + 8 + size :]

    return mutation


def _elements(content: bytes | bytearray) -> list[tuple[int, int, int]]:
    """(place of the tag, kind, bytes) of every element of a v5 stream, those within others too."""
    found, at = [], 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<II", content, at)
        if kind >> 16:
            kind, size = kind & 0xFFFF, 0
        found.append((at, kind, size))
        at += 8 if kind == MATRIX else 8 + size + (-size % 8)
    return found


def _pick(found: list[tuple[int, int, int]], rng: np.random.Generator, *kinds: int) -> tuple[int, int, int]:
    those = [result for result in found if not kinds or (result[1] in kinds and result[2] >= 4)] or found
    return those[int(rng.integers(len(those)))]


def _edit_size(content: bytearray, found: list[tuple[int, int, int]], rng: np.random.Generator) -> None:
    at, _, size = _pick(found, rng)
    odd = (*ODD_SIZES, size + 8, max(size - 8, 0), size + 1)
    struct.pack_into("<I", content, at + 4, odd[int(rng.integers(len(odd)))])


def _edit_kind(content: bytearray, found: list[tuple[int, int, int]], rng: np.random.Generator) -> None:
    at, *_ = _pick(found, rng)
    struct.pack_into("<I", content, at, ODD_KINDS[int(rng.integers(len(ODD_KINDS)))] | int(rng.integers(6)) << 16)


def _edit_class(content: bytearray, found: list[tuple[int, int, int]], rng: np.random.Generator) -> None:
    at, *_ = _pick(found, rng, UINT32)
    if at + 10 <= len(content):
        content[at + 8] = ODD_CLASSES[int(rng.integers(len(ODD_CLASSES)))]
        content[at + 9] = int(rng.integers(16))


def _edit_integer(content: bytearray, found: list[tuple[int, int, int]], rng: np.random.Generator) -> None:
    """Shapes, lengths of names, and the rows and columns of sparse matrices are such."""
    at, _, size = _pick(found, rng, INT32)
    place = at + 8 + 4 * int(rng.integers(max(size // 4, 1)))
    if place + 4 <= len(content):
        struct.pack_into("<I", content, place, ODD_SIZES[int(rng.integers(len(ODD_SIZES)))])


def _edit_data(content: bytearray, found: list[tuple[int, int, int]], rng: np.random.Generator) -> None:
    at, _, size = _pick(found, rng)
    stretch = min(size, int(rng.integers(1, 64)))
    content[at + 8 : at + 8 + stretch] = rng.bytes(stretch)


def _edit_order(content: bytearray, found: list[tuple[int, int, int]], rng: np.random.Generator) -> None:
    """An element is put in the place of another, or taken out."""
    at, _, size = _pick(found, rng)
    to, _, other = _pick(found, rng)
    piece = content[at : at + 8 + size + (-size % 8)] if rng.random() < 0.7 else b""
    content[to : to + 8 + other + (-other % 8)] = piece


def bomb(content: bytearray, rng: np.random.Generator) -> bytearray:
    """A packed variable of zeros follows, or comes first; now and then a shorter one than it says."""
    packed = _bomb()
    if rng.random() < 0.3:
        packed = packed[: int(rng.integers(9, len(packed)))]
    return content + packed if rng.random() < 0.5 else content[:HEADER] + packed + content[HEADER:]


def _bomb() -> bytes:
    count = BOMB_BYTES // 8
    flags = struct.pack("<IIII", UINT32, 8, 6, 0)
    shape = struct.pack("<IIii", INT32, 8, count, 1)
    name = struct.pack("<II", 1, 4) + b"junk".ljust(8, b"\0")
    body = flags + shape + name + struct.pack("<II", 9, BOMB_BYTES) + bytes(BOMB_BYTES)
    packed = zlib.compress(struct.pack("<II", MATRIX, len(body)) + body, 1)
    return struct.pack("<II", COMPRESSED, len(packed)) + packed


def nest(content: bytearray, rng: np.random.Generator) -> bytearray:
    """Cells within cells, deeper than any program calls itself."""
    body = b""
    for _ in range(int(rng.integers(50, 3000))):
        inner = struct.pack("<II", MATRIX, len(body)) + body
        body = struct.pack("<IIIIIIiiII", UINT32, 8, 1, 0, INT32, 8, 1, 1, 1, 0) + inner
    return content + struct.pack("<II", MATRIX, len(body)) + body


def many_cells(content: bytearray, rng: np.random.Generator) -> bytearray:
    """A cell array of as many empty cells as fit in few packed bytes."""
    count = int(rng.integers(1, 6)) * 1_000_000
    head = struct.pack("<IIIIIIiiII", UINT32, 8, 1, 0, INT32, 8, count, 1, 1, 0)
    body = head + struct.pack("<II", MATRIX, 0) * count
    packed = zlib.compress(struct.pack("<II", MATRIX, len(body)) + body, 1)
    return content + struct.pack("<II", COMPRESSED, len(packed)) + packed


def _with_hdf5(edit: Callable[[h5py.File, np.random.Generator], None]) -> Mutation:
    """An edit of a v7.3 file through HDF5; where that cannot open it any more, bytes are flipped."""

    def mutation(content: bytearray, rng: np.random.Generator) -> bytes | bytearray:
        memory = io.BytesIO(content)
        if content[:10] != b"MATLAB 7.3" or flawed(content):
            return flip_bytes(content, rng)
        # an earlier edit may be in the way of this one
        with (
            h5py.File(memory, "r+") as file,
            contextlib.suppress(ValueError, KeyError, TypeError, OSError, AttributeError),
        ):
            edit(file, rng)
        return memory.getvalue()

    return mutation


def flawed(content: bytes | bytearray) -> bool:
    """Whether bytes have been changed by hand since HDF5 wrote them, after which it is not let at them here."""
    return content[116:124] != PRISTINE


def _raw(mutation: Mutation) -> Mutation:
    """A mutation of the bytes of a v7.3 file, beyond MATLAB's header; it is marked as flawed."""

    def marked(content: bytearray, rng: np.random.Generator) -> bytes:
        return bytes(content[:116] + b"mutated!" + content[124:512] + mutation(content[512:], rng))

    return marked


def _replace(file: h5py.File, rng: np.random.Generator) -> tuple[h5py.Group, str]:
    """A field that is taken out, to be put back as something else."""
    group = (file["DCM"], file["DCM/Y"], file["DCM/U"])[int(rng.integers(3))]
    names = list(group)
    name = names[int(rng.integers(len(names)))] if names else "extra"
    if name in group:
        del group[name]
    return group, name


def _external_link(file: h5py.File, rng: np.random.Generator) -> None:
    group, name = _replace(file, rng)
    group[name] = h5py.ExternalLink("other.h5", "/y")


def _soft_link(file: h5py.File, rng: np.random.Generator) -> None:
    group, name = _replace(file, rng)
    group[name] = h5py.SoftLink(("/DCM", "/nowhere", "/DCM/Y/y")[int(rng.integers(3))])


def _hard_circle(file: h5py.File, rng: np.random.Generator) -> None:
    group, name = _replace(file, rng)
    group[name] = file["DCM"]


def _virtual(file: h5py.File, rng: np.random.Generator) -> None:
    group, name = _replace(file, rng)
    layout = h5py.VirtualLayout(shape=(40, 2), dtype=float)
    layout[...] = h5py.VirtualSource("other.h5", "y", shape=(40, 2))
    classed(group.create_virtual_dataset(name, layout), "double")


def _external_storage(file: h5py.File, rng: np.random.Generator) -> None:
    group, name = _replace(file, rng)
    classed(group.create_dataset(name, (40, 2), float, external=[("/etc/passwd", 0, 640)]), "double")


def _huge(file: h5py.File, rng: np.random.Generator) -> None:
    group, name = _replace(file, rng)
    side = int(10 ** rng.uniform(2, 9))
    kind, dtype = (("double", float), ("cell", h5py.ref_dtype), ("char", np.uint16))[int(rng.integers(3))]
    classed(group.create_dataset(name, (side, side), dtype, chunks=(8, 8)), kind)


def _claim_empty(file: h5py.File, rng: np.random.Generator) -> None:
    group, name = _replace(file, rng)
    sizes = [ODD_LONG[int(rng.integers(len(ODD_LONG)))] for _ in range(2)]
    item = classed(group.create_dataset(name, data=np.array(sizes, dtype=np.uint64)), "cell")
    item.attrs["MATLAB_empty"] = np.uint8(1)


def _odd_type(file: h5py.File, rng: np.random.Generator) -> None:
    group, name = _replace(file, rng)
    values: tuple[Any, ...] = (
        np.array([b"ab", b"c"]),
        "text",
        h5py.Empty("f8"),
        np.zeros(3, dtype=[("real", "f8"), ("imag", "S3")]),
        np.zeros(2, dtype=[("p", "f8")]),
        np.array(5.0),
    )
    kind = ("double", "cell", "char", "logical", "struct", "function_handle", "meeg")[int(rng.integers(7))]
    classed(group.create_dataset(name, data=values[int(rng.integers(len(values)))]), kind)


def _references(file: h5py.File, rng: np.random.Generator) -> None:
    """Cells that hold the model, or each other, many times over."""
    group, name = _replace(file, rng)
    count = int(rng.integers(1, 2000))
    target = (file["DCM"], file["#refs#"], file)[int(rng.integers(3))]
    cells = group.create_dataset(name, data=np.full((count, 1), target.ref, dtype=h5py.ref_dtype))
    if rng.random() < 0.5:
        cells[...] = np.full((count, 1), cells.ref, dtype=h5py.ref_dtype)
    classed(cells, "cell")


def _bad_sparse(file: h5py.File, rng: np.random.Generator) -> None:
    part = file["DCM/Cp"][("ir", "jc")[int(rng.integers(2))]]
    part[int(rng.integers(part.size))] = ODD_LONG[int(rng.integers(len(ODD_LONG)))]


MAT5_MUTATIONS: tuple[Mutation, ...] = (
    *(flip_bytes, cut, splice, set_number),
    *map(_inside, (_edit_size, _edit_kind, _edit_class, _edit_integer, _edit_integer, _edit_data, _edit_order)),
)
MAT4_MUTATIONS: tuple[Mutation, ...] = (flip_bytes, cut, splice, set_number)
HDF5_MUTATIONS: tuple[Mutation, ...] = (
    *map(_raw, (flip_bytes, flip_bytes, cut, splice, set_number, set_number)),
    *map(
        _with_hdf5,
        (
            *(_external_link, _soft_link, _hard_circle, _virtual, _external_storage),
            *(_huge, _claim_empty, _odd_type, _references, _bad_sparse),
        ),
    ),
)
SLOW_MUTATIONS: tuple[Mutation, ...] = (bomb, nest, many_cells)  # of v5 and v7; a second each


def _saved(variables: Mapping[str, Any], **options: Any) -> bytes:
    memory = io.BytesIO()
    if options.get("format") != "4":
        options["long_field_names"] = True
    scipy.io.savemat(cast(Any, memory), dict(variables), **options)
    content = memory.getvalue()
    return content if options.get("format") == "4" else b"MATLAB 5.0 MAT-file".ljust(116) + content[116:]
