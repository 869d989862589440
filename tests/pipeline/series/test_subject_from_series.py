"""Region series and an events table become what is inverted, and mistakes are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dcm import Subject
from pipeline.images import cosine_drifts
from pipeline.series import EventsError, convolve_inputs, inputs_from_events, subject_from_series
from pipeline.tables import TableError

SCANS, TR = 60, 2.0


@pytest.fixture
def events() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "onset": [0.0, 20.0, 40.0, 60.0],
            "duration": [10.0, 10.0, 10.0, 0.0],
            "trial_type": ["faces", "shapes", "faces", "cue"],
        }
    )


@pytest.fixture
def series() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(SCANS, 2)), columns=["vmPFC", "amygdala"])


def made(series: pd.DataFrame, events: pd.DataFrame, **options: object) -> Subject:
    settings: dict[str, object] = {"b": {"faces": ["amygdala <- vmPFC"]}, "c": {"shapes": ["vmPFC"]}} | options
    return subject_from_series(series, events, TR, **settings)  # type: ignore[arg-type]  # options of any kind


def test_boxes_last_from_onset_to_the_end_of_the_duration(events: pd.DataFrame) -> None:
    inputs = inputs_from_events(events, SCANS, TR)
    faces = inputs["faces"]
    assert list(faces.index[faces > 0]) == [*np.arange(0, 10, TR / 16), *np.arange(40, 50, TR / 16)]


def test_an_event_without_duration_has_an_area_of_one_second(events: pd.DataFrame) -> None:
    assert inputs_from_events(events, SCANS, TR)["cue"].sum() * TR / 16 == pytest.approx(1.0)


def test_an_input_pools_its_trial_types(events: pd.DataFrame) -> None:
    each = inputs_from_events(events, SCANS, TR)
    pooled = inputs_from_events(events, SCANS, TR, inputs={"task": ["faces", "shapes"], "cue": "cue"})
    assert list(pooled.columns) == ["task", "cue"]
    np.testing.assert_array_equal(pooled["task"], each["faces"] + each["shapes"])


def test_a_column_modulation_is_the_height_of_the_boxes(events: pd.DataFrame) -> None:
    plain = inputs_from_events(events, SCANS, TR)
    doubled = inputs_from_events(events.assign(modulation=2.0), SCANS, TR)
    pd.testing.assert_frame_equal(doubled, 2 * plain)


def test_a_file_gives_the_inputs_of_its_table(events: pd.DataFrame, tmp_path: Path) -> None:
    events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    from_file = inputs_from_events(tmp_path / "events.tsv", SCANS, TR)
    pd.testing.assert_frame_equal(from_file, inputs_from_events(events, SCANS, TR))


def test_a_file_has_the_modulation_of_its_table(events: pd.DataFrame, tmp_path: Path) -> None:
    modulated = events.assign(modulation=np.arange(len(events)) + 2.0).sort_values("onset")
    modulated.to_csv(tmp_path / "sub-01_events.tsv", sep="\t", index=False)
    by_file, by_frame = (inputs_from_events(given, 40, TR) for given in (tmp_path / "sub-01_events.tsv", modulated))
    pd.testing.assert_frame_equal(by_file, by_frame)
    modulated.assign(modulation="n/a").to_csv(tmp_path / "sub-02_events.tsv", sep="\t", index=False)
    with pytest.raises(TableError, match=r"line 2: modulation is n/a"):
        inputs_from_events(tmp_path / "sub-02_events.tsv", 40, TR)


def test_heights_are_not_all_zero(events: pd.DataFrame) -> None:
    with pytest.raises(EventsError, match=r"input 'cue': the modulation of all its events is 0"):
        inputs_from_events(events.assign(modulation=0), SCANS, TR)


def test_the_subject_has_the_series_the_model_and_the_timing(series: pd.DataFrame, events: pd.DataFrame) -> None:
    subject = made(series, events, name="sub-01")
    assert subject.name == "sub-01"
    assert subject.spec.regions == ("vmPFC", "amygdala")
    assert subject.spec.inputs == ("cue", "faces", "shapes")
    assert subject.spec.a.all()
    assert np.argwhere(subject.spec.b).tolist() == [[1, 0, 1]]  # amygdala <- vmPFC by faces
    assert np.argwhere(subject.spec.c).tolist() == [[0, 2]]
    np.testing.assert_array_equal(subject.data.bold, series)
    np.testing.assert_array_equal(subject.data.delays, [1.0, 1.0])
    np.testing.assert_array_equal(subject.data.confounds, cosine_drifts(SCANS, TR, 128.0))


def test_confounds_come_before_drifts_and_constant(series: pd.DataFrame, events: pd.DataFrame) -> None:
    motion = np.random.default_rng(1).normal(size=(SCANS, 3))
    subject = made(series, events, confounds=motion, high_pass_period=None)
    np.testing.assert_array_equal(subject.data.confounds, np.column_stack([motion, np.ones(SCANS)]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"onset": [0.0, np.nan, 40.0, 60.0]}, "row 1 of the events has the onset"),
        ({"duration": [1.0, 1.0, -1.0, 1.0]}, "row 2 of the events has the duration -1"),
        ({"trial_type": ["faces", None, "faces", "cue"]}, "row 1 of the events has no trial type"),
        ({"onset": [0.0, 900.0, 40.0, 60.0]}, "input 'shapes': none of its 1 events lies within the run of 120 s"),
    ],
)
def test_a_bad_row_is_named(events: pd.DataFrame, change: dict[str, list[object]], message: str) -> None:
    with pytest.raises(EventsError, match=message):
        inputs_from_events(events.assign(**change), SCANS, TR)


def test_a_missing_column_is_named(events: pd.DataFrame) -> None:
    with pytest.raises(EventsError, match="lack duration"):
        inputs_from_events(events.drop(columns="duration"), SCANS, TR)


def test_a_file_with_a_bad_row_is_named_with_its_line(events: pd.DataFrame, tmp_path: Path) -> None:
    events.assign(onset=["0", "n/a", "40", "60"]).to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    with pytest.raises(TableError, match="line 3"):
        inputs_from_events(tmp_path / "events.tsv", SCANS, TR)


def test_an_unknown_trial_type_is_answered_with_the_nearest(events: pd.DataFrame) -> None:
    with pytest.raises(EventsError, match="did you mean 'faces'"):
        inputs_from_events(events, SCANS, TR, inputs={"task": ["face"]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"b": {"face": ["vmPFC <- amygdala"]}}, "'face' is none of the inputs; did you mean 'faces'"),
        ({"b": {"faces": ["vmPFC <- amygdla"]}}, "did you mean 'amygdala'"),
        ({"b": {"faces": "vmPFC <- amygdala"}}, "give a list of connections"),
        ({"c": {"faces": ["V5"]}}, "'V5' is none of the regions"),
        ({"slice_time_ref": 1.5}, "share of the repetition time"),
        ({"confounds": np.ones((3, 2))}, "there are 60 scans"),
        ({"regions": ["a", "b"]}, "columns name the regions"),
        ({"a": "vmPFC <- amygdala"}, "give a list of connections"),
        ({"c": {"faces": "vmPFC"}}, r"give a list of regions, as \['vmPFC'\]"),
        ({"confounds": pd.DataFrame({"csf": 1.0, "fd": [np.nan] + [0.1] * 59})}, r"in fd, first in row 0.*fillna\(0\)"),
        ({"confounds": pd.DataFrame({"csf": 1.0, "note": "x"}, index=range(60))}, "confounds must be numbers; note"),
    ],
)
def test_a_mistake_in_the_model_is_named(
    series: pd.DataFrame, events: pd.DataFrame, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        made(series, events, **options)


@pytest.mark.parametrize("masks", [{"b": np.ones((2, 2, 3))}, {"a": np.ones((2, 2))}])
def test_masks_are_sent_to_spec(series: pd.DataFrame, events: pd.DataFrame, masks: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=r"arrays are for Spec|a connection is a text"):
        made(series, events, **masks)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.assign(amygdala=1.0), "the series of amygdala are constant"),
        (lambda table: table.assign(amygdala=[np.nan] + [0.1] * 59), "in amygdala, first in row 0"),
        (lambda table: table.assign(amygdala="x"), "series must be numbers; amygdala"),
        (lambda table: table["amygdala"].to_numpy(), "name the regions"),
    ],
)
def test_a_series_that_cannot_be_used_is_named(
    series: pd.DataFrame, events: pd.DataFrame, change: Callable[[pd.DataFrame], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        subject_from_series(change(series), events, TR, c={"faces": ["vmPFC"]})  # type: ignore[arg-type]  # any table


def test_an_array_must_have_a_column_for_every_region(series: pd.DataFrame, events: pd.DataFrame) -> None:
    for array in (series.to_numpy().T, series["vmPFC"].to_numpy()):
        with pytest.raises(ValueError, match=r"give \(scan, region\)"):
            subject_from_series(array, events, TR, regions=["a", "b"], c={"faces": ["a"]})


def test_names_that_are_numbers_are_names(series: pd.DataFrame, events: pd.DataFrame) -> None:
    numbered = events.assign(trial_type=[1, 2, 1, 3])
    subject = subject_from_series(pd.DataFrame(series.to_numpy()), numbered, TR, c={1: [0]})  # type: ignore[dict-item]  # numbers as names
    assert (subject.spec.regions, subject.spec.inputs) == (("0", "1"), ("1", "2", "3"))
    np.testing.assert_array_equal(subject.spec.c, [[True, False, False], [False] * 3])


def test_milliseconds_and_rest_are_recognised(series: pd.DataFrame, events: pd.DataFrame) -> None:
    with pytest.raises(EventsError, match="give seconds, not milliseconds"):
        inputs_from_events(events, SCANS, 2000)
    with pytest.raises(ValueError, match="rest_connectivity"):
        subject_from_series(series, None, TR, c={})  # type: ignore[arg-type]  # that it is none is the point


def test_convolved_inputs_are_a_regressor_of_a_scan_each_that_rises_after_the_onset(events: pd.DataFrame) -> None:
    regressors = convolve_inputs(inputs_from_events(events, SCANS, TR), TR)
    assert regressors.shape == (SCANS, 3)
    assert list(regressors.index[:3]) == [0.0, 2.0, 4.0]
    assert 4.0 <= regressors["shapes"].idxmax() - 20.0 <= 16.0
    assert abs(regressors.loc[:18.0, "shapes"]).max() == 0
    with pytest.raises(ValueError, match="no whole number of scans"):
        convolve_inputs(inputs_from_events(events, SCANS, TR).iloc[:-1], TR)
    for repetition_time, share in ((0.0, 0.5), (TR, 7.0)):
        with pytest.raises(ValueError, match="share from 0 to 1"):
            convolve_inputs(inputs_from_events(events, SCANS, TR), repetition_time, slice_time_ref=share)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"repetition_time": "2"}, "repetition_time is one number, not '2'"),
        ({"repetition_time": [2.0, 2.0]}, "repetition_time is one number"),
        ({"scans": 40.5}, "whole number of scans"),
        ({"scans": 10**12}, "whole number of scans"),
        ({"inputs": ["faces"]}, "inputs is a dictionary"),
        ({"inputs": {"task": []}}, "has no trial type"),
        ({"events": [1, 2]}, "a data frame or the path"),
    ],
)
def test_arguments_of_the_wrong_kind_are_named(events: pd.DataFrame, changed: dict[str, object], told: str) -> None:
    options: dict[str, object] = {"events": events, "scans": SCANS, "repetition_time": TR} | changed
    with pytest.raises(EventsError, match=told):
        inputs_from_events(**options)  # type: ignore[arg-type]  # of the wrong kind on purpose


def test_numbers_of_any_kind_serve(events: pd.DataFrame) -> None:
    plain = inputs_from_events(events, SCANS, TR)
    pd.testing.assert_frame_equal(inputs_from_events(events, np.int8(SCANS), np.array([TR])), plain)  # type: ignore[arg-type]  # as numpy has them


def test_trial_types_may_be_numbers(events: pd.DataFrame) -> None:
    numbered = events.assign(trial_type=[1, 2, 1, 3])
    pooled = inputs_from_events(numbered, SCANS, TR, inputs={"task": [1, 2], "cue": 3})  # type: ignore[dict-item, list-item]  # numbers on purpose
    assert list(pooled.columns) == ["task", "cue"]


def test_dates_and_durations_are_no_onsets(events: pd.DataFrame) -> None:
    with pytest.raises(EventsError, match="give seconds"):
        inputs_from_events(events.assign(onset=pd.to_timedelta(events["onset"], unit="s")), SCANS, TR)


def test_an_onset_beyond_any_run_is_refused(events: pd.DataFrame) -> None:
    with pytest.raises(EventsError, match="row 3 of the events has the onset"):
        inputs_from_events(events.assign(onset=[0.0, 20.0, 40.0, 1e300]), SCANS, TR)


def test_a_column_that_is_there_twice_is_refused(events: pd.DataFrame) -> None:
    with pytest.raises(EventsError, match="two columns called onset"):
        inputs_from_events(pd.concat([events, events[["onset"]]], axis=1), SCANS, TR)


@pytest.mark.parametrize("regions", [{"vmPFC", "amygdala"}, "ab"])
def test_names_of_regions_without_an_order_are_refused(
    series: pd.DataFrame, events: pd.DataFrame, regions: object
) -> None:
    with pytest.raises(ValueError, match="in the order of the columns"):
        made(series.to_numpy(), events, regions=regions)  # type: ignore[arg-type]  # an array is served too


def test_masked_and_missing_values_are_no_values(series: pd.DataFrame, events: pd.DataFrame) -> None:
    masked = np.ma.masked_greater(series.to_numpy(), 2.0)
    with pytest.raises(ValueError, match="missing or not finite"):
        made(masked, events, regions=list(series.columns))  # type: ignore[arg-type]  # an array is served too
    with pytest.raises(ValueError, match="missing or not finite"):
        made(series.round().astype("Int64").mask(series > 2.0), events)


def test_complex_series_are_refused(series: pd.DataFrame, events: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="real numbers"):
        made(series + 1j, events)


def test_connections_of_a_generator_count(series: pd.DataFrame, events: pd.DataFrame) -> None:
    connections = (text for text in ["amygdala <- vmPFC"])
    assert made(series, events, b={"faces": connections}).spec.b.sum() == 1


@pytest.mark.parametrize("given", [{"a": None}, {"b": {"faces": None}}, {"c": {"faces": 1}}])
def test_no_list_of_connections_is_named(series: pd.DataFrame, events: pd.DataFrame, given: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="list of"):
        made(series, events, **given)
