"""Damage: what a format's content may become on a bad disk, in a bad transfer, or in bad hands."""

from __future__ import annotations

import gzip
import json
import random
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

NASTY = (
    *("", " ", "n/a", "NA", "nan", "inf", "-inf", "1e999", "-0", "1e-320", "9" * 400, "١٢", "²", "1_000", "0x1F"),
    *("=1+1", "@cmd", "+A1", "\x1b[2J", "\x00", "\u202e", "\ud800", "\ufeff", "true", "None", "sub-01", "'", '"'),
    *("x" * 20000, "🧠", "1,5", "../../etc/passwd", "<script>", "a\tb", "\r", "__class__", "%s%n", "{0}"),
)


def mutate(form: str, content: bytes, rng: random.Random, folder: Path) -> bytes:
    """A content changed, in a way of its format's own for two of three."""
    own = _OWN.get(form)
    if own is not None and rng.random() < 0.67:
        return own(content, rng, folder)
    return change_bytes(content, rng)


def change_bytes(content: bytes, rng: random.Random) -> bytes:
    """Bits flipped, bytes overwritten, blocks lost, doubled or moved, the end cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not data:
            return bytes(data)
        at = rng.randrange(len(data))
        size = min(len(data) - at, rng.choice((1, 2, 4, 8, 64, 512)))
        match rng.randrange(9):
            case 0 | 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2 | 3:
                data[at] = rng.randrange(256)
            case 4:
                data[at : at + size] = bytes([rng.choice((0, 255))]) * size
            case 5:
                del data[at : at + size]
            case 6:
                data[at:at] = data[at : at + size]
            case 7:
                del data[at:]
            case _:
                number = rng.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1))
                data[at : at + 8] = struct.pack(rng.choice("<>") + "Q", number)
    return bytes(data)


def _mat(content: bytes, rng: random.Random, folder: Path) -> bytes:
    import numpy as np

    from ._fuzz_mat import mutate_mat

    return mutate_mat(content, np.random.default_rng(rng.getrandbits(64)))


def _netcdf(content: bytes, rng: random.Random, folder: Path) -> bytes:
    from ._fuzz_hdf5 import change_hdf5

    return change_hdf5(content, rng, folder)


_NIFTI: tuple[tuple[int, str], ...] = (  # offset and type of fields of a NIfTI-1 header
    *((offset, "i") for offset in (0, 32)),
    *((offset, "h") for offset in (*range(40, 56, 2), 68, 70, 72, 74, 120, 252, 254)),
    *((offset, "f") for offset in (*range(56, 68, 4), *range(76, 120, 4), 124, 128, 132, 136, *range(256, 328, 4))),
    *((offset, "B") for offset in (39, 122, 123, *range(344, 352))),
)
_EXTREME: dict[str, tuple[Any, ...]] = {
    "i": (0, -1, 2**31 - 1, 540, 348),
    "h": (0, -1, 1, 7, 8, 32767, -32768, 64, 128, 1024, 2048, 2304),
    "f": (0.0, -1.0, float("nan"), float("inf"), -float("inf"), 3.4e38, 1e-40, 351.0, 4e9),
    "B": (0, 1, 2, 255),
}


def _nifti(content: bytes, rng: random.Random, folder: Path) -> bytes:
    packed = content.startswith(b"\x1f\x8b")
    data = bytearray(gzip.decompress(content) if packed else content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        match rng.randrange(6):
            case 0 | 1 | 2 | 3:
                offset, kind = rng.choice(_NIFTI)
                struct.pack_into("<" + kind, data, offset, rng.choice(_EXTREME[kind]))
            case 4:
                data[348:352] = b"\1\0\0\0"  # an extension follows, with a size of its own
                data[352:360] = struct.pack("<ii", rng.choice((0, -8, 8, 15, 16, 2**31 - 1)), rng.choice((0, 4, 999)))
            case _:
                dims = [4, *(rng.choice((1, 2, 1000, 32767)) for _ in range(4))]
                struct.pack_into("<5h", data, 40, *dims)
    if not packed:
        return bytes(data)
    return _packed(bytes(data), rng)


def _packed(data: bytes, rng: random.Random) -> bytes:
    """Compressed again: well, with a wrong length or checksum, or with gigabytes of zeros behind."""
    content = bytearray(gzip.compress(data, mtime=0))
    match rng.randrange(6):
        case 0:
            content[-4:] = struct.pack("<I", rng.choice((0, 2**32 - 1, len(data) + 1)))
        case 1:
            content[-8:-4] = bytes(4)
        case 2:
            content += gzip.compress(bytes(2**22), mtime=0) * 300
        case 3:
            return change_bytes(bytes(content), rng)
        case _:
            pass
    return bytes(content)


def _tsv(content: bytes, rng: random.Random, folder: Path) -> bytes:
    text = content.decode()
    sign = next((sign for sign in "\t;," if sign in text), "\t")
    rows = [line.split(sign) for line in text.splitlines()]
    for _ in range(rng.choice((1, 1, 2, 5))):
        row = rng.choice(rows)
        match rng.randrange(10):
            case 0 | 1 | 2 | 3:
                if row:
                    row[rng.randrange(len(row))] = rng.choice(NASTY)
            case 4:
                row.append(rng.choice(NASTY))
            case 5:
                rows.insert(rng.randrange(len(rows)), list(row))
            case 6:
                column = rng.randrange(max(1, len(rows[0])))
                rows = [[cell for place, cell in enumerate(cells) if place != column] for cells in rows]
            case 7:
                column, cell = rng.randrange(max(1, len(rows[0]))), rng.choice(NASTY)
                rows = [[*cells[:column], cell, *cells[column + 1 :]] for cells in rows]
            case 8:
                rows = rows[: rng.randrange(len(rows)) + 1]
            case _:
                rows[0] = [rng.choice(rows[0] or [""]) for _ in rows[0]]
    sign = rng.choice((sign,) * 6 + (";", ",", "\t", " ", "|"))
    ending = rng.choice(("\n",) * 4 + ("\r\n", "\r", "\n\n"))
    made = ending.join(sign.join(row) for row in rows) + ending
    code = rng.choice(("utf-8",) * 6 + ("utf-8-sig", "utf-16", "latin-1"))
    return made.encode(code, "surrogatepass" if code.startswith("utf") else "replace")


_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, 2**70, 10**400, float("nan"), float("inf"), "", [], {}, [[]], {"": None}),
    *("\ud800", "\x1b[2J", "x" * 5000, [1, "a", None], {"a": {"b": []}}, "../..", "<svg onload=x>", 1.5, "faces"),
)


def _json(content: bytes, rng: random.Random, folder: Path) -> bytes:
    match rng.randrange(8):
        case 0:
            deep = rng.choice((50, 500, 5000, 200000))
            opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
            text = opening * deep + "1" + closing * (deep if rng.random() < 0.7 else 0)
            head = content.decode().rstrip().rstrip("}")
            return (f'{head}, "deep": {text}}}' if rng.random() < 0.7 else text).encode()
        case 1:
            text = content.decode()
            numbers = list(re.finditer(r"-?\d+(\.\d+)?", text))
            if not numbers:
                return content
            one = rng.choice(numbers)
            return (
                text[: one.start()] + rng.choice(("1" * 5000, "1e999", "NaN", "-", "0x1")) + text[one.end() :]
            ).encode()
        case _:
            tree = json.loads(content)
            for _ in range(rng.choice((1, 1, 2, 4))):
                tree = _changed(tree, rng)
            return json.dumps(tree).encode()


def _changed(tree: Any, rng: random.Random) -> Any:
    """A tree with one node replaced, removed or doubled."""
    if not isinstance(tree, dict | list) or not tree or rng.random() < 0.15:
        return rng.choice(_VALUES)
    place = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
    if rng.random() < 0.2:
        if isinstance(tree, dict) and rng.random() < 0.5:
            tree[rng.choice(("", "\ud800", "x" * 300, "0"))] = tree[place]
        else:
            del tree[place]
    else:
        tree[place] = _changed(tree[place], rng)
    return tree


_TOML_VALUES = (
    *(
        '""',
        "[]",
        "{}",
        "-1",
        "0",
        "1e400",
        "nan",
        "inf",
        "true",
        "1979-05-27",
        "9" * 5000,
        '"\\u0000"',
        '"\\u001b[2J"',
    ),
    *(
        '["a", "a"]',
        "[[[[[[[[1]]]]]]]]",
        "[" * 3000,
        '"x"',
        "[1, 2, 3]",
        "{ a = { b = { c = 1 } } }",
        '"../../.."',
        "0x1F",
    ),
    *("'''", '"🧠"', "[0, 44, -12]", '"faces - faces"', '"vmPFC <- vmPFC"', '"=1+1"', '"' + "n" * 3000 + '"'),
)


def _toml(content: bytes, rng: random.Random, folder: Path) -> bytes:
    lines = content.decode().splitlines()
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(lines))
        line = lines[place]
        match rng.randrange(8):
            case 0 | 1 | 2 if "=" in line:
                lines[place] = f"{line.partition('=')[0]}= {rng.choice(_TOML_VALUES)}"
            case 3 if '"' in line:
                lines[place] = re.sub(r'"[^"]*"', lambda _: rng.choice(_TOML_VALUES), line, count=1)
            case 3 | 4:
                lines[place] = re.sub(r"-?\d+(\.\d+)?", lambda _: rng.choice(_TOML_VALUES), line, count=1)
            case 5:
                lines.insert(rng.randrange(len(lines)), line)
            case 6:
                del lines[place]
                lines = lines or [""]
            case _:
                lines[place] = line.replace(rng.choice('=[]{}".,'), rng.choice(("", "[", "]", ".", "\t", "\x07")), 1)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


_OWN: dict[str, Callable[[bytes, random.Random, Path], bytes]] = {
    "mat": _mat,
    "netcdf": _netcdf,
    "nifti": _nifti,
    "tsv": _tsv,
    "json": _json,
    "toml": _toml,
}
