"""Group posteriors on disk: one NetCDF file each, with named dimensions and units, exact to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from dcm import Spec
from peb import GroupPosterior

from ..common import Attributes, describe_device, describe_precision, release
from ._group_dataset import FORMAT, group_dataset, group_of
from ._store import ResultFileError, made_from, open_content, read_content, write_result

KIND = "effconn group"  # how the form of every version begins


class GroupFileError(ResultFileError):
    """A group's result file that cannot be used: path, problem and remedy in one line."""

    remedy = "delete it and fit the group again"


@dataclass(frozen=True, eq=False)
class StoredGroup:
    """What a group's result file holds: the posterior, the model of its participants where known, and what made it."""

    group: GroupPosterior
    spec: Spec | None
    attributes: Attributes


def write_group(
    path: str | Path,
    group: GroupPosterior,
    *,
    attrs: Mapping[str, str | int | float] | None = None,
    spec: Spec | None = None,
) -> None:
    """Writes a group posterior as NetCDF, whole or not at all; the same posterior gives the same bytes.

    Arguments:
        path: the file to write; missing folders are made.
        group: the result.
        attrs: what made it; None for this release, on this device.
        spec: the DCM of the participants, as in `group_dataset`.

    Raises `ValueError` as `group_dataset` does.
    """
    made_by = {
        "effconn": release(),
        "jax": release("jax"),
        "device": describe_device(),
        "precision": describe_precision(),
    }
    write_result(path, group_dataset(group, attrs=made_by if attrs is None else attrs, spec=spec))


def read_group(path: str | Path) -> StoredGroup:
    """The group posterior in a result file, equal bit for bit to the one written.

    Raises `GroupFileError` where the file is absent, damaged or something else.
    """
    path = Path(path)
    values, attributes = read_content(path, FORMAT, GroupFileError)
    group, spec = made_from(path, lambda: group_of(values, attributes), GroupFileError)
    return StoredGroup(group, spec, attributes)


def open_group(path: str | Path) -> xr.Dataset:
    """The dataset in a group's result file, in memory and checked; raises `GroupFileError` as `read_group` does."""
    return open_content(Path(path), FORMAT, GroupFileError)
