"""Results of every kind to NetCDF files and back: posteriors, group posteriors and, by their own room, extractions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import xarray as xr

from dcm import Posterior, Spec, Subject
from peb import GroupPosterior

from ..common import Attributes, describe_device, describe_precision, release
from ._dataset import FORMAT as POSTERIOR_FORMAT
from ._dataset import posterior_dataset, posterior_from_values
from ._group_dataset import FORMAT as GROUP_FORMAT
from ._group_dataset import group_dataset, group_from_values
from ._netcdf_file import ResultFileError, build_result, read_content, read_format, write_dataset

POSTERIOR_KIND, GROUP_KIND, REDUCED_KIND = (
    "effconn posterior",
    "effconn group",
    "effconn reduced models",
)  # how the format of every version begins
# Kinds that another module reads and writes: its name, its reader, and its writer by the class that it takes.
_OTHER_READERS = {
    "effconn extraction": ("pipeline.images", "read_extraction"),
    REDUCED_KIND: ("pipeline.results", "read_reduced_models"),
}
_OTHER_WRITERS = {"Extraction": ("pipeline.images", "write_extraction")}


class GroupFileError(ResultFileError):
    """A group's result file that cannot be used: path, problem and remedy in one line."""

    remedy = "delete it and fit the group again"


@dataclass(frozen=True, eq=False)
class StoredGroup:
    """What a group's result file holds: the posterior, the model of its participants where known, and what made it."""

    group: GroupPosterior
    spec: Spec | None
    attributes: Attributes


def open_result(path: str | Path) -> Any:
    """The result in a NetCDF file that effconn wrote, equal bit for bit to the one written.

    A file of ``effconn invert`` gives a `dcm.Posterior`, one of ``effconn peb`` a `peb.GroupPosterior`, one of a
    study's region series an `Extraction`, one of its reduced models `peb.ReducedModels`. `open_dataset` gives the same
    as an xarray dataset.

    Raises `ResultFileError`, naming file, problem and remedy, where the file is absent, damaged or none of these.

    Example:
        >>> posterior = open_result("out/sub-01.nc")
        >>> group = open_result("out/group.nc")
    """
    path = Path(path)
    form = read_format(path)
    if form.startswith(POSTERIOR_KIND):
        return read_posterior(path)[0]
    if form.startswith(GROUP_KIND):
        return read_group(path).group
    for kind, (room, reader) in _OTHER_READERS.items():
        if form.startswith(kind):
            return getattr(import_module(room), reader)(path)
    raise ResultFileError(path, "is no result", "give a NetCDF file that effconn wrote", form)


def save_result(result: Any, path: str | Path, *, subject: Subject | None = None, spec: Spec | None = None) -> None:
    """Writes a result as NetCDF, whole or not at all; the same result gives the same bytes.

    Arguments:
        result: a `dcm.Posterior`, a `peb.GroupPosterior`, or an `Extraction`.
        path: the file to write; missing folders are made. Its name is the result's, unless `subject` has one.
        subject: what a posterior is of, to store its name, the observed series, confounds and scan times as well.
        spec: the DCM that a group's participants share, to store its masks and its parameters' units as well.

    Raises `TypeError` where the result is of another class, `ValueError` where an option does not belong to it, such as
    the subject of another model.

    Example:
        >>> save_result(posterior, "sub-01.nc", subject=subject)
    """
    if isinstance(result, str | Path):
        raise TypeError("give the result first, then the path: save_result(posterior, 'sub-01.nc')")
    path = Path(path)
    if not path.name or "\0" in str(path):
        raise ValueError(f"{str(path)!r} is no name of a file; give one, such as 'sub-01.nc'")
    if type(result).__name__ in _OTHER_WRITERS:
        _refuse_options(result, subject=subject, spec=spec)
        room, writer = _OTHER_WRITERS[type(result).__name__]
        getattr(import_module(room), writer)(path, result)
    else:
        write_dataset(path, to_dataset(result, name=path.stem, subject=subject, spec=spec))


def _not_kept(given: object) -> str:
    """Why something, such as a `peb.Search`, is not kept as NetCDF, and what is kept of it instead."""
    table = "; keep its table, .to_frame()" if hasattr(given, "to_frame") else ""
    return f"a result is a Posterior or a GroupPosterior, not {type(given).__name__}{table}"


def to_dataset(
    result: Posterior | GroupPosterior,
    *,
    name: str = "",
    subject: Subject | None = None,
    spec: Spec | None = None,
) -> xr.Dataset:
    """A posterior or a group posterior as an xarray dataset that holds all of it, with units and diagnostics.

    Arguments:
        result: the posterior of one inversion, or of a group.
        name: what a posterior goes by, where no subject says.
        subject, spec: as in `save_result`.

    Raises `TypeError` where the result is of another class, `ValueError` where an option does not belong to it, such as
    the subject of another model.

    Example:
        >>> to_dataset(posterior)["mean"].sel(parameter="A[V5<-V1]").item()
    """
    made_by = describe_writer()
    if isinstance(result, GroupPosterior):
        _refuse_options(result, subject=subject)
        return group_dataset(result, attrs=made_by, spec=spec)
    if not isinstance(result, Posterior):
        raise TypeError(_not_kept(result))
    _refuse_options(result, spec=spec)
    if subject is None:
        return posterior_dataset(result, name=name, attrs=made_by)
    if not isinstance(subject, Subject):
        raise TypeError(f"subject is a Subject, not {type(subject).__name__}")
    if subject.spec != result.spec:
        raise ValueError(
            f"{subject.name}: its model is {subject.spec}, the posterior's {result.spec}; give its own subject"
        )
    if not isinstance(subject, Subject):
        raise TypeError(f"subject is the Subject that was inverted, not a {type(subject).__name__}")
    named = (subject.spec.regions, subject.spec.inputs, subject.data.scans)
    if named != (result.spec.regions, result.spec.inputs, len(result.prediction)):
        raise ValueError(f"{subject.name}: the posterior is of other regions, inputs or scans; give its own subject")
    data, _ = subject.data.prepared(subject.centre_inputs)
    return posterior_dataset(result, name=subject.name, attrs=made_by, data=data)


def _refuse_options(result: object, **options: object) -> None:
    for option, value in options.items():
        if value is not None:
            raise ValueError(f"{option} says nothing of a {type(result).__name__}; leave it out")


def describe_writer() -> Attributes:
    """This release, on this device: what made a result where nothing else is known of it."""
    return {
        "effconn": release(),
        "jax": release("jax"),
        "device": describe_device(),
        "precision": describe_precision(),
    }


def read_posterior(path: str | Path) -> tuple[Posterior, Attributes]:
    """The posterior in a result file, equal bit for bit to the one written, and the file's attributes.

    Raises `ResultFileError` where the file is absent, damaged or something else.
    """
    path = Path(path)
    values, attributes = read_content(path, POSTERIOR_FORMAT)
    return build_result(path, lambda: posterior_from_values(values, attributes)), attributes


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
    write_dataset(path, group_dataset(group, attrs=describe_writer() if attrs is None else attrs, spec=spec))


def read_group(path: str | Path) -> StoredGroup:
    """The group posterior in a result file, equal bit for bit to the one written.

    Raises `GroupFileError` where the file is absent, damaged or something else.
    """
    path = Path(path)
    values, attributes = read_content(path, GROUP_FORMAT, GroupFileError)
    group, spec = build_result(path, lambda: group_from_values(values, attributes), GroupFileError)
    return StoredGroup(group, spec, attributes)
