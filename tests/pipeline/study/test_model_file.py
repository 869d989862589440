"""A model in a file of its own: what it says, and every mistake in it with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.study import StudyError, read_model_file

WHOLE = """[dcm]
regions = ["V1", "V5"]
inputs = ["photic", "photicxmotion^1"]
b."photicxmotion^1" = ["V5 <- V1"]
c.photic = ["V1"]
d.V5 = ["V5 <- V1"]
delays = { V5 = 0.5, V1 = 1.5 }
"""


def test_a_model_is_read_with_spms_names(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text(WHOLE)
    model = read_model_file(path)
    assert model.spec.inputs == ("photic", "photicxmotion^1")
    assert model.spec.b[1, 0, 1]
    assert model.spec.d[1, 0, 1]
    assert model.region_delays == (1.5, 0.5)
    assert (model.session, model.echo_time, model.centre_inputs, model.name) == (1, 0.04, False, None)


def test_inputs_may_add_up_conditions_as_in_a_study(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text('[dcm]\nregions = ["V1"]\ninputs.photic = ["left", "right"]\nc.photic = ["V1"]\n')
    assert read_model_file(path).conditions == {"photic": ("left", "right")}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("delays", "delay"), "model.toml:7: dcm.delay: is not a setting of [dcm]; did you mean 'delays'?"),
        (("c.photic", "c.photik"), "model.toml:5: dcm.c.photik: 'photik' is no input of the model; did you mean"),
        (("d.V5", "d.V4"), "model.toml:6: dcm.d.V4: 'V4' is no region of the model (regions of the model: V1, V5)"),
        (("V1 = 1.5", "V2 = 1.5"), "model.toml:7: dcm.delays.V2: 'V2' is no region of the model"),
        (
            ('"V5 <- V1"]\nc', '"V5 V1"]\nc'),
            "model.toml:4: dcm.b.\"photicxmotion^1\" (entry 1): 'V5 V1' is no connection",
        ),
        (("{ V5 = 0.5, V1 = 1.5 }", "-1"), "model.toml:7: dcm.delays: must be at least 0 or a table, not -1"),
        (("[dcm]", "[model]"), "model.toml:1: the file has no [dcm]; add it"),
        (("c.photic", "echo_time = 40\nc.photic"), "model.toml:5: dcm.echo_time: must be at most 1, not 40"),
        (("[dcm]", "[dcm]\nsession = 0"), "model.toml:2: dcm.session: must be"),
    ],
)
def test_a_mistake_has_its_line_and_the_nearest_name(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    path = tmp_path / "model.toml"
    path.write_text(WHOLE.replace(*change, 1))
    with pytest.raises(StudyError) as caught:
        read_model_file(path)
    assert says in str(caught.value).replace(str(tmp_path) + "/", "")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"does not exist; .*effconn specify --help"):
        read_model_file(tmp_path / "model.toml")
