"""The files of one run: what a scanner leaves, and what fMRIPrep makes of it, as BIDS names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common import write_json
from ._bids_files import make_image, make_mask, write_image, write_table
from ._images import SCALE, AcquiredRun, Brain
from ._regional_series import Event

SPACE = "space-MNI152NLin2009cAsym"
ECHO_TIME = 0.03  # s
DERIVATIVES = Path("derivatives") / "fmriprep"  # in the dataset


@dataclass(frozen=True)
class SyntheticRun:
    """Whose run it is, and where its files lie.

    Fields:
        participant: such as ``sub-01``.
        session: such as ``ses-1``; None where the data are not in sessions.
        task: by its name.
        run: number of the run, where a visit has several of the task.
        repetition_time: s.
    """

    participant: str
    session: str | None
    task: str
    run: int | None
    repetition_time: float

    @property
    def label(self) -> str:
        """Such as ``sub-01_ses-1_task-faces_run-1``, with which its files begin."""
        run = None if self.run is None else f"run-{self.run}"
        return "_".join(part for part in (self.participant, self.session, f"task-{self.task}", run) if part)

    def folder(self, root: Path) -> Path:
        """Where its files lie in a dataset."""
        visit = root / self.participant
        return (visit if self.session is None else visit / self.session) / "func"

    def write_raw(self, bids: Path, events: Sequence[Event]) -> None:
        """Writes the sidecar of the image that the scanner would have left, and the events, where there are any."""
        head = self.folder(bids) / self.label
        sidecar = {"TaskName": self.task, "RepetitionTime": self.repetition_time, "EchoTime": ECHO_TIME}
        write_json(head.with_name(f"{head.name}_bold.json"), sidecar)
        if events:
            self.write_events(head.with_name(f"{head.name}_events.tsv"), events)

    def write_events(self, path: Path, events: Sequence[Event], decimal_commas: bool = False) -> None:
        """Writes the table of events, with their intensities where they have any."""
        header = ["onset", "duration", "trial_type", "response_time"]
        rows = [[event.onset, event.duration, event.trial_type, event.response_time] for event in events]
        if any(event.intensity is not None for event in events):
            header.append("intensity")
            rows = [[*row, event.intensity] for row, event in zip(rows, events, strict=True)]
        write_table(path, header, rows, decimal_commas)

    def write_preprocessed(
        self, derivatives: Path, brain: Brain, acquired: AcquiredRun, columns: Mapping[str, np.ndarray]
    ) -> None:
        """Writes image, brain mask, confounds, and their sidecars, as fMRIPrep names them."""
        folder, head, spacing = self.folder(derivatives), self.label, self.repetition_time
        stored = np.zeros((*brain.head.shape, acquired.stored.shape[0]), dtype=np.int16)
        stored[brain.head] = acquired.stored.T
        image = make_image(stored, brain.affine, SCALE, spacing)
        write_image(folder / f"{head}_{SPACE}_desc-preproc_bold.nii.gz", image)
        corrected = {"SkullStripped": False, "SliceTimingCorrected": True, "StartTime": spacing / 2}
        sidecar = {"TaskName": self.task, "RepetitionTime": spacing, "EchoTime": ECHO_TIME, **corrected}
        write_json(folder / f"{head}_{SPACE}_desc-preproc_bold.json", sidecar)
        write_image(folder / f"{head}_{SPACE}_desc-brain_mask.nii.gz", make_mask(brain.mask, brain.affine))
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        write_table(folder / f"{head}_desc-confounds_timeseries.tsv", tuple(columns), rows)
        described = {"framewise_displacement": {"Description": "After Power et al. (2012)", "Units": "mm"}}
        write_json(folder / f"{head}_desc-confounds_timeseries.json", described)

    def remove(self, bids: Path) -> None:
        """Removes what there is of it, in the dataset and its derivatives."""
        for root in (bids, bids / DERIVATIVES):
            for path in self.folder(root).glob(f"{self.label}_*"):
                path.unlink()
