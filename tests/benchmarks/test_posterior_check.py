"""What `benchmarks.posterior_check` says of a posterior whose draws are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_posterior import made_up_posterior

from benchmarks import posterior_check
from dcm import ChainSettings, PosteriorDraws


@pytest.mark.parametrize(("shift", "wider", "missed"), [(0.0, 1.0, []), (0.5, 1.0, ["shift"]), (0, 1.3, ["sd_ratio"])])
def test_medians_out_of_their_limits_are_named(shift: float, wider: float, missed: list[str]) -> None:
    posterior = replace(made_up_posterior(), covariance=np.eye(made_up_posterior().free.size))
    mean = posterior.mean[posterior.free]
    draws = mean - shift + wider * np.random.default_rng(0).standard_normal((4, 3000, mean.size))
    ones, noise = np.ones(mean.size), np.zeros((4, 3000, 2))
    drawn = PosteriorDraws(posterior.names, draws, noise, noise, ones, 1000 * ones, 1.0, 0, 1, ChainSettings())
    assert posterior_check._beside([posterior], [drawn])["missed"] == missed
