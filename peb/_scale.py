"""A group in units of its own, so that no number that a climb sees depends on anybody's units.

    X ← X / c,    W ← W w,    β ← c β / w

with c the root mean square of each covariate and w the prior standard deviation of its effects on each parameter, per
root mean square of the covariate (the geometric mean over covariates; with the default prior they are all the same).
F, γ and Σ stay as they are. The model itself is free of units already: the default prior variance of an effect is
PC N / Σx², that is PC per root mean square of its covariate.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._hierarchy import Group, inverse


def unit_of_effects(group: Group) -> tuple[Float[Array, "covariate"], Float[Array, "effect"]]:
    """c and w."""
    peak = jnp.abs(group.between).max(axis=0)
    share = group.weight @ (group.between / peak) ** 2 / group.weight.sum()
    covariate = peak * jnp.sqrt(share)
    sd = jnp.sqrt(jnp.diag(inverse(group.beta_precision))).reshape(covariate.size, -1)
    return covariate, jnp.exp(jnp.log(sd * covariate[:, None]).mean(axis=0))


def in_own_units(
    group: Group, covariate: Float[Array, "covariate"], effect: Float[Array, "effect"]
) -> tuple[Group, Float[Array, "beta"]]:
    """The same group with effects β / `unit`, and `unit`."""
    unit = (effect / covariate[:, None]).ravel()
    return (
        replace(
            group,
            between=group.between / covariate,
            within=group.within * effect,
            beta_mean=group.beta_mean / unit,
            beta_precision=group.beta_precision * unit * unit[:, None],
        ),
        unit,
    )
