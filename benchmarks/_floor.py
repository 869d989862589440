"""What one iteration costs at the least: its floating-point operations, and a dense product of as many, timed.

The counts are of the algorithm, not of the code: a multiplication and an addition are two operations, padding, masks,
memory traffic and everything of lower order are left out, symmetry is not used. n regions, p free parameters, of which
n + 2 are haemodynamic; a = n + 1 augmented neural states; c confounds.
"""

from __future__ import annotations

from dataclasses import dataclass

SERIES = 24  # terms of the exponential's series, exact to rounding
SOLVES = 14  # shifted systems of one flow step
NOISE_STEPS = 2  # inner steps on the noise that a typical iteration takes
COMPLEX = 4  # real multiplications, and twice as many operations with additions, per complex one


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
    def neural(self) -> int:
        """Free entries of A, B and C."""
        return self.parameters - self.regions - 2


def propagators(size: Size) -> float:
    """Exponentials of all intervals, and their derivatives along every connection.

    A power of the generator by blocks: a³ (neural), n·4·(4a + a) (inflow), n·4³ (haemodynamic), and the last two once
    more for each of transit and decay. The derivatives of the 5n rows along the n·a connections are one product of
    (5n · n) × SERIES by SERIES × a².
    """
    n, a = size.regions, size.regions + 1
    power = 2 * (a**3 + 3 * n * 4 * (4 * a + 4))
    weighted = 2 * SERIES**2 * a**2  # Σ_j N^j / (i + j + 1)!
    along = 2 * 5 * n * n * SERIES * a * a
    return size.intervals * (SERIES * power + weighted + along)


def sensitivities(size: Size) -> float:
    """All steps: what each connection injects, and the recursion of states and derivatives.

    Injected: (5n · n · a) × a for every connection at once. Carried on: n² (neural), n·4·(4 + n) (vessels), for every
    neural parameter; n·4·4 for transit and decay.
    """
    n, a = size.regions, size.regions + 1
    injected = 2 * 5 * n * n * a * a
    carried = 2 * (n * n + 4 * n * (4 + n)) * (size.neural + 1) + 2 * 2 * 16 * n
    return size.steps * (injected + carried)


def gram(size: Size) -> float:
    """JᵀJ, X0ᵀJ and the residual, region by region."""
    p, c = size.parameters, size.confounds
    return 2 * size.scans * size.regions * (p * p + c * p + c + p)


def noise(size: Size) -> float:
    """Inner steps on λ: the two corrections of JᵀJ for the confounds, a Cholesky factor, an inverse, the traces."""
    n, p, c = size.regions, size.parameters, size.confounds
    return NOISE_STEPS * (2 * 2 * n * c * p * p + p**3 / 3 + 2 * p**3 / 3 + 2 * 2 * n * p * p)


def flow(size: Size) -> float:
    """The flow step: SOLVES complex Schur complements over the confounds, and their solution."""
    n, p, c = size.regions, size.parameters, size.confounds
    return SOLVES * COMPLEX * (2 * n * c * p * p + 2 * p**3 / 3)


def iteration(size: Size) -> float:
    """Floating-point operations of one iteration of one participant."""
    return propagators(size) + sensitivities(size) + gram(size) + noise(size) + flow(size)
