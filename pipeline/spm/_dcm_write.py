"""A model, and its posterior where there is one → a `DCM_*.mat` that SPM12 opens, as if it had made it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

import numpy as np
from scipy.sparse import csc_array
from scipy.special import ndtr

from dcm import KERNEL_STEP, KERNEL_STEPS, Data, Posterior, Preset, Spec, Subject, prior, volterra_kernels

from ..matlab import MatFileError, cell_row, load_mat, matlab_scalar, save_mat, unwritable_places
from ._dcm_estimate import named_parameters
from ._dcm_file import DcmFile

SPM12_NOISE, DEFAULT_ITERATIONS = (6.0, 1 / 128), 128  # hE and hC, and maxit
# What describes an inversion: never kept from the source, where it would describe another one.
RESULTS = (
    *("M", "Ce", "Ep", "Cp", "Pp", "Vp", "H1", "K1", "R", "y", "T", "F", "ID", "AIC", "BIC"),
    *("version", "effconn", "averaged"),
)


def write_dcm(path: str | Path, source: DcmFile | Subject, posterior: Posterior | None = None) -> None:
    """Writes a DCM as SPM12 has it (variable ``DCM``, MATLAB v5, compressed), whole or not at all.

    With a posterior the file is estimated: it has what SPM12 stores after an inversion, with the series as they were
    inverted. Without one it is specified, for SPM to estimate. Every field of a source from a file is kept, but for
    results of an earlier inversion and what cannot be written (function handles, objects; named in
    ``DCM.effconn.left_out``). SPM's own version is absent; ``DCM.effconn`` tells how an estimated file came about.

    Arguments:
        path: the file to write; missing folders are made.
        source: the model and data: a file's, or those of a subject.
        posterior: the result of its inversion.

    Raises `ValueError` where the posterior failed or belongs to other regions, inputs or scans, and where a subject
    without a posterior has prior means or covariances of its own, for which a specified file has no place.

    Example:
        >>> posterior = invert(subject)
        >>> write_dcm("DCM_sub-01.mat", subject, posterior)
    """
    given: object = source
    if not isinstance(given, Subject | DcmFile):
        raise TypeError(
            "give the path first, then what is written: write_dcm('DCM_sub-01.mat', subject), with a Subject or a "
            f"DcmFile, not a {type(given).__name__}"
        )
    if isinstance(source, Subject):
        source = _subject_file(Path(path), source, posterior)
    if posterior is None and isinstance(given, Subject):
        _check_prior(given)
    if posterior is None:
        save_mat(path, {"DCM": _specified(source)})
        return
    if posterior.settings.compat == "none":  # which takes series as measured, and a file's options for SPM's
        source = replace(source.as_measured(), centre_inputs=posterior.centre_inputs)
    _check(source, posterior)
    save_mat(path, {"DCM": _estimated(source, posterior)})


def written_by_us(path: Path) -> bool:
    """Whether a file is one that `write_dcm` wrote, and so may be replaced."""
    try:
        content = load_mat(path).get("DCM")
    except MatFileError:
        return False
    return isinstance(content, dict) and "effconn" in content


def _subject_file(path: Path, subject: Subject, posterior: Posterior | None) -> DcmFile:
    """A subject as if it had been read from a file."""
    spec, data = subject.spec, subject.data
    gated = bool(spec.d.any())
    density = subject.prior if posterior is None else posterior.prior
    noise = SPM12_NOISE if density is None else (float(density.noise_mean), float(density.noise_variance))
    switches = {"nonlinear": float(gated), "two_state": 0.0, "stochastic": 0.0, "centre": float(subject.centre_inputs)}
    return DcmFile(
        path=path,
        index=None,
        name=subject.name,
        spec=spec,
        data=data,
        coordinates=None,
        centre_inputs=subject.centre_inputs,
        nonlinear=gated,
        max_iterations=DEFAULT_ITERATIONS if posterior is None else posterior.settings.max_iterations,
        noise_mean=noise[0],
        noise_variance=noise[1],
        stated_echo_time=data.echo_time,
        estimate=None,
        content={
            "U": {"dt": matlab_scalar(data.bin_width)},
            "Y": {"dt": matlab_scalar(data.repetition_time), "X0": data.confounds},
            "options": {key: matlab_scalar(value) for key, value in switches.items()},
        },
    )


def _check_prior(subject: Subject) -> None:
    """Raises `ValueError` where a prior is none of those that a mode names."""
    own = subject.prior
    if own is None:
        return
    for preset in get_args(Preset):
        standard = prior(subject.spec, preset)
        if np.array_equal(own.mean, standard.mean) and np.array_equal(own.covariance, standard.covariance):
            return
    raise ValueError(
        f"{subject.name}: a specified DCM file has no place for prior means and covariances of one's own; write it "
        "without (Subject(…, prior=None)), or with the posterior that was found under them"
    )


def _specified(source: DcmFile) -> dict[str, Any]:
    """The struct of a model that is not inverted, in the form of `load_mat`."""
    return _specification(source, source.spec, source.data, None, (source.noise_mean, source.noise_variance))


def _estimated(source: DcmFile, posterior: Posterior) -> dict[str, Any]:
    """The struct of an inverted model, in the form of `load_mat`."""
    data, scale = source.data.prepared(source.centre_inputs)
    if (unit := _file_unit(posterior)) != 1:
        data, scale = replace(data, bold=data.bold / unit), scale / unit
    noise = (posterior.prior.noise_mean, posterior.prior.noise_variance)
    content = _specification(source, posterior.spec, data, scale, noise)
    content["M"] = _model(source, posterior, data, content["TE"])
    content |= _results(posterior, data)
    content["effconn"] = _provenance(source, posterior, data)
    return content


def _specification(
    source: DcmFile, spec: Spec, data: Data, scale: float | None, noise: tuple[float, float]
) -> dict[str, Any]:
    """Masks, inputs, series, timing and options; `scale` is the factor from the source's series to `data`'s."""
    content = {key: value for key, value in source.content.items() if key not in RESULTS}
    content |= _masks(source, spec)
    content["U"] = _inputs(source, data)
    content["Y"] = _series(source, data, scale)
    content |= {"v": matlab_scalar(data.scans), "n": matlab_scalar(spec.n)}
    content.setdefault("TE", matlab_scalar(data.echo_time))
    content.setdefault("delays", data.delays[None, :])
    content["options"] = _options(source, noise)
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
    shape = source.data.bold.shape
    if posterior.prediction.shape != shape:
        raise ValueError(f"{source.name}: the posterior predicts {posterior.prediction.shape}, the series are {shape}")


def _masks(source: DcmFile, spec: Spec) -> dict[str, Any]:
    """The masks of the model that was inverted, which may be a reduced one; as they were where nothing changed."""
    n, m = spec.n, spec.m
    masks: dict[str, Any] = {}
    for key, shape in (("a", (n, n)), ("b", (n, n, m)), ("c", (n, m)), ("d", (n, n, n))):
        mask = getattr(spec, key)
        kept = key in source.content and np.array_equal(mask, getattr(source.spec, key))
        masks[key] = source.content[key] if kept else mask.astype(np.float64).reshape(shape)
    if not spec.layout.gated:
        masks["d"] = np.zeros((n, n, 0))
    return masks


def _inputs(source: DcmFile, data: Data) -> dict[str, Any]:
    inputs = {**source.content["U"], "u": data.inputs}
    inputs.setdefault("name", cell_row(source.spec.inputs))
    return inputs


def _series(source: DcmFile, data: Data, scale: float | None) -> dict[str, Any]:
    """Y; where it is scaled, its factor is that from the series as first specified."""
    series: dict[str, Any] = {**source.content["Y"], "y": data.bold}
    if scale is not None:
        earlier = source.content["Y"].get("scale")
        if isinstance(earlier, np.ndarray) and earlier.size == 1 and earlier.dtype.kind in "biuf":
            scale *= float(earlier.flat[0])
        series["scale"] = matlab_scalar(scale)
    if not np.size(series.get("X0", ())):
        series["X0"] = data.confounds
    if len(data.run_starts) > 1:  # as SPM.nscan; SPM's own inversion does not read it: its state runs on
        series["nscan"] = np.array([[float(run.stop - run.start) for run in data.runs]])
    series.setdefault("name", cell_row(source.spec.regions))
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


def _options(source: DcmFile, noise: tuple[float, float]) -> dict[str, Any]:
    stored = source.content.get("options")
    options = dict(stored) if isinstance(stored, dict) else {}
    for switch in ("nonlinear", "two_state", "stochastic", "centre", "induced"):
        options.setdefault(switch, matlab_scalar(0))
    options.setdefault("hidden", np.zeros((0, 0)))
    if bool(np.any(options["centre"])) != source.centre_inputs:
        options["centre"] = matlab_scalar(float(source.centre_inputs))
    options |= {"hE": matlab_scalar(noise[0]), "hC": matlab_scalar(noise[1])}
    options.setdefault("maxit", matlab_scalar(source.max_iterations))
    options.setdefault("maxnodes", matlab_scalar(8))
    return options


def _model(source: DcmFile, posterior: Posterior, data: Data, echo_time: Any) -> dict[str, Any]:
    """SPM's M: the functions by SPM's names, dimensions and priors."""
    n, m = posterior.spec.n, posterior.spec.m
    prior = posterior.prior
    model = {
        "Nmax": matlab_scalar(source.max_iterations),
        "delays": data.delays[None, :],
        "TE": echo_time,
        "IS": "spm_int_D" if source.nonlinear else "spm_int",
        "f": "spm_fx_fmri",
        "g": "spm_gx_fmri",
        "x": csc_array((n, 5)),
        "pE": _tree(prior.mean, posterior),
        "pC": np.array(prior.covariance),
        "hE": np.full((n, 1), prior.noise_mean + 2 * np.log(_file_unit(posterior))),  # of the file's series
        "hC": csc_array(np.eye(n) * prior.noise_variance),
        "m": matlab_scalar(m),
        "n": matlab_scalar(5 * n),
        "l": matlab_scalar(n),
        "N": matlab_scalar(KERNEL_STEPS),
        "dt": matlab_scalar(KERNEL_STEP),
        "ns": matlab_scalar(data.scans),
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
        "iterations": matlab_scalar(posterior.iterations),
        "free_energy_history": posterior.free_energy_history[None, :],
        "data_scale": matlab_scalar(posterior.data_scale),
        "echo_time": matlab_scalar(data.echo_time),
        "noise_mean": posterior.noise_mean[:, None],
        "noise_covariance": posterior.noise_covariance,
        "autocorrelation": posterior.autocorrelation[:, None],
        "autocorrelation_sd": posterior.autocorrelation_sd[:, None],
        "confound_effects": posterior.confound_effects,
        "start": matlab_scalar(posterior.start),
        "start_free_energies": posterior.start_free_energies[None, :],
        "left_out": cell_row(unwritable_places(dict(source.content), "DCM")),
    }


def _file_unit(posterior: Posterior) -> float:
    """Factor from the series as a file holds them to those that were inverted.

    SPM leaves series scaled and gives parameters for the scaled ones. Where the scale is inside the model, parameters
    are of the series as measured, and so are series, prediction and noise in the file: SPM's g(Ep) is DCM.y.
    """
    return posterior.data_scale if posterior.settings.scaling == "model" else 1.0


def _results(posterior: Posterior, data: Data) -> dict[str, Any]:
    """The fields from Ce to BIC; `data` are those of the file, in its unit."""
    variance = np.zeros(posterior.mean.size)
    variance[posterior.free] = np.diag(posterior.covariance)
    # SPM asks how sure |θ| exceeds the prior mean (threshold T = 0 beyond it).
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.abs(posterior.mean) - posterior.prior.mean) / np.sqrt(variance)
    certainty = np.where(variance > 0, ndtr(z), np.nan)
    unit, rho = _file_unit(posterior), posterior.autocorrelation
    prediction, residual = posterior.prediction / unit, posterior.residual / unit
    innovation = np.exp(-posterior.noise_mean) / unit**2
    noise = innovation / (1 - rho**2)
    parameters = named_parameters(posterior.mean, posterior.spec.layout)
    bold_kernel, neural_kernel = volterra_kernels(parameters, data.echo_time)
    starts = np.array(posterior.run_starts)
    fit = -0.5 * float((_squares(residual, rho, starts) / innovation).sum())
    fit += 0.5 * float((len(starts) * np.log1p(-(rho**2)) - data.scans * np.log(innovation)).sum())
    count = posterior.free.size
    return {
        "Ce": noise[:, None],
        "Ep": _tree(posterior.mean, posterior),
        "Cp": _sparse_covariance(posterior),
        "Pp": _tree(certainty, posterior),
        "Vp": _tree(variance, posterior),
        "H1": bold_kernel,
        "K1": neural_kernel,
        "R": residual,
        "y": prediction,
        "T": matlab_scalar(0),
        "F": matlab_scalar(posterior.free_energy),
        # Recovered from the numbers SPM12 stores: log-likelihood of the residuals without its constant, less a
        # penalty per free parameter; ID is the sum of the series' absolute values.
        "ID": matlab_scalar(float(np.abs(data.bold).sum())),
        "AIC": matlab_scalar(fit - count),
        "BIC": matlab_scalar(fit - count / 2 * np.log(data.scans)),
    }


def _squares(residual: np.ndarray, rho: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(region,) eᵀ K e of AR(1) noise: squared innovations, and the own of runs' first scans; Σ e² where ρ = 0."""
    squared = (residual[1:] - rho * residual[:-1]) ** 2
    squared[starts[1:] - 1] = (1 - rho**2) * residual[starts[1:]] ** 2
    return np.asarray((1 - rho**2) * residual[0] ** 2 + squared.sum(axis=0))


def _sparse_covariance(posterior: Posterior) -> csc_array:
    """The posterior covariance, without ever filling a (param, param) array."""
    rows, columns = np.meshgrid(posterior.free, posterior.free, indexing="ij")
    return csc_array((posterior.covariance.ravel(), (rows.ravel(), columns.ravel())), shape=(posterior.mean.size,) * 2)


def _tree(vector: np.ndarray, posterior: Posterior) -> dict[str, Any]:
    """A vector → SPM's struct; SPM keeps the haemodynamic fields sparse, and D as n × n × 0 without gates."""
    n, layout = posterior.spec.n, posterior.spec.layout
    parts = named_parameters(vector, layout)
    return {
        "A": parts.A,
        "B": parts.B,
        "C": parts.C,
        "D": parts.D if layout.gated else np.zeros((n, n, 0)),
        "transit": csc_array(np.reshape(parts.transit, (n, 1))),
        "decay": csc_array(np.reshape(parts.decay, (1, 1))),
        "epsilon": csc_array(np.reshape(parts.epsilon, (1, 1))),
    }
