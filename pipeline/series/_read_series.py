"""Files of region series of every kind that is read, by their suffix."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path

from ..common import list_names
from ..tables import TableError
from ._array_series import read_netcdf_series, read_npy_series
from ._conn_series import read_conn_series
from ._region_series import RegionSeries, SeriesError
from ._table_series import read_table_series

_READERS: dict[str, Callable[[Path], RegionSeries]] = {
    **dict.fromkeys((".tsv", ".csv", ".txt", ".1d"), read_table_series),
    ".npy": read_npy_series,
    ".nc": read_netcdf_series,
}
SUFFIXES = (*_READERS, ".mat")
_PICKLED = (".pkl", ".pickle", ".joblib", ".npz")


def read_runs(path: str | PathLike[str]) -> tuple[RegionSeries, ...]:
    """Every run that a file holds: one, but for CONN's files of several sessions. Raises `SeriesError`."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".mat":
        return read_conn_series(path)
    if suffix not in _READERS:
        raise SeriesError(path, _unreadable(suffix))
    try:
        return (_READERS[suffix](path),)
    except TableError as error:
        raise SeriesError(path, str(error).removeprefix(f"{path.name}: ").removeprefix(f"{path.name}, ")) from None


def read_series(path: str | PathLike[str], *, session: int | None = None) -> RegionSeries:
    """Region series of one run, from a table, XCP-D, CONN, a nilearn masker or NetCDF.

    Tables (.tsv, .csv, .txt, .1D) have scans in rows and regions in columns, with a header or none, and a column that
    counts scans or seconds or none. Of XCP-D's ``*_timeseries.tsv`` the sidecars, ``outliers.tsv`` and ``motion.tsv``
    beside it are read too: scans that were cut out have their place again, and are NaN. CONN's
    ``ROI_Subject*_Condition*.mat`` and ``ROI_Subject*_Session*.mat``; NumPy's .npy; NetCDF with an axis ``scan`` or
    ``time`` and an axis ``region``. Nothing in a file is executed or unpickled.

    Arguments:
        path: of the file.
        session: which, of a CONN file that holds several; from 1.

    Raises `SeriesError`, in one line with file, problem and remedy.

    >>> series = read_series("sub-01_task-rest_space-MNI152NLin2009cAsym_atlas-4S156Parcels_timeseries.tsv")
    >>> series.values.shape, series.regions[:2], series.repetition_time
    """
    runs = read_runs(path)
    if session is None and len(runs) == 1:
        return runs[0]
    numbers = [run.entities.get("ses", "1") for run in runs]
    if session is None:
        raise SeriesError(Path(path), f"holds sessions {list_names(numbers)}; say which: read_series(FILE, session=1)")
    if str(session) not in numbers:
        raise SeriesError(Path(path), f"has no session {session}; it has {list_names(numbers)}")
    return runs[numbers.index(str(session))]


def _unreadable(suffix: str) -> str:
    if suffix in _PICKLED:
        return (
            "may hold pickled objects, which are not opened; save each run's array alone: numpy.save(FILE.npy, series)"
        )
    if suffix in (".nii", ".gz", ".mgz"):
        return "is an image; give BIDS derivatives to effconn init, or series of its regions"
    if suffix in (".xlsx", ".xls", ".ods"):
        return "is a spreadsheet; export it as a tab-separated table, .tsv"
    return f"is no kind of file that series are read from; those are {list_names(SUFFIXES)}"
