"""Changes of measures out of the study's table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up_statistics import made_up_measures, made_up_participants, write_measures

from pipeline.common import UsageError
from pipeline.statistics import measure_changes

PARTICIPANTS = made_up_participants()
GPPI = "gppi_faces_amygdala_from_vmPFC"


def test_a_change_is_after_less_before(tmp_path: Path) -> None:
    columns = made_up_measures(PARTICIPANTS)
    (found,) = measure_changes(
        write_measures(tmp_path, PARTICIPANTS, columns), [GPPI], PARTICIPANTS, adjust_motion=False
    )
    np.testing.assert_allclose(found.values, columns[GPPI][:, 1] - columns[GPPI][:, 0])
    assert (found.unit, found.motion) == ("z", "")


def test_what_goes_with_the_change_in_motion_is_taken_out(tmp_path: Path) -> None:
    columns = made_up_measures(PARTICIPANTS)
    (found,) = measure_changes(write_measures(tmp_path, PARTICIPANTS, columns), [GPPI], PARTICIPANTS)
    change, motion = np.diff(columns[GPPI])[:, 0], np.diff(columns["motion_faces"])[:, 0]
    fit = np.polynomial.Polynomial.fit(motion, change, 1)
    np.testing.assert_allclose(found.values - found.values.mean(), change - fit(motion), atol=1e-12)
    assert found.motion == "motion_faces"


def test_who_lacks_a_session_has_no_change(tmp_path: Path) -> None:
    columns = made_up_measures(PARTICIPANTS)
    columns[GPPI][4, 0] = np.nan
    (found,) = measure_changes(write_measures(tmp_path, PARTICIPANTS, columns), [GPPI], PARTICIPANTS)
    assert np.flatnonzero(np.isnan(found.values)).tolist() == [4]


def test_somebody_who_is_not_in_the_table_has_no_change(tmp_path: Path) -> None:
    path = write_measures(tmp_path, PARTICIPANTS)
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join(row for row in rows if not row.startswith("sub-02\tses-2")))
    (found,) = measure_changes(path, [GPPI], PARTICIPANTS)
    assert np.flatnonzero(np.isnan(found.values)).tolist() == [1]


def test_a_star_stands_for_anything_and_each_measure_comes_once(tmp_path: Path) -> None:
    found = measure_changes(write_measures(tmp_path, PARTICIPANTS), ["response_*_dACC", "*"], PARTICIPANTS)
    assert [result.name for result in found] == ["response_faces_dACC", GPPI]  # motion is no measure


def test_a_dot_is_a_dot(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'gppi.faces\*' is no measure"):
        measure_changes(write_measures(tmp_path, PARTICIPANTS), ["gppi.faces*"], PARTICIPANTS)


def test_an_unknown_measure_names_the_nearest(tmp_path: Path) -> None:
    path = write_measures(tmp_path, PARTICIPANTS)
    with pytest.raises(
        UsageError, match=r"measures: 'response_faces_dAC' is no .*; did you mean 'response_faces_dACC'\?"
    ):
        measure_changes(path, ["response_faces_dAC"], PARTICIPANTS)


def test_two_rows_of_one_visit_are_refused(tmp_path: Path) -> None:
    path = write_measures(tmp_path, PARTICIPANTS)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]))
    with pytest.raises(UsageError, match=r"sub-01 ses-1 has a row in line 2, too"):
        measure_changes(path, ["*"], PARTICIPANTS)


def test_a_table_without_its_sidecar_is_refused(tmp_path: Path) -> None:
    path = write_measures(tmp_path, PARTICIPANTS)
    path.with_suffix(".json").unlink()
    with pytest.raises(UsageError, match=r"features\.json, which tells what features\.tsv holds, cannot be opened"):
        measure_changes(path, ["*"], PARTICIPANTS)
