"""A posterior → an estimated `DCM_*.mat`, with what SPM12 stores after an inversion."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from dcm import Data, Posterior

from ..matlab import MatFileError, cell_row, load_mat, opaque_places, save_mat
from ._dcm_file import DcmFile
from ._kernels import STEP, STEPS
from ._results import file_unit, number, results, tree

# What describes an inversion: never kept from the source, where it would describe another one.
RESULTS = (
    *("M", "Ce", "Ep", "Cp", "Pp", "Vp", "H1", "K1", "R", "y", "T", "F", "ID", "AIC", "BIC"),
    *("version", "effconn", "averaged"),
)


def write_dcm(path: str | Path, source: DcmFile, posterior: Posterior) -> None:
    """Writes an estimated DCM (variable ``DCM``, MATLAB v5, compressed), whole or not at all.

    Every field of the source is kept, but for results of an earlier inversion and what cannot be written (function
    handles, objects; named in ``DCM.effconn.left_out``). SPM's own version is absent; ``DCM.effconn`` tells how the
    file came about.

    Arguments:
        path: the file to write; missing folders are made.
        source: the model and data that were inverted.
        posterior: the result.

    Raises `ValueError` where the posterior failed or belongs to other regions, inputs or scans.
    """
    _check(source, posterior)
    save_mat(path, {"DCM": dcm_struct(source, posterior)})


def written_by_us(path: Path) -> bool:
    """Whether a file is one that `write_dcm` wrote, and so may be replaced."""
    try:
        content = load_mat(path).get("DCM")
    except MatFileError:
        return False
    return isinstance(content, dict) and "effconn" in content


def dcm_struct(source: DcmFile, posterior: Posterior) -> dict[str, Any]:
    """The struct that `write_dcm` writes, in the form of `load_mat`."""
    data, scale = source.run.data.prepared(source.centre_inputs)
    if (unit := file_unit(posterior)) != 1:
        data, scale = replace(data, bold=data.bold / unit), scale / unit
    content = {key: value for key, value in source.content.items() if key not in RESULTS}
    content |= _masks(source, posterior)
    content["U"] = _inputs(source, data)
    content["Y"] = _series(source, data, scale)
    content |= {"v": number(data.scans), "n": number(posterior.spec.n)}
    content.setdefault("TE", number(data.echo_time))
    content.setdefault("delays", data.delays[None, :])
    content["options"] = _options(source, posterior)
    content["M"] = _model(source, posterior, data, content["TE"])
    content |= results(posterior, data)
    content["effconn"] = _provenance(source, posterior, data)
    return content


def _check(source: DcmFile, posterior: Posterior) -> None:
    if posterior.status.failed:
        raise ValueError(f"{source.name}: the inversion {posterior.status.value}; there is nothing to write")
    for kind, own, given in (
        ("regions", source.spec.regions, posterior.spec.regions),
        ("inputs", source.spec.inputs, posterior.spec.inputs),
    ):
        if own != given:
            raise ValueError(
                f"{source.name}: the posterior's {kind} are {given}, the file's {own}; pass its own source"
            )
    shape = source.run.data.bold.shape
    if posterior.prediction.shape != shape:
        raise ValueError(f"{source.name}: the posterior predicts {posterior.prediction.shape}, the series are {shape}")


def _masks(source: DcmFile, posterior: Posterior) -> dict[str, Any]:
    """The masks of the model that was inverted, which may be a reduced one; as they were where nothing changed."""
    n, m = posterior.spec.n, posterior.spec.m
    masks: dict[str, Any] = {}
    for key, shape in (("a", (n, n)), ("b", (n, n, m)), ("c", (n, m)), ("d", (n, n, n))):
        mask = getattr(posterior.spec, key)
        kept = key in source.content and np.array_equal(mask, getattr(source.spec, key))
        masks[key] = source.content[key] if kept else mask.astype(np.float64).reshape(shape)
    if not posterior.spec.layout.gated:
        masks["d"] = np.zeros((n, n, 0))
    return masks


def _inputs(source: DcmFile, data: Data) -> dict[str, Any]:
    inputs = {**source.content["U"], "u": data.inputs}
    inputs.setdefault("name", cell_row(source.run.input_names))
    return inputs


def _series(source: DcmFile, data: Data, scale: float) -> dict[str, Any]:
    """Y with the series as inverted; scale is that from the series as first specified."""
    series = dict(source.content["Y"])
    earlier = series.get("scale")
    if isinstance(earlier, np.ndarray) and earlier.size == 1 and earlier.dtype.kind in "biuf":
        scale *= float(earlier.flat[0])
    series |= {"y": data.bold, "scale": number(scale)}
    if not np.size(series.get("X0", ())):
        series["X0"] = data.confounds
    series.setdefault("name", cell_row(source.run.regions))
    if "Q" not in series:
        series["Q"] = _noise_components(*data.bold.shape)
    return series


def _noise_components(scans: int, regions: int) -> np.ndarray:
    """Q_i, which select region i among all regions' stacked scans, as a 1 × n cell array."""
    size = scans * regions
    cells = np.empty((1, regions), dtype=object)
    for i in range(regions):
        rows = np.arange(i * scans, (i + 1) * scans)
        cells[0, i] = csc_array((np.ones(scans), (rows, rows)), shape=(size, size))
    return cells


