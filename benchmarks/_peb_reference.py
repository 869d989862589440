"""Every group analysis in an SPM12 file, run again and compared with SPM's numbers."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dcm import Spec
from peb import (
    Comparison,
    Components,
    Design,
    Estimate,
    GroupPosterior,
    PebSettings,
    compare,
    families,
    fit,
    leave_one_out,
    search,
)
from pipeline.common import UsageError, natural_key
from pipeline.group._estimates import read_estimates
from pipeline.group._model_space import read_model_space
from pipeline.matlab import load_mat
from pipeline.spm import SpmAverage, canonical_spm_name, spm_names
from pipeline.spm._peb_group import field_of
from pipeline.spm._peb_read import SpmGroup, read_group_results

MAX_ITERATIONS = 256  # the published tutorial's, with which the references were made
SPM_DRAWS = 1000  # from which SPM12 takes its averages
REPEATS = 3
PREDICTED = "B(4,4,3)"  # of the published tutorial
PREDICTED_COVARIATE = 1  # column of the design, from 0, that SPM's leave-one-out predicts

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class SpmReference:
    """A first level and SPM12's results over it."""

    estimates: Sequence[Estimate]
    spec: Spec
    variables: Mapping[str, Any]
    groups: Mapping[str, SpmGroup]
    averages: Mapping[str, SpmAverage]
    models: Path | None
    repeats: int

    def seconds(self, name: str) -> float | None:
        """What SPM12 took, where the file says so."""
        return float(np.ravel(self.variables[f"t_{name}"])[0]) if f"t_{name}" in self.variables else None

    def names(self, spm: Sequence[str]) -> list[str]:
        """SPM's names of parameters → ours."""
        theirs = spm_names(self.spec.layout)
        return [self.spec.parameter_names[theirs.index(canonical_spm_name(name))] for name in spm]


def compare_all(
    first_level: Path, reference: Path, models: Path | None, predicted: str = PREDICTED, repeats: int = REPEATS
) -> list[Row]:
    """A row for each analysis, in the order PEB, search, comparison, families, leave-one-out.

    Arguments:
        first_level: folder of SPM's estimated DCMs.
        reference: SPM's group results.
        models: SPM's candidate models; None to take them from the reference.
        predicted: the parameter that SPM's leave-one-out used, by SPM's name.
        repeats: how often each is timed.
    """
    held = _read(first_level, reference, models, repeats)
    fitted: dict[str, GroupPosterior] = {}
    rows = []
    for name, spm in held.groups.items():
        if len(spm.participants) != len(held.estimates):
            rows.append({"name": name, "remarks": [f"skipped: is over {len(spm.participants)} participants"]})
            continue
        fitted[name], row = _group(held, name, spm)
        rows.append(row)
    for name, average in held.averages.items():
        if average.models is not None and average.on_mean is not None:
            rows += _comparison(held, name, average, fitted)
        elif name.startswith("search"):
            rows.append(_search(held, name, average, fitted))
    if "loo" in held.variables and fitted:
        rows.append(_left_out(held, predicted, next(iter(fitted.values()))))
    return rows


def _read(first_level: Path, reference: Path, models: Path | None, repeats: int) -> SpmReference:
    levels, errors = read_estimates([first_level])
    if errors or not levels:
        raise UsageError("; ".join(errors) or f"{first_level} holds no first level")
    spec = levels[0].spec
    if spec is None:
        raise UsageError(f"{first_level} holds no DCM of fMRI in Hz; give estimates of one")
    results = read_group_results(reference)
    return SpmReference(
        [level.estimate for level in sorted(levels, key=lambda level: natural_key(level.estimate.name))],
        spec,
        load_mat(reference),
        {result.variable: result for result in results if isinstance(result, SpmGroup)},
        {result.variable: result for result in results if isinstance(result, SpmAverage)},
        models,
        repeats,
    )


def _group(held: SpmReference, name: str, spm: SpmGroup) -> tuple[GroupPosterior, Row]:
    parameters = held.names(spm.parameters)
    covariates = tuple(
        "mean" if (column == 1).all() else label for label, column in zip(spm.covariates, spm.matrix.T, strict=True)
    )
    design = Design(tuple(estimate.name for estimate in held.estimates), covariates, spm.matrix)
    settings = PebSettings(components=_components(spm), max_iterations=MAX_ITERATIONS, compat="spm12")
    group, seconds = _timed(
        lambda: fit(held.estimates, design, settings, parameters=parameters, name=name), held.repeats
    )
    ours, theirs = group.posterior, spm.posterior
    row = {
        "name": name,
        "delta_f": group.free_energy - spm.free_energy,
        "max_abs_delta_ep": _largest(ours.mean - theirs.mean),
        "max_rel_delta_sd": _largest(ours.sd / theirs.sd - 1),
        "max_abs_delta_pp": _largest(ours.probability - theirs.probability),
        "max_rel_delta_ce": _largest(group.between - spm.between) / _largest(spm.between),
        "iterations": group.iterations,
        "seconds": seconds,
        "seconds_spm": held.seconds(name),
    }
    return group, row


def _components(spm: SpmGroup) -> Components:
    """How a reference was fitted, by its components."""
    size, fields = len(spm.parameters), {field_of(name) for name in spm.parameters}
    kinds: dict[int, Components] = {1: "single", size: "all", len(fields): "fields"}
    kinds[1] = "single"
    return kinds.get(len(spm.components), spm.components)


