"""Readers of region series, on files laid out as their programs write them."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from pipeline.series import SeriesError, read_series
from pipeline.series._read_series import read_runs

Writer = Callable[..., Path]
VALUES = np.random.default_rng(0).normal(size=(40, 3))
NAMES = ("LH_Vis_1", "LH_Default_PFC_1", "RH_Amygdala")
HEAD = "sub-01_ses-1_task-faces_run-01"


def written(path: Path, text: str) -> Path:
    """A file with some text."""
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_of_a_table_are_its_regions(tmp_path: Path) -> None:
    path = tmp_path / f"{HEAD}.tsv"
    pd.DataFrame(VALUES, columns=NAMES).to_csv(path, sep="\t", index=False)
    found = read_series(path)
    assert found.regions == NAMES
    assert found.entities == {"sub": "01", "ses": "1", "task": "faces", "run": "01"}
    assert found.repetition_time is None
    np.testing.assert_allclose(found.values, VALUES)


def test_an_index_that_pandas_wrote_is_no_region(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    pd.DataFrame(VALUES, columns=NAMES).to_csv(path)
    assert read_series(path).regions == NAMES


def test_columns_that_pandas_has_counted_are_a_header(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    pd.DataFrame(VALUES).to_csv(path, index=False)
    found = read_series(path)
    assert found.regions == ("0", "1", "2")
    np.testing.assert_allclose(found.values, VALUES)


def test_a_column_of_seconds_gives_the_repetition_time(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    pd.DataFrame(VALUES, columns=NAMES, index=pd.Index(np.arange(40) * 1.89, name="time")).to_csv(path)
    found = read_series(path)
    assert (found.regions, found.repetition_time) == (NAMES, 1.89)


@pytest.mark.parametrize("delimiter", ["\t", ",", " "])
def test_a_table_without_header_has_numbered_regions(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "series.txt"
    np.savetxt(path, VALUES, delimiter=delimiter)
    found = read_series(path)
    assert found.regions == ("1", "2", "3")
    np.testing.assert_allclose(found.values, VALUES)


def test_a_european_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    pd.DataFrame(VALUES, columns=NAMES).to_csv(path, sep=";", decimal=",", index=False)
    found = read_series(path)
    np.testing.assert_allclose(found.values, VALUES)
    assert "decimal commas" in found.remarks[0]


def test_a_region_without_value_and_a_missing_cell_are_kept_and_named(tmp_path: Path) -> None:
    path = written(tmp_path / "series.tsv", "A\tB\tC\n1.5\tn/a\t2\n2.5\tn/a\tn/a\n0.5\tn/a\t1\n")
    found = read_series(path)
    assert (found.empty_regions, found.missing) == (("B",), (1,))
    values, own = found.select({"a": ["A"], "c": ["C"]})[0].filled()
    np.testing.assert_allclose(values[:, 1], [2, 1.5, 1])
    assert own == (1,)


@pytest.mark.parametrize(
    "atlas",
    [
        "space-MNI152NLin2009cAsym_atlas-4S156Parcels_stat-mean",
        "space-fsLR_seg-Glasser_den-91k_stat-mean",
        "space-MNI152NLin6Asym_atlas-Glasser",
    ],
)
def test_scans_that_xcpd_cut_out_have_their_place_again(tmp_path: Path, write_xcpd: Writer, atlas: str) -> None:
    outliers = np.isin(np.arange(40), [7, 8, 20])
    path = write_xcpd(tmp_path / "func", HEAD, VALUES, NAMES, atlas=atlas, outliers=outliers, censored=True)
    found = read_series(path)
    assert (found.kind, found.scans, found.missing) == ("XCP-D", 40, (7, 8, 20))
    assert (found.repetition_time, found.unit) == (2.0, "arbitrary")
    assert (found.high_pass_period, found.low_pass_frequency) == (100.0, 0.08)
    assert found.framewise_displacement is not None
    assert found.framewise_displacement[7] == 0.9
    np.testing.assert_allclose(found.values[~outliers], VALUES[~outliers])


def test_scans_that_xcpd_interpolated_are_estimates(tmp_path: Path, write_xcpd: Writer) -> None:
    outliers = np.isin(np.arange(40), [7, 8, 20])
    found = read_series(write_xcpd(tmp_path, HEAD, VALUES, NAMES, outliers=outliers))
    assert found.estimated == found.missing == (7, 8, 20)


def test_outliers_of_another_run_are_refused(tmp_path: Path, write_xcpd: Writer) -> None:
    path = write_xcpd(tmp_path, HEAD, VALUES, NAMES, outliers=np.isin(np.arange(40), [7]))
    (tmp_path / f"{HEAD}_outliers.tsv").write_text("framewise_displacement\n0\n1\n", encoding="utf-8")
    with pytest.raises(SeriesError, match=r"has 40 scans, but .*outliers.tsv has 2, 1 of them outliers"):
        read_series(path)


def test_sessions_in_a_file_of_conn_are_runs_of_their_own(tmp_path: Path, write_conn: Writer) -> None:
    sessions = np.repeat([1, 2], 20)
    path = write_conn(tmp_path / "ROI_Subject003_Condition000.mat", VALUES, NAMES, sessions=sessions)
    runs = read_runs(path)
    assert [dict(run.entities) for run in runs] == [{"sub": "003", "ses": "1"}, {"sub": "003", "ses": "2"}]
    assert runs[0].regions[:3] == ("Grey Matter", "White Matter (1)", "White Matter (2)")
    np.testing.assert_allclose(runs[1].select({"amygdala": ["RH_Amygdala"]})[0].values[:, 0], VALUES[20:, 2])
    with pytest.raises(SeriesError, match=r"holds sessions 1, 2; say which: read_series\(FILE, session=1\)"):
        read_series(path)
    assert read_series(path, session=2).scans == 20


def test_a_condition_of_conn_leaves_out_sessions_without_it(tmp_path: Path, write_conn: Writer) -> None:
    sessions = np.repeat([1, 2], 20)
    weights = np.where(np.arange(40) >= 30, 1.0, 0.0)
    path = write_conn(tmp_path / "ROI_Subject003_Condition002.mat", VALUES, NAMES, sessions=sessions, weights=weights)
    (run,) = read_runs(path)
    assert (run.entities["ses"], run.scans) == ("2", 20)
    assert run.remarks == ("condition faces has weight in 10 of 20 scans; all are read, as a model needs them",)


def test_raw_series_of_conn_are_raw(tmp_path: Path, write_conn: Writer) -> None:
    found = read_series(write_conn(tmp_path / "ROI_Subject001_Session002.mat", VALUES + 900, NAMES))
    assert (found.unit, dict(found.entities)) == ("raw", {"sub": "001", "ses": "2"})


def test_output_of_a_nilearn_masker_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "series.npy", VALUES.astype(np.float32))
    found = read_series(tmp_path / "series.npy")
    assert found.regions == ("1", "2", "3")
    np.testing.assert_allclose(found.values, VALUES.astype(np.float32))


def test_axes_of_netcdf_are_taken_by_their_names(tmp_path: Path) -> None:
    array = xr.DataArray(
        VALUES.T,
        dims=("region", "time"),
        coords={"region": list(NAMES), "time": ("time", np.arange(40) * 0.8, {"units": "s"})},
        attrs={"units": "percent signal change"},
    )
    array.to_netcdf(tmp_path / "series.nc", engine="h5netcdf")
    found = read_series(tmp_path / "series.nc")
    assert (found.regions, found.repetition_time, found.unit) == (NAMES, 0.8, "percent")
    np.testing.assert_allclose(found.values, VALUES)


def test_units_are_told_by_the_numbers() -> None:
    from pipeline.series import RegionSeries

    def unit(values: np.ndarray) -> str:
        return RegionSeries(Path("x"), "table", values, NAMES).likely_unit

    standardised = (VALUES - VALUES.mean(axis=0)) / VALUES.std(axis=0)
    found = [unit(0.4 * VALUES), unit(10_000 + 50 * VALUES), unit(standardised), unit(300 * VALUES)]
    assert found == ["percent", "raw", "arbitrary", "arbitrary"]


class _Pickled:
    """What would run code if it were unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('unpickled')",))


