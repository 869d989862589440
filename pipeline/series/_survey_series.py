"""What files of region series hold, run by run, before there is a study of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcm.tables import counted

from ..common import (
    MatchedFile,
    UsageError,
    bids_label,
    find_files,
    first_names,
    labelled_files,
    natural_key,
    sorted_names,
)
from ._read_series import SUFFIXES, read_runs
from ._region_series import RegionSeries, SeriesError, Unit

_OTHER_TABLES = ("_events", "_outliers", "_motion", "_design", "_confounds", "_regressors", "_relmat", "_qc", "_bold")
_MOST_FILES = 20_000


@dataclass(frozen=True)
class SurveyedRun:
    """One run in one file.

    Fields:
        file: the file, and what its name says.
        kind: table, XCP-D, CONN, NetCDF, NumPy or effconn.
        labels: participant, session, task and run, as far as known.
        regions: names of the columns that have values.
        empty: names of those that have none.
        scans: how many there are.
        missing: how many of them have no value of their own.
        repetition_time: s; None where no file says.
        unit: what the file says; None where it does not.
        likely_unit: what the numbers look like.
        low_pass_frequency: Hz; None where no file says that there was a filter.
        remarks: what was inferred.
    """

    file: MatchedFile
    kind: str
    labels: dict[str, str]
    regions: tuple[str, ...]
    empty: tuple[str, ...]
    scans: int
    missing: int
    repetition_time: float | None
    unit: Unit | None
    likely_unit: Unit
    low_pass_frequency: float | None
    remarks: tuple[str, ...]

    @property
    def participant(self) -> str | None:
        """Such as ``sub-01``; None where nothing says."""
        return bids_label(self.labels["participant"]) if "participant" in self.labels else None

    @property
    def session(self) -> str | None:
        """Such as ``ses-1``; None where nothing says."""
        return bids_label(self.labels["session"], "ses-") if "session" in self.labels else None


@dataclass(frozen=True)
class SeriesSurvey:
    """What some files hold.

    Fields:
        runs: in the natural order of the files.
        unreadable: a line for each file that holds no series that can be read.
    """

    runs: tuple[SurveyedRun, ...]
    unreadable: tuple[str, ...]

    def labels(self, name: str) -> tuple[str, ...]:
        """All labels of participant, session, task or run that occur, in natural order."""
        return tuple(sorted_names({run.labels[name] for run in self.runs if name in run.labels}))

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions that have values in every run, in the order of the first."""
        shared = set.intersection(*({*run.regions} for run in self.runs)) if self.runs else set()
        return tuple(name for name in self.runs[0].regions if name in shared) if self.runs else ()

    @property
    def partial_regions(self) -> tuple[str, ...]:
        """Regions that some runs have and others have not."""
        return tuple(sorted_names({name for run in self.runs for name in (*run.regions, *run.empty)} - {*self.regions}))

    @property
    def repetition_times(self) -> tuple[float, ...]:
        """Those that files say, the most frequent first."""
        found = Counter(run.repetition_time for run in self.runs if run.repetition_time is not None)
        return tuple(time for time, _ in found.most_common())

    @property
    def unit(self) -> Unit:
        """What most runs are in, or look like."""
        return Counter(run.unit or run.likely_unit for run in self.runs).most_common(1)[0][0]


def find_series_files(places: Sequence[Path]) -> list[Path]:
    """The files of series among some files and folders, in natural order.

    In a folder, files whose suffix or name is that of something else are left out.

    Raises `UsageError` where there is none.
    """
    found: list[Path] = []
    for place in places:
        if not place.exists():
            raise UsageError(f"{place} does not exist; give files of series, or a folder that holds some")
        inside = [path for path in find_files(place) if _may_be_series(path)] if place.is_dir() else [place]
        found += inside
        if len(found) > _MOST_FILES:
            raise UsageError(f"{place} holds more than {_MOST_FILES:,} files; give the folder of the series alone")
    timeseries = [path for path in found if path.name.endswith("_timeseries.tsv")]
    if timeseries and any(place.is_dir() for place in places):
        found = [path for path in found if path in set(timeseries) or path in set(places)]
    if not found:
        raise UsageError(
            f"{first_names(list(map(str, places)))} holds no file of series; those end in {', '.join(SUFFIXES)}"
        )
    return sorted(dict.fromkeys(path.absolute() for path in found), key=lambda path: natural_key(path.as_posix()))


