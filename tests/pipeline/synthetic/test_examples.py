"""Examples of designs: what is written is what a study of that shape has, and what is asked is what was planted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import effconn

from pipeline.bids import GroupRows, group_rows
from pipeline.cli import _demo
from pipeline.cli._demo import NAMES
from pipeline.common import UsageError
from pipeline.page import AnalysisReport, Column, Records
from pipeline.series import collect_series
from pipeline.study import GroupAnalysis, model_specs, read_study
from pipeline.study._expressions import parse_contrast
from pipeline.synthetic import DESIGNS, ExampleDesign, StudyDesign, read_example_truth, write_example, write_study
from pipeline.synthetic import _example_participants as drawing
from pipeline.synthetic._example_config import example_text
from pipeline.synthetic._example_design import EXCITATION, INHIBITION, AskedEffect
from pipeline.synthetic._example_participants import circuit_spec, draw_example
from pipeline.synthetic._example_recovery import RecoveredEffect, recover_effects, verdict_of_effects
from pipeline.synthetic._example_truth import ExampleTruth
from pipeline.tables import read_table

ROOT = Path(__file__).parents[3]
TWO = replace(DESIGNS["crossover"], size=2, missing=((2, "ses-2"),))
NOT_DRAWN = ("CONNECTION_SD", "DRIVE_SD", "MODULATION_SD", "RETEST_SD", "SELF_SD", "HAEMODYNAMIC_SD")


def files_of(folder: Path) -> Iterator[Path]:
    return (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())


def test_the_command_names_every_design() -> None:
    assert tuple(DESIGNS) == NAMES
    assert all(name in " ".join(effconn("demo", "--help").stdout.split()) for name in ("crossover", "--series"))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--design", "cross-over"), "did you mean 'crossover'?"),
        (("--series",), "--series is of a --design"),
    ],
)
def test_options_that_would_be_ignored_are_refused(options: tuple[str, ...], problem: str, tmp_path: Path) -> None:
    done = effconn("demo", *options, "--out", tmp_path / "demo")
    assert done.returncode == 2
    assert problem in done.stderr
    assert not (tmp_path / "demo").exists()


def test_a_quick_demo_of_a_design_is_one_of_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def write(*asked: object) -> Path:
        written.append(asked)
        raise UsageError("enough")

    monkeypatch.setattr(_demo, "write_example_study", write)
    assert _demo.command(out=tmp_path, design="sites", seed=0, quick=True, series=False, jobs=1, debug=False) == 2
    assert written == [(tmp_path, "sites", 0, True)]


def test_images_are_a_bids_dataset_and_sessions_have_their_drug(tmp_path: Path) -> None:
    file = write_example(tmp_path, TWO, seed=2)
    study = read_study(file)
    assert (study.sessions.order, study.participants.group_column) == (("ses-1", "ses-2"), None)
    images = sorted(path.name for path in tmp_path.rglob("*desc-preproc_bold.nii.gz"))
    assert [name[:22] for name in images] == [
        "sub-01_ses-1_task-face",
        "sub-01_ses-2_task-face",
        "sub-02_ses-1_task-face",
    ]
    first = next(tmp_path.rglob("*desc-preproc_bold.nii.gz"))
    assert nib.load(first).header.get_zooms()[3] == 1.5
    table = read_table(tmp_path / "bids/sub-01/sub-01_sessions.tsv")
    assert (table.column("session_id"), table.column("drug")) == (("ses-1", "ses-2"), ("ketamine", "placebo"))
    assert read_table(tmp_path / "bids/participants.tsv").column("sequence") == ("ketamine-first", "placebo-first")


def test_one_session_has_no_folder_of_its_own_and_runs_have_numbers(tmp_path: Path) -> None:
    write_example(tmp_path, replace(DESIGNS["multi-run"], size=1))
    raw = [path for path in files_of(tmp_path / "bids/sub-01") if path.suffix == ".tsv"]
    assert [str(path) for path in raw] == [f"func/sub-01_task-faces_run-{run}_events.tsv" for run in (1, 2, 3)]


def test_european_series_have_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    write_example(tmp_path, replace(DESIGNS["series-only"], size=2))
    assert (tmp_path / "participants.csv").read_text(encoding="utf-8").startswith("participant_id;diagnosis;age\n")
    table = read_table(tmp_path / "series/sub-01_task-faces_timeseries.csv")
    assert (table.columns, len(table.rows)) == (("vmPFC", "amygdala"), 80)
    assert read_study(tmp_path / "study.toml").series.repetition_time == 1.5  # type: ignore[union-attr]  # there is one


def test_sites_keep_their_repetition_time(tmp_path: Path) -> None:
    write_example(tmp_path, replace(DESIGNS["sites"], size=2), source="series")
    sidecars = sorted((tmp_path / "series").glob("*.json"))
    times = [json.loads(path.read_text(encoding="utf-8"))["RepetitionTime"] for path in sidecars]
    assert times == [1.5, 2.0, 1.5, 2.0]


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    for folder, seed in ((first, 3), (second, 3), (other, 4)):
        write_example(folder, replace(DESIGNS["longitudinal"], size=3), seed=seed, source="series")
    names = list(files_of(first))
    assert names == list(files_of(second)) == list(files_of(other))
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
    run = "series/sub-01_ses-1_task-faces_timeseries.tsv"
    assert (first / run).read_bytes() != (other / run).read_bytes()


def test_another_study_is_not_written_over(tmp_path: Path) -> None:
    small = replace(DESIGNS["one-group"], size=1)
    write_example(tmp_path / "a", small, source="series")
    write_example(tmp_path / "a", small, source="series", seed=1)
    with pytest.raises(ValueError, match="the design one-group, from series"):
        write_example(tmp_path / "a", DESIGNS["sites"], source="series")
    with pytest.raises(ValueError, match="another synthetic study"):
        write_study(tmp_path / "a", design=StudyDesign())
    (tmp_path / "b" / "bids").mkdir(parents=True)
    with pytest.raises(ValueError, match="is not of a synthetic study"):
        write_example(tmp_path / "b", small)


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_the_study_s_models_are_the_one_that_made_it(design: ExampleDesign, tmp_path: Path) -> None:
    file = write_example(tmp_path, replace(design, size=1, missing=()), source="series")
    for dcm in read_study(file).dcms.values():
        assert model_specs(dcm)["main"] == circuit_spec(design.model)


def test_truth_is_read_as_it_was_planted(tmp_path: Path) -> None:
    write_example(tmp_path, TWO, seed=5, source="series")
    truth, (first, second) = read_example_truth(tmp_path), draw_example(TWO, 5)
    assert list(truth.connectivity) == ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"]
    for visit in (*first.visits, *second.visits):
        assert truth.connectivity[visit.label] == pytest.approx(dict(visit.planted), rel=1e-6)
    assert [asked.effect for asked in truth.asked] == ["mean", "drug", "period"]
    assert truth.asked[0].planted == {INHIBITION: -0.6, EXCITATION: 0.0}


@pytest.fixture
def without_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Participants and visits who differ by what was planted alone."""
    for name in NOT_DRAWN:
        monkeypatch.setattr(drawing, name, 0.0)


