"""What is modelled of a run, whatever its data are: regressors of its task, design matrix, inputs and timing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ..bids import Events, ImageRun, Run, RunConfounds, read_confounds, read_events
from ..study import Dcm, Glm, Study, Task
from ._design_matrix import DesignMatrix, contrast_weights_of_run, make_design_matrix
from ._extraction import Extraction
from ._task_regressors import BINS, TaskRegressors, condition_series, dcm_inputs, task_regressors


@dataclass(frozen=True, eq=False)
class RunModel:
    """What is modelled of a run.

    Fields:
        run: whose it is.
        task: its settings.
        events: None at rest.
        regressors: conditions and modulators before convolution.
        design: the design matrix.
    """

    run: Run
    task: Task
    events: Events | None
    regressors: TaskRegressors
    design: DesignMatrix

    def inputs(self, members: Mapping[str, tuple[str, ...]]) -> Float[np.ndarray, "bin input"]:
        """Inputs of a DCM; see `dcm_inputs`."""
        return dcm_inputs(self.run, members, self.regressors)

    def contrast_weights(self) -> tuple[dict[str, Float[np.ndarray, "column"]], tuple[str, ...]]:
        """Weights of the task's contrasts, and a line for each that the run lacks; see `contrast_weights_of_run`."""
        return contrast_weights_of_run(self.run.label, self.task.contrasts, self.design)

    def extraction(
        self, members: Mapping[str, tuple[str, ...]], contrasts: Mapping[str, np.ndarray], **measured: Any
    ) -> Extraction:
        """The run after its first level.

        Arguments:
            members: input of the DCM → conditions and modulators that it adds up.
            contrasts: as `contrast_weights` has them.
            measured: all fields of `Extraction` that are not of the model but of the run's data.
        """
        run, design = self.run, self.design
        return Extraction(
            participant=run.participant,
            session=run.session,
            task=run.task,
            label=run.label,
            confound_names=design.names[design.interest :],
            inputs=self.inputs(members),
            input_names=tuple(members),
            conditions=condition_series(run, self.regressors),
            condition_names=tuple(self.regressors.series),
            bin_width=run.repetition_time / BINS,
            repetition_time=run.repetition_time,
            echo_time=run.echo_time,
            delays=run.reference * run.repetition_time,
            design=design.matrix,
            design_names=design.names,
            contrasts=tuple(contrasts),
            framewise_displacement=design.framewise_displacement,
            censored=design.censored,
            **measured,
        )


def model_run(run: Run, study: Study, confounds: RunConfounds, glm: Glm | None = None) -> RunModel:
    """What a study models of a run.

    Arguments:
        confounds: what is taken out of its series.
        glm: in the place of the study's.

    Raises `TableError` where events cannot be read, `ExtractionError` where the run has too few scans for its design.
    """
    task = study.tasks[run.task]
    events = None if task.rest or run.events is None else read_events(run.events, task)
    regressors = task_regressors(run, task, events)
    return RunModel(run, task, events, regressors, make_design_matrix(run, glm or study.glm, regressors, confounds))


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


def run_design(run: ImageRun, study: Study, dcm: Dcm) -> RunDesign:
    """The design of one run of a DCM's task.

    Raises `ValueError`, in one line, where events or confounds cannot be read or do not fit.
    """
    model = model_run(run, study, read_confounds(run, study))
    return RunDesign(
        visit=run.visit,
        inputs=model.inputs(dcm.inputs),
        confounds=model.design.nuisance,
        scans=run.scans,
        bin_width=run.repetition_time / BINS,
        repetition_time=run.repetition_time,
        delays=run.reference * run.repetition_time,
        echo_time=run.echo_time,
    )
