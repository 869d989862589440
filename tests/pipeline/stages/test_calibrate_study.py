"""`effconn calibrate` on a study: its own results where it ran, its events where it did not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.calibration import make_datasets, mode_from_name, read_study_design

Effconn = Callable[..., subprocess.CompletedProcess[str]]


def test_a_study_that_ran_is_calibrated_at_its_own_noise_and_around_its_estimates(finished: Path) -> None:
    design, _ = read_study_design(finished / "study.toml", print)
    assert len(design.estimates) == 15
    assert "those of 15 inverted runs" in design.assumptions[0]
    [ratio] = design.ratios
    assert 0.2 < ratio < 5
    datasets, _ = make_datasets(design, mode_from_name("spm12"), 4, design.ratios, 0)
    assert [dataset.cell.origin for dataset in datasets] == ["prior", "prior", "estimates", "estimates"]


def test_a_study_that_has_not_run_is_taken_from_its_events_and_says_so(study: Path) -> None:
    said: list[str] = []
    design, _ = read_study_design(study / "study.toml", said.append)
    assert "No run is extracted yet" in design.assumptions[0]
    assert "signal-to-noise ratios of 0.5, 1, 3" in design.assumptions[1]
    assert design.estimates == ()
    assert design.ratios == (0.5, 1.0, 3.0)
    assert (design.question.kind, design.question.participants, design.question.visits) == ("arms", 7, 2)
    assert said == []


def test_inputs_from_events_are_those_of_the_extraction(finished: Path, study: Path) -> None:
    ran, planned = (read_study_design(folder / "study.toml", print)[0] for folder in (finished, study))
    for template, other in zip(ran.templates, planned.templates, strict=True):
        assert template.inputs.tobytes() == other.inputs.tobytes()
        assert (template.repetition_time, template.confounds.shape) == (other.repetition_time, other.confounds.shape)
        assert template.delays.tobytes() == other.delays.tobytes()


def test_a_damaged_result_is_said_and_left_out(finished: Path, tmp_path: Path) -> None:
    study = shutil.copytree(finished, tmp_path / "study")
    posterior = study / "results" / "dcm" / "main" / "sub-01_ses-1.nc"
    posterior.write_bytes(b"nothing")
    said: list[str] = []
    design, _ = read_study_design(study / "study.toml", said.append)
    assert len(design.estimates) == 14
    assert len(said) == 1
    assert "sub-01_ses-1.nc" in said[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: text.index("[dcm]")], "has no [dcm], so that there is no model to calibrate"),
        (lambda text: text.replace('task = "faces"', 'task = "rest"', 1), "study.toml"),
    ],
)
def test_a_study_without_a_model_gets_one_line(
    study: Path, effconn: Effconn, change: Callable[[str], str], message: str
) -> None:
    file = study / "study.toml"
    text = file.read_text(encoding="utf-8")
    file.unlink()  # it is a link to everybody's
    file.write_text(change(text), encoding="utf-8")
    done = effconn("calibrate", file)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
