"""Named models of a group compared: which parameters have an effect of which covariate.

A model says of every parameter whether it is there. One model is chosen for each covariate compared, all combinations
are scored by reduction of the full group, rE = k ∘ βE, rC = diag(k) βC diag(k), and effects of covariates that are not
compared stay. That is SPM12's comparison for its first two covariates ("commonalities and differences"), here for any
(Friston et al. 2016; Zeidman et al. 2019b).

F is that of exact switches. SPM12's own F scatters around it (on the reference group by 0.04 nats root mean square, up
to 0.32): it takes ln|rP qP sC pC| from the singular values of that ill-conditioned product, in double precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from dcm import NormalMixture
from dcm.tables import DataFrame, data_frame, density_columns, html_table

from ._average import WINDOW, average_of_switches, probabilities, reducible_effects
from ._design_error import name_list
from ._gaussian import Gaussian
from ._group import GroupPosterior
from ._reduction import ProbabilityKind

MOST_COMBINATIONS = 200_000


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models compared for some of a group's covariates; arrays have one axis of models for each of these.

    Fields (M models, w parameters, c covariates compared, E effects of the group):
        models: M names.
        parameters: w names.
        switches: (M, w) whether a model has a parameter.
        covariates: c names, in the order of the axes.
        free_energy: (M, …, M) ln p(y | models) − ln p(y | full), nats.
        probability: (M, …, M) of each combination, all as likely a priori; sums to 1.
        effects: E names, those of the group.
        average: the Bayesian model average over all effects of the group; an unseen one is 0 in it, with variance 0.
        unseen: effects that SPM12's convention leaves out of reductions, for their prior variance is very small beside
            the others' (their covariate is in small units); none outside SPM's modes.
        window: nats below the best combination from which one is left out of the average.
    """

    models: tuple[str, ...]
    parameters: tuple[str, ...]
    switches: Bool[np.ndarray, "model param"]
    covariates: tuple[str, ...]
    free_energy: Float[np.ndarray, "*model"]
    probability: Float[np.ndarray, "*model"]
    effects: tuple[str, ...]
    average: Gaussian
    unseen: tuple[str, ...]
    window: float

    kind: ClassVar[ProbabilityKind] = "free energy, with v without"

    def to_frame(self) -> DataFrame:
        """One row a combination of models: a column a covariate with its model, then free_energy and probability."""
        which = np.indices(self.free_energy.shape).reshape(len(self.covariates), -1)
        chosen = {name: [self.models[i] for i in places] for name, places in zip(self.covariates, which, strict=True)}
        return data_frame({**chosen, "free_energy": self.free_energy.ravel(), "probability": self.probability.ravel()})

    def summary(self, level: float = 0.9) -> DataFrame:
        """The model average of the covariates compared: covariate, parameter, mean, sd, lower, upper, probability.

        `lower` and `upper` are the central interval that holds `level` under the average; `probability` is of the kind
        "free energy, with v without", see `parameter_probability`.
        """
        parts = []
        for covariate in self.covariates:
            places = np.array([self.effects.index(f"{covariate}: {name}") for name in self.parameters])
            found = self.average.marginal(places)
            columns = density_columns(NormalMixture.normal(found.mean, found.sd), level)
            columns["probability"] = self.parameter_probability(covariate)
            parts.append({"covariate": [covariate] * places.size, "parameter": list(self.parameters), **columns})
        return data_frame({column: np.concatenate([part[column] for part in parts]) for column in parts[0]})

    def __repr__(self) -> str:
        return f"Comparison({len(self.models)} models for each of {', '.join(self.covariates)})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.to_frame().sort_values("probability", ascending=False))

    def model_probability(self, covariate: str) -> Float[np.ndarray, "model"]:
        """The probability of each model for one covariate, whatever the models for the others."""
        return marginal(self.probability, self.covariates, covariate)

    def parameter_probability(self, covariate: str) -> Float[np.ndarray, "param"]:
        """The probability that one covariate has an effect on each parameter: SPM12's Pw and Px.

            mean p(m | y) over models with it / (that + mean p(m | y) over models without it)

        It is of the kind "free energy, with v without": models that have the parameter are together as likely a priori
        as those that have not. Where all models have it, it is 1, where none has, 0.
        """
        probability, on = self.model_probability(covariate), self.switches
        with_it = (probability @ on) / np.maximum(on.sum(axis=0), 1)
        without = (probability @ ~on) / np.maximum((~on).sum(axis=0), 1)
        return np.asarray(with_it / (with_it + without))


