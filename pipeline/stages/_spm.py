"""A posterior of the study as the `DCM_*.mat` that SPM12 would have written."""

from __future__ import annotations

from pathlib import Path

from dcm import Posterior, Subject

from ..images import Extraction
from ..results import RunData
from ..spm import DcmFile, number, write_dcm


def write_spm(path: Path, extraction: Extraction, subject: Subject, posterior: Posterior) -> None:
    """Writes ``DCM``, estimated, with series, inputs, masks and settings of the inversion."""
    prior = posterior.prior
    source = DcmFile(
        path=path,
        index=None,
        name=subject.name,
        run=RunData(subject.name, subject.spec.regions, subject.spec.inputs, subject.data),
        spec=subject.spec,
        centre_inputs=subject.centre_inputs,
        nonlinear=False,
        max_iterations=posterior.settings.max_iterations,
        noise_mean=float(prior.noise_mean),
        noise_variance=float(prior.noise_variance),
        stated_echo_time=extraction.echo_time,
        estimate=None,
        content=_content(subject),
    )
    write_dcm(path, source, posterior)


def _content(subject: Subject) -> dict[str, object]:
    """What `write_dcm` takes over from its source as it stands."""
    data, switches = subject.data, ("nonlinear", "two_state", "stochastic")
    return {
        "U": {"dt": number(data.bin_width)},
        "Y": {"dt": number(data.repetition_time), "X0": data.confounds},
        "options": {**{name: number(0) for name in switches}, "centre": number(float(subject.centre_inputs))},
    }
