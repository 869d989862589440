"""A group posterior with a number of its own in every place, for tests of what is written and read."""

from __future__ import annotations

import numpy as np

from dcm import Spec
from peb import Design, Estimate, Gaussian, GroupPosterior, GroupStatus

SPEC = Spec(
    ("vmPFC", "amygdala"),
    ("task", "faces"),
    np.ones((2, 2)),
    np.stack([np.zeros((2, 2)), np.eye(2)[::-1]], axis=2),
    np.eye(2),
)
CHOSEN = ("A[amygdala<-vmPFC]", "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]")


def density(size: int, rng: np.random.Generator) -> Gaussian:
    half = rng.normal(size=(size, size + 2))
    return Gaussian(rng.normal(size=size), half @ half.T)


def made_up_group(*, components: int = 2, participants: bool = True, mixed: bool = False) -> GroupPosterior:
    """Four participants, two covariates and three parameters, or two mixtures of them.

    Arguments:
        components: how many precision components.
        participants: whether participants were estimated again; the second of them lacks a parameter.
        mixed: whether W mixes the parameters.
    """
    rng = np.random.default_rng(7)
    names = tuple(f"sub-{i}" for i in range(4))
    design = Design(names, ("mean", "age"), np.column_stack([np.ones(4), [-1.5, -0.5, 0.25, 1.75]]), {"age": 40.125})
    within = rng.normal(size=(3, 2)) if mixed else np.eye(3)
    count = within.shape[1]
    halves = rng.normal(size=(components, 3, 4))
    return GroupPosterior(
        name="ketamine",
        parameters=("within 1", "within 2") if mixed else CHOSEN,
        fields=("within", "within") if mixed else ("A", "B", "B"),
        first_level=CHOSEN,
        design=design,
        within=within,
        prior=density(2 * count, rng),
        posterior=density(2 * count, rng),
        components=halves @ halves.transpose(0, 2, 1),
        component_names=("A", "B", "third")[:components],
        noise_prior=density(components, rng),
        noise=density(components, rng),
        between=density(3, rng).covariance,
        free_energy=-rng.random() * 1000,
        participants=tuple(_estimate(name, rng, lacking=i == 1) for i, name in enumerate(names))
        if participants
        else (),
        status=GroupStatus.MAX_ITERATIONS,
        iterations=17,
        compat="none",
    )


def _estimate(name: str, rng: np.random.Generator, *, lacking: bool) -> Estimate:
    parameters = (("decay",) if lacking else ("decay", "transit[vmPFC]")) + CHOSEN
    fields = tuple(
        "AB"["B[" in parameter] if "[" in parameter and "<-" in parameter else parameter.split("[")[0]
        for parameter in parameters
    )
    size = len(parameters)
    return Estimate(name, parameters, fields, density(size, rng), density(size, rng), -rng.random())
