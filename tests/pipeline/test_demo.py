"""The demo, on a smaller trial: it finds what was planted, repeats, and survives a visit that fails."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import pipeline._demo_result as demo_result
from dcm import Failure, Posterior, Settings, Subject, invert_cohort
from pipeline._demo import run_demo
from pipeline._trial import Design

SMALL = Design(ketamine=4, midazolam=4, scans=160)
HOSTILE = "failed: <b>no</b> & never"

Heard = list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Heard]:
    """A finished demo and what was heard of its progress."""
    heard: Heard = []
    folder = tmp_path_factory.mktemp("demo") / "out"
    page = run_demo(folder, seed=5, design=SMALL, progress=lambda *news: heard.append(news))
    assert page == folder / "index.html"
    return folder, heard


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_tables_hold_every_visit_and_parameter(demo: tuple[Path, Heard]) -> None:
    folder, _ = demo
    assert len(_read(folder / "participants.tsv")) == 8
    truth, found = _read(folder / "truth.tsv"), _read(folder / "connectivity.tsv")
    assert len(truth) == len(found) == 16 * 12
    assert [row["planted"] for row in truth] == [row["planted"] for row in found]
    assert {row["session"] for row in found} == {"1", "2"}


def test_intervals_hold_the_planted_values(demo: tuple[Path, Heard]) -> None:
    rows = _read(demo[0] / "connectivity.tsv")
    inside = [
        abs(float(row["posterior_mean"]) - float(row["planted"])) <= 1.645 * float(row["posterior_sd"]) for row in rows
    ]
    assert 0.8 < sum(inside) / len(inside) < 0.99


def test_page_pictures_and_nothing_half_written(demo: tuple[Path, Heard]) -> None:
    folder, _ = demo
    pictures = sorted(path.name for path in (folder / "figures").iterdir())
    assert len(pictures) == 20
    assert {Path(name).suffix for name in pictures} == {".svg", ".png"}
    assert not list(folder.rglob(".*"))
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert html.count("<svg") == 10
    for needed in ("Simulated data.", "effconn demo --seed 5", "16 of 16 inversions converged", "Versions"):
        assert needed in html


def test_progress_tells_each_stage_to_its_end(demo: tuple[Path, Heard]) -> None:
    _, heard = demo
    last = {stage: (done, total) for stage, done, total in heard}
    assert last == {"simulate": (16, 16), "invert": (32, 32), "draw": (10, 10)}


def test_same_seed_same_bytes(demo: tuple[Path, Heard], tmp_path: Path) -> None:
    run_demo(tmp_path, seed=5, design=SMALL)
    compared = [*demo[0].glob("*.tsv"), *demo[0].glob("figures/*.svg")]
    assert len(compared) == 13
    for path in compared:
        assert path.read_bytes() == (tmp_path / path.relative_to(demo[0])).read_bytes(), path.name


def test_a_visit_that_fails_is_named_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_fails(
        subjects: Sequence[Subject], settings: Settings, on_progress: Callable[[int, int], None]
    ) -> list[Posterior | Failure]:
        rest = invert_cohort(subjects[1:], settings, on_progress)
        return [Failure(subjects[0].name, HOSTILE), *rest]

    monkeypatch.setattr(demo_result, "invert_cohort", one_fails)
    html = run_demo(tmp_path, seed=5, design=SMALL).read_text(encoding="utf-8")
    assert "1 of 16 visits could not be inverted." in html
    assert "sub-01_ses-1: failed: &lt;b&gt;no&lt;/b&gt; &amp; never" in html
    assert "<b>no" not in html
    assert "15 of 16 inversions converged" in html
    assert len(_read(tmp_path / "connectivity.tsv")) == 15 * 12


def test_too_few_left_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        demo_result, "invert_cohort", lambda subjects, *_: [Failure(one.name, "failed: no") for one in subjects]
    )
    with pytest.raises(ValueError, match="no visit was inverted"):
        run_demo(tmp_path, seed=5, design=SMALL)
    assert list(tmp_path.iterdir()) == []
