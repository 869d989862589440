"""What the group level knows of the level below: named parameters with a prior, a posterior and an evidence.

It may come from one participant's DCM or from a group's PEB: the levels above do not ask, so they can be stacked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dcm import Failure, Posterior, mode_without_search
from dcm.tables import DataFrame, counted, find_name, html_table

from ._design_error import name_list
from ._gaussian import Gaussian
from ._reduction import reduce, with_v_without


@dataclass(frozen=True, eq=False)
class Estimate:
    """One model of one participant, or of one group.

    Arguments:
        name: what it goes by; estimates are matched with a design by it.
        parameters: q names, all different.
        fields: the field of each, such as ``A`` or ``B``.
        prior, posterior: densities over the parameters, in that order.
        free_energy: F, nats.

    Raises `ValueError` where lengths differ or names repeat.
    """

    name: str
    parameters: tuple[str, ...]
    fields: tuple[str, ...]
    prior: Gaussian
    posterior: Gaussian
    free_energy: float

    def __post_init__(self) -> None:
        sizes = {len(self.parameters), len(self.fields), self.prior.mean.size, self.posterior.mean.size}
        if len(sizes) > 1:
            raise ValueError(
                f"{self.name}: {len(self.parameters)} names, {len(self.fields)} fields, {self.prior.mean.size} prior "
                f"and {self.posterior.mean.size} posterior means; there must be one of each for every parameter"
            )
        if len(set(self.parameters)) < len(self.parameters):
            repeated = next(name for name in self.parameters if self.parameters.count(name) > 1)
            raise ValueError(f"{self.name}: the parameter {repeated} is there twice")
        if not np.isfinite(self.free_energy):
            raise ValueError(f"{self.name}: the free energy is {self.free_energy}")

    @property
    def with_v_without(self) -> Float[np.ndarray, "param"]:
        """p(the model has the parameter | y), beside the model in which it alone is 0, both as likely a priori."""
        return with_v_without(self.prior, self.posterior)

    def summary(self, level: float = 0.9) -> DataFrame:
        """The posterior as a table, see `Gaussian.summary`."""
        return self.posterior.summary(self.parameters, level)

    def __repr__(self) -> str:
        return f"Estimate({self.name!r}, {counted(len(self.parameters), 'parameter')}, F = {self.free_energy:.2f} nats)"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary())

    @classmethod
    def from_dcm(cls, name: str, posterior: Posterior) -> Estimate:
        """A first-level posterior as the group level sees it: its free parameters, by their names in the model.

        Raises `ValueError` where the inversion failed.
        """
        if posterior.status.failed:
            raise ValueError(f"{name}: the inversion {posterior.status.value}")
        free = posterior.free
        try:
            before = Gaussian(posterior.prior.mean[free], posterior.prior.covariance[np.ix_(free, free)])
            after = Gaussian(posterior.mean[free], posterior.covariance)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        fields = tuple(posterior.spec.layout.field_of(int(i)) for i in free)
        return cls(name, posterior.names, fields, before, after, posterior.free_energy)

    def places(self, chosen: Sequence[str]) -> Int[np.ndarray, "kept"]:
        """Where the parameters that `select` keeps are; raises as it does."""
        chosen = [chosen] if isinstance(chosen, str) else chosen
        known = {*self.parameters, *self.fields}
        meant = {name: find_name(name, known) for name in chosen}
        unknown = [name for name, found in meant.items() if found is None]
        if unknown:
            raise ValueError(
                f"{self.name} has no field or parameter {unknown[0]!r}; its fields are "
                f"{', '.join(dict.fromkeys(self.fields))}, its parameters {', '.join(self.parameters[:8])}"
                f"{', …' if len(self.parameters) > 8 else ''}"
            )
        varies = set(self.prior.free.tolist())
        kept = [
            i
            for i, (name, field) in enumerate(zip(self.parameters, self.fields, strict=True))
            if i in varies and (name in meant.values() or field in meant.values())
        ]
        return np.array(kept, dtype=int)

    def select(self, chosen: Sequence[str]) -> Estimate:
        """The parameters of the fields or of the names in `chosen` that vary a priori, in the estimate's order.

        The others are integrated out, which leaves F as it is.

        Raises `ValueError` where an entry is neither a field nor a parameter of this estimate.
        """
        return self._restricted(self.places(chosen))

    def renamed(self, name: str) -> Estimate:
        """The same under another name."""
        return Estimate(name, self.parameters, self.fields, self.prior, self.posterior, self.free_energy)

    def under(self, prior: Gaussian) -> Estimate:
        """What the same data say under another prior, by reduction; F is that of the model with this prior."""
        found = reduce(self.prior, self.posterior, prior.mean[None], prior.covariance[None])
        free_energy = self.free_energy + float(found.delta_free_energy[0])
        return Estimate(self.name, self.parameters, self.fields, prior, found.posterior(0), free_energy)

    def _restricted(self, places: np.ndarray) -> Estimate:
        return Estimate(
            self.name,
            tuple(self.parameters[i] for i in places),
            tuple(self.fields[i] for i in places),
            self.prior.marginal(places),
            self.posterior.marginal(places),
            self.free_energy,
        )


def from_dcm(posteriors: Mapping[str, Posterior | Failure], fields: Sequence[str] | None = None) -> list[Estimate]:
    """First-level posteriors as `fit` and the other group analyses take them, one estimate for each participant.

    Arguments:
        posteriors: participant → posterior, as ``dict(zip(names, dcm.invert_cohort(subjects)))`` gives them.
        fields: fields (``B``) or names of parameters to keep, the others integrated out; None for all.

    Raises `ValueError` where an inversion failed, naming everybody and why, where no parameter is called so, or where
    posteriors are of different modes, or some had their inputs centred and others not, so that their A is not the same
    quantity; `TypeError` where the posteriors have no names.

    A participant whose inversion failed is left out by
    ``{name: found for name, found in posteriors.items() if isinstance(found, Posterior)}``, and of the design too.
    """
    if not isinstance(posteriors, Mapping):
        raise TypeError("posteriors are a dictionary, participant → posterior: dict(zip(names, posteriors))")
    named = {str(name): found for name, found in posteriors.items()}
    if len(named) < len(posteriors):
        raise ValueError("two participants are called the same once their names are texts; give each its own")
    if odd := [name for name, found in named.items() if not isinstance(found, Posterior | Failure)]:
        raise TypeError(f"{odd[0]}: a posterior is one of dcm.invert, not a {type(named[odd[0]]).__name__}")
    failed: dict[str, list[str]] = {}
    for name, found in named.items():
        if reason := _failure(found):
            failed.setdefault(reason, []).append(name)
    if failed:
        lines = [f"{', '.join(names)}: {reason}" for reason, names in failed.items()]
        raise ValueError(f"{'; '.join(lines)}; leave these participants out, of the design too")
    found_of = {name: found for name, found in named.items() if not isinstance(found, Failure)}
    centred = [name for name, found in found_of.items() if found.centre_inputs]
    if 0 < len(centred) < len(found_of):
        raise ValueError(
            f"inputs were centred for {name_list(centred)} alone, so that their A is another quantity than the "
            "others'; invert all of them alike"
        )
    modes: dict[str, list[str]] = {}
    for name, found in found_of.items():
        modes.setdefault(mode_without_search(found.mode), []).append(name)
    if len(modes) > 1:
        said = "; ".join(f"{mode}: {name_list(names)}" for mode, names in modes.items())
        raise ValueError(f"the posteriors are of different modes ({said}); invert all of them alike")
    estimates = [Estimate.from_dcm(name, found) for name, found in found_of.items()]
    if fields is None:
        return estimates
    chosen = [fields] if isinstance(fields, str) else list(fields)
    return [estimate.select(chosen) for estimate in estimates]


def _failure(found: Posterior | Failure) -> str:
    """Why an inversion failed; empty where it did not."""
    if isinstance(found, Failure):
        return found.reason
    return found.status.value if found.status.failed else ""
