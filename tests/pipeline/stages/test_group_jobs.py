"""What a study's group analyses take of visits, from posteriors on disk to the group."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_posterior import made_up_posterior

from pipeline.bids import GroupRows
from pipeline.results import posterior_dataset, write_dataset
from pipeline.stages._group import GroupJob, _run_analysis, _taken_visits
from pipeline.study import GroupAnalysis, VisitSelection

PARTICIPANTS, PARAMETER = 8, "A[amygdala<-vmPFC]"


@pytest.fixture(scope="module")
def posteriors(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A drug at the first visit of every second participant adds 0.6 Hz to one connection; sub-03 came once."""
    folder, rng = tmp_path_factory.mktemp("posteriors"), np.random.default_rng(0)
    base = made_up_posterior()
    free = base.prior.covariance[np.ix_(base.free, base.free)]
    place = base.spec.parameter_names.index(PARAMETER)
    files = []
    for i in range(PARTICIPANTS):
        own = rng.normal(0, 0.1)
        for visit in (1, 2):
            if (i, visit) == (2, 2):
                continue
            mean = base.prior.mean.copy()
            mean[base.free] += 0.02 * rng.normal(size=base.free.size)
            mean[place] += own + 0.6 * (_drug(i, visit) == "ketamine")
            found = replace(base, mean=mean, covariance=free / 100, settings=replace(base.settings, compat="none"))
            name = f"sub-{i + 1:02d}_ses-{visit}"
            files.append(write_dataset(folder / f"{name}.nc", posterior_dataset(found, name=name, attrs={})))
    return tuple(sorted(folder.glob("*.nc")))


def _drug(i: int, visit: int) -> str:
    return ("ketamine", "placebo")[(i + visit) % 2]


def job(posteriors: tuple[Path, ...], of: str, folder: Path) -> GroupJob:
    """A crossover's analysis of one kind, as a worker gets it."""
    visits = {(i, v): f"sub-{i + 1:02d}_ses-{v}" for i in range(PARTICIPANTS) for v in (1, 2) if (i, v) != (2, 2)}
    names, participants, columns, weights = [], [], [], []
    for i in range(PARTICIPANTS):
        own = {v: visits[i, v] for v in (1, 2) if (i, v) in visits}
        if of == "visits":
            for v, name in own.items():
                names.append(name)
                participants.append(f"sub-{i + 1:02d}")
                columns.append(_drug(i, v))
                weights.append({name: 1.0})
        else:
            sign = {v: 1.0 if _drug(i, v) == "ketamine" else -1.0 for v in own}
            if of == "mean" or len(own) == 2:
                names.append(f"sub-{i + 1:02d}")
                participants.append(f"sub-{i + 1:02d}")
                columns.append("AB"[i % 2])
                weights.append({name: 1.0 if of == "mean" else sign[v] for v, name in own.items()})
    column = "drug" if of == "visits" else "sequence"
    rows = GroupRows(tuple(names), tuple(participants), {column: tuple(columns)}, tuple(weights), ())
    table = folder / "design.tsv"
    lines = [f"{name}\t{cell}" for name, cell in zip(names, columns, strict=True)]
    table.write_text(f"participant_id\t{column}\n" + "\n".join(lines) + "\n")
    kind = of if of in ("mean", "visits") else "contrast"
    selection = VisitSelection(kind, {} if kind != "contrast" else {"ketamine": 1.0, "placebo": -1.0}, False)  # type: ignore[arg-type]  # one of three
    contrasts = {"drug": "ketamine - placebo"} if of == "visits" else {}
    settings = GroupAnalysis(design=f"1 + {column}", contrasts=contrasts, fields=("A",), of=of)
    taken = _taken_visits(selection, rows)
    reference = {"drug": "placebo"} if of == "visits" else {}
    return GroupJob("x", settings, None, (), selection, taken, posteriors, table, folder, {}, reference)


@pytest.mark.parametrize(
    ("of", "covariate", "planted", "title"),
    [
        ("visits", "drug[ketamine]", 0.6, "all visits in 8 participants"),
        ("ketamine - placebo", "mean", 0.6, "the contrast ketamine − placebo of visits in 7 participants"),
        ("mean", "mean", 0.3, "the average over visits in 8 participants"),
    ],
)
def test_what_was_planted_is_found_in_what_is_taken_of_visits(
    posteriors: tuple[Path, ...], tmp_path: Path, of: str, covariate: str, planted: float, title: str
) -> None:
    report = _run_analysis(job(posteriors, of, tmp_path))
    assert report.title.endswith(title)
    (effects,) = (records for records in report.records if records.name == "effects")
    (row,) = [row for row in effects.rows if (row["covariate"], row["parameter"]) == (covariate, PARAMETER)]
    assert row["mean"] == pytest.approx(planted, abs=0.12)
    assert row["verdict"] == "yes"
    if of == "visits":
        (contrasts,) = (records for records in report.records if records.name == "contrasts")
        (contrast,) = [row for row in contrasts.rows if row["parameter"] == PARAMETER]
        assert contrast["mean"] == pytest.approx(row["mean"], abs=1e-9)
    if of != "ketamine - placebo":
        assert "8 participants, 15 visits; 1 has one visit only" in report.summary["notes"]
