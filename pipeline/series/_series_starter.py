"""A commented configuration to start from, guessed from what files of region series hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..bids import read_events
from ..common import (
    PatternError,
    UsageError,
    fill_pattern,
    first_names,
    guess_patterns,
    labelled_files,
    may_be_of,
    order_visits,
    relative_path,
    visible_text,
)
from ..study import PLACEHOLDER, SCHEMA_FILE, guess_contrast, toml_key, toml_names, toml_text
from ._survey_series import SeriesSurvey

MOST_REGIONS = 500  # that are written out
MODELLED = 3  # regions of the model that is proposed
REST = "rest"
_TISSUE = re.compile(r"(?:grey matter|white matter|csf)(?: \([0-9]+\))?", re.IGNORECASE)  # as CONN calls them
UNIT_REASONS = {
    "percent": "they look like percent signal change",
    "raw": "their means are far from zero, as a scanner counts; each region is taken in percent of its mean",
    "arbitrary": "their unit is not known, or they are standardised; each run is brought to a range of 4",
}


@dataclass(frozen=True)
class StarterEvents:
    """Events of some runs.

    Fields:
        pattern: of their files, absolute.
        trial_types: task → trial types that occur in its first run that has a file.
        absent: runs without a file, one line each.
    """

    pattern: str
    trial_types: dict[str, tuple[str, ...]]
    absent: tuple[str, ...]


def find_events(survey: SeriesSurvey, pattern: Path) -> StarterEvents:
    """The trial types of each task, by the events of its first run that has some.

    Raises `UsageError` where the pattern says nothing or no run has events, `TableError` where events cannot be read.
    """
    kinds: dict[str, tuple[str, ...]] = {}
    absent = []
    for run in survey.runs:
        task = run.labels.get("task", "")
        try:
            files = fill_pattern(str(pattern.absolute()), run.labels)
        except PatternError as error:
            raise UsageError(f"--events {pattern}: {error}") from None
        if not files:
            absent.append(f"{run.file.path.name} has no events by {pattern}")
        elif task not in kinds:
            kinds[task] = read_events(files[0]).trial_types
    if not kinds:
        raise UsageError(f"--events {pattern} matches no file; write fields as {{participant}} where names differ")
    return StarterEvents(str(pattern.absolute()), kinds, tuple(absent))


def nearby_events(survey: SeriesSurvey) -> Path | None:
    """The pattern of events that lie beside the series under BIDS's names; None where none do."""
    for run in survey.runs:
        for path in sorted(run.file.path.parent.glob("*_events.tsv")):
            (file,) = labelled_files([path])
            if file.participant and may_be_of(path, run.labels):
                root = Path(path.anchor)
                return root / guess_patterns([file], root)[0]
    return None


def series_starter(
    survey: SeriesSurvey, folder: Path, events: StarterEvents | None = None, repetition_time: float | None = None
) -> str:
    """The TOML text of a configuration for some files of series.

    Arguments:
        survey: what they hold.
        folder: where the file will be, which its paths are relative to.
        events: of their tasks; None at rest.
        repetition_time: s; None for what the files say.

    What cannot be guessed is a placeholder that `read_study` refuses; what should be looked at is marked ``check:``.
    """
    parts = [
        _head(survey),
        _series_section(survey, folder, events, repetition_time),
        _participants_section(survey, folder),
        _sessions_section(survey),
        *(_task_section(task, events) for task in _tasks(survey)),
        _model_sections(survey, events),
    ]
    blocks = ["\n".join(part) for part in parts]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(survey: SeriesSurvey) -> Iterator[str]:
    yield f"#:schema {SCHEMA_FILE}"
    yield '# A study of region series, started by effconn series. Lines that say "check:" are guesses.'
    yield "# Paths are relative to this file. What is not set has a default; the schema lists every setting."
    yield ""
    yield "[study]"
    yield f"name = {toml_text('Region series of ' + str(len(survey.labels('participant'))) + ' participants')}"
    yield 'out = "results"'


def _series_section(
    survey: SeriesSurvey, folder: Path, events: StarterEvents | None, repetition_time: float | None
) -> Iterator[str]:
    patterns = guess_patterns([run.file for run in survey.runs], folder)
    yield "[series]"
    if not all(run.participant for run in survey.runs):
        yield f"files = {toml_text(PLACEHOLDER)}  # say where the participant is in the names, such as " + (
            toml_text(f"{patterns[0].rpartition('/')[0] or '.'}/{{participant}}{survey.runs[0].file.path.suffix}")
        )
    else:
        yield f"files = {toml_text(patterns[0] if len(patterns) == 1 else list(patterns))}"
    if any(run.labels.get("session") != run.file.labels.get("session") for run in survey.runs):
        yield 'sessions_in_file = "sessions"  # check: or "runs", where they are runs of one visit'
    said = {run.unit for run in survey.runs} == {survey.unit}
    yield f"unit = {toml_text(survey.unit)}" + ("" if said else f"  # check: {UNIT_REASONS[survey.unit]}")
    times = {run.repetition_time for run in survey.runs}
    if repetition_time is not None:
        yield f"repetition_time = {toml_text(repetition_time)}"
    elif None in times:
        yield f"repetition_time = {toml_text(PLACEHOLDER)}  # seconds from scan to scan; the files do not say"
    if events is not None:
        yield f"events = {toml_text(relative_path(Path(events.pattern), folder))}"
    yield from _region_lines(survey)


