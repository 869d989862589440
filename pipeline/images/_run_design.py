"""What a run's DCM has besides its series, from events, confounds and headers: before any image is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..bids import Run, read_confounds, read_events
from ..study import Study
from ._design import design_of
from ._kernel import BINS
from ._regressors import inputs_of, regressors_of


@dataclass(frozen=True, eq=False)
class RunDesign:
    """Inputs, confounds and timing of one run.

    Fields:
        visit: such as ``sub-01_ses-1``.
        inputs: (bin, input) of the DCM.
        confounds: (scan, confound) nuisance and drift columns and the constant, not whitened.
        scans: number of scans.
        bin_width, repetition_time, delays: s.
        echo_time: s; None where no sidecar tells.
    """

    visit: str
    inputs: Float[np.ndarray, "bin input"]
    confounds: Float[np.ndarray, "scan confound"]
    scans: int
    bin_width: float
    repetition_time: float
    delays: float
    echo_time: float | None


def run_design(run: Run, study: Study) -> RunDesign:
    """The design of one run of the DCM's task.

    Raises `ValueError`, in one line, where events or confounds cannot be read or do not fit.
    """
    assert study.dcm is not None
    task = study.tasks[run.task]
    events = None if task.rest or run.events is None else read_events(run.events, task)
    regressors = regressors_of(run, task, events)
    design = design_of(run, study.glm, regressors, read_confounds(run, study))
    return RunDesign(
        visit=run.visit,
        inputs=inputs_of(run, study.dcm.inputs, regressors),
        confounds=design.nuisance,
        scans=run.scans,
        bin_width=run.repetition_time / BINS,
        repetition_time=run.repetition_time,
        delays=run.reference * run.repetition_time,
        echo_time=run.echo_time,
    )
