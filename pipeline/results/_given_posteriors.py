"""Posteriors of any model as plain tables and arrays, for the group level: one TSV a participant, or one NetCDF file.

TSV, ``NAME_posterior.tsv``: a row for each parameter with ``parameter``, ``mean``, ``prior_mean``, ``prior_sd``; and
``sd``, or a column of posterior covariances under every parameter's name; ``field`` where the name does not begin so.

NetCDF: ``mean`` (participant, parameter), ``covariance`` (participant, parameter, parameter_2) or ``sd``;
``prior_mean`` and ``prior_covariance`` or ``prior_sd``, of all participants or of each; where known ``free_energy``
(participant), nats, and ``field`` (parameter); coordinates ``parameter`` and ``participant``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from peb import Estimate, Gaussian

from ..common import file_name_text, release, write_text
from ..tables import MISSING, Table, TableError, read_table, tab_separated
from ._netcdf_file import ResultFileError, build_result, read_any_dataset, write_dataset

FORMAT = "effconn posteriors 1"
POSTERIOR_TABLE = "_posterior.tsv"
ROUNDING = 1e-6  # of a standard deviation that stands beside its covariance
REMEDY = "effconn.save_estimates writes such files"
_FIELD = re.compile(r"(?:log )?([A-Za-z]\w*)")


@dataclass(frozen=True, eq=False)
class GivenEstimate:
    """One participant's posterior; where its free energy is not known, that is 0."""

    estimate: Estimate
    has_evidence: bool


def save_estimates(path: str | Path, estimates: Sequence[Estimate]) -> None:
    """Writes posteriors for `read_estimates` and ``effconn peb``, and for other programs.

    Arguments:
        path: ``NAME.nc``, one file for all; or a folder, ``NAME_posterior.tsv`` for each. TSV has no free energy, and
            prior variances only.
        estimates: of one model, all with the same parameters.

    Raises `ValueError` where there is none, they are of different parameters, or a prior has covariances and the path
    is a folder.

    Example:
        >>> save_estimates("posteriors.nc", [level.estimate for level in read_estimates(["results"])[0]])
    """
    path = Path(path)
    if not estimates:
        raise ValueError("there is no estimate to save")
    first = estimates[0]
    if odd := next((estimate for estimate in estimates if estimate.parameters != first.parameters), None):
        raise ValueError(f"{odd.name} has other parameters than {first.name}; save those of one model")
    names = [estimate.name for estimate in estimates]
    if repeated := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f"two estimates are called {repeated}; give each a name of its own")
    if path.suffix.lower() == ".nc":
        write_dataset(path, _to_dataset(estimates))
        return
    rows = {estimate.name: _to_rows(estimate) for estimate in estimates}
    for name, cells in rows.items():
        write_text(path / f"{file_name_text(name)}{POSTERIOR_TABLE}", tab_separated(cells))


def read_posterior_table(path: str | Path) -> GivenEstimate:
    """One participant's posterior from a table; raises `TableError`, naming line, column and remedy."""
    table = read_table(path)
    names = table.names("parameter")
    if not names:
        raise TableError(table.path, "has no row; give each parameter one")
    mean, prior_mean, prior_sd = (_numbers(table, key) for key in ("mean", "prior_mean", "prior_sd"))
    fields = table.column("field") if "field" in table.columns else tuple(map(_field, names))
    posterior = _table_covariance(table, names)
    stem = table.path.stem
    try:
        estimate = Estimate(
            stem.removesuffix(POSTERIOR_TABLE.removesuffix(".tsv")),
            names,
            fields,
            Gaussian(prior_mean, np.diag(prior_sd**2)),
            Gaussian(mean, posterior),
            0.0,
        )
    except ValueError as error:
        raise TableError(table.path, f"cannot be used: {error}") from error
    return GivenEstimate(estimate, has_evidence=False)


def read_posterior_arrays(path: str | Path) -> tuple[list[GivenEstimate], list[str]] | None:
    """Every posterior in a NetCDF file, and a line for each that cannot be used; None where it is of another kind.

    Raises `ResultFileError` where it is of this kind and not whole.
    """
    path = Path(path)
    try:
        dataset = read_any_dataset(path, FORMAT)
    except ResultFileError as error:
        if error.form == FORMAT:
            raise
        return None
    if "mean" not in dataset or "parameter" not in dataset.dims:
        return None
    return build_result(path, lambda: _from_dataset(path, dataset))


def _from_dataset(path: Path, dataset: xr.Dataset) -> tuple[list[GivenEstimate], list[str]]:
    for key in ("prior_mean", "parameter"):
        if key not in dataset.variables:
            raise ResultFileError(path, f"has no {key}", REMEDY)
    if others := [str(axis) for axis in dataset["mean"].dims if axis not in ("participant", "parameter")]:
        raise ResultFileError(path, f"mean has an axis {others[0]}; its axes are participant and parameter", REMEDY)
    if "participant" not in dataset.dims:  # of one alone, called as the file
        kept = dataset[["field"]] if "field" in dataset else xr.Dataset()
        dataset = dataset.drop_vars("field", errors="ignore").expand_dims(participant=[path.stem]).merge(kept)
    if "participant" not in dataset.variables:
        raise ResultFileError(path, "does not name its participants (coordinate participant)", REMEDY)
    names = tuple(map(str, dataset["parameter"].values))
    fields = tuple(map(str, dataset["field"].values)) if "field" in dataset else tuple(map(_field, names))
    found: list[GivenEstimate] = []
    lines: list[str] = []
    for place, name in enumerate(map(str, dataset["participant"].values)):
        own = dataset.isel(participant=place)
        evidence = "free_energy" in own and bool(np.isfinite(own["free_energy"].values))
        try:
            estimate = Estimate(
                name,
                names,
                fields,
                Gaussian(own["prior_mean"].values, _array_covariance(own, "prior_")),
                Gaussian(own["mean"].values, _array_covariance(own, "")),
                float(own["free_energy"].values) if evidence else 0.0,
            )
        except KeyError as error:
            raise ResultFileError(path, f"{name}: lacks {error}", REMEDY) from error
        except ValueError as error:
            lines.append(str(ResultFileError(path, f"{name}: {error}", REMEDY)))
        else:
            found.append(GivenEstimate(estimate, evidence))
    return found, lines