def _region_lines(survey: SeriesSurvey) -> Iterator[str]:
    """Regions that every run has: a list where their names may stand as they are, else names of ours."""
    tissues = [name for name in survey.regions if _TISSUE.match(name)]
    named = _named_regions(survey)
    regions = named[:MOST_REGIONS]
    names = toml_names(regions)
    if tissues and len(named) < len(survey.regions):
        yield f"# columns of tissues are left out: {_comment(first_names(tissues))}"
    if survey.partial_regions:
        yield f"# {len(survey.partial_regions)} regions that some runs lack are left out: " + _comment(
            first_names(survey.partial_regions)
        )
    if len(named) > MOST_REGIONS:
        yield f"# and {len(named) - MOST_REGIONS} more than these {MOST_REGIONS}"
    if names == regions:
        yield "# Columns of the files. With names of your own, each a column or the mean of several:"
        yield '# regions = { vmPFC = "Default_PFC_1", hippocampus = ["HIP_L", "HIP_R"] }'
        yield f"regions = [{', '.join(map(toml_text, regions))}]"
        return
    yield ""
    yield "[series.regions]  # names in models = columns of the files; of several in a list the mean is taken"
    for name, column in zip(names, regions, strict=True):
        yield f"{toml_key(name)} = {toml_text(column)}"


def _named_regions(survey: SeriesSurvey) -> list[str]:
    """Columns of regions; all there are where every one is of a tissue."""
    return [name for name in survey.regions if not _TISSUE.match(name)] or list(survey.regions)


def _participants_section(survey: SeriesSurvey, folder: Path) -> Iterator[str]:
    table = next((path for path in _likely_tables(survey, folder) if path.is_file()), None)
    mark = "" if table is not None else "# "
    yield f"{mark}[participants]"
    yield f"{mark}table = {toml_text(relative_path(table, folder) if table is not None else 'participants.tsv')}"
    yield '# group = "diagnosis"                  # where groups are compared: the column, and its groups,'
    yield '# groups = ["patients", "controls"]    # the reference last'


def _likely_tables(survey: SeriesSurvey, folder: Path) -> Iterator[Path]:
    yield folder / "participants.tsv"
    yield from (parent / "participants.tsv" for parent in [*survey.runs[0].file.path.parents][:5])


def _sessions_section(survey: SeriesSurvey) -> Iterator[str]:
    labels = survey.labels("session")
    if not labels:
        return
    ordered = order_visits(labels)
    order = [f"ses-{label}" for label in ordered or [PLACEHOLDER] * len(labels)]
    yield "[sessions]"
    if ordered is not None:
        yield f"order = {toml_text(order)}  # check: guessed from the labels"
    else:
        listed = first_names([f"ses-{label}" for label in labels])
        yield f"order = {toml_text(order)}  # in time; no label says. There are {_comment(listed)}"
    if len(labels) > 1:
        yield ""
        yield "# What differs between visits, such as drug, dose or weeks, beside participant_id and session_id:"
        yield "# [visits]"
        yield '# table = "visits.tsv"'


def _tasks(survey: SeriesSurvey) -> tuple[str, ...]:
    return survey.labels("task") or ("",)


def _task_section(task: str, events: StarterEvents | None) -> Iterator[str]:
    kinds = () if events is None else events.trial_types.get(task, ())
    yield f"[tasks.{toml_key(_task_name(task, kinds))}]"
    if not kinds:
        yield "rest = true" + (
            ""
            if REST in task.lower() or not task
            else "  # check: no events were found; effconn series … --events PATTERN says where they are"
        )
        return
    names = toml_names(kinds)
    for name, kind in zip(names, kinds, strict=True):
        yield f"conditions.{toml_key(name)} = {toml_text([kind])}"
    if len(names) > 1:
        guess = guess_contrast(names)
        first, second = guess.names or names[:2]
        yield f"contrasts.{first}-over-{second} = {toml_text(f'{first} - {second}')}  # check: {_comment(guess.reason)}"


def _task_name(task: str, kinds: Sequence[str]) -> str:
    return task or ("task" if kinds else REST)


def _model_sections(survey: SeriesSurvey, events: StarterEvents | None) -> Iterator[str]:
    task, kinds = next(iter(events.trial_types.items()), ("", ())) if events is not None else ("", ())
    yield "[measures]"
    yield f"kinds = {toml_text(['gppi', 'dcm'] if kinds else ['rest'])}"
    regions = toml_names(_named_regions(survey))[:MODELLED]
    if not kinds or not regions:
        return
    yield ""
    yield "[dcm]"
    yield f"task = {toml_text(_task_name(task, kinds))}"
    yield f"regions = {toml_text(regions)}  # check: the first {len(regions)}; choose those of your hypothesis"
    yield f"inputs.task = {toml_text(toml_names(kinds))}"
    yield 'a = "full"'
    changed, through = toml_names(kinds)[0], " <- ".join(regions[1::-1])
    yield "# An input of its own for a condition that changes connections, and which:"
    yield f"# inputs.{toml_key(changed)} = {_comment(toml_text([changed]))}"
    yield f"# b.{toml_key(changed)} = {_comment(toml_text([through]))}"
    yield f"c.task = {toml_text(regions[:1])}  # check: where the task drives the network"
    yield ""
    yield "[group.mean]"
    sessions = [f"ses-{label}" for label in survey.labels("session")]
    if len(sessions) > 1:
        of = [f"ses-{label}" for label in order_visits(survey.labels("session")) or [PLACEHOLDER, PLACEHOLDER]]
        asked = PLACEHOLDER if PLACEHOLDER in of[0] else f"{of[-1]} - {of[0]}"
        yield f'of = {toml_text(asked)}  # check: or a session, "mean", "visits", or levels: "ketamine - placebo"'
    yield 'fields = ["A"]  # and "B" where conditions change connections'
    yield 'design = "1"  # the mean of all participants; with covariates: 1 + group + age'


def _comment(text: str) -> str:
    return visible_text(text)
