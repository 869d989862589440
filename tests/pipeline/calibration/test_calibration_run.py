"""Data sets are simulated as said, inverted once, kept, and compared with their truths."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dcm import Failure
from pipeline.calibration import (
    CalibrationDesign,
    CalibrationRun,
    InversionMode,
    InversionStore,
    RunEstimate,
    SimulatedDataSet,
    invert_datasets,
    make_datasets,
    recover_models,
)
from pipeline.calibration._datasets import summarise_inversion
from pipeline.calibration._parameter_recovery import reduction_errors
from pipeline.calibration._simulation_design import estimate_from_parts, participant_spread

COUNT = 6  # data sets of every run here: another number would be compiled anew


class Stopped(Exception):
    """What a kill looks like from within."""


def run_of(design: CalibrationDesign, mode: InversionMode, store: Path) -> CalibrationRun:
    datasets, redrawn = make_datasets(design, mode, COUNT, (1.0,), 3)
    kept = invert_datasets(design, mode, datasets, InversionStore(store), say=lambda line: None)
    return CalibrationRun(design, mode, tuple(datasets), redrawn, kept)


@pytest.fixture(scope="module")
def whole(
    design: CalibrationDesign, mode: InversionMode, tmp_path_factory: pytest.TempPathFactory
) -> tuple[CalibrationRun, Path]:
    """A run in one go, and its store; nobody changes it."""
    store = tmp_path_factory.mktemp("whole") / "store"
    return run_of(design, mode, store), store


@pytest.fixture
def store(whole: tuple[CalibrationRun, Path], tmp_path: Path) -> Path:
    """A copy of the store of one's own."""
    return shutil.copytree(whole[1], tmp_path / "store")


def test_half_of_all_changes_are_zero_and_no_truth_lies_far_out(design: CalibrationDesign, mode: InversionMode) -> None:
    datasets, _ = make_datasets(design, mode, 60, (0.5, 1.0), 0)
    density, layout = mode.prior_of(design.spec), design.spec.layout
    truth_sampler = np.array([dataset.truth for dataset in datasets])
    assert (np.abs(truth_sampler - density.mean) <= 2 * np.sqrt(np.diag(density.covariance)) + 1e-12).all()
    b = truth_sampler[:, density.free][:, [layout.field_of(int(i)) == "B" for i in density.free]]
    assert (b == 0).mean() == pytest.approx(0.5, abs=0.15)
    assert [dataset.cell.snr for dataset in datasets].count(0.5) == 30


def test_truths_lie_around_estimates_where_there_are_any(design: CalibrationDesign, mode: InversionMode) -> None:
    density = mode.prior_of(design.spec)
    mean = density.mean.copy()
    place = design.spec.parameter_names.index("C[vmPFC<-task]")
    mean[place] = mean[design.spec.parameter_names.index("C[amygdala<-task]")] = 1.0
    found = replace(design, estimates=(RunEstimate("sub-01", mean, density.covariance * 1e-4, 2.0, 0.1),))
    assert (found.ratios, found.correlation) == ((2.0,), 0.1)
    datasets, _ = make_datasets(found, mode, 12, found.ratios, 0)
    around = [dataset.truth[place] for dataset in datasets if dataset.cell.origin == "estimates"]
    assert len(around) == 6
    assert around == pytest.approx([1.0] * 6, abs=0.021)


def test_a_run_that_was_stopped_goes_on_to_the_same_numbers(
    design: CalibrationDesign, mode: InversionMode, whole: tuple[CalibrationRun, Path], tmp_path: Path
) -> None:
    datasets, _ = make_datasets(design, mode, COUNT, (1.0,), 3)
    store = InversionStore(tmp_path / "stopped")
    written = iter([None, None])

    def stop() -> None:
        if next(written, Stopped) is Stopped:
            raise Stopped

    with pytest.raises(Stopped):
        invert_datasets(design, mode, datasets, store, say=print, check=stop)
    again = run_of(design, mode, tmp_path / "stopped")
    assert (whole[0].reused, again.reused) == (0, 2)
    assert [dataset.inverted for dataset in again.datasets] == [dataset.inverted for dataset in whole[0].datasets]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"digest": "x", "inverted": {}}', b"\xff\xfe"])
def test_a_damaged_entry_is_said_and_inverted_again(
    design: CalibrationDesign, mode: InversionMode, whole: tuple[CalibrationRun, Path], store: Path, damage: bytes
) -> None:
    sorted(store.iterdir())[0].write_bytes(damage)
    datasets, _ = make_datasets(design, mode, COUNT, (1.0,), 3)
    said: list[str] = []
    assert invert_datasets(design, mode, datasets, InversionStore(store), say=said.append) == 2 * COUNT - 1
    assert len(said) == 1
    assert "inverted again" in said[0]
    assert [dataset.inverted for dataset in datasets] == [dataset.inverted for dataset in whole[0].datasets]


