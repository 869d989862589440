"""A posterior as an xarray dataset with named dimensions and units, and back, exact to the last bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from dcm import Data, Posterior, Prior, Refinement, Settings, Spec, Status, diagnose

FORMAT = "effconn posterior 3"
LEVEL = 0.90  # which share of a posterior every interval holds
Z = float(stats.norm.ppf((1 + LEVEL) / 2))  # half-width of such an interval, in standard deviations

Variables = dict[str, tuple[tuple[str, ...], Any, dict[str, str]]]


def posterior_dataset(
    posterior: Posterior, *, name: str, attrs: Mapping[str, str | int | float], data: Data | None = None
) -> xr.Dataset:
    """A posterior as an xarray dataset that holds all of it, with diagnostics and units.

    Dimensions: `parameter` (full names, in the order of `dcm.Layout`), `free` and `free_` (rows and columns of the
    posterior covariance), `prior_free` and `prior_free_`, `region` and `region_`, `to`, `from`, `gate`, `input`,
    `scan`, `confound`, `iteration`, `start`. Series are in the units of the scaled data: percent times `data_scale`.
    In SPM's modes there are `settled_free_energy` and `free_energy`, as SPM's steps on the noise end short of its
    optimum.

    Arguments:
        posterior: the result of one inversion.
        name: what the model goes by.
        attrs: what made it, as `provenance` gives it.
        data: the data as inverted (`Data.prepared`), to store the observed series, confounds and scan times as well.
    """
    spec = posterior.spec
    variables = (
        _model(posterior)
        | _estimate(posterior)
        | _before_refinement(posterior)
        | _fit(posterior)
        | _diagnostics(posterior)
    )
    if data is not None:
        if data.bold.shape != posterior.prediction.shape:
            raise ValueError(f"{name}: data are {data.bold.shape}, but the prediction {posterior.prediction.shape}")
        variables |= _observed(data)
    names = np.array(spec.parameter_names)
    coordinates = {
        "parameter": names,
        "free": names[posterior.free],
        "free_": names[posterior.free],
        "prior_free": names[posterior.prior.free],
        "prior_free_": names[posterior.prior.free],
        "input": np.array(spec.inputs, dtype=str),
        **{dim: np.array(spec.regions) for dim in ("region", "region_", "to", "from", "gate")},
    }
    warnings = diagnose(posterior).warnings
    held: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "status": posterior.status.name,
        "compat": posterior.settings.compat,
        "mode": posterior.mode,
        "departures": "; ".join(posterior.departures),
        "centre_inputs": int(posterior.centre_inputs),
        "constant_inputs": json.dumps(posterior.constant_inputs),
        "inversion": json.dumps(asdict(posterior.settings), sort_keys=True),
        "noise_prior_mean": float(posterior.prior.noise_mean),
        "noise_prior_variance": float(posterior.prior.noise_variance),
        "warnings": "\n".join(warnings),
    }
    if posterior.averaged_runs:
        held["averaged_runs"] = posterior.averaged_runs
    if posterior.reduced_from:
        held["reduced_from"] = posterior.reduced_from
    if len(posterior.run_starts) > 1:
        held["run_starts"] = json.dumps(posterior.run_starts)
    if posterior.refinement is not None:
        held["refinement"] = json.dumps(_refinement_numbers(posterior.refinement), sort_keys=True)
    clash = sorted(set(held) & set(attrs))
    if clash:
        raise ValueError(f"{name}: attributes {', '.join(clash)} are effconn's own; name yours otherwise")
    return xr.Dataset(variables, coordinates, held | dict(attrs))


def to_posterior(dataset: xr.Dataset) -> Posterior:
    """The inverse of `posterior_dataset`."""
    return posterior_from_values(values_of(dataset), dataset.attrs)


def values_of(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """The variables of a dataset, coordinates included, by name."""
    return {str(key): variable.values for key, variable in dataset.variables.items()}


def posterior_from_values(values: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> Posterior:
    """A posterior from the variables and attributes of a dataset.

    Raises whatever NumPy and `dcm` do where they are not those of a posterior, `ValueError` where shapes don't fit.
    """

    def array(key: str) -> np.ndarray:
        return np.array(values[key])

    regions, inputs = (tuple(map(str, values[key])) for key in ("region", "input"))
    spec = Spec(regions, inputs, array("a"), array("b"), array("c"), array("d"))
    within = array("prior_free_index")
    covariance = np.zeros((values["mean"].size,) * 2)
    covariance[np.ix_(within, within)] = array("prior_covariance")
    noise = (float(attributes["noise_prior_mean"]), float(attributes["noise_prior_variance"]))
    posterior = Posterior(
        spec=spec,
        prior=Prior(array("prior_mean"), covariance, *noise),
        mean=array("mean"),
        covariance=array("covariance"),
        free=array("free_index"),
        noise_mean=array("noise_log_precision"),
        noise_covariance=array("noise_log_precision_covariance"),
        autocorrelation=array("noise_autocorrelation"),
        autocorrelation_sd=array("noise_autocorrelation_sd"),
        confound_effects=array("confound_effects"),
        prediction=array("prediction"),
        residual=array("residual"),
        free_energy=float(values["free_energy"]),
        settled_free_energy=float(values.get("settled_free_energy", values["free_energy"])),
        status=Status[attributes["status"]],
        iterations=int(values["iterations"]),
        free_energy_history=array("free_energy_history"),
        data_scale=float(values["data_scale"]),
        start=int(values["best_start"]),
        start_free_energies=array("start_free_energies"),
        settings=Settings(**json.loads(attributes["inversion"])),
        refinement=_read_refinement(values, attributes),
        centre_inputs=bool(attributes["centre_inputs"]),
        constant_inputs=tuple(json.loads(attributes["constant_inputs"])),
        run_starts=tuple(json.loads(attributes.get("run_starts", "[0]"))),
        reduced_from=str(attributes.get("reduced_from", "")),
        averaged_runs=int(attributes.get("averaged_runs", 0)),
    )
    _check_shapes(posterior)
    return posterior


def _read_refinement(values: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> Refinement | None:
    if "gaussian_mean" not in values:
        return None
    before: dict[str, Any] = {key: np.array(values[key]) for key in ("gaussian_mean", "gaussian_covariance")}
    return Refinement(**before, **json.loads(attributes["refinement"]))


def _check_shapes(posterior: Posterior) -> None:
    regions, free, size = posterior.spec.n, posterior.free.size, posterior.spec.layout.size
    series = (len(posterior.prediction), regions)
    expected = {
        "mean": (size,),
        "covariance": (free, free),
        "free": (free,),
        "noise_mean": (regions,),
        "noise_covariance": (regions, regions),
        "autocorrelation": (regions,),
        "autocorrelation_sd": (regions,),
        "confound_effects": (len(posterior.confound_effects), regions),
        "prediction": series,
        "residual": series,
    }
    wrong = [name for name, shape in expected.items() if getattr(posterior, name).shape != shape]
    if (refined := posterior.refinement) is not None:
        before = {"mean": refined.gaussian_mean.shape, "covariance": refined.gaussian_covariance.shape}
        wrong += [f"gaussian_{name}" for name, shape in before.items() if shape != expected[name]]
    if wrong or posterior.prior.mean.shape != (size,):
        raise ValueError(f"{', '.join(wrong) or 'prior_mean'} is of another shape than the model")
    if not np.isin(posterior.free, np.arange(size)).all():
        raise ValueError("a free parameter is none of the model's")


def _model(posterior: Posterior) -> Variables:
    spec, prior = posterior.spec, posterior.prior
    within = np.ix_(prior.free, prior.free)
    return {
        "a": (("to", "from"), spec.a, about("connections that are free")),
        "b": (("to", "from", "input"), spec.b, about("connections that an input may change")),
        "c": (("to", "input"), spec.c, about("regions that an input drives")),
        "d": (("to", "from", "gate"), spec.d, about("connections that a region gates")),
        "prior_mean": (("parameter",), prior.mean, about("prior mean", "see parameter_unit")),
        "prior_sd": (("parameter",), np.sqrt(np.diag(prior.covariance)), about("prior sd", "see parameter_unit")),
        "prior_covariance": (("prior_free", "prior_free_"), prior.covariance[within], about("prior covariance")),
        "prior_free_index": (("prior_free",), prior.free, about("position among all parameters")),
        "parameter_unit": (("parameter",), units(spec), about("unit")),
    }


def units(spec: Spec) -> np.ndarray:
    """The unit of every parameter, in the order of `dcm.Layout`."""
    connection = np.where(np.eye(spec.n, dtype=bool), "log scale of -0.5 Hz", "Hz").ravel()
    by_field = {
        "A": connection,
        "B": np.tile(connection, spec.m),
        "C": np.repeat("Hz per unit of input, times 16", spec.n * spec.m),
        "D": np.repeat("Hz", spec.layout.sizes["D"]),
    }
    haemodynamic = np.repeat("log scale", spec.n + 2)
    return np.concatenate([*by_field.values(), haemodynamic])


def _estimate(posterior: Posterior) -> Variables:
    sd = np.zeros(posterior.mean.size)
    sd[posterior.free] = np.sqrt(np.diag(posterior.covariance))
    regions = ("region", "region_")
    settled: Variables = {}
    if posterior.settings.as_spm:  # otherwise there is one F
        text = about("F with the noise at its optimum", "nats")
        settled = {"settled_free_energy": ((), posterior.settled_free_energy, text)}
    return {
        "mean": (("parameter",), posterior.mean, about("posterior mean", "see parameter_unit")),
        "sd": (("parameter",), sd, about("posterior sd", "see parameter_unit")),
        "covariance": (("free", "free_"), posterior.covariance, about("posterior covariance of free parameters")),
        "free_index": (("free",), posterior.free, about("position among all parameters")),
        "noise_log_precision": (("region",), posterior.noise_mean, about("log precision of the noise", "1")),
        "noise_log_precision_covariance": (regions, posterior.noise_covariance, about("its covariance", "1")),
        "noise_autocorrelation": (("region",), posterior.autocorrelation, about("correlation from scan to scan", "1")),
        "noise_autocorrelation_sd": (("region",), posterior.autocorrelation_sd, about("sd of its artanh", "1")),
        "confound_effects": (("confound", "region"), posterior.confound_effects, about("effects of the confounds")),
        "free_energy": ((), posterior.free_energy, about("approximate log evidence", "nats")),
        **settled,
        "free_energy_history": (("iteration",), posterior.free_energy_history, about("F evaluated", "nats")),
        "start_free_energies": (
            ("start",),
            posterior.start_free_energies,
            about(f"{'settled ' if settled else ''}F that each reached", "nats"),
        ),
        "best_start": ((), posterior.start, about("the start this posterior came from; 0 is the prior mean")),
        "iterations": ((), posterior.iterations, about("iterations taken")),
    }


def _before_refinement(posterior: Posterior) -> Variables:
    refinement = posterior.refinement
    if refinement is None:
        return {}
    return {
        "gaussian_mean": (("parameter",), refinement.gaussian_mean, about("mean before it was refined by sampling")),
        "gaussian_covariance": (("free", "free_"), refinement.gaussian_covariance, about("covariance before")),
    }


def _refinement_numbers(refinement: Refinement) -> dict[str, Any]:
    return {key: value for key, value in vars(refinement).items() if not isinstance(value, np.ndarray)}


def _fit(posterior: Posterior) -> Variables:
    series = ("scan", "region")
    return {
        "prediction": (series, posterior.prediction, about("prediction without confounds", "scaled percent")),
        "residual": (series, posterior.residual, about("observed - prediction - confounds", "scaled percent")),
        "data_scale": ((), posterior.data_scale, about("factor from the series as given to the scaled ones", "1")),
    }


def _observed(data: Data) -> Variables:
    times = np.arange(data.scans) * data.repetition_time
    runs: Variables = {}
    if len(data.run_starts) > 1:
        number = np.repeat(np.arange(len(data.runs)), [part.stop - part.start for part in data.runs]) + 1
        runs = {"run": (("scan",), number, about("number of the run, of those that are concatenated"))}
    return runs | {
        "observed": (("scan", "region"), data.bold, about("series as inverted", "scaled percent")),
        "confounds": (("scan", "confound"), data.confounds, about("nuisance regressors")),
        "scan_time": (("scan",), times, about("start of the scan", "s")),
        "delay": (("region",), data.delays, about("from the start of a scan to its sample", "s")),
        "echo_time": ((), data.echo_time, about("echo time of the observation equation", "s")),
    }


def _diagnostics(posterior: Posterior) -> Variables:
    found = diagnose(posterior)
    return {
        "explained_variance": (("region",), found.explained_variance, about("explained variance", "percent")),
        "explained_variance_total": ((), found.explained_variance_total, about("over all regions", "percent")),
        "largest_connection": ((), found.largest_connection, about("largest |A| or |B| between regions", "Hz")),
        "identifiable": ((), found.identifiable, about("parameters with under half their prior variance")),
        "optima": ((), found.optima, about("optima that the starts reached, over 0.5 nats apart")),
    }


def about(long_name: str, units: str = "") -> dict[str, str]:
    """A variable's attributes: what it is, and in which unit."""
    return {"long_name": long_name, "units": units} if units else {"long_name": long_name}
