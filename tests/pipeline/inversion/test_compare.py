"""SPM12's own results compared with ours, on real participants and on what the comparison makes of made-up ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_models import block_inputs

from dcm import Settings, Subject, invert, simulate
from pipeline.inversion import ComparisonReport, SpmComparison, compare_with_spm, comparison_summary
from pipeline.spm import DcmFile, read_dcm, read_dcms, write_dcm
from pipeline.study import make_spec

KEYS = {
    *("file", "status", "f", "f_spm", "delta_f", "max_abs_delta_ep", "corr_ep", "prediction_error_at_spm"),
    *(
        "explained_variance",
        "explained_variance_spm",
        "iterations",
        "local_optimum",
        "paths_part_at",
        "delta_settled_f",
    ),
}


@pytest.fixture(scope="session")
def real(spm_data: Path) -> list[DcmFile]:
    """Participants that converge in a few iterations, and one that SPM has not inverted."""
    paths = [spm_data / "estimated" / f"DCM_sub-{number}.mat" for number in ("16", "03", "17")]
    files, errors = read_dcms([*paths, spm_data / "raw" / "DCM_sub-31.mat"])
    assert errors == []
    return files


def test_spms_derivatives_give_spms_numbers(real: list[DcmFile]) -> None:
    report = compare_with_spm(real, Settings("spm12", derivatives="spm"))
    assert len(report.compared) == 3
    for comparison in report.compared:
        assert comparison.same_path
        assert abs(comparison.delta_f or 1) < 1e-3
        assert (comparison.max_abs_delta_ep or 1) < 1e-3
        assert (comparison.prediction_error_at_spm or 1) < 1e-9
        assert (comparison.local_optimum, comparison.paths_part_at, comparison.verdict) == (False, None, "same")
    content = report.to_json()
    participants = content["participants"]
    assert isinstance(participants, list)
    assert all(set(participant) == KEYS for participant in participants)
    assert participants[3]["status"].startswith("failed: the file holds no estimate")
    assert "3 of 3 within 0.001 of SPM12" in comparison_summary(report)[0]


def test_exact_derivatives_reach_spms_optimum(real: list[DcmFile]) -> None:
    calls: list[tuple[int, int]] = []
    report = compare_with_spm(real, on_progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (3, 3)
    assert all((comparison.delta_f or -1) > -0.5 for comparison in report.compared)
    assert all(1e-9 < (comparison.prediction_error_at_spm or 1) < 0.01 for comparison in report.compared)
    assert all(
        abs((comparison.explained_variance or 0) - (comparison.explained_variance_spm or 1)) < 0.5
        for comparison in report.compared
    )
    assert min(report.seconds.values()) >= 0


def test_an_estimate_without_prediction_and_prior_is_compared_too(real: list[DcmFile]) -> None:
    estimate = real[0].estimate
    assert estimate is not None
    bare = replace(estimate, prediction=None, residual=None, prior_mean=None)
    one = compare_with_spm([replace(real[0], estimate=bare), *real[1:]]).participants[0]
    assert one.delta_f is not None
    assert one.max_abs_delta_ep is not None
    assert one.max_abs_delta_ep < 1e-3  # SPM12's own prior stands in
    assert (one.prediction_error_at_spm, one.explained_variance_spm) == (None, None)


def report_of(*deltas: float, derivatives: str = "exact", **more: object) -> ComparisonReport:
    participants = tuple(
        SpmComparison(f"{i}.mat", f"sub-{i}", "converged", 0.0, 0.0, delta, abs(delta), local_optimum=abs(delta) > 0.5)
        for i, delta in enumerate(deltas)
    )
    changed = tuple(replace(participant, **more) for participant in participants)  # type: ignore[arg-type]  # options by name
    return ComparisonReport(derivatives, 1, "CPU", "float64", changed, {"compile": 1.0, "run": 200.0})  # type: ignore[arg-type]  # replaced participants


def test_verdicts_say_whose_optimum_it_is() -> None:
    report = report_of(0.4, 2.0, -0.4, -3.0)
    assert [participant.verdict for participant in report.participants] == [
        "same",
        "SPM missed a better optimum",
        "same",
        "SPM's optimum is better",
    ]
    assert comparison_summary(report) == [
        "3 of 4 with F ≥ F of SPM12 − 0.5",
        "SPM missed a better optimum: sub-1",
        "SPM's optimum is better: sub-3; more starts may find it (--starts 8)",
        "mode spm12, exact derivatives, 1 start, CPU, float64; 1.0 s compiling, 3 min running",
    ]


@pytest.mark.parametrize(("at", "says"), [(61, "paths part at iteration 61: last digits decide"), (None, "does not")])
def test_another_path_is_explained(at: int | None, says: str) -> None:
    lines = comparison_summary(report_of(-0.005, derivatives="spm", copies_inverted=True, paths_part_at=at))
    assert lines[0].startswith("0 of 1 within 0.001")
    assert says in lines[1]


def test_noise_off_its_optimum_is_no_other_optimum() -> None:
    report = report_of(22.0, delta_settled_f=0.1, local_optimum=False)
    assert report.participants[0].verdict == "same but for the noise"
    assert "the same optimum, with the noise estimated elsewhere: sub-0" in comparison_summary(report)
    assert report_of(22.0, delta_settled_f=-0.6).participants[0].verdict == "SPM's optimum is better"


def test_a_file_that_effconn_estimated_has_its_own_numbers_whatever_its_confounds(
    tmp_path: Path,
) -> None:
    spec = make_spec(
        ["vmPFC", "amygdala"], ["task", "faces"], b={"faces": ["amygdala <- vmPFC"]}, c={"task": ["vmPFC"]}
    )
    planted = spec.parameters({"A[amygdala<-vmPFC]": 0.3, "B[amygdala<-vmPFC, faces]": 0.4, "C[vmPFC<-task]": 0.5})
    motion = np.random.default_rng(0).normal(size=(60, 2)).cumsum(axis=0)
    run = simulate(spec, planted, block_inputs(60 * 8, 0.25), 0.25, 2.0, snr=2.0, seed=0)
    data = replace(run.data, confounds=np.column_stack([np.ones(60), motion]))
    write_dcm(tmp_path / "DCM_specified.mat", Subject("sub-01", spec, data))
    file = read_dcm(tmp_path / "DCM_specified.mat")
    write_dcm(tmp_path / "DCM_sub-01.mat", file, invert(file.to_subject("spm12"), Settings("spm12")))
    [found] = compare_with_spm([read_dcm(tmp_path / "DCM_sub-01.mat")], Settings("spm12")).participants
    assert abs(found.delta_f) < 1e-6
    assert found.max_abs_delta_ep < 1e-6


def test_nothing_to_compare_is_said() -> None:
    empty = ComparisonReport(
        "exact", 1, "CPU", "float64", (SpmComparison("x.mat", "x", "failed: y"),), {"compile": 0.0}
    )
    assert comparison_summary(empty) == ["no file holds an estimate of SPM12 to compare with"]
    assert not np.any([participant.same_path for participant in empty.participants])
