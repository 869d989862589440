"""Measured data are checked at the door and prepared as SPM prepares them."""

from __future__ import annotations

import numpy as np
import pytest

from dcm import Data


def run(**changes: object) -> Data:
    rng = np.random.default_rng(0)
    arguments: dict[str, object] = {
        "bold": rng.standard_normal((40, 2)),
        "inputs": rng.random((640, 1)),
        "bin_width": 0.125,
        "repetition_time": 2.0,
    }
    return Data(**(arguments | changes))  # type: ignore[arg-type]  # options by name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bold": np.full((40, 2), np.nan)}, "bold holds 80 values that are not finite"),
        ({"bold": np.column_stack([np.ones(40), np.arange(40)])}, "region 1 is constant"),
        ({"inputs": np.full((640, 1), np.inf)}, "inputs holds 640 values"),
        ({"inputs": np.zeros((600, 1))}, "inputs last 75 s"),
        ({"confounds": np.ones((39, 1))}, "confounds have shape"),
        ({"confounds": np.ones((40, 40))}, "cannot carry 40 confounds"),
        ({"delays": [0.5, 2.5]}, "delays must lie between 0 and the repetition time"),
        ({"bin_width": 0.0}, "bin_width must be a positive number"),
        ({"repetition_time": -2.0}, "repetition_time must be a positive number"),
        ({"echo_time": np.nan}, "echo_time must be a positive number"),
        ({"bold": np.zeros(40)}, "bold must be"),
        ({"bold": [[1.0, 2.0], [3.0]]}, "bold must be an array of real numbers, with rows of one length"),
        ({"bold": "series"}, "bold must be an array of real numbers"),
        ({"bold": np.ones((40, 2)) * 1j}, "bold must be an array of real numbers"),
        ({"bold": np.zeros((0, 2))}, "give at least one scan, region, bin and input"),
        ({"inputs": {"task": [1.0]}}, "inputs must be an array of real numbers"),
        ({"confounds": [None]}, "confounds must be an array of real numbers"),
        ({"delays": np.ones(3)}, "give one for each of the 2 regions, or one"),
        ({"repetition_time": None}, "repetition_time must be one number of seconds, not 'None'"),
        ({"bin_width": [0.125, 0.125]}, "bin_width must be one number of seconds, not 2"),
        ({"echo_time": "40 ms"}, "echo_time must be one number of seconds, not '40 ms'"),
    ],
)
def test_bad_data_are_refused_with_the_reason(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**changes)


def test_delays_default_to_half_a_repetition_time() -> None:
    assert run().delays.tolist() == [1.0, 1.0]


def test_series_are_centred_and_large_ones_scaled_to_a_range_of_four() -> None:
    large, scale = run(bold=100 * np.random.default_rng(1).standard_normal((40, 2)) + 7).prepared(False)
    assert np.allclose(large.bold.mean(axis=0), 0)
    assert np.ptp(large.bold) == pytest.approx(4)
    assert scale < 1


def test_small_series_keep_their_scale() -> None:
    assert run(bold=np.random.default_rng(1).uniform(-1, 1, (40, 2))).prepared(False)[1] == 1.0


def test_inputs_are_centred_only_where_asked_for() -> None:
    assert np.allclose(run().prepared(True)[0].inputs.mean(axis=0), 0)
    assert np.array_equal(run().prepared(False)[0].inputs, run().inputs)


def test_data_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="read-only"):
        run().bold[0, 0] = 1.0
