"""The demo, on a smaller trial: it finds what was planted, compares the arms, repeats, and survives a failed visit."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipeline._demo as demo_module
import pipeline._demo_group as demo_group
import pipeline._demo_result as demo_result
from dcm import Failure, Posterior, Settings, Subject, invert_cohort
from peb import MEAN, SamplingSettings
from pipeline._demo import run_demo
from pipeline._demo_group import IMPROVEMENT, place_of
from pipeline._demo_result import DemoResult, compute
from pipeline._trial import Design

SMALL = Design(ketamine=4, midazolam=4, scans=160)
FEW = SamplingSettings(chains=2, warmup=100, draws=200)
HOSTILE = "failed: <b>no</b> & never"

Heard = list[tuple[str, int, int]]


@pytest.fixture(scope="module", autouse=True)
def few_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_group, "SAMPLING", FEW)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Heard, DemoResult]:
    """A finished demo, what was heard of its progress, and the numbers behind its page."""
    heard: Heard = []
    kept: list[DemoResult] = []

    def keep(*arguments: Any) -> DemoResult:
        kept.append(compute(*arguments))
        return kept[-1]

    folder = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_module, "compute", keep)
        page = run_demo(folder, seed=5, design=SMALL, progress=lambda *news: heard.append(news))
    assert page == folder / "index.html"
    return folder, heard, kept[0]


@pytest.fixture(scope="module")
def demo(finished: tuple[Path, Heard, DemoResult]) -> tuple[Path, Heard]:
    return finished[:2]


@pytest.fixture(scope="module")
def result(finished: tuple[Path, Heard, DemoResult]) -> DemoResult:
    return finished[2]


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
    assert len(pictures) == 32
    assert {Path(name).suffix for name in pictures} == {".svg", ".png"}
    assert not list(folder.rglob(".*"))
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert html.count("<svg") == 16
    for needed in ("Simulated data.", "effconn demo --seed 5", "16 of 16 inversions converged", "Versions"):
        assert needed in html


def test_progress_tells_each_stage_to_its_end(demo: tuple[Path, Heard]) -> None:
    _, heard = demo
    last = {stage: (done, total) for stage, done, total in heard}
    assert last == {
        "simulate": (16, 16),
        "invert": (32, 32),
        "group level": (3, 3),
        "check by sampling": (1, 1),
        "draw": (16, 16),
    }


def test_page_ends_with_the_arm_comparison(demo: tuple[Path, Heard]) -> None:
    html = (demo[0] / "index.html").read_text(encoding="utf-8")
    answers = html[: html.index("<figure")]
    last, asked = (
        answers.rindex("go with improvement under ketamine only"),
        answers.index("differently in the two arms"),
    )
    assert answers.index("Can the fits be trusted?") < asked < last
    densities = html[html.index("The arms beside each other") :]
    assert densities.count("<figure") == 4
    assert densities.count("Planted") >= 4


def test_planted_values_stand_beside_found_ones(demo: tuple[Path, Heard], result: DemoResult) -> None:
    centre = result.group.centre
    rows = {(row["road"], row["covariate"], row["connection"]): row for row in _read(demo[0] / "arms.tsv")}
    assert len(rows) == 8
    for road in ("one group", "third level"):
        for covariate, scale in ((MEAN, centre), (IMPROVEMENT, 1.0)):
            inhibition = rows[road, covariate, "amygdala ← vmPFC (faces)"]
            assert float(inhibition["planted_first"]) == pytest.approx(-0.03 * scale)
            assert float(inhibition["planted_difference"]) == pytest.approx(-0.03 * scale)
            excitation = rows[road, covariate, "vmPFC ← amygdala (faces)"]
            assert float(excitation["planted_second"]) == pytest.approx(-0.03 * scale)
            assert float(excitation["planted_difference"]) == 0


def test_planted_group_effects_add_up_to_those_of_the_arms(demo: tuple[Path, Heard]) -> None:
    planted = {
        row["covariate"]: float(row["planted_mean"])
        for row in _read(demo[0] / "effects.tsv")
        if row["connection"].startswith("amygdala")
    }
    common, apart = planted[IMPROVEMENT], planted["arm[midazolam]×improvement"]
    assert common - apart == pytest.approx(-0.03)  # ketamine is coded −1
    assert common + apart == pytest.approx(0.0)


def test_lines_of_the_pictures_are_the_group_s(result: DemoResult) -> None:
    group = result.group
    for change in group.changes:
        for k, covariate in enumerate((MEAN, IMPROVEMENT)):
            found = group.comparison(covariate)
            arm = found.first if change.arm == found.arms[0] else found.second
            place = place_of(found, change.to)
            assert change.effect.mean[k] == pytest.approx(arm.mean[place])
            assert change.effect.sd[k] == pytest.approx(arm.sd[place])


def test_the_group_brings_participants_nearer_to_what_was_planted(result: DemoResult) -> None:
    alone = np.concatenate([change.mean - change.planted for change in result.group.changes])
    together = np.concatenate([change.in_group - change.planted for change in result.group.changes])
    assert (together**2).mean() < (alone**2).mean()


def test_same_seed_same_bytes(demo: tuple[Path, Heard], tmp_path: Path) -> None:
    run_demo(tmp_path, seed=5, design=SMALL)
    compared = [*demo[0].glob("*.tsv"), *demo[0].glob("figures/*.svg")]
    assert len(compared) == 22
    for path in compared:
        assert path.read_bytes() == (tmp_path / path.relative_to(demo[0])).read_bytes(), path.name


def test_a_visit_that_fails_is_named_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_fails(
        subjects: Sequence[Subject], settings: Settings, on_progress: Callable[[int, int], None]
    ) -> list[Posterior | Failure]:
        found = invert_cohort(subjects, settings, on_progress)
        return [Failure(subjects[0].name, HOSTILE), *found[1:]]

    monkeypatch.setattr(demo_result, "invert_cohort", one_fails)
    html = run_demo(tmp_path, seed=5, design=SMALL).read_text(encoding="utf-8")
    assert "1 of 16 visits could not be inverted." in html
    assert "sub-01_ses-1: failed: &lt;b&gt;no&lt;/b&gt; &amp; never" in html
    assert "<b>no" not in html
    assert "15 of 16 inversions converged" in html
    assert len(_read(tmp_path / "connectivity.tsv")) == 15 * 12
    assert "sub-01_ses-2: there is no ses-1 of sub-01" in html
    assert "of 7 participants: mean, arm, improvement" in html


def test_too_few_left_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        demo_result, "invert_cohort", lambda subjects, *_: [Failure(one.name, "failed: no") for one in subjects]
    )
    with pytest.raises(ValueError, match="no visit was inverted"):
        run_demo(tmp_path, seed=5, design=SMALL)
    assert list(tmp_path.iterdir()) == []


def test_an_arm_with_too_few_complete_participants_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ketamine_fails(
        subjects: Sequence[Subject], settings: Settings, on_progress: Callable[[int, int], None]
    ) -> list[Posterior | Failure]:
        found = invert_cohort(subjects, settings, on_progress)
        return [*(Failure(one.name, "failed: no") for one in subjects[:4]), *found[4:]]

    monkeypatch.setattr(demo_result, "invert_cohort", ketamine_fails)
    with pytest.raises(ValueError, match="only 2 participants of the ketamine arm have both sessions"):
        run_demo(tmp_path, seed=5, design=SMALL)
    assert list(tmp_path.iterdir()) == []
