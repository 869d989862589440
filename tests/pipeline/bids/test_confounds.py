"""RunConfounds by a study's strategy: small tables, and fMRIPrep's own of a public dataset."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.bids import ConfoundsError, ImageRun, read_confounds

Small = Any  # the conftest's SmallStudy, which tests cannot import
Image = Callable[..., None]
SHARED = Path(__file__).parents[4] / "shared"
MOTION = {f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"}


def first(small: Small) -> ImageRun:
    run: ImageRun = small.inventory().runs[0]
    return run


def change(small: Small, name: str, scans: Sequence[int], value: object) -> None:
    """Cells of a column of the first run's table."""
    frame = pd.read_csv(small.confounds(), sep="\t", dtype=str, keep_default_na=False)
    frame.loc[list(scans), name] = str(value)
    frame.to_csv(small.confounds(), sep="\t", index=False)


def test_motion_is_demeaned_over_steady_scans_and_no_scan_is_dropped(small: Small) -> None:
    found = read_confounds(first(small), small.study())
    raw = pd.read_csv(small.confounds(), sep="\t")
    assert set(found.names) == MOTION
    assert found.values.shape == (40, 6)
    assert found.values.dtype == np.float64
    expected = raw[list(found.names)].to_numpy()
    np.testing.assert_allclose(found.values, expected - expected[1:].mean(axis=0), atol=1e-14)
    assert found.dropped == (0,), "the table marks the first scan as not steady"
    assert found.censored == ()


def test_displacement_is_nan_in_the_first_scan_alone(small: Small) -> None:
    displacement = read_confounds(first(small), small.study()).framewise_displacement
    assert np.flatnonzero(np.isnan(displacement)).tolist() == [0]
    np.testing.assert_array_equal(displacement[1:], 0.1)


def test_derivatives_of_the_first_scan_are_those_of_the_second(small: Small) -> None:
    small.set("confounds", motion="derivatives")
    found = read_confounds(first(small), small.study())
    assert len(found.names) == 12
    place = found.names.index("trans_x_derivative1")
    assert found.values[0, place] == found.values[1, place]


def test_components_come_without_the_cosines_they_need_nearby(small: Small) -> None:
    small.set("confounds", strategy=("motion", "compcor"), n_compcor=1)
    names = read_confounds(first(small), small.study()).names
    assert set(names) == MOTION | {"a_comp_cor_00"}


def test_no_strategy_is_no_column(small: Small) -> None:
    small.set("confounds", strategy=())
    found = read_confounds(first(small), small.study())
    assert (found.names, found.values.shape, found.framewise_displacement.size) == ((), (40, 0), 40)


def test_scans_with_motion_get_a_regressor_and_stay(small: Small) -> None:
    change(small, "framewise_displacement", [7, 20], 1.2)
    change(small, "framewise_displacement", [9], 0.5)
    small.set("confounds", censor_above=0.5)
    found = read_confounds(first(small), small.study())
    assert found.censored == (7, 20), "the limit itself is allowed"
    assert found.spikes == (0, 7, 20)
    assert found.values.shape[0] == 40


@pytest.mark.parametrize(("wanted", "dropped"), [("auto", (0,)), (3, (0, 1, 2)), (0, ())])
def test_scans_at_the_start_are_named_not_cut(small: Small, wanted: object, dropped: tuple[int, ...]) -> None:
    small.set("glm", drop_scans=wanted)
    found = read_confounds(first(small), small.study())
    assert found.dropped == dropped
    assert found.values.shape[0] == 40


def test_a_scan_both_dropped_and_censored_has_one_regressor(small: Small) -> None:
    change(small, "framewise_displacement", [1], 1.2)
    small.set("confounds", censor_above=0.5)
    small.set("glm", drop_scans=2)
    assert read_confounds(first(small), small.study()).spikes == (0, 1)


