"""Three designs of our own for `benchmarks.calibration`: blocks with 2 and 4 regions, events with 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dcm import Data, Prior, Spec, displace_haemodynamics, draw_parameters, prior

REPETITION_TIME, BINS = 2.0, 16  # s, microtime bins of a scan
HIGH_PASS = 128.0  # s
WITHIN = 2.0  # prior standard deviations
CHANGE = 0.8  # Hz, of the tested connection where it changes: what |N(0, 1)| is on average


@dataclass(frozen=True, eq=False)
class BenchmarkDesign:
    """A design.

    Fields:
        name: what it goes by.
        spec: the model.
        frame: inputs, timing and confounds; its series are noise.
        tested: (to, from, input) of the connection that is in question.
        prior: from which truths are drawn, and which the default inverts with.
    """

    name: str
    spec: Spec
    frame: Data
    tested: tuple[int, int, int]
    prior: Prior

    @property
    def without(self) -> Spec:
        """The model less the tested connection's change."""
        b = self.spec.b.copy()
        b[self.tested] = False
        return Spec(self.spec.regions, self.spec.inputs, self.spec.a, b, self.spec.c)

    def draw_truth(
        self, changes: bool, displaced: float = 0.0
    ) -> Callable[[np.random.Generator], Float[np.ndarray, "param"]]:
        """Draws truths within 2 prior standard deviations; half of the changes (B) are 0.

        Arguments:
            changes: whether the tested connection changes, by ±0.8 Hz, or not.
            displaced: prior standard deviations by which haemodynamics are off; 0 for a draw.
        """
        layout, density = self.spec.layout, self.prior
        b = np.flatnonzero(np.diag(density.covariance)[layout.field_slice("B")]) + layout.field_slice("B").start
        at = np.zeros(self.spec.b.shape, dtype=bool)
        at[self.tested] = True
        tested = layout.field_slice("B").start + int(np.flatnonzero(at.ravel(order="F"))[0])

        def draw(random: np.random.Generator) -> Float[np.ndarray, "param"]:
            truth = draw_parameters(density.mean, density.covariance, random, WITHIN)
            truth[b[random.random(b.size) < 0.5]] = 0.0
            truth[tested] = CHANGE * random.choice([-1.0, 1.0]) if changes else 0.0
            return displace_haemodynamics(truth, layout, density, displaced, random) if displaced else truth

        return draw

    @property
    def narrow_prior(self) -> Prior:
        """The prior with half its standard deviations of A and B, under which few draws are unstable."""
        halved = np.ones(self.prior.mean.size)
        for field in ("A", "B"):
            halved[self.spec.layout.field_slice(field)] = 0.5
        covariance = self.prior.covariance * np.outer(halved, halved)
        return Prior(self.prior.mean, covariance, self.prior.noise_mean, self.prior.noise_variance)

    def draw_from_narrow_prior(self, random: np.random.Generator) -> Float[np.ndarray, "param"]:
        """A truth from the narrow prior, whole."""
        return draw_parameters(self.prior.mean, self.narrow_prior.covariance, random)

    def draw_from_prior(self, random: np.random.Generator) -> Float[np.ndarray, "param"]:
        """A truth from the prior, whole."""
        return draw_parameters(self.prior.mean, self.prior.covariance, random)


def designs() -> dict[str, BenchmarkDesign]:
    """All three, by name."""
    return {design.name: design for design in (_two_regions_block(), _four_regions_block(), _three_regions_events())}


def _two_regions_block() -> BenchmarkDesign:
    """22 s of task and 22 s of rest; every second block in context; context may change all but one connection."""
    second = _seconds(240)
    task = second % 44 >= 22
    context = task & (second // 44 % 2 == 1)
    b = np.zeros((2, 2, 2))
    b[:, :, 1] = [[1, 1], [1, 0]]
    spec = Spec(["R1", "R2"], ["task", "context"], np.ones((2, 2)), b, [[1, 0], [0, 0]])
    return _design("block2", spec, np.column_stack([task, context]), (1, 0, 1))


def _four_regions_block() -> BenchmarkDesign:
    """24 s of task and 20 s of rest in two contexts; a chain both ways with a short cut, six possible changes."""
    second = _seconds(280)
    task = second % 44 >= 20
    block = (second // 44).astype(int)
    first, other = task & np.isin(block % 4, (1, 2)), task & np.isin(block % 4, (2, 3))
    a = np.eye(4) + np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
    a[3, 0] = 1
    b = np.zeros((4, 4, 3))
    for to, source, k in ((1, 0, 1), (2, 1, 2), (0, 1, 2), (3, 2, 1), (1, 1, 1), (3, 0, 2)):
        b[to, source, k] = 1
    c = np.zeros((4, 3))
    c[0, 0] = c[2, 0] = 1
    names = ["task", "context 1", "context 2"]
    return _design(
        "block4", Spec(["R1", "R2", "R3", "R4"], names, a, b, c), np.column_stack([task, first, other]), (1, 0, 1)
    )


def _three_regions_events() -> BenchmarkDesign:
    """Events of 1.5 s, 4 to 10 s apart, of two kinds: both drive the first region, the second changes connections."""
    second, random = _seconds(300), np.random.default_rng(20)
    every, kind = np.zeros(second.size), np.zeros(second.size)
    onset = 2.0
    while onset < second[-1] - 12:
        at = (second >= onset) & (second < onset + 1.5)
        every[at] = 1
        kind[at] = random.random() < 0.5
        onset += random.uniform(4, 10)
    b = np.zeros((3, 3, 2))
    for to, source in ((1, 0), (2, 0), (2, 1), (0, 0)):
        b[to, source, 1] = 1
    a = [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    spec = Spec(["R1", "R2", "R3"], ["event", "kind"], a, b, [[1, 0], [0, 0], [1, 0]])
    return _design("events3", spec, np.column_stack([every, kind]), (1, 0, 1))


def _seconds(scans: int) -> Float[np.ndarray, "bin"]:
    return np.arange(scans * BINS) * REPETITION_TIME / BINS


def _design(name: str, spec: Spec, inputs: np.ndarray, tested: tuple[int, int, int]) -> BenchmarkDesign:
    scans = len(inputs) // BINS
    cosines = int(2 * scans * REPETITION_TIME / HIGH_PASS)
    phase = np.pi * (np.arange(scans) + 0.5) / scans
    confounds = np.column_stack(
        [np.ones(scans), *(np.sqrt(2 / scans) * np.cos(k * phase) for k in range(1, cosines + 1))]
    )
    series = np.random.default_rng(0).standard_normal((scans, spec.n))
    frame = Data(series, inputs.astype(float), REPETITION_TIME / BINS, REPETITION_TIME, confounds)
    return BenchmarkDesign(name, spec, frame, tested, prior(spec, "none"))
