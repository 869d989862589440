"""The configuration file of an example, as a user would write it for a study of that shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..study import SCHEMA_FILE
from ._example_design import ExampleDesign, Source
from ._study_config import region_text

SERIES_FOLDER = "series"
_CONFOUNDS = """
[confounds]                                # columns of fMRIPrep's table that are taken out of every series
strategy = ["motion", "wm_csf"]

"""


def table_suffix(design: ExampleDesign) -> str:
    """Of tables beside the series."""
    return ".csv" if design.decimal_commas else ".tsv"


def example_text(design: ExampleDesign, source: Source) -> str:
    """The whole file."""
    return "".join(_parts(design, source))


def _parts(design: ExampleDesign, source: Source) -> Iterator[str]:
    yield f"#:schema {SCHEMA_FILE}\n# A synthetic study: {design.shape}.\n"
    yield "# effconn check study.toml says what is there and what is missing; effconn run study.toml does it all.\n"
    yield f'\n[study]\nname = "{design.title}, a synthetic study"\n'
    if source == "images":
        yield 'bids = "bids"                              # paths are relative to this file\n'
        yield 'derivatives = "bids/derivatives/fmriprep"\n'
    else:
        yield from _series(design)
    yield from _participants(design, source)
    yield from _sessions(design)
    if design.drugs and source == "series":
        yield "\n[visits]                                   # what differs between the visits of a participant\n"
        yield f'table = "visits{table_suffix(design)}"\n'
    text = design.text
    if source == "images":
        yield _CONFOUNDS
        for name in design.model.regions:
            yield region_text(name)
        text = text.removeprefix("\n")
    yield text


def _series(design: ExampleDesign) -> Iterator[str]:
    suffix = table_suffix(design)
    parts = ["sub-{participant}", *(["ses-{session}"] if design.sessions else []), "task-{task}"]
    parts += ["run-{run}"] if design.runs > 1 else []
    head = "_".join(parts)
    yield "\n[series]                                   # region series instead of images\n"
    yield f'files = "{SERIES_FOLDER}/{head}_timeseries{suffix}"\n'
    yield f'unit = "percent"\nregions = [{_quoted(design.model.regions)}]\n'
    if design.decimal_commas:
        yield f"repetition_time = {design.repetition_time:g}                      # s; no sidecar says it\n"
    if not design.rest:
        yield f'events = "{SERIES_FOLDER}/{head}_events{suffix}"\n'


def _participants(design: ExampleDesign, source: Source) -> Iterator[str]:
    lines = [] if source == "images" else [f'table = "participants{table_suffix(design)}"']
    names = _quoted(design.groups)
    if design.is_trial:
        lines.append(f"arms = [{names}]   # column arm; differences are each minus the last")
    elif design.groups:
        lines += [f'group = "{design.group_column}"', f"groups = [{names}]      # differences are minus the last"]
    if lines:
        yield "\n".join(["", "[participants]", *lines, ""])


def _sessions(design: ExampleDesign) -> Iterator[str]:
    if not design.sessions:
        return
    if len(design.sessions) == 2 and not design.drugs:
        before, after = design.sessions
        yield f'\n[sessions]\nbefore = "{before}"\nafter = "{after}"\n'
    else:
        yield f"\n[sessions]\norder = [{_quoted(design.sessions)}]\n"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