@pytest.mark.parametrize(
    ("name", "scan", "value", "expected"),
    [
        ("trans_x", 7, "n/a", r"timeseries\.tsv: trans_x is missing or not finite in scan 8 \(line 9\)"),
        ("rot_z", 3, "inf", "line 5: rot_z is 'inf', which is infinite; correct it"),
        ("trans_y", 3, "moved", "line 5: trans_y is 'moved', where other rows hold numbers; correct it"),
        ("trans_y", 3, "١", "line 5: trans_y is '١', a number in digits that are not 0 to 9; write 1"),
        ("framewise_displacement", 5, "n/a", r"framewise_displacement is missing in scan 6 \(line 7\)"),
        ("framewise_displacement", 5, "much", "line 7: framewise_displacement is 'much', where other rows"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_by_line(
    small: Small, name: str, scan: int, value: str, expected: str
) -> None:
    run = first(small)
    change(small, name, [scan], value)
    small.set("confounds", censor_above=2.0)
    with pytest.raises(ConfoundsError, match=expected) as caught:
        read_confounds(run, small.study())
    assert "\n" not in str(caught.value)


def spoiled(name: str, value: str) -> Callable[[Small], None]:
    return lambda small: change(small, name, [4], value)


def renamed(old: str, new: str) -> Callable[[Small], None]:
    return lambda small: small.edit(small.confounds(), f"{old}\t", f"{new}\t")


def as_text(old: str, new: str, encoding: str = "utf-8") -> Callable[[Small], None]:
    return lambda small: small.confounds().write_text(
        small.confounds().read_text().replace(".", old).replace("\t", new), encoding
    )


HARMLESS: dict[str, tuple[Callable[[Small], None], bool, str]] = {
    "text in a column of no strategy": (spoiled("csf", "high"), True, ""),
    "nothing in a column of no strategy": (spoiled("csf", ""), True, ""),
    "other digits in a column of no strategy": (spoiled("csf", "١"), True, ""),
    "no such column": (renamed("csf", "CsfSignal"), True, ""),
    "two columns of a name": (renamed("csf", "white_matter"), True, ""),
    "no displacement": (renamed("framewise_displacement", "fd"), False, "no framewise_displacement; motion is unknown"),
    "displacement that is text": (spoiled("framewise_displacement", "much"), False, "motion is unknown"),
    "displacement with a gap": (spoiled("framewise_displacement", "NA"), True, "missing in 1 scans; motion is that of"),
    "semicolons and decimal commas": (as_text(",", ";"), True, "semicolons, decimal commas"),
    "commas": (as_text(".", ","), True, "commas"),
    "UTF-16": (as_text(".", "\t", "utf-16"), True, "UTF-16"),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_no_strategy_takes_and_the_form_of_the_table_change_nothing(small: Small, case: str) -> None:
    plain = read_confounds(first(small), small.study())
    spoil, moved, remark = HARMLESS[case]
    spoil(small)
    inventory = small.inventory()
    assert inventory.absences == ()
    assert any(remark in line for line in (*inventory.remarks, *([] if remark else [""])))
    found = read_confounds(inventory.runs[0], small.study())
    np.testing.assert_array_equal(found.values, plain.values)
    assert (found.names, found.dropped) == (plain.names, plain.dropped)
    assert bool(np.isfinite(found.framewise_displacement).any()) is moved


def test_censoring_asks_for_displacement(small: Small) -> None:
    renamed("framewise_displacement", "fd")(small)
    small.set("confounds", censor_above=0.5)
    (absence,) = small.inventory().absences
    assert "has no framewise_displacement, which [confounds] censor_above needs; leave that out" in absence.problem


def test_a_table_of_another_run_is_refused(small: Small) -> None:
    with pytest.raises(ConfoundsError, match="has 40 rows, the image 39 scans"):
        read_confounds(replace(first(small), scans=39), small.study())


def test_a_run_of_nothing_but_motion_is_refused(small: Small) -> None:
    change(small, "framewise_displacement", range(1, 36), 3)
    small.set("confounds", censor_above=0.5)
    with pytest.raises(ConfoundsError, match="4 of 40 scans are left for 6 confounds; take a higher censor_above"):
        read_confounds(first(small), small.study())


def test_more_scans_dropped_than_there_are_is_refused(small: Small) -> None:
    small.set("glm", drop_scans=40)
    with pytest.raises(ConfoundsError, match="drop_scans is 40, but the run has 40 scans"):
        read_confounds(first(small), small.study())


def test_a_run_that_never_is_steady_is_refused(small: Small) -> None:
    change(small, "non_steady_state_outlier00", range(40), 1)
    with pytest.raises(ConfoundsError, match="marks every scan as not steady"):
        read_confounds(first(small), small.study())


def test_components_without_their_sidecar_are_an_absence(small: Small, only: Callable[..., str]) -> None:
    small.derived("desc-confounds_timeseries.json").unlink()
    small.set("confounds", strategy=("compcor",))
    assert "desc-confounds_timeseries.json does not exist" in only(small.inventory())


def test_aroma_without_its_columns_is_an_absence(small: Small) -> None:
    small.set("confounds", strategy=("motion", "ica_aroma"))
    assert "has no aroma_motion_01" in small.inventory().absences[0].problem


def test_fewer_components_than_asked_for_are_remarked_on(small: Small) -> None:
    small.set("confounds", strategy=("compcor",), n_compcor=3)
    inventory = small.inventory()
    assert read_confounds(inventory.runs[0], small.study()).names == ("a_comp_cor_00", "a_comp_cor_01")
    assert inventory.remarks[0].endswith("there are 2 components a_comp_cor_*, fewer than n_compcor = 3")


@pytest.fixture
def piop2(small: Small, tmp_path: Path, image: Image, table: Callable[..., None]) -> Small:
    """The text files of a public dataset without sessions, as session 1 of a study, with small images made up."""
    source = SHARED / "data" / "piop2"
    if not source.is_dir():
        pytest.skip(f"reference data {source} are absent")
    small.root = tmp_path / "piop2"
    small.bids.mkdir(parents=True)
    shutil.copy(source / "task-emomatching_acq-seq_bold.json", small.bids)
    people = [["participant_id", "group"]]
    for place, folder in enumerate(sorted(source.glob("sub-*"))):
        participant = folder.name
        people.append([participant, ("ketamine", "midazolam")[place % 2]])
        for path in [
            *folder.glob("func/*emo*"),
            *(source / "derivatives" / "fmriprep" / participant).glob("func/*emo*"),
        ]:
            raw = path.is_relative_to(folder)
            for session in ("ses-1", "ses-2"):
                target = (small.bids if raw else small.derivatives) / participant / session / "func"
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target / path.name.replace(participant, f"{participant}_{session}", 1))
    table(small.bids / "participants.tsv", people)
    for path in small.derivatives.glob("sub-*/ses-*/func/*MNI*desc-preproc_bold.json"):
        confounds = next(path.parent.glob("*regressors.tsv"))
        scans = len(confounds.read_text().splitlines()) - 1
        image(path.with_suffix(".nii.gz"), (2, 2, 2, scans))
        image(path.with_name(path.name.replace("preproc_bold.json", "brain_mask.nii.gz")), (2, 2, 2))
    small.settings.update(
        scores={},
        group={},
        tasks={"emomatching": {"conditions": {"emotion": ("emotion",), "control": ("control",)}}},
        study={"name": "PIOP2", "bids": small.bids, "derivatives": small.derivatives},
    )
    del small.settings["dcm"]
    return small


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({"strategy": ("motion",), "motion": "full"}, 24),
        ({"strategy": ("motion", "wm_csf", "global_signal"), "motion": "derivatives"}, 15),
        ({"strategy": ("motion", "compcor"), "compcor": "anat_combined"}, 11),
        ({"strategy": ("motion", "compcor"), "compcor": "temporal", "n_compcor": 2}, 8),
    ],
)
def test_fmriprep_s_own_tables_are_read(piop2: Small, settings: dict[str, Any], columns: int) -> None:
    piop2.set("confounds", **settings)
    inventory = piop2.inventory()
    assert inventory.errors == ()
    assert inventory.absences == ()
    for run in inventory.runs:
        found = read_confounds(run, piop2.study())
        assert run.confounds.name.endswith("_regressors.tsv")
        assert found.values.shape == (run.scans, columns)
        assert np.isfinite(found.values).all()
        raw = pd.read_csv(run.confounds, sep="\t")
        place = found.names.index("rot_x")
        # another table reader, and a reference for the values: the raw column less a constant
        np.testing.assert_allclose(np.diff(found.values[:, place]), np.diff(raw["rot_x"]), atol=1e-12)
        assert np.nanmean(found.framewise_displacement) == pytest.approx(raw["framewise_displacement"].mean())


def test_a_public_dataset_s_events_are_read(piop2: Small) -> None:
    run = piop2.inventory().runs[0]
    assert (run.repetition_time, run.reference) == (2.0, 0.5)
    assert run.events is not None
    from pipeline.bids import read_events

    events = read_events(run.events)
    assert events.trial_types == ("control", "emotion")
    assert events.onset[0] == 10.01
    assert events.columns["response_hand"][0] == "right"
