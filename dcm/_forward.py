"""The forward model g(θ) and its Jacobian, by the integrator and derivatives asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._bilinear import FreeParameters, Timing, free_parameters, predict, predict_with_jacobian
from ._gating import GatingParameters, split_gating
from ._linear import SPM_STEP, bilinear_form, spm_bilinear_form
from ._nonlinear import predict_nonlinear, predict_nonlinear_with_jacobian
from ._spec import Layout, Parameters

Integrator = Literal["bilinear", "nonlinear"]
Derivatives = Literal["exact", "spm"]


@dataclass(frozen=True)
class ForwardModel:
    """What selects code, and nothing else: sizes, free parameters and method (static under `jit`).

    Arguments:
        layout: numbers of regions and inputs.
        free: indices of the free parameters in `layout`.
        integrator: 'bilinear' (SPM's) or 'nonlinear' (the full equations).
        derivatives: 'exact', or 'spm' for SPM12's forward differences with step e^-8, in the expansion around rest and
            in the Jacobian (bilinear only).
        panels: into how many each step is cut (`Schedule`), nonlinear only.
        targets: regions into which connections are gated, nonlinear only; D is not read elsewhere.
    """

    layout: Layout
    free: tuple[int, ...]
    integrator: Integrator = "bilinear"
    derivatives: Derivatives = "exact"
    panels: int = 1
    targets: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.integrator not in ("bilinear", "nonlinear"):
            raise ValueError(f"integrator must be 'bilinear' or 'nonlinear', not {self.integrator!r}")
        if self.derivatives not in ("exact", "spm"):
            raise ValueError(f"derivatives must be 'exact' or 'spm', not {self.derivatives!r}")
        if self.derivatives == "spm" and self.integrator != "bilinear":
            raise ValueError("derivatives='spm' reproduces SPM12's bilinear integrator; use integrator='bilinear'")

    @cached_property
    def sorted_free(self) -> FreeParameters:
        """The free parameters by what they do."""
        return free_parameters(self.layout, self.free)

    @cached_property
    def sorted_with_gates(self) -> tuple[FreeParameters, GatingParameters]:
        """The same with those of D apart."""
        return split_gating(self.layout, self.free)

    def parameters(self, mean: Float[Array, "param"], free: Float[Array, "free"]) -> Parameters:
        """All parameters as named arrays: the free ones as given, the others at their prior mean."""
        return self.layout.to_tree(mean.at[np.array(self.free, dtype=int)].set(free))

    def predict(
        self,
        parameters: Parameters,
        timing: Timing,
        echo_time: Float[Array, ""],
    ) -> Float[Array, "scan region"]:
        """g(θ): BOLD in percent, for one participant."""
        if self.integrator == "nonlinear":
            return predict_nonlinear(parameters, timing, echo_time, self.panels, self.targets)
        expand = spm_bilinear_form if self.derivatives == "spm" else bilinear_form
        return predict(expand(parameters), parameters.epsilon, timing, echo_time)

    def predict_with_jacobian(
        self,
        mean: Float[Array, "param"],
        free: Float[Array, "free"],
        timing: Timing,
        echo_time: Float[Array, ""],
    ) -> tuple[Float[Array, "scan region"], Float[Array, "scan region free"]]:
        """g(θ) and ∂g/∂θ along the free parameters."""

        def along(moved: Float[Array, "free"]) -> Float[Array, "scan region"]:
            return self.predict(self.parameters(mean, moved), timing, echo_time)

        if self.derivatives == "spm":
            moved = free + SPM_STEP * jnp.eye(len(self.free))
            prediction = along(free)
            return prediction, jnp.moveaxis((jax.vmap(along)(moved) - prediction) / SPM_STEP, 0, -1)
        parameters = self.parameters(mean, free)
        if self.integrator == "nonlinear":
            connections, gates = self.sorted_with_gates
            return predict_nonlinear_with_jacobian(
                parameters, connections, timing, echo_time, self.panels, self.targets, gates
            )
        return predict_with_jacobian(parameters, self.sorted_free, timing, echo_time)
