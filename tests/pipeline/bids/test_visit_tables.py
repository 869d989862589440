"""What a table of visits leaves out of an analysis, or leaves open, is said before anything runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from series_study import SCANS, TR, write_participants, write_study

from pipeline.bids import check_groups, group_remarks
from pipeline.series import collect_series
from pipeline.study import read_study

DRUGS = ("ketamine", "midazolam", "placebo")
HEADER = "participant_id\tsession_id\tdrug\tperiod\n"
VISITS = "".join(
    f"sub-{number}\tses-{session}\t{DRUGS[(number + session) % 3]}\tp{session}\n"
    for number in range(1, 7)
    for session in range(1, 4)
)
SESSIONS = '[sessions]\norder = ["ses-1", "ses-2", "ses-3"]\n\n[visits]\ntable = "visits.tsv"\n'
UNNAMED = 'of = "visits"\ndesign = "1 + drug"'
EACH = f'{UNNAMED}\nreference = {{ drug = "placebo" }}'
CONTRAST = 'of = "ketamine - placebo"'
SOMETIMES = VISITS.replace("sub-2\tses-2\tmidazolam", "sub-2\tses-2\tn/a")


@pytest.fixture(scope="module")
def crossover(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six participants, each in three sessions, as tables of series."""
    folder = tmp_path_factory.mktemp("crossover")
    write_participants(folder, {str(number): ("drug", "placebo")[number % 2] for number in range(1, 7)})
    (folder / "series").mkdir()
    table = "\n".join("\t".join(map(str, row)) for row in np.random.default_rng(1).normal(size=(SCANS, 2)).tolist())
    for number in range(1, 7):
        for session in range(1, 4):
            (folder / "series" / f"{number}_{session}.tsv").write_text(f"LH_PFC_1\tAMY\n{table}\n", encoding="utf-8")
    return folder


def _lines(folder: Path, visits: str | Callable[[Path], None], analysis: str) -> list[str]:
    """Everything that is said of the one analysis and of the table."""
    more = f'repetition_time = {TR}\nevents = "task-{{task}}_events.tsv"'
    path = write_study(folder, '"series/{participant}_{session}.tsv"', more=more)
    head, _, tail = path.read_text(encoding="utf-8").partition("[sessions]")
    rest = tail.partition("\n\n")[2].partition("[group.")[0]
    head = head.replace('compat = "spm12"', "")
    path.write_text(f"{head}{SESSIONS}\n{rest}\n[group.drugs]\n{analysis}\n", encoding="utf-8")
    table = folder / "visits.tsv"
    table.unlink(missing_ok=True)
    if callable(visits):
        visits(table)
    else:
        table.write_text(HEADER + visits, encoding="utf-8")
    study = read_study(path)
    inventory = collect_series(study)
    errors = [*inventory.errors, *check_groups(study, inventory)]
    return [*errors, *([] if errors else group_remarks(study, inventory)), *inventory.remarks]


@pytest.mark.parametrize(
    ("visits", "analysis", "said"),
    [
        (VISITS, EACH, None),
        (VISITS, CONTRAST, None),
        (VISITS, UNNAMED, None),
        (
            VISITS.replace("midazolam", "esketamine"),
            UNNAMED,
            "levels of drug are compared with placebo, which is guessed",
        ),
        (VISITS, 'of = "ses-2 - ses-1"', 'of = "ketamine - midazolam" compares them within participants'),
        (SOMETIMES, EACH, "left out, no drug"),
        (VISITS.replace("sub-2\tses-3\tplacebo", "sub-2\tses-3\tn/a"), CONTRAST, "sub-2: left out, no placebo"),
        (VISITS.replace("sub-2\tses-2\tmidazolam", "sub-2\tses-2\tketamine"), CONTRAST, "their average counts"),
        (VISITS.replace("p1", "ketamine").replace("p2", "placebo"), CONTRAST, "are in the columns drug, period of"),
        (VISITS, 'of = "ketamine - p1"', "no column of [visits] has all of ketamine, p1"),
        (VISITS, 'of = "ses-2 - ses-1"\ndesign = "1 + drug"', "'drug' differs between visits, and a row is of several"),
        (VISITS.replace("sub-3\t", "sub-33\t"), EACH, "rows of sub-33 are of no participant"),
        (VISITS, 'of = "ses-1"\ndesign = "1 + period2"', "did you mean 'period'"),
        (VISITS, f"{EACH}\ncontrasts.a = 'ketamine - x'\ncontrasts.b = ''", "contrasts.b: a contrast is a text"),
        (VISITS.replace("sub-5\tses-1\tketamine", "sub-5\tses-1\tother"), EACH, "sub-5_ses-1 alone is other of drug"),
        (
            VISITS.replace("sub-5\tses-1\tketamine", "sub-5\tses-1\tother").replace(
                "sub-5\tses-2\tmidazolam", "sub-5\tses-2\tother"
            ),
            EACH,
            "sub-5 alone is other of drug, so that other rests on sub-5",
        ),
        (os.mkfifo, EACH, "it is a pipe or a device"),
    ],
)
def test_what_a_table_of_visits_leaves_open_is_said(
    crossover: Path, visits: str | Callable[[Path], None], analysis: str, said: str | None
) -> None:
    lines = _lines(crossover, visits, analysis)
    about = [line for line in lines if "lack sub-" not in line]
    assert (about == []) if said is None else any(said in line for line in about), about