def _options(source: DcmFile, posterior: Posterior) -> dict[str, Any]:
    stored = source.content.get("options")
    options = dict(stored) if isinstance(stored, dict) else {}
    for switch in ("nonlinear", "two_state", "stochastic", "centre", "induced"):
        options.setdefault(switch, number(0))
    options.setdefault("hidden", np.zeros((0, 0)))
    if bool(np.any(options["centre"])) != source.centre_inputs:
        options["centre"] = number(float(source.centre_inputs))
    options |= {"hE": number(posterior.prior.noise_mean), "hC": number(posterior.prior.noise_variance)}
    options.setdefault("maxit", number(source.max_iterations))
    options.setdefault("maxnodes", number(8))
    return options


def _model(source: DcmFile, posterior: Posterior, data: Data, echo_time: Any) -> dict[str, Any]:
    """SPM's M: the functions by SPM's names, dimensions and priors."""
    n, m = posterior.spec.n, posterior.spec.m
    prior = posterior.prior
    model = {
        "Nmax": number(source.max_iterations),
        "delays": data.delays[None, :],
        "TE": echo_time,
        "IS": "spm_int_D" if source.nonlinear else "spm_int",
        "f": "spm_fx_fmri",
        "g": "spm_gx_fmri",
        "x": csc_array((n, 5)),
        "pE": tree(prior.mean, posterior),
        "pC": np.array(prior.covariance),
        "hE": np.full((n, 1), prior.noise_mean + 2 * np.log(file_unit(posterior))),  # of the file's series
        "hC": csc_array(np.eye(n) * prior.noise_variance),
        "m": number(m),
        "n": number(5 * n),
        "l": number(n),
        "N": number(STEPS),
        "dt": number(STEP),
        "ns": number(data.scans),
    }
    earlier = source.content.get("M")
    return model | {k: v for k, v in earlier.items() if k not in model} if isinstance(earlier, dict) else model


def _provenance(source: DcmFile, posterior: Posterior, data: Data) -> dict[str, Any]:
    try:
        release = version("effconn")
    except PackageNotFoundError:
        release = "unknown"
    return {
        "version": release,
        "method": "variational Laplace, dcm.invert",
        "mode": posterior.mode,
        "inversion": json.dumps(asdict(posterior.settings), sort_keys=True),
        "status": posterior.status.name.lower(),
        "iterations": number(posterior.iterations),
        "free_energy_history": posterior.free_energy_history[None, :],
        "data_scale": number(posterior.data_scale),
        "echo_time": number(data.echo_time),
        "noise_mean": posterior.noise_mean[:, None],
        "noise_covariance": posterior.noise_covariance,
        "autocorrelation": posterior.autocorrelation[:, None],
        "autocorrelation_sd": posterior.autocorrelation_sd[:, None],
        "confound_effects": posterior.confound_effects,
        "start": number(posterior.start),
        "start_free_energies": posterior.start_free_energies[None, :],
        "left_out": cell_row(opaque_places(dict(source.content), "DCM")),
    }
