"""Files with estimated DCMs of any kind: of time series as `read_dcms` reads them, the others by posterior alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..matlab import FieldProblem, Fields, MatFileError, load_mat
from ._dcm_file import DcmFile, DcmFileError, dcm_entries, model_name, read_entry, with_distinct_names
from ._dcm_model import check_kind
from ._posterior_file import PosteriorOnly, is_estimated, read_posterior_only
from ._rdcm_file import RESULTS, is_rdcm_result, read_rdcm_result


@dataclass(frozen=True, eq=False)
class PosteriorFile:
    """One estimated DCM of another kind than time series, known by its posterior.

    Fields:
        path, index, name, cell: as in `DcmFile`.
        found: its posterior.
    """

    path: Path
    index: int | None
    name: str
    cell: str
    found: PosteriorOnly


def read_estimated(
    paths: Iterable[str | Path],
) -> tuple[list[DcmFile | PosteriorFile], list[DcmFileError]]:
    """Every model of every file in the order given, and every error, as `read_dcms`; of DCMs of any kind.

    Arguments:
        paths: DCM_*.mat or GCM_*.mat files of SPM, or files of TAPAS's regression DCM.
    """
    files: list[DcmFile | PosteriorFile] = []
    errors: list[DcmFileError] = []
    seen: set[Path] = set()
    for path in map(Path, paths):
        if path.resolve() in seen:
            errors.append(DcmFileError(path, "", "was given twice; it is read once"))
            continue
        seen.add(path.resolve())
        for entry in _entries(path):
            if isinstance(entry, DcmFileError):
                errors.append(entry)
            else:
                files.append(entry)
    return with_distinct_names(files), errors


def _entries(path: Path) -> list[DcmFile | PosteriorFile | DcmFileError]:
    try:
        variables = load_mat(path)
        if (variable := _rdcm_variable(variables)) is not None:
            return [_read_rdcm(path, variables, variable)]
        return [_read(path, *entry) for entry in dcm_entries(path, variables)]
    except MatFileError as error:
        return [DcmFileError(path, "", str(error))]
    except DcmFileError as error:
        return [error]


def _rdcm_variable(variables: Mapping[str, Any]) -> str | None:
    """Which variable holds regression DCM's result, None where none does."""
    if not isinstance(variables.get("DCM"), Mapping):
        return None
    return next((name for name in RESULTS if is_rdcm_result(variables.get(name))), None)


def _read_rdcm(path: Path, variables: Mapping[str, Any], variable: str) -> PosteriorFile | DcmFileError:
    try:
        found = read_rdcm_result(variables["DCM"], variables[variable], variable)
    except FieldProblem as error:
        return DcmFileError(path, error.field, error.problem)
    except ValueError as error:
        return DcmFileError(path, variable, f"cannot be used: {error}")
    return PosteriorFile(path, None, model_name(path), "", found)


def _read(path: Path, index: int | None, cell: str, value: Any) -> DcmFile | PosteriorFile | DcmFileError:
    if not is_estimated(value) or not _is_other_kind(value):
        return read_entry(path, index, cell, value, "spm12", estimates=True)
    try:
        return PosteriorFile(path, index, model_name(path, cell), cell, read_posterior_only(value))
    except FieldProblem as error:
        return DcmFileError(path, error.field, error.problem, index, cell)
    except ValueError as error:
        return DcmFileError(path, "", f"cannot be used: {error}", index, cell)


def _is_other_kind(value: Mapping[str, Any]) -> bool:
    """Whether it is no DCM of time series, nor the average of several."""
    try:
        check_kind(Fields(value))
    except FieldProblem as error:
        return error.field != "averaged"
    means = value["Ep"]  # of any fMRI, which regression DCM is not by its equations
    return isinstance(means, Mapping) and not {"transit", "decay", "epsilon"} & means.keys()