def _array_covariance(own: xr.Dataset, front: str) -> np.ndarray:
    key = f"{front}covariance"
    if key in own:
        covariance = own[key]
        across = [axis for axis in covariance.dims if axis != "parameter"]
        if len(across) == 1 and across[0] in covariance.coords:  # whose names may be in another order
            covariance = covariance.reindex({across[0]: own["parameter"].values})
        return np.asarray(covariance.values, dtype=np.float64)
    if f"{front}sd" not in own:
        raise KeyError(f"{key} and {front}sd; give one of them")
    return np.diag(np.asarray(own[f"{front}sd"].values, dtype=np.float64) ** 2)


def _to_dataset(estimates: Sequence[Estimate]) -> xr.Dataset:
    names = np.array(estimates[0].parameters)
    shared = all(_same(estimate.prior, estimates[0].prior) for estimate in estimates)
    priors = [estimate.prior for estimate in (estimates[:1] if shared else estimates)]

    def of_priors(values: list[np.ndarray], *dimensions: str) -> tuple[tuple[str, ...], np.ndarray]:
        return (dimensions, values[0]) if shared else (("participant", *dimensions), np.stack(values))

    pairs = ("parameter", "parameter_2")
    return xr.Dataset(
        {
            "mean": (("participant", "parameter"), np.stack([estimate.posterior.mean for estimate in estimates])),
            "covariance": (
                ("participant", *pairs),
                np.stack([estimate.posterior.covariance for estimate in estimates]),
            ),
            "prior_mean": of_priors([prior.mean for prior in priors], "parameter"),
            "prior_covariance": of_priors([prior.covariance for prior in priors], *pairs),
            "free_energy": (
                ("participant",),
                np.array([estimate.free_energy for estimate in estimates]),
                {"units": "nats"},
            ),
            "field": (("parameter",), np.array(estimates[0].fields)),
        },
        {
            "participant": np.array([estimate.name for estimate in estimates]),
            "parameter": names,
            "parameter_2": names,
        },
        {"format": FORMAT, "effconn": release()},
    )


def _to_rows(estimate: Estimate) -> list[list[str]]:
    prior, posterior = estimate.prior, estimate.posterior
    if np.any(prior.covariance - np.diag(np.diag(prior.covariance))):
        raise ValueError(f"{estimate.name}: its prior has covariances, for which a table has no place; save a .nc file")
    rows = [["parameter", "field", "mean", "sd", "prior_mean", "prior_sd", *estimate.parameters]]
    for i, name in enumerate(estimate.parameters):
        numbers = (posterior.mean[i], posterior.sd[i], prior.mean[i], prior.sd[i], *posterior.covariance[i])
        rows.append([name, estimate.fields[i], *(repr(float(number)) for number in numbers)])
    return rows


def _table_covariance(table: Table, names: Sequence[str]) -> np.ndarray:
    given = [name for name in names if name in table.columns]
    if given and len(given) < len(names):
        lacking = next(name for name in names if name not in table.columns)
        raise TableError(table.path, f"has columns of covariances, but none for {lacking}; give all, or sd alone", 1)
    if not given and "sd" not in table.columns:
        raise TableError(table.path, "has no column sd, nor one for each parameter's covariances; add sd", 1)
    if not given:
        return np.diag(_numbers(table, "sd") ** 2)
    covariance = np.column_stack([_numbers(table, name) for name in names])
    sd = np.sqrt(np.abs(np.diag(covariance)))
    if "sd" in table.columns:
        for i, stated in enumerate(_numbers(table, "sd")):
            if abs(stated - sd[i]) > ROUNDING * sd[i]:
                raise TableError(
                    table.path, f"sd is {stated:g}, but the covariances say {sd[i]:g}; correct one", table.lines[i]
                )
    return covariance


def _numbers(table: Table, column: str) -> np.ndarray:
    values = np.asarray(table.numbers(column))
    if missing := np.flatnonzero(np.isnan(values)).tolist():
        raise TableError(table.path, f"{column} is {MISSING}; fill it in", table.lines[missing[0]])
    if "sd" in column and (negative := np.flatnonzero(values < 0).tolist()):
        raise TableError(table.path, f"{column} is below 0; correct it", table.lines[negative[0]])
    return values


def _field(name: str) -> str:
    """What a parameter's name begins with: ``A[V5<-V1]`` is of A, ``log B[V5<-V1, task]`` of B."""
    found = _FIELD.match(name)
    return found[1] if found else name


def _same(own: Gaussian, other: Gaussian) -> bool:
    return np.array_equal(own.mean, other.mean) and np.array_equal(own.covariance, other.covariance)
