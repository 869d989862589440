"""The table of `benchmarks.calibration`: what it measures, and that it repeats itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks._calibration_designs import CHANGE, designs
from benchmarks.calibration import main


def test_a_cell_is_printed_with_errors_and_repeats_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--only", "block2 usual 3", "--datasets", "4", "--compat", "spm12", "--seed", "7", "--json"]
    assert main([*command, str(tmp_path / "one.json")]) == 0
    printed = capsys.readouterr().out
    assert "seed 7" in printed
    assert "Out of limits" in printed
    main([*command, str(tmp_path / "two.json")])
    one, two = ((tmp_path / name).read_text() for name in ("one.json", "two.json"))
    assert one == two
    [cell] = json.loads(one)["cells"]
    assert 0 <= cell["B_coverage"] <= 100
    assert cell["B_coverage_se"] > 0
    assert {"wrong_model", "larger_chosen", "redrawn", "B_rank_p"} <= cell.keys()


def test_an_unknown_cell_is_refused_with_those_there_are() -> None:
    with pytest.raises(SystemExit, match="no cell is called so; there are block2 usual"):
        main(["--only", "nothing"])


@pytest.mark.parametrize("name", ["block2", "block4", "events3"])
def test_truths_lie_within_two_prior_deviations_and_half_of_the_changes_are_none(name: str) -> None:
    design = designs()[name]
    layout, prior = design.spec.layout, design.prior
    random = np.random.default_rng(0)
    drawn = np.array([design.draw_truth(True)(random) for _ in range(400)])
    deviation = np.sqrt(np.diag(prior.covariance))
    assert (np.abs(drawn - prior.mean) <= 2 * deviation + 1e-12).all()
    b = np.array([np.asarray(layout.to_tree(vector).B) for vector in drawn])
    assert (np.abs(b[(..., *design.tested)]) == CHANGE).all()
    others = design.spec.b.copy()
    others[design.tested] = False
    assert (b[:, others] == 0).mean() == pytest.approx(0.5, abs=0.06)
    assert not design.without.b[design.tested]
