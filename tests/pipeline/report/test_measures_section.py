"""The report's section of measures: what its matrices and its picture of gaps say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from made_up_runs import ARMS, SESSIONS, study_of
from reshaped_study import reshaped
from scipy import stats

from pipeline.measures import FeatureColumn, FeatureTable, planned_measures
from pipeline.page._html import pictures
from pipeline.report import StudyResult
from pipeline.report._group_plots import pair_matrix
from pipeline.report._measures import _runs_of_gaps, measure_records, measures_section, participants_with_gaps
from pipeline.report._measures_by_level import level_records


def table_of(people: Sequence[str], direction: str = "directed", seed: int = 0) -> FeatureTable:
    """Random values of every measure but the DCM's, for participants of both arms in turn."""
    kinds = ("response", "gppi", "distance", "rest")
    plan = planned_measures(study_of(measures={"kinds": kinds, "direction": direction}))
    columns = tuple(
        FeatureColumn(measure.name, "measure", measure.unit, measure.description, measure) for measure in plan
    )
    rows = [(participant, session, ARMS[i % 2]) for i, participant in enumerate(people) for session in SESSIONS]
    participant, session, arm = zip(*rows, strict=True)
    values = np.random.default_rng(seed).normal(size=(len(rows), len(columns)))
    return FeatureTable(participant, session, arm, "arm", True, ARMS, SESSIONS, columns, values, (), {})


TABLE = table_of([f"sub-{i:02d}" for i in range(1, 9)])


def test_a_matrix_is_the_mean_over_those_who_have_it_with_students_interval() -> None:
    values = np.random.default_rng(1).normal(0.5, 1.0, (9, 3, 3))
    values[0, 0, 1] = np.nan
    values[:, 2, 0] = np.nan
    found = pair_matrix("arm", values)
    np.testing.assert_allclose(found.mean[0, 1], values[1:, 0, 1].mean(), rtol=1e-14)
    for to, source in ((0, 1), (1, 0), (2, 1)):
        cell = values[np.isfinite(values[:, to, source]), to, source]
        assert found.sure[to, source] == (stats.ttest_1samp(cell, 0).pvalue < 0.1)
    assert np.isnan(found.mean[2, 0])
    assert not found.sure[2, 0]


@pytest.mark.parametrize("direction", ["directed", "symmetric"])
def test_there_is_a_picture_for_each_contrast_and_for_rest_and_none_of_gaps_without_any(direction: str) -> None:
    section = measures_section(table_of([f"sub-{i}" for i in range(6)], direction))
    assert section is not None
    drawn = pictures([section])
    assert [picture.title for picture in drawn] == [
        "faces: interaction with faces-over-shapes",
        "rest: connectivity at rest",
    ]
    assert ("mean of both directions" in drawn[0].caption) == (direction == "symmetric")
    assert "None is missing" in section.lead
    assert len(drawn[0].drawn.axes) == 4


def test_gaps_are_drawn_of_those_who_lack_something() -> None:
    values = TABLE.values.copy()
    values[3, 2] = np.nan  # sub-02, ses-2
    section = measures_section(replace(TABLE, values=values))
    assert section is not None
    assert participants_with_gaps(replace(TABLE, values=values)) == ["sub-02"]
    assert "measure-gaps" in [picture.name for picture in pictures([section])]
    assert "are missing" in section.lead


def test_no_measures_no_section() -> None:
    bare = replace(TABLE, columns=(), values=np.empty((len(TABLE.participants), 0)))
    assert measures_section(bare) is None


def test_the_table_holds_means_before_and_changes_by_arm() -> None:
    row = measure_records(TABLE).rows[4]
    column = TABLE.values[:, 4]
    change = column[1::2] - column[::2]
    assert row["people"] == 8
    assert row["before"] == pytest.approx(column[::2].mean())
    assert row["spread"] == pytest.approx(column[::2].std(ddof=1))
    assert row["first_arm"] == pytest.approx(change[::2].mean())
    assert row["second_arm"] == pytest.approx(change[1::2].mean())


def test_people_with_strange_names_are_drawn() -> None:
    values = TABLE.values.copy()
    values[:] = np.nan
    people = tuple(name.replace("sub-01", "sub-$x$<b>") for name in TABLE.participants)
    section = measures_section(replace(TABLE, participants=people, values=values))
    assert section is not None
    for picture in pictures([section]):
        assert picture.svg


@given(some.lists(some.booleans(), min_size=1, max_size=40))
def test_stretches_are_the_gaps_and_nothing_else(gaps: list[bool]) -> None:
    drawn = np.zeros(len(gaps), dtype=bool)
    ends = []
    for start, stop in _runs_of_gaps(np.array(gaps)):
        assert start < stop
        drawn[start:stop] = True
        ends.append((start, stop))
    assert drawn.tolist() == gaps
    assert all(stop < start for (_, stop), (start, _) in pairwise(ends))


def test_measures_of_a_crossover_are_compared_by_drug(result: StudyResult) -> None:
    drugs = ("ketamine", "placebo")
    visits = {  # placebo first, in a column whose name is no file's
        (name, session): {"drug / dose": drugs[(i + place + 1) % 2]}
        for i, name in enumerate(dict.fromkeys(TABLE.participants))
        for place, session in enumerate(SESSIONS)
    }
    settings = {"group": {"drug": {"of": "ketamine - placebo"}}}
    study = reshaped(result, sessions=SESSIONS, visits=visits, settings=settings)
    (records,) = level_records(replace(study, features=TABLE)).values()
    own = dict(zip(zip(TABLE.participants, TABLE.sessions, strict=True), TABLE.values, strict=True))
    on_drug, on_placebo = (
        np.mean([own[visit][0] for visit, values in visits.items() if values["drug / dose"] == drug]) for drug in drugs
    )
    assert records.name == "measures-by-drug-dose"
    row = records.rows[0]
    assert (row["people"], row["level_0"], row["level_1"]) == (8, pytest.approx(on_drug), pytest.approx(on_placebo))
    assert row["difference"] == pytest.approx(on_drug - on_placebo)
    section = measures_section(TABLE, by_level={"drug": records})
    assert section is not None
    assert "Sessions are compared whatever the drug" in section.lead