def compare(
    group: GroupPosterior,
    switches: Bool[np.ndarray, "model param"],
    models: Sequence[str],
    *,
    covariates: Sequence[str] | None = None,
    window: float = WINDOW,
) -> Comparison:
    """Every combination of one model per covariate, scored and averaged.

        ΔF = ln p(y | k) − ln p(y | full),    p(k | y) = exp(ΔF_k) / Σ exp(ΔF)

    Arguments:
        group: the full model.
        switches: (model, param) which of the group's parameters each model has, 0 or 1.
        models: their names.
        covariates: for which covariates models are chosen, in the order of the result's axes; None for the first two
            of the design, or its only one.
        window: nats below the best combination from which one is left out of the average.

    Raises `ValueError` where shapes differ or switches are neither 0 nor 1, a name repeats, a covariate is unknown or
    has effects that are `unseen`, or there are more than 200,000 combinations.

    >>> group.parameters
    ('B[V5<-V1, drug]', 'B[V1<-V5, drug]')
    >>> compare(group, [[1, 1], [1, 0], [0, 1], [0, 0]], ["both", "forwards", "backwards", "neither"]).summary()

    Source: Friston et al. 2016; Zeidman et al. 2019b, section 3.4.
    """
    on = _checked(switches, tuple(models), group.parameters)
    covariates = (covariates,) if isinstance(covariates, str) else covariates
    chosen = group.design.covariates[:2] if covariates is None else tuple(covariates)
    places, reducible = _places(group, chosen), reducible_effects(group)
    if (total := len(on) ** len(chosen)) > MOST_COMBINATIONS:
        raise ValueError(
            f"{len(on)} models for each of {len(chosen)} covariates are {total:,} combinations, more than "
            f"{MOST_COMBINATIONS:,}; compare fewer models, or for fewer covariates"
        )
    patterns = _patterns(on, places, group.prior.mean.size)
    free_energy = group.evidence_of(patterns)
    shape = (len(on),) * len(chosen)
    return Comparison(
        models=tuple(models),
        parameters=group.parameters,
        switches=on,
        covariates=chosen,
        free_energy=free_energy.reshape(shape),
        probability=probabilities(free_energy).reshape(shape),
        effects=group.effects,
        average=average_of_switches(group, patterns, free_energy, window),
        unseen=tuple(name for name, is_reducible in zip(group.effects, reducible, strict=True) if not is_reducible),
        window=window,
    )


def every_combination(parameters: int) -> Bool[np.ndarray, "model param"]:
    """All 2^n choices among n parameters: from none of them to all, the last parameter changing fastest.

    Raises `ValueError` where that is more than 200,000.
    """
    if parameters < 0 or 2**parameters > MOST_COMBINATIONS:
        raise ValueError(
            f"all choices among {parameters} parameters are too many to list; search() looks through more of them"
        )
    bits = np.arange(parameters)[::-1]
    return np.asarray((np.arange(2**parameters)[:, None] >> bits) & 1, dtype=bool)


def marginal(
    probability: Float[np.ndarray, "*model"], covariates: tuple[str, ...], covariate: str
) -> Float[np.ndarray, "model"]:
    """The sum over every axis but one covariate's."""
    if covariate not in covariates:
        raise ValueError(f"models were not compared for {covariate!r}, but for {name_list(covariates)}")
    others = tuple(axis for axis, name in enumerate(covariates) if name != covariate)
    return np.asarray(probability.sum(axis=others))


def _checked(
    switches: np.ndarray, models: tuple[str, ...], parameters: tuple[str, ...]
) -> Bool[np.ndarray, "model param"]:
    given = np.asarray(switches)
    if not models or given.shape != (len(models), len(parameters)):
        raise ValueError(
            f"{len(models)} models of {len(parameters)} parameters need switches "
            f"({len(models)}, {len(parameters)}), not {given.shape}"
        )
    if not np.isin(given, (0, 1)).all():
        raise ValueError("a switch is neither 0 nor 1; 1 where the model has the parameter")
    if repeated := sorted({name for name in models if models.count(name) > 1}):
        raise ValueError(f"the model {repeated[0]} is there twice; give each a name of its own")
    return given.astype(bool)


def _places(group: GroupPosterior, covariates: tuple[str, ...]) -> list[np.ndarray]:
    """Where the effects of each covariate lie; raises `DesignError`, a `ValueError`, where there is none."""
    if not covariates or len(set(covariates)) < len(covariates):
        raise ValueError(
            f"models are compared for one or more different covariates, not for {name_list(covariates) or 'none'}"
        )
    reducible = reducible_effects(group)
    for name in covariates:
        if not reducible[group.places(name)].all():
            raise ValueError(
                f"SPM12's conventions do not see the effects of {name}: their prior variance is very small beside the "
                'others\'; give the covariate in larger units, or fit with compat="none"'
            )
    return [group.places(name) for name in covariates]


def _patterns(on: np.ndarray, places: list[np.ndarray], effects: int) -> Bool[np.ndarray, "combination effect"]:
    """Which effects each combination has, the last covariate's model changing fastest."""
    chosen = np.indices((len(on),) * len(places)).reshape(len(places), -1)
    patterns = np.ones((chosen.shape[1], effects), dtype=bool)
    for models, where in zip(chosen, places, strict=True):
        patterns[:, where] = on[models]
    return patterns
