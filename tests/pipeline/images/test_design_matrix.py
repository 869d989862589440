"""The design of a run: SPM12's drifts, what is left out, contrasts, and the inputs of its DCM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.fft import idct

from pipeline.bids import RunConfounds, read_confounds, read_events
from pipeline.images import ExtractionError
from pipeline.images._design_matrix import DesignMatrix, contrast_weights, contrast_weights_of_run, make_design_matrix
from pipeline.images._task_regressors import TaskRegressors, dcm_inputs, task_regressors
from pipeline.study import Modulator, Task


def parts(small: Any, **task: Any) -> tuple[TaskRegressors, DesignMatrix]:
    events = read_events(small.run.events)
    found = task_regressors(small.run, Task(**task), events)
    return found, make_design_matrix(small.run, small.study.glm, found, read_confounds(small.run, small.study))


def plain(scans: int, *columns: np.ndarray, spikes: tuple[int, ...] = ()) -> RunConfounds:
    names = tuple(f"c{i}" for i in range(len(columns)))
    values = np.column_stack([np.zeros((scans, 0)), *columns])
    return RunConfounds(names, values, np.zeros(scans), (), spikes)


def test_columns_come_in_their_order(small: Any) -> None:
    _, design = parts(small)
    motion = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
    assert design.names[:2] == ("faces", "shapes")
    assert set(design.names[2:8]) == set(motion)
    assert design.names[8:] == (*(f"drift_{i}" for i in range(1, 5)), "constant")
    assert design.interest == 2


@pytest.mark.parametrize(("scans", "repetition_time"), [(130, 2.0), (128, 2.0), (198, 3.6), (96, 2.0), (400, 0.72)])
def test_drifts_span_spm12s_cosines(small: Any, scans: int, repetition_time: float) -> None:
    run = replace(small.run, scans=scans, repetition_time=repetition_time)
    design = make_design_matrix(run, small.study.glm, TaskRegressors({}, 0), plain(scans))
    order = int(2 * scans * repetition_time / 128 + 1)  # SPM12's number of columns, the constant among them
    theirs = idct(np.eye(scans)[:, :order], norm="ortho", axis=0)
    assert design.matrix.shape == (scans, order)
    projected = theirs @ (theirs.T @ design.matrix)
    np.testing.assert_allclose(projected, design.matrix, atol=1e-10)


def test_a_scan_modelled_away_has_a_column_of_its_own(small: Any) -> None:
    design = make_design_matrix(small.run, small.study.glm, TaskRegressors({}, 0), plain(130, spikes=(0, 41)))
    assert design.names[:2] == ("scan_1", "scan_42")
    assert np.flatnonzero(design.matrix[:, 1]).tolist() == [41]
    assert design.censored.tolist() == [0, 41]


def test_confounds_that_others_explain_are_left_out(small: Any) -> None:
    rng = np.random.default_rng(0)
    one, drift = rng.normal(size=130), np.cos(np.pi * (np.arange(130) + 0.5) / 130)
    confounds = plain(130, one, 3 * one + drift, drift, np.full(130, 2.0), rng.normal(size=130))
    design = make_design_matrix(small.run, small.study.glm, TaskRegressors({}, 0), confounds)
    assert design.names[:2] == ("c0", "c4")
    assert np.linalg.matrix_rank(design.matrix) == design.matrix.shape[1]


def test_too_many_columns_are_an_error(small: Any) -> None:
    columns = np.random.default_rng(0).normal(size=(125, 130))
    with pytest.raises(ExtractionError, match="130 scans cannot carry a design of 130 columns"):
        make_design_matrix(small.run, small.study.glm, TaskRegressors({}, 0), plain(130, *columns))


def test_merged_conditions_pool_their_events(small: Any) -> None:
    apart, _ = parts(small)
    merged, _ = parts(small, conditions={"task": ("faces", "shapes")})
    np.testing.assert_array_equal(merged.series["task"], apart.series["faces"] + apart.series["shapes"])


def test_a_modulator_is_centred_over_its_condition(small: Any) -> None:
    found, design = parts(small, modulators={"liking": Modulator(condition="faces", column="rating")})
    inside = found.series["faces"] == 1
    np.testing.assert_array_equal(np.unique(found.series["liking"][inside]), [-1.0, 0.0, 1.0])
    assert (found.series["liking"][~inside] == 0).all()
    assert design.names[:3] == ("faces", "shapes", "liking")


def test_inputs_add_up_their_conditions_from_the_first_scan_on(small: Any) -> None:
    found, _ = parts(small)
    inputs = dcm_inputs(small.run, {"task": ("faces", "shapes"), "face": ("faces",)}, found)
    assert inputs.shape == (130 * 16, 2)
    assert np.flatnonzero(np.diff(inputs[:, 0]))[0] + 1 == 10 * 8  # the first block begins at 10 s, bins last 1/8 s
    np.testing.assert_array_equal(inputs[:, 1], found.series["faces"][found.before :])


def test_an_input_without_events_is_zero_and_other_inputs_stay(small: Any) -> None:
    found, _ = parts(small, conditions={"faces": ("faces",), "houses": ("houses",)})
    inputs = dcm_inputs(small.run, {"place": ("houses",), "face": ("faces",)}, found)
    assert inputs.any(axis=0).tolist() == [False, True]


def test_a_contrast_without_events_is_left_out_and_others_stay(small: Any) -> None:
    _, design = parts(small, conditions={"faces": ("faces",), "houses": ("houses",)})
    weights, lines = contrast_weights_of_run("run", {"x": "faces - houses", "y": "faces"}, design)
    assert [*weights] == ["y"]
    assert lines == ("contrast x: no event of houses",)


def test_a_contrast_weights_its_conditions(small: Any) -> None:
    _, design = parts(small)
    vector = contrast_weights("run", "x", "faces - 0.5*shapes", design)
    assert vector[:2].tolist() == [1.0, -0.5]
    assert not vector[2:].any()


def test_a_contrast_without_events_is_an_error(small: Any) -> None:
    _, design = parts(small, conditions={"faces": ("faces",), "houses": ("houses",)})
    with pytest.raises(ExtractionError, match="contrast x needs houses, which has no event"):
        contrast_weights("run", "x", "faces - houses", design)


def test_a_contrast_that_drifts_cannot_be_told_from_is_an_error(small: Any) -> None:
    _, design = parts(small)
    same = replace(design, matrix=np.column_stack([design.matrix[:, 1], design.matrix[:, 1:]]))
    with pytest.raises(ExtractionError, match="contrast x cannot be estimated"):
        contrast_weights("run", "x", "faces - shapes", same)
