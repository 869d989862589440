"""A check of one participant's Gaussian posterior: the same model, drawn from with no approximation (NUTS).

The density is that of `_log_density`, over the parameters θ, the noise's log precisions λ and its autocorrelation
ρ = tanh r, with the effects of the confounds integrated out exactly. It is drawn in the coordinates z in which the
Gaussian is a standard normal,

    (θ, λ, r) = μ + L z,    LLᵀ the Gaussian's covariance,

so that a few steps reach across the posterior in every direction, if the Gaussian is about right (Hoffman & Gelman
2014; Phan et al. 2019, NumPyro). Every chain has a thread of its own; no draw depends on how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._batch import make_batches
from ._cohort import Progress
from ._forward import ForwardModel
from ._joint_density import Problem
from ._log_density import Unknowns, log_density
from ._posterior import InversionError, Posterior
from ._posterior_draws import BLOCK, ChainSettings, PosteriorDraws
from ._runtime import compiled, one_blas_thread, require_64_bit
from ._scheduler import usable_cores
from ._subject import Subject, prepare

OVERDISPERSED = 2.0  # posterior SDs: how far from the Gaussian's mean chains begin
HALVINGS = 8  # of that, until a start has a density
FIRST_STEP = 0.5  # of the leapfrog, in posterior SDs; adapted in the warm-up
DEEPEST = 8  # doublings of a trajectory, at most
ACCEPTED = (
    0.9  # share of proposals that steps are adapted to: short ones, for the tails of weakly determined connections
)


def sample_posterior(
    subject: Subject,
    posterior: Posterior,
    sampling: ChainSettings = ChainSettings(),  # noqa: B008 - frozen
    on_progress: Progress | None = None,
    cores: int | None = None,
) -> PosteriorDraws:
    """Draws from the posterior that `posterior` approximates, by the No-U-Turn Sampler.

    Arguments:
        subject: what was inverted.
        posterior: the Gaussian, in whose coordinates the chains run and around whose mean they begin. Prior, equations
            and noise are its own: AR(1), or independent in SPM's modes.
        sampling: chains, draws, seed.
        on_progress: called with draws done and in all, those of the warm-up included.
        cores: threads, at most; all that this process may use where None.

    Raises `ValueError` where the posterior is not of the subject's model, and `InversionError` where a chain finds no
    point to begin at.

    Source: Hoffman & Gelman 2014, J Mach Learn Res 15:1593; Phan et al. 2019, arXiv 1912.11554.
    """
    require_64_bit()
    model, problem = problem_of(subject, posterior)
    frame = _frame(posterior)
    progress = _Progress(on_progress, sampling.chains * (sampling.warmup + sampling.draws))
    keys = jax.random.split(jax.random.key(sampling.seed), sampling.chains)
    with one_blas_thread(), ThreadPoolExecutor(cores or usable_cores(), thread_name_prefix="nuts") as pool:
        states = [_first_state(model, problem, frame, key, sampling.warmup) for key in keys]
        begun = [_Chain(model, problem, frame, state, progress, sampling.warmup) for state in states]
        if not all(np.isfinite(chain.state.potential_energy) for chain in begun):
            raise InversionError(
                f"{subject.name}: a chain finds no point near the posterior mean where the model holds"
            )
        begun[0].advance()  # compiled here, so that no two threads compile the same
        list(pool.map(lambda chain: chain.run(sampling.warmup + sampling.draws), begun))
    return _collect(posterior, frame, begun, sampling)


def problem_of(subject: Subject, posterior: Posterior) -> tuple[ForwardModel, Problem]:
    """The forward model and the joint density's data and prior, as the posterior has them.

    Raises `ValueError` where the posterior is of another model or run.
    """
    if posterior.spec != subject.spec or posterior.prediction.shape != subject.data.bold.shape:
        raise ValueError(f"{subject.name}: the posterior is of another model or run than the data")
    settings = posterior.settings
    if settings.as_spm:  # β of any prior so wide is as good as flat, which takes confounds that are orthonormal
        settings = replace(settings, noise="white")
    [batch] = make_batches([prepare(replace(subject, prior=posterior.prior), settings)], settings)
    problem: Problem = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), batch.problems)
    return batch.model, problem


class _Frame(eqx.Module):
    """Coordinates in which the Gaussian is a standard normal; λ and r are independent of all else there."""

    mean: Unknowns
    factor: Float[Array, "free free"]  # of θ's covariance
    noise_sd: Float[Array, "region"]
    correlation_sd: Float[Array, "region"]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return sum(leaf.size for leaf in self.mean)

    def point(self, z: Float[Array, "unknown"]) -> Unknowns:
        """(θ, λ, r) = μ + L z."""
        free, region = self.mean.theta.size, self.mean.noise.size
        theta, noise, correlation = z[:free], z[free : free + region], z[free + region :]
        return Unknowns(
            self.mean.theta + self.factor @ theta,
            self.mean.noise + self.noise_sd * noise,
            self.mean.correlation + self.correlation_sd * correlation,
        )


def _frame(posterior: Posterior) -> _Frame:
    correlated = slice(posterior.spec.n if posterior.settings.noise == "ar1" else 0)
    return _Frame(
        mean=Unknowns(
            theta=jnp.asarray((posterior.mean - posterior.prior.mean)[posterior.free]),
            noise=jnp.asarray(posterior.noise_mean),
            correlation=jnp.arctanh(posterior.autocorrelation[correlated]),
        ),
        factor=jnp.asarray(np.linalg.cholesky(posterior.covariance)),
        noise_sd=jnp.sqrt(jnp.diag(posterior.noise_covariance)),
        correlation_sd=jnp.asarray(posterior.autocorrelation_sd[correlated]),
    )


def _potential(model: ForwardModel, problem: Problem, frame: _Frame, z: Float[Array, "unknown"]) -> Float[Array, ""]:
    """−ln p at z; infinite where the model has broken down, so that no chain goes there."""
    height = log_density(model, problem, frame.point(z))
    return jnp.where(jnp.isfinite(height), -height, jnp.inf)


def _kernel(model: ForwardModel, problem: Problem, frame: _Frame) -> Any:
    from numpyro.infer import NUTS  # a second to import: only for those who draw

    return NUTS(
        potential_fn=partial(_potential, model, problem, frame),
        step_size=FIRST_STEP,
        max_tree_depth=DEEPEST,
        target_accept_prob=ACCEPTED,
    )


@compiled(static_argnums=(0, 4))
def _first_state(model: ForwardModel, problem: Problem, frame: _Frame, key: Array, warmup: int) -> Any:
    """The state of a chain that begins wide of the Gaussian, at half the distance as long as there is no density."""
    begin, draws = jax.random.split(key)
    z = OVERDISPERSED * jax.random.normal(begin, (frame.size,))

    def lost(carry: tuple[Array, Array]) -> Array:
        halvings, z = carry
        return (halvings < HALVINGS) & ~jnp.isfinite(_potential(model, problem, frame, z))

    _, z = jax.lax.while_loop(lost, lambda carry: (carry[0] + 1, carry[1] / 2), (jnp.asarray(0), z))
    return _kernel(model, problem, frame).init(draws, warmup, z, model_args=(), model_kwargs={})


@compiled(static_argnums=(0, 4))
def _advance(
    model: ForwardModel, problem: Problem, frame: _Frame, state: Any, warmup: int
) -> tuple[Any, tuple[Array, ...]]:
    """A block of draws, in the warm-up or after it: z, whether it diverged, and leapfrog steps."""
    kernel = _kernel(model, problem, frame)
    kernel.init(jax.random.key(0), warmup, state.z, model_args=(), model_kwargs={})  # its settings; the state is unused

    def draw(state: Any, _: None) -> tuple[Any, tuple[Array, ...]]:
        state = kernel.sample(state, (), {})
        return state, (state.z, state.diverging, state.num_steps)

    return jax.lax.scan(draw, state, None, length=BLOCK)


class _Chain:
    """One chain, advanced block by block."""

    def __init__(
        self, model: ForwardModel, problem: Problem, frame: _Frame, state: Any, progress: _Progress, warmup: int
    ) -> None:
        self.of, self.state, self.progress, self.warmup = (model, problem, frame), state, progress, warmup
        self.blocks: list[tuple[np.ndarray, ...]] = []

    def advance(self) -> None:
        """One block more."""
        self.state, block = _advance(*self.of, self.state, self.warmup)
        self.blocks.append(jax.device_get(block))
        self.progress.add(BLOCK)

    def run(self, draws: int) -> None:
        """To the end."""
        while BLOCK * len(self.blocks) < draws:
            self.advance()


class _Progress:
    """How many draws there are, over all chains."""

    def __init__(self, tell: Progress | None, total: int) -> None:
        self.tell, self.total, self.done, self.lock = tell, total, 0, Lock()

    def add(self, draws: int) -> None:
        """So many more."""
        with self.lock:
            self.done += draws
            if self.tell is not None:
                self.tell(self.done, self.total)


def _collect(posterior: Posterior, frame: _Frame, chains: Sequence[_Chain], sampling: ChainSettings) -> PosteriorDraws:
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    kept = slice(sampling.warmup, sampling.warmup + sampling.draws)
    z, diverging, steps = (
        np.array([np.concatenate(part) for part in parts])
        for parts in zip(*(zip(*chain.blocks, strict=True) for chain in chains), strict=True)
    )
    points = jax.vmap(jax.vmap(frame.point))(jnp.asarray(z[:, kept]))
    theta, noise, correlation = (np.asarray(leaf) for leaf in points)
    others = np.concatenate([noise, correlation], axis=-1)
    return PosteriorDraws(
        names=posterior.names,
        draws=theta + posterior.prior.mean[posterior.free],
        noise=noise,
        autocorrelation=np.tanh(correlation) if correlation.size else np.zeros_like(noise),
        r_hat=np.asarray(split_gelman_rubin(theta)),
        sample_size=np.maximum(effective_sample_size(theta), 1.0),
        noise_r_hat=float(np.max(split_gelman_rubin(others))),
        divergences=int(diverging[:, kept].sum()),
        evaluations=int(steps.sum()),
        settings=sampling,
    )
