"""A small design to calibrate: two regions, two inputs, 60 scans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from small_models import block_inputs

from dcm import Data, Spec
from pipeline.calibration import CalibrationDesign, GroupQuestion, InversionMode, mode_from_name

WIDTH, TR, SCANS = 0.25, 2.0, 60


@pytest.fixture(scope="session")
def design() -> CalibrationDesign:
    b = np.zeros((2, 2, 2))
    b[0, 1, 1] = b[1, 0, 1] = 1
    spec = Spec(["vmPFC", "amygdala"], ["task", "faces"], np.ones((2, 2)), b, [[1, 0], [1, 0]])
    inputs = block_inputs(round(SCANS * TR / WIDTH), WIDTH)
    frame = Data(np.random.default_rng(0).standard_normal((SCANS, 2)), inputs, WIDTH, TR)
    question = GroupQuestion("arms", (6, 6), 1, 0.3, "Do arms differ?")
    return CalibrationDesign("a small design", spec, {}, (frame,), (), question)


@pytest.fixture(scope="session")
def mode() -> InversionMode:
    """One start and SPM12's equations: quick to compile."""
    return mode_from_name("spm12")


@pytest.fixture
def without() -> Callable[[Spec, tuple[int, int, int]], Spec]:
    """A model without one change of a connection."""

    def make(spec: Spec, place: tuple[int, int, int]) -> Spec:
        b = spec.b.copy()
        b[place] = False
        return Spec(spec.regions, spec.inputs, spec.a, b, spec.c)

    return make


@pytest.fixture
def two_models(design: CalibrationDesign, without: Callable[..., Spec]) -> CalibrationDesign:
    """The same with an alternative that has no change of the forward connection."""
    return replace(design, models={"no forward": without(design.spec, (1, 0, 1))})