def _may_be_series(path: Path) -> bool:
    stem = path.name.split(".")[0]
    if path.suffix.lower() not in SUFFIXES or stem.endswith(_OTHER_TABLES) or stem.startswith("participants"):
        return False
    return path.suffix.lower() != ".mat" or stem.lower().startswith("roi_")


def survey_series(paths: Sequence[Path], on_progress: Callable[[int, int], None] | None = None) -> SeriesSurvey:
    """Reads every file, and keeps what it holds but not the series.

    What cannot be read is a line of the survey, and the others go on.
    """
    runs: list[tuple[MatchedFile, RegionSeries]] = []
    unreadable = []
    in_files = False
    for position, file in enumerate(labelled_files(paths), start=1):
        try:
            found = read_runs(file.path)
            runs += [(file, series) for series in found]
            in_files = in_files or len(found) > 1
        except SeriesError as error:
            unreadable.append(str(error))
        if on_progress is not None:
            on_progress(position, len(paths))
    return SeriesSurvey(tuple(_surveyed(file, series, in_files) for file, series in runs), tuple(unreadable))


def _surveyed(file: MatchedFile, series: RegionSeries, in_files: bool) -> SurveyedRun:
    """What there is of a run, whose session the file tells where files hold several (`in_files`)."""
    labels = dict(file.labels)
    if in_files and "ses" in series.entities:
        labels.setdefault("session", series.entities["ses"])
    empty = series.empty_regions
    return SurveyedRun(
        file,
        series.kind,
        labels,
        tuple(name for name in series.regions if name not in empty),
        empty,
        series.scans,
        len(series.missing),
        series.repetition_time,
        series.unit,
        series.likely_unit,
        series.low_pass_frequency,
        series.remarks,
    )


def survey_lines(survey: SeriesSurvey) -> Iterator[str]:
    """What the files hold together, a sentence each."""
    runs = survey.runs
    participants, sessions, tasks = (survey.labels(name) for name in ("participant", "session", "task"))
    counts = [f"{len(runs)} runs of {len(participants)} participants" if participants else f"{len(runs)} runs"]
    counts += [f"{counted(len(sessions), 'session')} ({first_names(sessions)})"] if sessions else []
    counts += [f"task{'' if len(tasks) == 1 else 's'} {first_names(tasks)}"] if tasks else []
    yield ", ".join(counts)
    yield (
        f"{len(survey.regions)} regions that every run has: {first_names(survey.regions)}"
        if survey.regions
        else ("no region that every run has")
    )
    if partial := survey.partial_regions:
        yield f"{counted(len(partial), 'region')} that some runs lack: {first_names(partial)}"
    scans = sorted({run.scans for run in runs})
    yield f"scans: {scans[0]}" if len(scans) == 1 else f"scans: {scans[0]} to {scans[-1]}"
    if (missing := np.array([run.missing for run in runs])).any():
        yield f"scans without a value of their own: {int(missing.sum())} in {counted(int((missing > 0).sum()), 'run')}"
    times = survey.repetition_times
    unknown = sum(run.repetition_time is None for run in runs)
    yield (
        f"repetition time: {', '.join(f'{time:g} s' for time in times)}"
        if times
        else "repetition time: no file says it (--tr)"
    )
    if times and unknown:
        yield f"repetition time: {unknown} runs do not say"
    said = {run.unit for run in runs}
    yield f"unit: {survey.unit}" + ("" if said == {survey.unit} else ", by the look of the numbers")
    if any(run.low_pass_frequency for run in runs):
        yield (
            "the series were low-pass filtered: their noise has fewer degrees of freedom than scans, and the intervals "
            "of a DCM are too narrow; make series without that filter for a DCM"
        )
    if not all(run.participant for run in runs):
        yield "nothing in the names says which part is the participant"
