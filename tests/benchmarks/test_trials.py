"""The table of `benchmarks.trials`: what it counts."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import trials
from benchmarks._calibration_designs import designs


def test_shares_are_counted_for_each_effect() -> None:
    row = {"held": 1.0, "held_in_people": 0.9, "estimate": 0.5, "planted": 1.0, "failed": 0}
    null = [
        {**row, "effect": 0.0, "verdict": verdict, "right": False}
        for verdict in ("open", "yes", "no difference", "open")
    ]
    real = [{**row, "effect": 1.0, "verdict": "yes", "right": right} for right in (True, False)]
    nothing, something = trials.summarise([*null, *real])
    assert nothing["any_yes_%"] == "25.0 (25.0)"
    assert something["right_yes_%"] == "50.0 (50.0)"
    assert (nothing["trials"], something["trials"]) == (4, 2)


def test_the_planted_change_is_the_difference_of_the_visits() -> None:
    design = designs()["block2"]
    layout = design.spec.layout
    places = design.prior.free[[layout.field_of(int(i)) == "B" for i in design.prior.free]]
    signal = np.column_stack([np.arange(9.0), np.arange(9.0)])

    def draw(shift: np.ndarray, seed: int) -> list[np.ndarray]:
        visits = trials.draw_participant(design, lambda _: signal, places, shift, np.random.default_rng(seed))
        return [truth for truth, _ in visits]

    away = np.array([0.0, 100.0, 100.0])
    names = [design.spec.parameter_names[i] for i in places]
    assert names == ["B[R1<-R1, context]", "B[R2<-R1, context]", "B[R1<-R2, context]"]
    with pytest.raises(RuntimeError, match="no stable participant"):
        draw(away, 0)
    change = np.array([after - before for before, after in (draw(np.zeros(3), seed) for seed in range(200))])
    assert np.abs(change[:, np.setdiff1d(np.arange(layout.size), places)]).max() == 0
    assert change[:, places].std() == pytest.approx(trials.CHANGES, rel=0.2)
