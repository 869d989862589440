"""What a result file holds: named values of tables, JSON, NetCDF and MATLAB files, visible lines of pages and texts."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

Value = str | np.ndarray  # numbers of tables and JSON stay the text that they are written in
Values = dict[str, Value]  # by place: `row 3, column mean`, `arms/0/difference`, `posterior/mean`

_KINDS = {
    ".tsv": "table",
    ".csv": "table",
    ".json": "JSON",
    ".nc": "NetCDF",
    ".mat": "MATLAB",
    ".html": "page",
    ".svg": "picture",
    ".png": "picture",
    ".gz": "image",
}
_PRINTED = ("stdout.txt", "stderr.txt", "exit_code.txt")
# Bookkeeping of the NetCDF library in HDF5: links between variables and dimensions, releases of libraries.
_NETCDF_OWN = {
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "CLASS",
    "NAME",
    "_NCProperties",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
}
_INVISIBLE = ("script", "style", "metadata", "template")
_INLINE = {"a", "abbr", "b", "bdi", "cite", "code", "em", "i", "kbd", "mark", "q", "s", "small", "span", "strong"}
_INLINE |= {"sub", "sup", "time", "tspan", "u", "var", "wbr"}


def kind_of(path: Path) -> str:
    """The kind of a file, which decides how it is compared."""
    return "printed" if path.name in _PRINTED else _KINDS.get(path.suffix, "text")


def read_values(path: Path) -> Values:
    """Every value of a table, JSON, NetCDF or MATLAB file by its place, in the file's order."""
    match kind_of(path):
        case "table":
            return dict(_table_values(path))
        case "JSON":
            # Numbers as they are written: 0.10 is another file than 0.1.
            content = json.loads(path.read_text(encoding="utf-8"), parse_float=str, parse_int=str, parse_constant=str)
            return dict(_nested_values(content, ""))
        case "NetCDF":
            with h5py.File(path) as file:
                return dict(_hdf5_values(file))
        case "MATLAB":
            content = scipy.io.loadmat(path)
            return dict(_nested_values({key: held for key, held in content.items() if not key.startswith("__")}, ""))
        case other:
            raise ValueError(f"{path}: a {other} has no named values")


def read_lines(path: Path) -> list[str]:
    """What a reader sees of a page, an SVG picture or a text: lines without markup, spaces collapsed."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".html", ".svg"):
        reader = _VisibleText()
        reader.feed(text)
        reader.close()
        text = "\n".join(reader.lines)
    return [line for line in (" ".join(line.split()) for line in text.splitlines()) if line]


def read_content(path: Path) -> bytes:
    """A file's bytes; of a compressed one those inside, as its header has a time of day."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _table_values(path: Path) -> Iterator[tuple[str, Value]]:
    with path.open(encoding="utf-8", newline="") as file:
        tabs = path.suffix == ".tsv"
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(file))
    header = rows[0] if rows else []
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            column = header[j] if j < len(header) else f"{j + 1}"
            yield (f"row {i}, column {column}" if i else f"header, column {j + 1}, {column}"), cell


def _nested_values(content: Any, place: str) -> Iterator[tuple[str, Value]]:
    """Values of nested mappings, lists, MATLAB structures and cells; empty ones count as a value."""
    inside: Iterable[tuple[Any, Any]] | None = None
    if isinstance(content, Mapping):
        inside = content.items()
    elif isinstance(content, list):
        inside = enumerate(content)
    elif isinstance(content, np.ndarray | np.void) and content.dtype.names:
        inside = ((name, content[name]) for name in content.dtype.names)
    elif isinstance(content, np.ndarray) and content.dtype == object:
        yield f"{place}/size", str(content.shape)
        inside = enumerate(content.ravel())
    if inside is None:
        yield place, _value(content)
        return
    empty = True
    for name, held in inside:
        empty = False
        yield from _nested_values(held, f"{place}/{name}" if place else str(name))
    if empty:
        yield place, f"empty {type(content).__name__}"


def _hdf5_values(file: h5py.File) -> Iterator[tuple[str, Value]]:
    """Every variable and attribute of a NetCDF file."""
    names: list[str] = [""]
    file.visit(names.append)
    for name in names:
        held = file[name] if name else file
        if isinstance(held, h5py.Dataset):
            yield from _array_values(held[()], name)
        for key in sorted(set(held.attrs) - _NETCDF_OWN):
            yield from _array_values(held.attrs[key], f"{name}@{key}")


def _array_values(content: Any, place: str) -> Iterator[tuple[str, Value]]:
    """An array is one value; an array of texts has one for each."""
    if isinstance(content, np.ndarray) and content.dtype.kind in "OSU":
        yield f"{place}/size", str(content.shape)
        for i, text in enumerate(content.ravel()):
            yield f"{place}/{i}", _value(text)
    else:
        yield place, _value(content)


def _value(content: Any) -> Value:
    if isinstance(content, np.ndarray) and content.dtype.kind == "U":  # MATLAB's texts
        return "\n".join(str(line) for line in content.ravel())
    if isinstance(content, np.ndarray | np.generic) and not isinstance(content, bytes | str):
        return np.asarray(content)
    if content is None or isinstance(content, bool):
        return json.dumps(content)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)


class _VisibleText(HTMLParser):
    """Collects the texts of a page: one line for each block, whatever markup is within."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._line: list[str] = []
        self._hidden = 0  # how many invisible elements are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line; the name of a picture is one."""
        self._hidden += tag in _INVISIBLE
        if tag not in _INLINE:
            self._end_line()
        self.lines += [text for name, text in attrs if name == "aria-label" and text]

    def handle_endtag(self, tag: str) -> None:
        """A block ends its line."""
        self._hidden -= tag in _INVISIBLE
        if tag not in _INLINE:
            self._end_line()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content, such as a line break."""
        if tag not in _INLINE:
            self._end_line()

    def handle_data(self, data: str) -> None:
        """Text counts where it is seen."""
        if not self._hidden:
            self._line.append(data)

    def close(self) -> None:
        """The rest is a line."""
        super().close()
        self._end_line()

    def _end_line(self) -> None:
        line = " ".join("".join(self._line).split())
        if line:
            self.lines.append(line)
        self._line = []
