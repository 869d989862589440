"""What one iteration costs at the least: its floating-point operations, and how fast this machine can do them.

The counts are of the algorithm, not of the code: a multiplication and an addition are two operations; symmetric
matrices are computed by half; padding, masks, copies and memory traffic are left out. n regions, a = n + 1 augmented
neural states, p free parameters, of which q = p − n − 2 are connections (A, B and C), c confounds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from dcm._runtime import accepted_options

SERIES = 24  # terms of the exponential's series, exact to rounding
SQUARINGS = 2  # of the exponentials of steps of a few seconds
NODES = 12  # of the quadrature within a step, at each of which there is an exponential
NOISE_STEPS = 8  # inner steps on the noise; a typical iteration takes them all
CHEBYSHEV = 33  # products with the inverse in one flow step: 32 terms and the gradient itself
LARGE_PRODUCT = 1024  # edge of the dense product that shows what a core can do
REPEATS = 7


@dataclass(frozen=True)
class Size:
    """What decides the cost of an iteration."""

    regions: int
    parameters: int
    scans: int
    confounds: int
    intervals: int  # distinct (input, duration) pairs
    steps: int

    @property
    def connections(self) -> int:
        """Free entries of A, B and C."""
        return self.parameters - self.regions - 2


def propagators(size: Size) -> float:
    """Exponentials of all intervals at the nodes and at the end.

    By blocks: neural a × a, inflow 4n × a, haemodynamic n times 4 × 4. A power of the generator, the sums of the series
    at every node, and squarings; then what transit and decay inject, a pair of products of 4 × 4 and 4 × a a node.
    """
    n, a = size.regions, size.regions + 1
    entries = a * a + 4 * n * a + 16 * n
    powers = SERIES * 2 * (a**3 + 16 * n * a + 64 * n)
    sums = (NODES + 1) * SERIES * 2 * entries
    squares = (NODES + 1) * SQUARINGS * 2 * (a**3 + 16 * n * a + 4 * n * a * a + 64 * n)
    own = NODES * 2 * n * 2 * (2 * 64 + 16 * a)
    return size.intervals * (powers + sums + squares + own)


def injections(size: Size) -> float:
    """What every connection injects in every step: activity at the nodes, and from there to the end of the step."""
    n, a = size.regions, size.regions + 1
    return size.steps * 2 * NODES * (n * a + 5 * n * size.connections)


def recursion(size: Size) -> float:
    """States and derivatives carried from step to step: neural n × n, inflow 4n × n, vessels n times 4 × 4; BOLD."""
    n, a, q = size.regions, size.regions + 1, size.connections
    states = 2 * (a * a + 4 * n * a + 16 * n)
    connections = 2 * q * (n * n + 4 * n * n + 16 * n + 2 * n)
    own = 2 * 2 * n * (16 + 16 + 4 * a)
    return size.steps * (states + connections + own)


def prediction(size: Size) -> float:
    """Prediction and Jacobian."""
    return propagators(size) + injections(size) + recursion(size)


def gram(size: Size) -> float:
    """Region by region: Jᵀ with the confounds and the residual, the confounds taken out of J, then JᵀJ by half."""
    p, c = size.parameters, size.confounds
    return 2 * size.scans * size.regions * (2 * c * p + p + c) + size.scans * size.regions * p * (p + 1)


def noise(size: Size) -> float:
    """Inner steps on λ: a weighted sum of the regions' JᵀJ, a Cholesky factor, an inverse, a trace for each region."""
    n, p = size.regions, size.parameters
    return NOISE_STEPS * (2 * n * p * p + p**3)  # the first and the last by half each; p³/3 and 2p³/3


def flow(size: Size) -> float:
    """The flow step: the confounds eliminated, a Cholesky factor and an inverse, then matrix-vector products."""
    n, p, c = size.regions, size.parameters, size.confounds
    return n * c * p * p + p**3 + CHEBYSHEV * 2 * (p * p + 2 * n * c * p)


def iteration(size: Size) -> float:
    """Floating-point operations of one iteration of one participant."""
    return prediction(size) + gram(size) + noise(size) + flow(size)


def operations_per_ms(edge: int = LARGE_PRODUCT) -> float:
    """What the device, or one core of a CPU, does of a dense product in 64 bit at its best."""
    square = jnp.asarray(np.random.default_rng(0).standard_normal((edge, edge)))
    cpu = jax.default_backend() == "cpu"
    clock = time.process_time if cpu else time.perf_counter  # what others do on a CPU is not its speed
    multiply = jax.jit(jnp.matmul, compiler_options=accepted_options())
    taken = []
    for _ in range(REPEATS):
        begin = clock()
        multiply(square, square).block_until_ready()
        taken.append(clock() - begin)
    return 2 * edge**3 / (1e3 * min(taken))
