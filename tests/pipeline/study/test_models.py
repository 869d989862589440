"""Connections, contrasts and models in words become numbers and masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.study import (
    Dcm,
    Structure,
    circuit_region,
    model_spec,
    model_specs,
    parse_connection,
    parse_contrast,
    read_study,
)


@pytest.mark.parametrize("text", ["a <- b", "b -> a", "a ← b", "b → a", "a<-b", " b  -->  a "])
def test_a_connection_reads_either_way(text: str) -> None:
    assert parse_connection(text) == ("a", "b")


@pytest.mark.parametrize("text", ["", "a", "a <-", "-> b", "a <- b <- c", "a - b", "a <-> b"])
def test_what_is_no_connection_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no connection; write it like"):
        parse_connection(text)


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("faces", {"faces": 1}),
        ("faces - shapes", {"faces": 1, "shapes": -1}),
        ("-a + b", {"a": -1, "b": 1}),
        ("0.5*a + .5 * b − c", {"a": 0.5, "b": 0.5, "c": -1}),
        ("2e-1×left-hand - right-hand", {"left-hand": 0.2, "right-hand": -1}),
        ("  a_1 ", {"a_1": 1}),
    ],
)
def test_a_contrast_is_a_signed_sum(text: str, weights: dict[str, float]) -> None:
    assert parse_contrast(text) == weights
    assert list(parse_contrast(text)) == list(weights)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no sum of conditions"),
        ("a +", "is no sum of conditions"),
        ("a - - b", "is no sum of conditions"),
        ("(a + b) / 2", "is no sum of conditions"),
        ("a b", "has 'b' where \\+ or - is expected"),
        ("2 a", "is no sum of conditions"),
        ("a - a", "names 'a' twice"),
        ("0*a + 0*b", "weights everything by zero"),
        ("1e999*a", "not finite"),
    ],
)
def test_what_is_no_contrast_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_contrast(text)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z]([A-Za-z0-9_-]{0,4}[A-Za-z0-9_])?", fullmatch=True),
        st.floats(-1e6, 1e6, allow_nan=False).filter(lambda weight: abs(weight) > 1e-6),
        min_size=1,
        max_size=5,
    )
)
def test_a_contrast_that_is_written_out_reads_back(weights: dict[str, float]) -> None:
    text = " ".join(f"{'-' if weight < 0 else '+'} {abs(weight)!r}*{name}" for name, weight in weights.items())
    assert parse_contrast(text) == weights


def test_models_have_the_masks_that_their_words_say(study_text: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(study_text)
    dcm = read_study(tmp_path / "study.toml").dcm
    assert dcm is not None
    models = model_specs(dcm)
    assert list(models) == ["main", "top-down"]
    main, alternative = models["main"], models["top-down"]
    assert (main.regions, main.inputs) == (("vmPFC", "amygdala"), ("task", "faces"))
    assert main.a.all()
    np.testing.assert_array_equal(main.b[:, :, 1], [[False, True], [True, False]])
    assert not main.b[:, :, 0].any()
    np.testing.assert_array_equal(main.c, [[True, False], [True, False]])
    np.testing.assert_array_equal(alternative.b[:, :, 1], [[False, False], [True, False]])
    np.testing.assert_array_equal(alternative.c, main.c)


def test_without_words_a_model_is_full_and_self_connections_are_always_there() -> None:
    dcm = Dcm(task="x", regions=("p", "q"), inputs={"u": ("x",)}, c={"u": ("p",)})
    assert model_spec(dcm).a.all()
    np.testing.assert_array_equal(model_spec(dcm, Structure(a=())).a, np.eye(2, dtype=bool))
    assert model_spec(dcm, Structure(c={"u": ("q",)})).c.tolist() == [[False], [True]]


def test_halves_of_the_target_circuit_are_known() -> None:
    assert circuit_region("amygdala") == circuit_region("amygdala-left") == circuit_region("amygdala_right")
    assert circuit_region("left") is None
