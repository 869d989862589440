"""The design of one run: convolved conditions, nuisance, drifts, and contrasts over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ..bids import Run, RunConfounds
from ..study import Glm, parse_contrast
from ._grid import ExtractionError
from ._task_regressors import TaskRegressors, convolve_and_sample

CONSTANT = "constant"


@dataclass(frozen=True, eq=False)
class DesignMatrix:
    """A design matrix.

    Fields:
        matrix: (scan, column) effects of interest, then nuisance, drifts, and the constant.
        names: of the columns.
        interest: how many of the columns are of interest.
        censored: scans that have a regressor of their own, from 0.
        framewise_displacement: (scan,) mm.
    """

    matrix: Float[np.ndarray, "scan column"]
    names: tuple[str, ...]
    interest: int
    censored: Int[np.ndarray, "censored"]
    framewise_displacement: Float[np.ndarray, "scan"]

    @property
    def nuisance(self) -> Float[np.ndarray, "scan confound"]:
        """Columns of no interest."""
        return self.matrix[:, self.interest :]


def make_design_matrix(run: Run, glm: Glm, regressors: TaskRegressors, confounds: RunConfounds) -> DesignMatrix:
    """The design matrix of a run, by nilearn's `make_first_level_design_matrix`.

    Conditions and modulators are convolved with SPM12's kernel at sixteen bins a scan, and read at the bin that slices
    were corrected to. Scans to be modelled away get a regressor of their own. Confounds are centred and brought to unit
    variance; one that the columns before it explain wholly is left out. Drifts are the cosines of periods longer than
    `high_pass`, as many as SPM12 takes.

    Raises `ExtractionError` where the run has too few scans for its design.
    """
    effects = {
        name: convolve_and_sample(series, run.repetition_time, run.reference, regressors.before)
        for name, series in regressors.series.items()
    }
    drifts = cosine_drifts(run.scans, run.repetition_time, glm.high_pass)
    drift_names = (*(f"drift_{place + 1}" for place in range(drifts.shape[1] - 1)), CONSTANT)
    nuisance = _independent(_spikes(run, confounds) | _scaled(confounds), drifts)
    matrix = np.column_stack([*effects.values(), *nuisance.values(), drifts])
    if matrix.shape[1] >= run.scans:
        raise ExtractionError(
            f"{run.label}: {run.scans} scans cannot carry a design of {matrix.shape[1]} columns; take fewer confounds, "
            "censor fewer scans or lengthen the high-pass period"
        )
    return DesignMatrix(
        matrix,
        (*effects, *nuisance, *drift_names),
        len(effects),
        np.array(confounds.spikes, dtype=np.int64),
        confounds.framewise_displacement,
    )


def cosine_drifts(scans: int, repetition_time: float, high_pass_period: float) -> Float[np.ndarray, "scan drift"]:
    """Cosines of periods longer than `high_pass_period`, as many as SPM12 takes, and a constant last.

    Arguments:
        scans: number of scans.
        repetition_time: s.
        high_pass_period: s; 128 in SPM.

    By nilearn's `make_first_level_design_matrix`.
    """
    from nilearn.glm.first_level import make_first_level_design_matrix

    if scans < 1 or not repetition_time > 0 or not high_pass_period > 0:
        raise ValueError(
            f"{scans} scans, a repetition time of {repetition_time} s and a high-pass period of {high_pass_period} s; "
            "all must be positive"
        )
    # nilearn rounds the number of cosines down; the last factor keeps rounding error from costing one.
    table = make_first_level_design_matrix(
        np.arange(scans) * repetition_time,
        drift_model="cosine",
        high_pass=min((1 + 1e-9) / high_pass_period, 0.49 / repetition_time),
    )
    return np.asarray(table.to_numpy(dtype=np.float64))


def _spikes(run: Run, confounds: RunConfounds) -> dict[str, np.ndarray]:
    """1 in one scan; its name counts scans from 1."""
    return {f"scan_{scan + 1}": (np.arange(run.scans) == scan).astype(np.float64) for scan in confounds.spikes}


def _scaled(confounds: RunConfounds) -> dict[str, np.ndarray]:
    """Columns of unit variance, whatever unit they were in; without those that are constant but for rounding."""
    columns = {}
    for name, column in zip(confounds.names, np.asarray(confounds.values, dtype=np.float64).T, strict=True):
        largest = float(np.abs(column).max())
        unit = column / largest if largest > 0 else column  # squares of tiny values would be none at all
        spread = float(unit.std())
        if spread > 1e-12:
            columns[name] = (unit - unit.mean()) / spread
    return columns


def _independent(columns: Mapping[str, np.ndarray], others: np.ndarray) -> dict[str, np.ndarray]:
    """Columns that the others and those before them do not explain to the last digits."""
    basis = np.linalg.qr(others)[0]
    kept = {}
    for name, column in columns.items():
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)  # once more, against rounding
        size = np.linalg.norm(rest)
        if size > 1e-8 * np.linalg.norm(column):
            kept[name] = column
            basis = np.column_stack([basis, rest / size])
    return kept


def contrast_weights_of_run(
    label: str, contrasts: Mapping[str, str], design: DesignMatrix
) -> tuple[dict[str, Float[np.ndarray, "column"]], tuple[str, ...]]:
    """Weights of the contrasts whose conditions all have events in the run, and a line for each of the others.

    Raises `ExtractionError` where the design cannot tell an effect, see `contrast_weights`.
    """
    effects = design.names[: design.interest]
    absent = {
        name: [condition for condition in parse_contrast(text) if condition not in effects]
        for name, text in contrasts.items()
    }
    weights = {
        name: contrast_weights(label, name, text, design) for name, text in contrasts.items() if not absent[name]
    }
    lines = [f"contrast {name}: no event of {', '.join(members)}" for name, members in absent.items() if members]
    return weights, tuple(lines)


def contrast_weights(label: str, name: str, text: str, design: DesignMatrix) -> Float[np.ndarray, "column"]:
    """Weights of a contrast over the columns of a design.

    Raises `ExtractionError` where a condition has no event in the run, or the design cannot tell its effect.
    """
    weights = parse_contrast(text)
    vector = np.zeros(design.matrix.shape[1])
    for member, weight in weights.items():
        if member not in design.names[: design.interest]:
            raise ExtractionError(
                f"{label}: contrast {name} needs {member}, which has no event in this run; "
                "check its events, or exclude the run"
            )
        vector[design.names.index(member)] = weight
    sizes = np.linalg.norm(design.matrix, axis=0)  # by which a modulator's unit is out of the question
    sizes[sizes == 0] = 1.0
    unit, wanted = design.matrix / sizes, vector / sizes
    reached = wanted @ np.linalg.pinv(unit) @ unit
    if not np.allclose(reached, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max()):
        raise ExtractionError(
            f"{label}: contrast {name} cannot be estimated, as its conditions and the confounds or drifts coincide; "
            "merge conditions, take fewer confounds or a longer high-pass period"
        )
    return vector