def _search(held: SpmReference, name: str, spm: SpmAverage, fitted: Mapping[str, GroupPosterior]) -> Row:
    """Against the search over the PEB of the same suffix: search_B over PEB_B."""
    group = fitted.get(f"PEB{name.removeprefix('search')}")
    if group is None or spm.probability is None:
        return {"name": name, "remarks": ["skipped: the PEB that it is of is not in the file"]}
    found, seconds = _timed(lambda: search(group), held.repeats)
    on = found.average.sd > 0
    sampling = found.average.sd[on] / np.sqrt(SPM_DRAWS)
    kept = spm.probability > 0
    return {
        "name": name,
        "max_abs_delta_pp": _largest(found.probability - spm.probability),
        "max_abs_delta_ep": _largest(found.average.mean - spm.posterior.mean),
        "max_delta_ep_in_sampling_errors": _largest((found.average.mean[on] - spm.posterior.mean[on]) / sampling),
        "max_rel_delta_sd": _largest(found.average.sd[on] / spm.posterior.sd[on] - 1),
        "same_parameters": bool(np.array_equal(found.probability > 0, kept)),
        "seconds": seconds,
        "seconds_spm": held.seconds("search") if name == "search_B" else held.seconds(name),
    }


def _comparison(held: SpmReference, name: str, spm: SpmAverage, fitted: Mapping[str, GroupPosterior]) -> list[Row]:
    """Against the comparison over the PEB of the same parameters, and the families over it."""
    assert spm.models is not None
    assert spm.free_energy is not None
    assert spm.model_probability is not None
    assert spm.on_mean is not None
    assert spm.on_covariate is not None
    wanted = held.names(spm.parameters)
    group = next((posterior for posterior in fitted.values() if list(posterior.parameters) == wanted), None)
    if group is None:
        return [{"name": name, "remarks": ["skipped: the PEB that it is of is not in the file"]}]
    on, labels = np.asarray(spm.models) > 0, [f"model {i + 1}" for i in range(len(spm.models))]
    remarks = []
    if held.models is not None:
        space = read_model_space(held.models)
        on, labels = space.switches(group.parameters, held.spec), list(space.models)
        if not np.array_equal(on, np.asarray(spm.models) > 0):
            remarks.append("the models given are not those that SPM compared")
    found, seconds = _timed(lambda: compare(group, on, labels), held.repeats)
    first, *other = found.covariates
    delta = found.free_energy - spm.free_energy
    row = {
        "name": name,
        "delta_f": _largest(delta),
        "rms_delta_f": float(np.sqrt((delta**2).mean())),
        "share_within_0.01": float((np.abs(delta) <= 0.01).mean()),
        "max_abs_delta_p": _largest(found.probability - spm.model_probability),
        "max_abs_delta_pp": max(
            _largest(found.parameter_probability(first) - spm.on_mean),
            *(_largest(found.parameter_probability(label) - spm.on_covariate) for label in other),
        ),
        "max_abs_delta_ep": _largest(found.average.mean - spm.posterior.mean),
        "max_rel_delta_sd": _relative_sd(found, spm),
        "seconds": seconds,
        "seconds_spm": held.seconds(name),
        "remarks": remarks,
    }
    return [row, *_families(held, found)]


def _relative_sd(found: Comparison, spm: SpmAverage) -> float:
    on = (found.average.sd > 0) & (spm.posterior.sd > 0)
    return _largest(found.average.sd[on] / spm.posterior.sd[on] - 1)


def _families(held: SpmReference, comparison: Comparison) -> list[Row]:
    rows = []
    for name, value in held.variables.items():
        if not (name.startswith("fam") and isinstance(value, Mapping) and "famdef" in value):
            continue
        labels = [f"{label:g}" for label in np.ravel(value["famdef"])]
        found, seconds = _timed(partial(families, comparison, labels), held.repeats)
        order = np.argsort([float(label) for label in found.names[0]])
        ours = found.family_probability[np.ix_(*(order for _ in comparison.covariates))]
        first, *other = comparison.covariates
        rows.append(
            {
                "name": name,
                "max_abs_delta_p": _largest(ours - value["family"]["post"]),
                "max_abs_delta_model_p": _largest(found.model_probability - value["model"]["post"]),
                "max_abs_delta_pp": max(
                    _largest(found.of_models(first) - np.ravel(value["model"]["Pw"])),
                    *(_largest(found.of_models(label) - np.ravel(value["model"]["Px"])) for label in other),
                ),
                "seconds": seconds,
            }
        )
    return rows


def _left_out(held: SpmReference, predicted: str, group: GroupPosterior) -> Row:
    """SPM's leave-one-out of one covariate from one parameter; it was run with SPM's own limit of 64 iterations."""
    theirs = {key: np.asarray(held.variables["loo"][key]) for key in ("qE", "qC", "Q")}
    settings = PebSettings(components="all", max_iterations=64, compat="spm12")
    covariate = group.design.covariates[PREDICTED_COVARIATE]
    parameters = held.names([predicted])
    found, seconds = _timed(
        lambda: leave_one_out(held.estimates, group.design, settings, covariate=covariate, parameters=parameters),
        held.repeats,
    )
    estimate = theirs["qE"].ravel()
    return {
        "name": "loo",
        "max_rel_delta_estimate": _largest((found.estimate - estimate) / estimate),
        "max_rel_delta_sd": _largest(np.sqrt(found.variance / theirs["qC"].ravel()) - 1),
        "max_abs_delta_pp": min(_largest(found.probability - levels) for levels in (theirs["Q"], theirs["Q"].T)),
        "correlation": found.correlation,
        "delta_r": found.correlation - float(np.corrcoef(found.actual, estimate)[0, 1]),
        "seconds": seconds,
        "seconds_spm": held.seconds("loo"),
    }


def _timed(work: Callable[[], T], repeats: int) -> tuple[T, float]:
    """The result, and the median time once everything is compiled."""
    result, times = work(), []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return result, statistics.median(times) if times else math.nan


def _largest(values: Any) -> float:
    return float(np.abs(np.asarray(values, dtype=np.float64)).max())
