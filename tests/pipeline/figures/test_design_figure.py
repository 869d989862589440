"""The picture of a design matrix."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from matplotlib.figure import Figure

from peb import Design
from pipeline.figures import plot_design


def design(participants: int = 9) -> Design:
    frame = pandas.DataFrame(
        {
            "participant_id": [f"sub-{i:03d}" for i in range(participants)],
            "group": np.resize(["patients", "siblings", "controls"], participants),
            "age": np.random.default_rng(0).normal(40, 8, participants),
        }
    )
    return Design.from_formula(frame, "group * age")


def test_rows_are_participants_and_columns_have_their_names() -> None:
    axes = Figure().subplots()
    drawn = design()
    assert plot_design(drawn, axes) is axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(drawn.participants)
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names[:3] == ["mean", "group[patients]", "group[siblings]"]
    (image,) = axes.get_images()
    shown = np.asarray(image.get_array())
    np.testing.assert_allclose(np.abs(shown).max(axis=0), 1)
    np.testing.assert_allclose(np.sign(shown), np.sign(drawn.matrix))


def test_many_participants_are_counted_instead_of_named() -> None:
    axes = plot_design(design(200), Figure().subplots())
    assert axes.get_ylabel() == "200 participants"


def test_only_a_design_is_drawn() -> None:
    with pytest.raises(TypeError, match="a Design"):
        plot_design(np.eye(3), Figure().subplots())  # type: ignore[arg-type]  # what is refused
