"""`effconn demo`: a trial that never was, simulated, inverted, and held against what was planted in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ._atomic import atomic_write
from ._demo_page import build_page
from ._demo_result import DemoProgress, DemoResult, compute
from ._demo_tables import group_records
from ._figure_style import save_figure
from ._report import pictures, write_page
from ._trial import Design


def run_demo(
    out: Path,
    *,
    seed: int = 0,
    progress: DemoProgress | None = None,
    design: Design = Design(),  # noqa: B008 - frozen
) -> Path:
    """Simulate the two-arm, two-session trial, invert all visits as one cohort, compare the arms at the group
    level, and write page, tables and pictures.

    Arguments:
        out: folder of the results; made where missing.
        seed: of everything drawn; the same seed gives the same tables and SVG pictures.
        progress: called with the stage ('simulate', 'invert', 'group level', …), what is done of it and all of it.
        design: what is planted.

    Returns the path of the page. A visit that fails is named on it and the others go on; raises `ValueError` where too
    few are left in an arm.
    """
    result = compute(design, seed, progress or (lambda stage, done, total: None))
    page = build_page(result)
    drawn = pictures(page.sections)
    for number, picture in enumerate(drawn):
        save_figure(picture.figure, out / "figures", picture.name)
        if progress is not None:
            progress("draw", number + 1, len(drawn))
    _write_tables(result, out)
    for records in group_records(result.group):
        records.write(out)
    return write_page(page, out / "index.html")


def _write_tables(result: DemoResult, out: Path) -> None:
    trial, recovery = result.trial, result.recovery
    first = [visit for visit in trial.visits if visit.session == 1]
    _write_tsv(
        out / "participants.tsv",
        ("participant_id", "arm", "improvement"),
        ((visit.participant, visit.arm, f"{visit.improvement:.4f}") for visit in first),
    )
    names, layout = trial.spec.parameter_names, trial.spec.layout
    truth = [np.asarray(layout.to_vector(visit.planted)) for visit in trial.visits]
    _write_tsv(
        out / "truth.tsv",
        ("participant_id", "session", "parameter", "planted"),
        (
            (visit.participant, str(visit.session), names[i], f"{values[i]:.6f}")
            for visit, values in zip(trial.visits, truth, strict=True)
            for i in recovery.free
        ),
    )
    _write_tsv(
        out / "connectivity.tsv",
        ("participant_id", "arm", "session", "parameter", "planted", "posterior_mean", "posterior_sd"),
        (
            (visit.participant, visit.arm, str(visit.session), name, *(f"{value:.6f}" for value in values))
            for row, visit in enumerate(recovery.visits)
            for name, *values in zip(
                recovery.names, recovery.planted[row], recovery.mean[row], recovery.sd[row], strict=True
            )
        ),
    )


def _write_tsv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with atomic_write(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