def _hostile(folder: Path) -> dict[str, Path]:
    objects = np.empty(1, dtype=object)
    objects[0] = _Pickled()
    np.save(folder / "objects.npy", objects, allow_pickle=True)
    np.save(folder / "cube.npy", np.zeros((2, 3, 4)))
    np.save(folder / "short.npy", VALUES)
    short = (folder / "short.npy").read_bytes()
    (folder / "short.npy").write_bytes(short[:-8])
    (folder / "series.pkl").write_bytes(pickle.dumps([1]))
    (folder / "three.nc").write_bytes(b"CDF\x01" + bytes(60))
    (folder / "damaged.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(folder / "other.nc", engine="h5netcdf")
    (folder / "damaged.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    written(folder / "text.tsv", "subject\tA\nanna\t1\nbert\t2\n")
    written(folder / "thousands.tsv", "A\tB\n1,234\t2\n2,345\t1.5\n")
    written(folder / "letter.tsv", "A\tB\n1\t2\n3\tx\n")
    written(folder / "ragged.tsv", "A\tB\n1\t2\n3\n")
    written(folder / "header.tsv", "A\tB\n")
    written(folder / "twice.tsv", "A\tA\n1\t2\n")
    written(folder / "infinite.csv", "A,B\n1,2\n1e999,2\n")
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("objects.npy", "holds pickled objects, which are not opened"),
        ("cube.npy", r"has shape \(2, 3, 4\)"),
        ("short.npy", r"says that it is \(40, 3\), and holds 952 bytes"),
        ("series.pkl", "may hold pickled objects, which are not opened"),
        ("three.nc", "is NetCDF 3"),
        ("damaged.nc", "is damaged"),
        ("other.nc", r"has no variable of \(scan, region\); it has a \(x\)"),
        ("damaged.mat", "damaged or truncated"),
        ("text.tsv", "column subject holds text"),
        ("thousands.tsv", "line 2: A is '1,234'"),
        ("letter.tsv", "line 3: B is 'x'"),
        ("ragged.tsv", "line 3: has 1 cells, the header 2"),
        ("header.tsv", "has a header but no scan"),
        ("twice.tsv", "two columns called A"),
        ("infinite.csv", "beyond what a double holds"),
        ("absent.tsv", "does not exist"),
        ("image.nii.gz", "is an image"),
    ],
)
def test_what_is_no_series_is_refused_in_one_line(tmp_path: Path, name: str, problem: str) -> None:
    path = _hostile(tmp_path).get(name, tmp_path / name)
    with pytest.raises(SeriesError, match=problem) as caught:
        read_runs(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(name)


@pytest.mark.parametrize("suffix", ["tsv", "npy", "nc", "mat"])
def test_pipes_are_not_opened_and_links_to_nothing_are_named(tmp_path: Path, suffix: str) -> None:
    pipe, link = tmp_path / f"pipe.{suffix}", tmp_path / f"link.{suffix}"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SeriesError, match=r"^pipe\..* pipe"):
        read_runs(pipe)
    with pytest.raises(SeriesError, match="is a link to a file that is not here; fetch it"):
        read_runs(link)


def test_a_repetition_time_in_milliseconds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sub-01_task-rest_timeseries.tsv"
    pd.DataFrame(VALUES, columns=NAMES).to_csv(path, sep="\t", index=False)
    path.with_suffix(".json").write_text(json.dumps({"RepetitionTime": 2000}), encoding="utf-8")
    with pytest.raises(SeriesError, match=r"if these are milliseconds write 2"):
        read_series(path)