def found_effects(*found: tuple[str, float, float, str]) -> tuple[RecoveredEffect, ...]:
    """What an analysis found of one effect: parameter, planted, mean, verdict; intervals of ±0.1 Hz."""
    planted = {parameter: value for parameter, value, _, _ in found}
    truth = ExampleTruth("one-group", {}, (AskedEffect("faces", "mean", "mean", planted),))
    numbers = [(name, {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}, said) for name, _, mean, said in found]
    rows = [{"covariate": "mean", "parameter": name, **own, "verdict": said} for name, own, said in numbers]
    records = Records("effects", "", "", tuple(Column(key, key) for key in rows[0]), rows)
    return recover_effects(truth, {"faces": AnalysisReport("fit", "", "", (), (records,), tuple, ())})


@pytest.mark.parametrize(
    ("inhibition", "excitation", "verdict"),
    [
        ((-0.6, -0.5, "yes"), (0.0, 0.1, "open"), "yes"),
        ((-0.6, -0.5, "open"), (0.0, 0.1, "no"), "open"),
        ((-0.6, -0.5, "yes"), (0.4, 0.1, "open"), "partly"),
        ((-0.6, 0.5, "yes"), (0.0, 0.1, "open"), "no"),
        ((-0.6, -0.5, "yes"), (0.0, 0.3, "yes"), "no"),
        ((0.0, 0.0, "no"), (0.0, 0.0, "open"), "yes"),
    ],
)
def test_what_is_called_must_have_been_planted_and_with_that_sign(
    inhibition: tuple[float, float, str], excitation: tuple[float, float, str], verdict: str
) -> None:
    effects = found_effects((INHIBITION, *inhibition), (EXCITATION, *excitation))
    assert verdict_of_effects(effects) == verdict
    assert effects[0].holds == (abs(inhibition[0] - inhibition[1]) <= 0.1)


def test_the_page_of_designs_quotes_the_files() -> None:
    page = (ROOT / "docs/designs.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"(?ms)^## ([a-z-]+): .*?```toml\n(.*?)```", page))
    assert list(parts) == list(DESIGNS)
    for name, text in parts.items():
        for section in text.strip().split("\n\n"):
            assert section in example_text(DESIGNS[name], "images"), name


def implied(analysis: GroupAnalysis, rows: GroupRows, effect: str, values: np.ndarray) -> float:
    """A contrast of means, the mean, or a slope, of values without chance."""
    if effect in analysis.contrasts:
        weights = parse_contrast(analysis.contrasts[effect])
        cells = np.array(list(rows.columns.values()))
        return sum(weight * float(values[(cells == level).any(axis=0)].mean()) for level, weight in weights.items())
    if effect == "mean":
        return float(values.mean())
    numbers = [name for name, cells in rows.columns.items() if cells[0].replace(".", "").isdigit()]
    columns = np.array([np.ones(values.size), *(np.array(rows.columns[name], dtype=float) for name in numbers)])
    return float(np.linalg.lstsq(columns.T, values, rcond=None)[0][1 + numbers.index(effect)])


@pytest.mark.usefixtures("without_chance")
@pytest.mark.parametrize("name", [name for name, design in DESIGNS.items() if design.asked])
def test_what_is_asked_is_what_was_planted(name: str, tmp_path: Path) -> None:
    design = replace(DESIGNS[name], scans=44)
    study = read_study(write_example(tmp_path, design, source="series"))
    inventory, truth = collect_series(study), read_example_truth(tmp_path)
    for asked in truth.asked:
        rows = group_rows(study, inventory, study.group[asked.analysis])
        for parameter, planted in asked.planted.items():
            found = [sum(own * truth.connectivity[visit][parameter] for visit, own in of.items()) for of in rows.visits]
            effect = implied(study.group[asked.analysis], rows, asked.effect, np.array(found))
            assert effect == pytest.approx(planted, abs=1e-6), (asked.words, parameter)