def test_a_changed_entry_is_found_out(store: Path) -> None:
    entry = sorted(store.iterdir())[0]
    text = entry.read_text(encoding="utf-8")
    entry.write_text(text.replace('"converged": true', '"converged": false'), encoding="utf-8")
    assert "does not hold what it was written with" in str(InversionStore(store).read(entry.stem))


def test_another_mode_finds_nothing_of_its_own_in_the_store(
    design: CalibrationDesign, mode: InversionMode, store: Path
) -> None:
    stricter = replace(mode, settings=replace(mode.settings, tolerance=0.01))
    assert run_of(design, stricter, store).reused == 0
    assert len(list(store.iterdir())) == 4 * COUNT


def test_alternatives_are_told_apart_where_the_data_say_so(
    two_models: CalibrationDesign, mode: InversionMode, tmp_path: Path
) -> None:
    run = run_of(two_models, mode, tmp_path)
    own, other = recover_models(run)
    assert (own.true, own.against, other.true) == ("main", "no forward", "no forward")
    assert own.datasets == other.datasets == 1
    assert {own.how, other.how} == {"each inverted"}
    assert 0 <= own.chosen <= 100


def test_changes_that_are_there_are_preferred_by_reduction(
    whole: tuple[CalibrationRun, Path],
) -> None:
    rows = recover_models(whole[0])
    there = next(row for row in rows if row.true == "with a change")
    assert there.how == "reduction"
    assert there.chosen >= 50
    assert {row.true for row in rows[2:]} >= {"with B[vmPFC<-amygdala, faces]", "without B[amygdala<-vmPFC, faces]"}


def test_an_estimate_tells_signal_noise_and_correlation() -> None:
    random = np.random.default_rng(0)
    noise = np.zeros((4000, 2))
    for scan in range(1, 4000):
        noise[scan] = 0.4 * noise[scan - 1] + random.standard_normal(2)
    noise /= noise.std(axis=0)
    found = estimate_from_parts("sub-01", np.zeros(3), np.eye(3), 2.5 * random.standard_normal((4000, 2)), noise)
    assert found.ratio == pytest.approx(2.5, rel=0.03)
    assert found.correlation == pytest.approx(0.4, abs=0.03)


def test_the_spread_between_participants_is_without_their_uncertainty(design: CalibrationDesign) -> None:
    random, size = np.random.default_rng(0), design.spec.layout.size
    means = np.hypot(0.4, 0.3) * random.standard_normal((400, size))
    found = [RunEstimate(f"sub-{i}", mean, 0.09 * np.eye(size), 1.0, 0.0) for i, mean in enumerate(means)]
    spread, words = participant_spread(design.spec, found)
    assert spread == pytest.approx(0.4, abs=0.06)
    assert "400 estimates" in words
    assert participant_spread(design.spec, found[:3]) == (0.35, "0.35 Hz between participants was assumed")


def test_an_inversion_that_failed_counts_as_such(whole: tuple[CalibrationRun, Path]) -> None:
    run = whole[0]
    failed = SimulatedDataSet(run.datasets[0].cell, COUNT, run.datasets[0].truth, run.datasets[0].data)
    failed.inverted["main"] = summarise_inversion(Failure("data set 2", "failed: it did"))
    both = replace(run, datasets=(*run.datasets, failed))
    assert both.failures == ["failed: it did"]
    assert recover_models(both) == recover_models(run)


def test_the_reduction_of_one_change_is_held_against_the_smaller_model_inverted(
    whole: tuple[CalibrationRun, Path],
) -> None:
    errors = reduction_errors(whole[0])
    assert len(errors) == COUNT
    one = whole[0].datasets[0].inverted
    gap = one["main"].free_energy - one["less one change"].free_energy
    assert errors[0] == pytest.approx(gap - one["main"].gains[0])
    assert np.count_nonzero(errors) == COUNT


def test_an_entry_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    digest = "2656e9c49730fdf0bf0930ac5732f64cd1bdbb17e14f1a2c53a7bfeaed6b6b8f"  # as version 0.1.0 wrote it
    inverted = {"free": [0, 1], "mean": [0.1, -0.25], "sd": [0.5, 0.001], "free_energy": -12.5, "gains": []}
    content = {"digest": digest, "inverted": {**inverted, "converged": True, "failure": ""}}
    (tmp_path / f"{'0' * 32}.json").write_text(json.dumps(content), encoding="utf-8")
    found = InversionStore(tmp_path).read("0" * 64)
    assert not isinstance(found, str | None)
    assert found.mean == (0.1, -0.25)
