"""Model spaces in a line: all combinations of what is switched, and alternatives that follow from the main model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_up_runs import CONTENT, study_of

from pipeline.study import Dcm, StudyError, inverted_models, model_specs, read_study, reduced_models, switched_models


def dcm_of(**changes: Any) -> Dcm:
    study = study_of(dcm=CONTENT["dcm"] | {"b": {"faces": ["vmPFC <- amygdala", "amygdala <- vmPFC"]}} | changes)
    assert isinstance(study.dcm, Dcm)
    return study.dcm


def test_every_combination_is_a_model_named_by_what_is_on() -> None:
    dcm = dcm_of(switch={"b": {"faces": ["vmPFC <- amygdala", "amygdala <- vmPFC"]}})
    specs = model_specs(dcm)
    assert list(specs) == ["main", "switch-10", "switch-01", "switch-00"]
    assert specs["switch-10"].b[0, 1, 1]
    assert not specs["switch-10"].b[1, 0, 1]
    assert not specs["switch-00"].b.any()
    assert switched_models(dcm) == {
        "B[vmPFC<-amygdala, faces]": ("main", "switch-10"),
        "B[amygdala<-vmPFC, faces]": ("main", "switch-01"),
    }


def test_a_connection_that_is_off_takes_its_changes_with_it() -> None:
    dcm = dcm_of(switch={"a": ["vmPFC <- amygdala"], "b": {"faces": ["vmPFC <- amygdala"]}})
    specs = model_specs(dcm)
    assert list(specs) == ["main", "switch-10", "switch-01"]  # without A, B on and off are one model
    assert not specs["switch-01"].a[0, 1]
    assert not specs["switch-01"].b[0, 1, 1]
    assert specs["switch-01"].b[1, 0, 1]


def test_what_a_model_has_decides_its_family_and_not_its_name() -> None:
    both = ["vmPFC <- amygdala", "amygdala <- vmPFC"]
    dcm = dcm_of(
        switch={"a": both[:1], "b": {"faces": both[:1]}},
        models={"other-drive": {"c": {"task": ["vmPFC"]}}, "unchanged": {"b": {"faces": []}}},
        invert="each",
    )
    assert switched_models(dcm) == {
        "A[vmPFC<-amygdala]": ("main", "other-drive", "unchanged", "switch-10"),
        "B[vmPFC<-amygdala, faces]": ("main", "other-drive"),  # of switch-01 A is off, and B with it
    }


def test_alternatives_are_reduced_unless_each_is_asked_for() -> None:
    alternative = {"models": {"fewer": {"b": {"faces": ["vmPFC <- amygdala"]}}}}
    dcm = dcm_of(**alternative)
    assert (list(inverted_models(dcm)), list(reduced_models(dcm))) == (["main"], ["fewer"])
    dcm = dcm_of(**alternative, invert="each")
    assert (list(inverted_models(dcm)), list(reduced_models(dcm))) == (["main", "fewer"], [])


STUDY = """
[study]
name = "Made up"
bids = "bids"
derivatives = "derivatives"
[participants]
arms = ["a", "b"]
[sessions]
before = "ses-1"
after = "ses-2"
[tasks.faces]
conditions.faces = ["faces"]
[regions.x]
sphere = { centre = [0, 0, 0], radius = 8 }
[regions.y]
sphere = { centre = [0, 0, 20], radius = 8 }
[dcm]
task = "faces"
regions = ["x", "y"]
inputs.faces = ["faces"]
c.faces = ["x"]
b.faces = ["y <- x"]
"""


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (
            'models.more.c.faces = ["x", "y"]',
            "has C[y<-faces], which main lacks; add it to main, or say invert",
        ),
        ('switch.b.faces = ["x <- y"]', "B[x<-y, faces] is not in the main model"),
        ('switch.c.faces = ["x", "x"]', "C[x<-faces] is there twice"),
        ('switch.b.faces = ["z <- y"]', "names 'z', which is no region of the model"),
        ("switch.b.faces = []", "nothing is switched; give 1 to 8"),
        ('switch.a = "full"', "names connections"),
        ('switch.b.faces = ["y <- x"]\nmodels.same.b.faces = []', "is among the models that switch makes; remove it"),
        ('invert = "some"', "must be one of 'reduce', 'each'"),
    ],
)
def test_what_cannot_be_reduced_or_switched_is_told(tmp_path: Path, lines: str, says: str) -> None:
    file = tmp_path / "study.toml"
    file.write_text(STUDY + lines + "\n", encoding="utf-8")
    with pytest.raises(StudyError) as told:
        read_study(file)
    assert says in str(told.value)
