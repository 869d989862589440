"""The haemodynamic kernel against SPM12's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.images import spm_kernel
from pipeline.matlab import load_mat


@pytest.mark.parametrize(("name", "bins"), [("spm_hrf_upsampled", 16), ("spm_hrf_downsampled", 1)])
def test_it_is_spm12s_at_every_resolution(shared: Path, name: str, bins: int) -> None:
    theirs = load_mat(shared / "spm12_ppi/SPM_HRFs.mat")[name].ravel()
    np.testing.assert_allclose(spm_kernel(2.0, bins), theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("repetition_time", [0.1, 0.72, 1.0, 1.5, 2.0, 3.6])
def test_it_lasts_32_seconds_and_sums_to_one(repetition_time: float) -> None:
    kernel = spm_kernel(repetition_time)
    assert kernel.sum() == pytest.approx(1, abs=1e-14)
    assert (kernel.size - 1) * repetition_time / 16 <= 32 + 1e-9 < kernel.size * repetition_time / 16 + 1e-9


def test_nilearn_takes_it_as_a_model() -> None:
    from nilearn.glm.first_level import compute_regressor

    impulse = ([0.0], [0.0], [1.0])
    regressor, _ = compute_regressor(impulse, spm_kernel, np.arange(40) * 2.0, oversampling=16, min_onset=0)
    np.testing.assert_allclose(regressor[:16, 0], spm_kernel(2.0)[::16][:16], atol=1e-12)
