"""Several runs as the data of one model: one after the other, and each begins at rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from ._data import Data


def concatenate_runs(runs: Sequence[Data]) -> Data:
    """Runs of one participant as data of one DCM: parameters are the same in all of them, and so is the noise.

    Series and inputs follow one another; confounds are block-diagonal, so that every run has its own constant, drifts
    and motion. Each run's series are centred by their own means, which the constants would take up. Neural activity and
    vessels are at rest when a run begins, and serially correlated noise begins anew: nothing spills over a border. In
    SPM's modes states run on over the borders, as they do where SPM is given concatenated series
    (`spm_fmri_concatenate`).

    Arguments:
        runs: in the order in which they were measured, all of the same regions and inputs.

    Raises `ValueError`, naming everything that differs between runs: numbers of regions or inputs, bin width,
    repetition time, echo time, delays.

    >>> posterior = invert(Subject("sub-01", spec, concatenate_runs([first, second])))
    """
    from scipy.linalg import block_diag  # not loaded by `import dcm`

    runs = list(runs)
    if not runs:
        raise ValueError("concatenate_runs needs at least one run")
    if len(runs) == 1:
        return runs[0]
    problems = _differences(runs)
    if problems:
        raise ValueError(f"runs cannot be concatenated: {'; '.join(problems)}")
    first = runs[0]
    scans = np.cumsum([0, *(run.scans for run in runs)])
    starts = [offset + run.run_starts for offset, run in zip(scans, runs, strict=False)]
    bins = round(int(scans[-1]) * first.repetition_time / first.bin_width)
    borders = -(-scans * bins // scans[-1])  # the bins with which these scans begin
    pieces = [_of_length(run.inputs, end - begin) for run, (begin, end) in zip(runs, pairwise(borders), strict=True)]
    return Data(
        bold=np.concatenate([run.bold[part] - run.bold[part].mean(axis=0) for run in runs for part in run.runs]),
        inputs=np.concatenate(pieces),
        bin_width=first.bin_width,
        repetition_time=first.repetition_time,
        confounds=block_diag(*(run.confounds for run in runs)),
        delays=first.delays,
        echo_time=first.echo_time,
        run_starts=np.concatenate(starts),
    )


def _of_length(inputs: Float[np.ndarray, "bin input"], bins: int) -> Float[np.ndarray, "bin input"]:
    """As many bins as lie between two borders, one more or less where bins do not divide scans."""
    return inputs[np.minimum(np.arange(bins), len(inputs) - 1)]


def _differences(runs: Sequence[Data]) -> list[str]:
    shapes = {
        "regions": [run.bold.shape[1] for run in runs],
        "inputs": [run.inputs.shape[1] for run in runs],
    }
    problems = [f"they have {_listed(sizes)} {what}" for what, sizes in shapes.items() if len(set(sizes)) > 1]
    times = {"bin widths": "bin_width", "repetition times": "repetition_time", "echo times": "echo_time"}
    for what, field in times.items():
        values = [getattr(run, field) for run in runs]
        if not np.allclose(values, values[0], rtol=1e-6, atol=0):
            remedy = ", which one DCM cannot have: invert each, and average their posteriors"
            problems.append(f"their {what} are {_listed(values)} s{remedy if field == 'repetition_time' else ''}")
    delays = [run.delays for run in runs]
    if not problems and not all(np.allclose(own, delays[0], atol=1e-6) for own in delays):
        problems.append("regions are sampled at other delays in one run than in another")
    return problems


def _listed(values: Sequence[float]) -> str:
    words = [f"{value:g}" for value in values]
    return f"{', '.join(words[:-1])} and {words[-1]}"
