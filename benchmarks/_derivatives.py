"""Derivatives against finite differences and automatic differentiation, and integrators against brute force."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

import dcm
from dcm._bilinear import FreeParameters, Timing, free_parameters, predict, predict_with_jacobian
from dcm._haemodynamics import bold_gradient, bold_signal
from dcm._linear import BilinearForm, bilinear_form
from dcm._schedule import schedule

from . import _equations as equations
from ._check import Check

SCANS, BINS, REPETITION_TIME = 24, 16, 2.0
STEP = 0.02  # of the coarsest difference; two halvings cancel its terms up to the fourth order


def checks(quick: bool) -> list[Check]:
    """Largest errors over random models of 2 to 6 regions."""
    sizes = [(2, 2)] if quick else [(2, 2), (3, 1), (6, 2)]
    models = [random_model(n, m, seed) for seed, (n, m) in enumerate(sizes)]
    found = f"{len(models)} random models, {sizes[0][0]}–{sizes[-1][0]} regions, delays, modulated self-connections"
    derivative = np.array([_jacobian_errors(*model) for model in models]).max(axis=0)
    parts = np.array([_part_errors(model[1]) for model in models]).max(axis=0)
    brute = np.array([_integrator_errors(*model) for model in models]).max(axis=0)
    bounds = {
        "Jacobian against Richardson differences": (derivative[0], 1e-6),
        "Jacobian against automatic differentiation": (derivative[1], 1e-9),
        "bilinear form against derivatives of the full flow": (parts[0], 1e-12),
        "gradient of the BOLD signal against automatic differentiation": (parts[1], 1e-12),
        "bilinear integrator against dense exponentials, of the range": (brute[0], 1e-10),
        "nonlinear integrator against an adaptive one, of the range": (brute[1], 1e-5),
    }
    return [Check(name, float(value), most=bound, note=found) for name, (value, bound) in bounds.items()]


def random_model(n: int, m: int, seed: int) -> tuple[dcm.Spec, dcm.Parameters, dcm.Data]:
    """A model with every kind of connection, piecewise constant inputs of several levels, and delays."""
    rng = np.random.default_rng(seed)
    a, c = rng.random((n, n)) < 0.6, rng.random((n, m)) < 0.6
    b = rng.random((n, n, m)) < 0.3
    b[0, 0, 0] = b[n - 1, 0, m - 1] = c[0, 0] = True
    spec = dcm.Spec([f"R{i}" for i in range(n)], [f"u{j}" for j in range(m)], a, b, c)
    eye = np.eye(n, dtype=bool)
    values = {
        "A": np.where(eye, 0.1, 0.3 / n * a) * rng.standard_normal((n, n)),
        "B": np.where(eye[..., None], 0.3, 0.3 / n) * b * rng.standard_normal((n, n, m)),
        "C": c * rng.standard_normal((n, m)),
        "D": np.zeros((n, n, n)),
        "transit": rng.standard_normal(n) / 16,
        "decay": rng.standard_normal() / 16,
        "epsilon": rng.standard_normal() / 16,
    }
    levels = rng.choice([-0.5, 0.0, 1.0], (SCANS * BINS // 24, m))
    inputs = np.repeat(levels, 24, axis=0)
    delays = rng.uniform(0, REPETITION_TIME, n)
    series = rng.standard_normal((SCANS, n))  # not used: only the forward model is
    data = dcm.Data(series, inputs, REPETITION_TIME / BINS, REPETITION_TIME, delays=delays)
    return spec, dcm.Parameters(**{name: jnp.asarray(value) for name, value in values.items()}), data


def _jacobian_errors(spec: dcm.Spec, parameters: dcm.Parameters, data: dcm.Data) -> tuple[float, float]:
    """Against finite differences and forward-mode differentiation, relative to the largest entry."""
    index = tuple(dcm.prior(spec, "spm12").free.tolist())
    layout, echo_time = spec.layout, jnp.asarray(data.echo_time)
    steps = schedule(data)
    timing = Timing(*map(jnp.asarray, (steps.inputs, steps.durations, steps.interval, steps.sample)))
    vector = layout.to_vector(parameters)

    @jax.jit
    def series(free: jax.Array) -> jax.Array:
        moved = layout.to_tree(vector.at[np.array(index)].set(free))
        return predict(bilinear_form(moved), moved.epsilon, timing, echo_time)

    free = vector[np.array(index)]
    exact = _exact(parameters, free_parameters(layout, index), timing, echo_time)
    scale = jnp.abs(exact).max()
    differences = [_central(series, free, STEP / 2**k) for k in range(3)]
    once = [(4 * b - a) / 3 for a, b in pairwise(differences)]
    richardson = (16 * once[1] - once[0]) / 15
    forward = jax.jit(jax.jacfwd(series))(free)
    return float(jnp.abs(exact - richardson).max() / scale), float(jnp.abs(exact - forward).max() / scale)


@partial(jax.jit, static_argnums=1)
def _exact(parameters: dcm.Parameters, free: FreeParameters, timing: Timing, echo_time: jax.Array) -> jax.Array:
    return predict_with_jacobian(parameters, free, timing, echo_time)[1]


def _central(series: jax.stages.Wrapped, free: jax.Array, step: float) -> jax.Array:
    columns = [(series(free + d) - series(free - d)) / (2 * step) for d in step * np.eye(len(free))]
    return jnp.stack(columns, axis=-1)


def _part_errors(parameters: dcm.Parameters) -> tuple[float, float]:
    """Of the bilinear form and of the BOLD gradient, absolute (both are of order one)."""
    M0, M1 = equations.expansion(parameters)
    own0, own1 = _dense(jax.jit(bilinear_form)(parameters))
    rng = np.random.default_rng(0)
    w, q = (jnp.asarray(0.2 * rng.standard_normal(50)) for _ in range(2))
    echo_time = jnp.asarray(0.03)
    written = jax.jit(bold_gradient)(w, q, parameters.epsilon, echo_time)
    automatic = jax.jit(jax.vmap(jax.grad(bold_signal, (0, 1, 2)), (0, 0, None, None)))(
        w, q, parameters.epsilon, echo_time
    )
    gradient = max(float(jnp.abs(a - b).max()) for a, b in zip(written, automatic, strict=True))
    return max(float(np.abs(own0 - M0).max()), float(np.abs(own1 - M1).max())), gradient


def _dense(form: BilinearForm) -> tuple[np.ndarray, np.ndarray]:
    """The blocks put together, states in the order of `_equations`."""
    n, m = form.drive.shape
    M0, M1 = np.zeros((1 + 5 * n, 1 + 5 * n)), np.zeros((m, 1 + 5 * n, 1 + 5 * n))
    M0[1 : 1 + n, 1 : 1 + n] = form.neural
    M1[:, 1 : 1 + n, 1 : 1 + n] = np.moveaxis(np.asarray(form.modulation), -1, 0)
    M1[:, 1 : 1 + n, 0] = form.drive.T
    for i in range(n):
        vessel = 1 + n * np.arange(1, 5) + i
        M0[np.ix_(vessel, vessel)] = form.haemodynamic[i]
        M0[vessel[0], 1 + i] = form.coupling[i]
    return M0, M1


def _integrator_errors(spec: dcm.Spec, parameters: dcm.Parameters, data: dcm.Data) -> tuple[float, float]:
    """Of both integrators, as a share of the prediction's range."""
    bilinear = equations.bilinear_series(parameters, data)
    nonlinear = equations.nonlinear_series(parameters, data)
    own = [dcm.predict_series(spec, parameters, data, kind) for kind in ("bilinear", "nonlinear")]
    pairs = zip(own, (bilinear, nonlinear), strict=True)
    first, second = (float(np.abs(a - b).max() / np.ptp(b)) for a, b in pairs)
    return first, second
