"""One file → the estimates in it, whatever made it: effconn, SPM's or TAPAS's DCMs of any kind, tables, arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcm import Spec, mode_without_search
from dcm.tables import counted
from peb import Estimate

from ..common import (
    error_line,
)
from ..matlab import FieldProblem
from ..results import (
    GROUP_KIND,
    REDUCED_KIND,
    GivenEstimate,
    ResultFileError,
    read_posterior,
    read_posterior_arrays,
    read_posterior_table,
    read_reduced_models,
)
from ..spm import (
    RDCM,
    DcmFile,
    DcmFileError,
    PosteriorFile,
    SpmEstimate,
    spm_density,
)
from ..tables import TableError

SPM = "spm"  # a file of SPM's own does not say its release
TAPAS, GIVEN = "tapas", "given"  # regression DCM's; and posteriors of whatever, as tables or arrays
NAMED = 3  # models that a line names
TIME_SERIES = "DCM of time series"


@dataclass(frozen=True, eq=False)
class FirstLevel:
    """One participant's estimate, with the model it is of and the file it came from.

    Fields:
        spec: the model; None where it is of no DCM whose connections are rates between regions.
        mode: how it was found: the mode, and what of noise, priors, equations and inputs is not the mode's own.
        kind: of DCM. Parameters of two kinds are not the same quantities, whatever they are called.
        spm_parameters: parameter → SPM's name of it, and its place in SPM's vector from 0; None where these are those
            of `spec`.
        has_evidence: whether the free energy is known; where not it is 0.
    """

    estimate: Estimate
    spec: Spec | None
    path: Path
    mode: str = SPM
    kind: str = TIME_SERIES
    spm_parameters: Mapping[str, tuple[str, int]] | None = None
    has_evidence: bool = True


def from_netcdf(path: Path, model: str | None = None) -> Sequence[FirstLevel | str]:
    """The estimates in a result file, or why it has none; `model` is which to take of those that are reduced."""
    try:
        posterior, attributes = read_posterior(path)
        return [
            FirstLevel(
                Estimate.from_dcm(str(attributes["name"]), posterior),
                posterior.spec,
                path,
                mode_without_search(posterior.mode),
            )
        ]
    except ResultFileError as error:
        if error.form.startswith(GROUP_KIND):
            return [f"{path.name}: is a group's result, not a participant's; give the results of effconn invert"]
        if error.form.startswith(REDUCED_KIND):
            return _from_reduced(path, model)
        return _given(path) or [str(error)]
    except (ValueError, KeyError, ArithmeticError) as error:
        return [f"{path.name}: cannot be used: {error_line(error, 300)}"]


def _from_reduced(path: Path, model: str | None) -> list[FirstLevel] | list[str]:
    try:
        found = read_reduced_models(path)
        if model is None:
            few = ", ".join(found.names[:NAMED]) + " …" * (len(found.names) > NAMED)
            return [
                f"{path.name}: holds {counted(len(found.names), 'reduced model')}; say which (--reduced-model; {few})"
            ]
        estimate = found.estimate(model, path.stem)
    except ResultFileError as error:
        return [str(error)]
    except ValueError as error:
        return [f"{path.name}: {error_line(error, 300)}"]
    spec = found.specs[found.names.index(model)]
    return [FirstLevel(estimate, spec, path, mode_without_search(found.full.mode))]


def _given(path: Path) -> list[FirstLevel | str]:
    """The posteriors in a NetCDF file of arrays, or why they cannot be used; none where it is no such file."""
    try:
        found, lines = read_posterior_arrays(path) or ([], [])
        return [*(_from_given(path, given) for given in found), *lines]
    except ResultFileError as error:
        return [str(error)]


def from_table(path: Path) -> FirstLevel | str:
    try:
        return _from_given(path, read_posterior_table(path))
    except TableError as error:
        return str(error)


def _from_given(path: Path, given: GivenEstimate) -> FirstLevel | str:
    """A posterior without its model, or why it has no use; parameters that cannot vary are left out, as in any DCM."""
    estimate = given.estimate.select(given.estimate.parameters)
    free = set(np.flatnonzero(estimate.posterior.sd))
    if fixed := next((name for place, name in enumerate(estimate.parameters) if place not in free), ""):
        return f"{path.name}: {estimate.name}: the posterior of {fixed} has no variance, its prior has; correct one"
    return FirstLevel(estimate, None, path, GIVEN, "posteriors as given", None, given.has_evidence)


def from_matlab(file: DcmFile | PosteriorFile) -> FirstLevel | DcmFileError:
    if isinstance(file, PosteriorFile):
        return _from_posterior(file)
    try:
        return FirstLevel(
            spm_estimate(file), file.spec, file.path, mode_without_search(file.mode) if file.mode else SPM
        )
    except DcmFileError as error:
        return error


def _from_posterior(file: PosteriorFile) -> FirstLevel:
    """An estimated DCM of another kind than time series."""
    found = file.found
    named = found.parameters
    estimate = Estimate(
        file.name,
        tuple(parameter.name for parameter in named),
        tuple(parameter.field for parameter in named),
        found.prior,
        found.posterior,
        found.free_energy,
    )
    places = {
        parameter.name: (parameter.spm_name, int(place)) for parameter, place in zip(named, found.places, strict=True)
    }
    mode = TAPAS if found.kind == RDCM else SPM
    return FirstLevel(estimate, found.spec, file.path, mode, found.kind, places)


def _checked_estimate(file: DcmFile) -> Estimate:
    found: SpmEstimate | None = file.estimate
    if found is None:
        raise FieldProblem("Ep", "is missing: the model is not inverted; invert it first (effconn invert)")
    prior = found.prior_covariance
    if prior is None or found.prior_mean is None:
        raise FieldProblem("M.pE, M.pC", "are missing, so what the data added cannot be told; invert it again")
    names, layout, free = file.spec.parameter_names, file.spec.layout, found.free
    beyond = np.setdiff1d(free, np.flatnonzero(np.diag(prior)))
    if beyond.size:
        raise FieldProblem("Cp", f"lets {names[beyond[0]]} vary, which M.pC fixes; invert it again")
    if not free.size:
        raise FieldProblem("Cp", "is all zero: no parameter varies; invert it again")
    again = "invert it again"
    return Estimate(
        file.name,
        tuple(names[i] for i in free),
        tuple(layout.field_of(int(i)) for i in free),
        spm_density(found.prior_mean[free], prior[np.ix_(free, free)], "M.pC", again),
        spm_density(found.mean[free], found.free_covariance, "Cp", again),
        found.free_energy,
    )


def spm_estimate(file: DcmFile) -> Estimate:
    """SPM's estimate of its free parameters, under our names.

    Raises `DcmFileError` where the file has none, has no prior, or has densities that cannot be used.
    """
    try:
        return _checked_estimate(file)
    except FieldProblem as error:
        raise DcmFileError(file.path, error.field, error.problem, file.index, file.cell) from error
