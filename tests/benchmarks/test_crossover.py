"""The benchmark of crossovers runs, and its draws are of the model that is fitted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks._visit_sampling import draw_effects
from benchmarks._visit_studies import VisitCell, visit_studies
from benchmarks.crossover import main
from peb import fit_visits


def test_a_quick_run_prints_every_effect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--studies", "4", "--only", "crossover of 16, own 0.35, SDs"]) in (0, 1)
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("drug", "period", "sequence", "two levels", "within their limits"))


def test_draws_of_the_whole_model_say_the_same() -> None:
    (study,) = visit_studies(VisitCell("crossover", 8, 0.35, missing=0.1), 1, 4)
    group = fit_visits(study.estimates, study.design, study.owners)
    draws, r_hat = draw_effects(study, group, warmup=250, draws=500)
    assert r_hat < 1.05
    assert np.abs((group.posterior.mean - draws.mean(axis=0)) / draws.std(axis=0)).max() < 0.2
    assert np.abs(np.log(group.posterior.sd / draws.std(axis=0))).max() < np.log(1.15)
