"""fMRIPrep's confounds → the columns of a study's strategy, framewise displacement, and scans to be modelled away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ..study import Study
from ._inventory import Run
from ._readable import head_of
from ._words import DataError

DISPLACEMENT = "framewise_displacement"
_UNSTEADY = "non_steady_state_outlier"
_IMAGE = "_desc-preproc_bold.nii.gz"


class ConfoundsError(DataError):
    """A table of confounds that cannot be used: file, problem and remedy in one line."""


@dataclass(frozen=True, eq=False)
class Confounds:
    """What is taken out of a run.

    Fields:
        names: of the columns.
        values: (scan, column) demeaned over the scans that are not dropped; finite.
        framewise_displacement: (scan,) mm; NaN in the first.
        dropped: numbers of the scans at the start that are modelled away.
        censored: numbers of the scans with more motion than the study allows.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "scan column"]
    framewise_displacement: Float[np.ndarray, "scan"]
    dropped: tuple[int, ...]
    censored: tuple[int, ...]

    @property
    def spikes(self) -> tuple[int, ...]:
        """Scans that get a regressor of their own: those dropped or censored, each once."""
        return tuple(sorted({*self.dropped, *self.censored}))


def read_confounds(run: Run, study: Study) -> Confounds:
    """The confounds of a run by the study's strategy, read by nilearn's `load_confounds`.

    No scan is dropped, so that timing stays intact: scans to be left out of the fit are named in `dropped` and
    `censored`, for a regressor each. Derivatives, which the first scan has none of, get the second scan's there.

    Raises `ConfoundsError` where the table lacks what the strategy needs, has another number of scans than the image,
    a used value is missing, or nothing would remain to be fitted.
    """
    name = run.confounds.name
    table = _table(run)
    if len(table) != run.scans:
        raise ConfoundsError(f"{name} has {len(table)} rows, the image {run.scans} scans; they are not of one run")
    displacement = _displacement(name, table)
    dropped = _dropped(table, study, run)
    if len(dropped) == run.scans:
        raise ConfoundsError(f"{name} marks every scan as not steady; run fMRIPrep again, or set [glm] drop_scans")
    values, names = _chosen(run, study, table)
    steady = np.setdiff1d(np.arange(run.scans), dropped)
    constant = np.ptp(values, axis=0) <= 1e-12 * np.abs(values).max(axis=0, initial=0.0)  # but for rounding
    values = np.where(constant, 0.0, values - values[steady].mean(axis=0))
    limit = study.confounds.censor_above
    censored = () if limit is None else tuple(map(int, np.flatnonzero(displacement > limit)))
    found = Confounds(names, values, displacement, dropped, censored)
    left = run.scans - len(found.spikes)
    if left <= len(names) + 1:
        raise ConfoundsError(
            f"{name}: {left} of {run.scans} scans are left for {len(names)} confounds; take a higher censor_above or a "
            "smaller strategy"
        )
    return found


def _table(run: Run) -> Any:
    import pandas as pd

    head_of(run.confounds)
    try:
        return pd.read_csv(run.confounds, sep="\t", encoding="utf-8")
    except (ValueError, OSError) as error:  # pandas' ParserError is a ValueError
        raise ConfoundsError(f"{run.confounds.name} is no table ({' '.join(str(error).split())})") from None


def _chosen(run: Run, study: Study, table: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """The columns of the strategy."""
    settings = study.confounds
    if not settings.strategy:
        return np.zeros((run.scans, 0)), ()
    from nilearn.interfaces.fmriprep import load_confounds

    # nilearn takes CompCor components only beside the cosines they were computed after. Those are left out again below:
    # the study's own high-pass, which every series gets, does their work, and the same columns twice would be singular.
    strategy = (*settings.strategy, *(("high_pass",) if "compcor" in settings.strategy else ()))
    try:
        frame, _ = load_confounds(
            _image_name(run),
            strategy=strategy,
            motion=settings.motion,
            wm_csf=settings.wm_csf,
            global_signal=settings.global_signal,
            compcor=settings.compcor,
            n_compcor=settings.n_compcor,
            ica_aroma="basic",  # as columns; "full" would need images that AROMA has cleaned
            demean=False,  # done by the caller, once all values are known to be numbers
        )
    except TypeError:  # by which NumPy refuses text
        raise ConfoundsError(f"{run.confounds.name}: {_text_in(table)}; correct it") from None
    except (ValueError, KeyError, OSError) as error:
        problem = " ".join(str(error).split())
        raise ConfoundsError(f"{run.confounds.name}: {problem}") from None
    frame = frame[[name for name in frame.columns if not name.startswith("cosine")]]
    names = tuple(map(str, frame.columns))
    values = frame.to_numpy(dtype=np.float64)
    for scan, column in np.argwhere(~np.isfinite(values)):
        raise ConfoundsError(
            f"{run.confounds.name}: {names[column]} is missing or not finite in scan {scan + 1} (line {scan + 2}); "
            "leave it out of the strategy, or run fMRIPrep again"
        )
    return values, names


def _text_in(table: Any) -> str:
    """The first cell that is no number, in words."""
    import pandas as pd

    for name in table.columns:
        numbers = pd.to_numeric(table[name], errors="coerce")
        for scan in np.flatnonzero(numbers.isna() & table[name].notna()):
            return f"{name} is {table[name][scan]!r} in scan {scan + 1} (line {scan + 2})"
    return "a column is no column of numbers"


def _image_name(run: Run) -> str:
    """The name by which nilearn finds the table: of a compressed image beside it, whatever the image is."""
    return str(run.confounds.with_name(run.confounds.name.partition("_desc-confounds_")[0] + _IMAGE))


def _displacement(name: str, table: Any) -> np.ndarray:
    if DISPLACEMENT not in table.columns:
        raise ConfoundsError(f"{name} has no column {DISPLACEMENT}, which fMRIPrep writes; run it again")
    try:
        values = np.array(table[DISPLACEMENT].to_numpy(dtype=np.float64))
    except ValueError as error:
        raise ConfoundsError(f"{name}: {DISPLACEMENT} is no column of numbers ({error}); correct it") from None
    bad = np.flatnonzero(~np.isfinite(values[1:])) + 1
    if bad.size:
        raise ConfoundsError(f"{name}: {DISPLACEMENT} is missing in scan {bad[0] + 1} (line {bad[0] + 2}); correct it")
    values[0] = np.nan  # there is no scan before it; some versions write 0
    return values


def _dropped(table: Any, study: Study, run: Run) -> tuple[int, ...]:
    wanted = study.glm.drop_scans
    if wanted != "auto":
        if not 0 <= wanted < run.scans:
            raise ConfoundsError(f"{run.label}: [glm] drop_scans is {wanted}, but the run has {run.scans} scans")
        return tuple(range(wanted))
    columns = [name for name in table.columns if name.startswith(_UNSTEADY)]
    return tuple(map(int, np.flatnonzero((table[columns] == 1).any(axis=1))))
