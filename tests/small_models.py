"""Small models and inputs that tests share (on the path by `pythonpath` in pyproject.toml)."""

from __future__ import annotations

import numpy as np

from dcm import Parameters, Spec, prior


def block_inputs(bins: int, width: float, inputs: int = 2) -> np.ndarray:
    """Alternating blocks: input 0 in every block, each further input in every second one; 20 s on, 14 s off."""
    seconds = np.arange(bins) * width
    on = (seconds % 34.0) >= 14.0
    block = (seconds // 34.0).astype(int)
    columns = [on] + [on & (block % 2 == k % 2) for k in range(1, inputs)]
    return np.column_stack(columns).astype(float)


def random_spec(n: int, m: int, seed: int, self_modulation: bool = True) -> Spec:
    """A model with about half of all connections."""
    rng = np.random.default_rng(seed)
    a = rng.random((n, n)) < 0.5
    b = rng.random((n, n, m)) < 0.3
    b[..., 0] = False
    if not self_modulation:
        b &= ~np.eye(n, dtype=bool)[..., None]
    c = rng.random((n, m)) < 0.5
    c[:, 0] = True  # no region is silent
    names = [f"region {i}" for i in range(n)]
    return Spec(names, [f"input {k}" for k in range(m)], a, b, c)


def random_parameters(spec: Spec, seed: int, spread: float = 0.5) -> Parameters:
    """A draw around the prior mean, `spread` prior standard deviations wide."""
    density = prior(spec, "spm12")
    draw = np.random.default_rng(seed).standard_normal(density.mean.size)
    return spec.layout.to_tree(density.mean + spread * np.sqrt(np.diag(density.covariance)) * draw)
