"""Several runs of one participant in Python: lists of series, events and confounds make one model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dcm import Subject
from pipeline.series import subject_from_series


def series(scans: int, names: tuple[str, ...] = ("x", "y")) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(scans).standard_normal((scans, len(names))), columns=list(names))


def events(kind: str = "faces") -> pd.DataFrame:
    return pd.DataFrame({"onset": [10.0, 50.0], "duration": [20.0, 20.0], "trial_type": [kind, kind]})


def test_runs_make_one_model_with_confounds_of_their_own() -> None:
    motion = np.random.default_rng(0).standard_normal((50, 2))
    subject = subject_from_series(
        [series(60), series(50)], [events(), events()], 2.0, c={"faces": ["x"]}, confounds=[None, motion]
    )
    alone = [
        subject_from_series(series(60), events(), 2.0, c={"faces": ["x"]}),
        subject_from_series(series(50), events(), 2.0, c={"faces": ["x"]}, confounds=motion),
    ]
    assert isinstance(subject, Subject)
    assert subject.data.run_starts.tolist() == [0, 60]
    assert subject.data.confounds.shape[1] == sum(own.data.confounds.shape[1] for own in alone)
    np.testing.assert_array_equal(subject.data.inputs, np.concatenate([own.data.inputs for own in alone]))


def test_runs_that_differ_or_lack_something_are_told_by_their_number() -> None:
    both = [events(), events()]
    with pytest.raises(ValueError, match="events are of 2 runs; give series as a list of as many"):
        subject_from_series(series(60), both, 2.0, c={"faces": ["x"]})
    with pytest.raises(ValueError, match="run 2 has the regions y, x, but the first x, y"):
        subject_from_series([series(60), series(60, ("y", "x"))], both, 2.0, c={"faces": ["x"]})
    with pytest.raises(ValueError, match="run 2: "):
        subject_from_series([series(60), series(60)], [events(), events("shapes")], 2.0, c={"faces": ["x"]})
