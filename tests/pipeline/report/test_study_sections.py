"""What the sections of a report compute: group maps, means, motion, flow, coverage, fits, certainty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from dcm import Diagnostics, diagnose
from pipeline.measures._run_measures import mean_displacement
from pipeline.page import AnalysisReport
from pipeline.report import StudyResult
from pipeline.report._analysis_sections import summary_answers
from pipeline.report._coverage import coverage_section, region_records
from pipeline.report._effect_sizes import columns_asked_about, effect_name, standardised_effects
from pipeline.report._first_level_sections import regressor_kind, typical_run
from pipeline.report._group_maps import GroupMap, group_map, slice_montage
from pipeline.report._group_plots import MeanInterval
from pipeline.report._inversion_sections import explained_variance_section, fit_records, series_section
from pipeline.report._motion import mean_displacements, motion_difference
from pipeline.report._participants_section import flow_records, participants_section
from pipeline.results import Z

SHAPE = (6, 7, 5)


def _save(path: Path, values: np.ndarray, affine: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


@pytest.fixture
def maps(tmp_path: Path) -> tuple[list[Path], np.ndarray]:
    values = np.random.default_rng(0).normal(0.2, 1.0, (5, *SHAPE))
    values[:, 0] = 0.0  # outside of every brain
    values[1:, 1] = 0.0  # inside of one
    values[0, 2] = np.nan  # a hole in one
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    return [_save(tmp_path / f"{i}.nii.gz", value, affine) for i, value in enumerate(values)], values


def test_group_map_is_the_mean_and_t_of_those_with_a_value(maps: tuple[list[Path], np.ndarray]) -> None:
    paths, values = maps
    found = group_map([[path] for path in paths])
    assert found is not None
    assert found.count == 5
    assert np.isnan(found.mean[:2]).all()
    expected = stats.ttest_1samp(values[:, 3:], 0.0)
    np.testing.assert_allclose(found.mean[3:], values[:, 3:].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.t[3:], expected.statistic, rtol=1e-9)
    np.testing.assert_allclose(found.mean[2], values[1:, 2].mean(axis=0), rtol=1e-12)


def test_group_map_goes_on_without_a_file_that_cannot_be_read(maps: tuple[list[Path], np.ndarray]) -> None:
    paths, _ = maps
    paths[2].write_bytes(paths[2].read_bytes()[:60])
    found = group_map([[path] for path in paths])
    assert found is not None
    assert found.count == 4
    assert found.unread == (paths[2],)
    assert group_map([paths[2:3]]) is None


def test_group_map_brings_another_grid_to_the_first(tmp_path: Path) -> None:
    coarse, fine = np.diag([4.0, 4.0, 4.0, 1.0]), np.diag([2.0, 2.0, 2.0, 1.0])
    first = _save(tmp_path / "a.nii.gz", np.full(SHAPE, 1.0), coarse)
    second = _save(tmp_path / "b.nii.gz", np.full((12, 14, 10), 3.0), fine)
    found = group_map([[first], [second]])
    assert found is not None
    np.testing.assert_allclose(found.mean[1:-1, 1:-1, 1:-1], 2.0)


@pytest.mark.parametrize("step", [8.0, -8.0])
def test_left_of_the_brain_is_on_the_left_whichever_way_it_is_stored(step: float) -> None:
    mean, t = np.full((10, 8, 3), 0.01), np.zeros((10, 8, 3))
    affine = np.diag([step, 8.0, 8.0, 1.0])
    affine[0, 3] = -4.5 * step
    left = int(np.argmin(affine[0, 0] * np.arange(10) + affine[0, 3]))
    mean[left], t[left] = 1.0, 9.0
    image = slice_montage(GroupMap(affine, mean, t, 5, ()), [1], 1.0, None)
    red = image[..., 0] - image[..., 2]
    assert red[:, : image.shape[1] // 2].max() > 0.5
    assert red[:, image.shape[1] // 2 :].max() < 0.1


def test_colour_fades_with_t_and_nothing_is_drawn_outside() -> None:
    mean, t = np.full((9, 9, 1), 1.0), np.zeros((9, 9, 1))
    t[2], t[6] = 1.0, 3.0
    mean[0], mean[-1] = np.nan, np.nan
    image = slice_montage(GroupMap(np.diag([2.0, 2.0, 2.0, 1.0]), mean, t, 5, ()), [0], 1.0, None)
    red = (image[..., 0] - image[..., 2]).mean(axis=0)
    assert red[6] > red[2] > red[4]
    np.testing.assert_array_equal(image[..., 3].mean(axis=0)[[0, 4, 8]], [0, 1, 0])


@given(some.lists(some.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_interval_of_a_mean_is_student_s(values: list[float]) -> None:
    found = MeanInterval.of(values)
    assert found.low <= found.value + 1e-9
    assert found.value <= found.high + 1e-9
    if np.std(values) > 1e-6:
        expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
        np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], rtol=1e-6, atol=1e-6)


def test_one_value_has_no_interval() -> None:
    assert np.isnan(MeanInterval.of([1.0]).low)
    assert MeanInterval.of([]).count == 0


def test_motion_leaves_out_the_first_scan_and_runs_without_any(result: StudyResult) -> None:
    one = result.extractions[0]
    assert mean_displacement(one) == pytest.approx(np.nanmean(one.framewise_displacement[1:]))
    without = replace(one, framewise_displacement=np.full(one.series.shape[0], np.nan))
    assert np.isnan(mean_displacement(without))
    alone = replace(result, extractions=(without, *result.extractions[1:]))
    arm = result.participants[0].group
    assert (
        len(mean_displacements(alone, "faces", "ses-1", arm))
        == len(mean_displacements(result, "faces", "ses-1", arm)) - 1
    )


def test_difference_of_arms_in_motion_is_welch_s(result: StudyResult) -> None:
    found = motion_difference(result, "faces", "ses-1")
    first, second = (mean_displacements(result, "faces", "ses-1", arm) for arm in result.study.participants.arms)
    assert found is not None
    assert found.value == pytest.approx(np.mean(first) - np.mean(second))
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("wider", "apart", "verdict"), [(0.01, 0.0, "yes"), (1.0, 0.0, "open"), (0.1, 0.5, "no")])
def test_arms_move_alike_only_where_the_interval_is_narrow(
    result: StudyResult, wider: float, apart: float, verdict: str
) -> None:
    runs, first = [], result.study.participants.arms[0]
    for number, run in enumerate(result.ordered_runs("faces")):
        mean = 0.2 + wider * (number % 3) / 3 + apart * (result.group_of[run.participant] == first)
        runs.append(replace(run, framewise_displacement=np.full(60, mean)))
    answers = summary_answers(replace(result, extractions=tuple(runs), analyses={}), {})
    assert [answer.verdict for answer in answers if answer.question == "Is head motion alike in both arms?"] == [
        verdict
    ]


def test_flow_counts_participants_at_each_step(result: StudyResult) -> None:
    rows = {row["step"]: (row["first"], row["second"], row["all"]) for row in flow_records(result).rows}
    assert rows["in the participants' table, not excluded"] == (4, 4, 8)
    assert rows["with faces extracted in both sessions"] == (4, 3, 7)
    assert rows["in the analysis change-by-arm"] == (4, 3, 7)
    assert rows["in the analysis prediction"] == (4, 3, 7)


def test_large_studies_draw_only_those_who_lack_something(result: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.report._participants_section.MOST_PARTICIPANTS", 5)
    picture = participants_section(result).pictures[0]
    assert "only 1 with missing runs" in picture.caption
    assert len(picture.drawn.axes[0].get_yticks()) == 1


def test_coverage_marks_what_is_near_its_threshold(result: StudyResult) -> None:
    one = result.ordered_runs("faces")[0]
    low = replace(one, coverage=np.array([0.25, 1.0, 1.0]))
    full = [replace(run, coverage=np.ones(3)) for run in result.ordered_runs("faces")[1:]]
    section = coverage_section(replace(result, extractions=(low, *full)))
    assert section is not None
    crosses = [line for line in section.pictures[0].drawn.axes[0].lines if line.get_marker() == "x"]
    assert np.asarray(crosses[0].get_xydata()).tolist() == [[0.0, 0.0]]
    rows = region_records(replace(result, extractions=(low, *full))).rows
    assert rows[0]["lowest"] == 0.25
    assert rows[0]["lowest_run"] == one.label


@pytest.mark.parametrize(
    ("name", "kind"),
    [("rot_x_derivative1", "motion"), ("cosine03", "slow drift"), ("a_comp_cor_00", "CompCor"), ("faces", "faces")],
)
def test_columns_are_named_by_what_they_are_for(name: str, kind: str) -> None:
    assert regressor_kind(name) == kind


def test_the_typical_run_has_the_median_number_of_columns(result: StudyResult) -> None:
    runs = result.ordered_runs("faces")[:3]
    more = [replace(run, design=np.ones((60, columns))) for run, columns in zip(runs, (30, 12, 14), strict=True)]
    assert typical_run(tuple(more)).design.shape[1] == 14


def test_visits_that_spm_would_warn_of_are_marked(result: StudyResult) -> None:
    found = {visit: diagnose(posterior) for visit, posterior in list(result.main_posteriors.items())[:2]}
    first, second = found
    bad = Diagnostics(np.array([5.0, 4.0]), 4.5, 0.05, 3, 10, 1, ("the model explains only 4.5 %",))
    records = fit_records(result, {first: found[first], second: bad})
    assert 1 in records.marked
    section = explained_variance_section(result, {first: found[first], second: bad})
    assert section is not None
    assert "1 of 2 visits below 10 %" in section.pictures[0].caption


def test_best_and_worst_visits_are_drawn_in_full_and_all_small(result: StudyResult) -> None:
    found = {visit: diagnose(posterior) for visit, posterior in result.main_posteriors.items()}
    section = series_section(result, found)
    assert section is not None
    ranked = sorted(found, key=lambda one: found[one].explained_variance_total)
    assert section.pictures[0].caption.startswith(ranked[-1])
    assert section.pictures[-1].caption.startswith(ranked[0])
    rows = sum(len(picture.drawn.axes[0].get_yticks()) for picture in section.folded[0].pictures)
    assert rows == len(found)


def test_certainty_is_effect_over_its_own_uncertainty(result: StudyResult) -> None:
    rows = result.analyses["change-by-arm"].records[0].rows
    first = next(row for row in rows if row["road"] == "one group")
    found = standardised_effects(result)[0]
    assert found.ratio == pytest.approx(first["difference"] / ((first["high"] - first["low"]) / (2 * Z)))
    assert stats.norm.sf(-found.ratio) == pytest.approx(found.probability_above, abs=1e-6)
    assert len(standardised_effects(result)) == 4 + 2


def test_a_column_that_a_contrast_asks_about_is_not_shown_twice_and_a_difference_by_its_levels() -> None:
    summary = {"columns_asked": ["drug[placebo]"], "short_effects": {"drug[placebo]": "placebo − ketamine"}}
    report = AnalysisReport("fit", "", "", (), (), tuple, (), (), summary)
    assert columns_asked_about(report) == {"drug[placebo]"}
    assert effect_name("drug[placebo]", summary["short_effects"]["drug[placebo]"]) == "placebo − ketamine"
    assert effect_name("period") == "effect of period"
