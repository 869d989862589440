"""A group posterior as an xarray dataset with named dimensions and units, and back, exact to the last bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import xarray as xr

from dcm import Spec
from peb import CanonicalForm, Compat, Design, DesignPrior, Estimate, Gaussian, GroupPosterior, GroupStatus, NodeMixture

from ._dataset import LEVEL, Variables, about, units

FORMAT = "effconn group 2"


def group_dataset(
    group: GroupPosterior, *, attrs: Mapping[str, str | int | float], spec: Spec | None = None
) -> xr.Dataset:
    """A group posterior as an xarray dataset that holds all of it.

    Dimensions: `effect` and `effect_` (covariate by covariate), `covariate`, `parameter` (effects per covariate),
    `first_level` and `first_level_` (the parameters below), `component` and `component_`, `subject`, and `every` and
    `every_` (all parameters that any participant's estimate has; NaN where one lacks it); where participants are a
    mixture `node`, and `covariate_`.

    Arguments:
        group: the result.
        attrs: what made it.
        spec: the DCM of the participants, stored to give parameters their units and SPM their places; None where the
            group is of groups, or the model is not known.

    Raises `ValueError` where `attrs` uses a name of the group's own, or participants disagree on a parameter's field.
    """
    variables = _effects(group, spec) | _model(group) | _noise(group) | _participants(group.participants)
    variables |= _mixture(group)
    coordinates = {
        **{dim: np.array(group.effects) for dim in ("effect", "effect_")},
        "covariate": np.array(group.design.covariates),
        "parameter": np.array(group.parameters),
        **{dim: np.array(group.first_level) for dim in ("first_level", "first_level_")},
        **{dim: np.array(group.component_names, dtype=str) for dim in ("component", "component_")},
        "subject": np.array(group.design.participants),
    }
    if group.mixture is not None:
        coordinates["covariate_"] = np.array(group.design.covariates)
    if group.participants:
        coordinates |= dict.fromkeys(("every", "every_"), np.array(_all_parameters(group.participants)))
    if spec is not None:
        variables |= {
            "a": (("to", "from"), spec.a, about("connections that are free")),
            "b": (("to", "from", "input"), spec.b, about("connections that an input may change")),
            "c": (("to", "input"), spec.c, about("regions that an input drives")),
            "d": (("to", "from", "gate"), spec.d, about("connections that a region gates")),
        }
        coordinates |= dict.fromkeys(("to", "from", "gate"), np.array(spec.regions))
        coordinates["input"] = np.array(spec.inputs, dtype=str)
    held: dict[str, Any] = {
        "format": FORMAT,
        "name": group.name,
        "status": group.status.name,
        "compat": group.compat,
        "centres": json.dumps(dict(group.design.centres)),
        "kinds": json.dumps(dict(group.design.kinds)),
    }
    if group.design.form is not None:
        held |= {
            "formula": group.design.formula,
            "form": json.dumps(group.design.form.as_plain()),
            "levels": json.dumps({name: own.tolist() for name, own in group.design.levels.items()}),
        }
    clash = sorted(set(held) & set(attrs))
    if clash:
        raise ValueError(f"{group.name}: attributes {', '.join(clash)} are effconn's own; name yours otherwise")
    return xr.Dataset(variables, coordinates, held | dict(attrs))


def group_from_values(
    values: Mapping[str, np.ndarray], attributes: Mapping[str, Any]
) -> tuple[GroupPosterior, Spec | None]:
    """The inverse of `group_dataset`, from a dataset's variables and attributes."""

    def names(key: str) -> tuple[str, ...]:
        return tuple(map(str, values[key]))

    def density(mean: str, covariance: str) -> Gaussian:
        return Gaussian(values[mean], values[covariance])

    centres = json.loads(attributes["centres"])
    kinds = {name: (minus, plus) for name, (minus, plus) in json.loads(attributes["kinds"]).items()}
    group = GroupPosterior(
        name=str(attributes["name"]),
        parameters=names("parameter"),
        fields=names("field"),
        first_level=names("first_level"),
        design=_design(names("subject"), names("covariate"), values["design"], centres, kinds, attributes),
        within=np.array(values["within"]),
        prior=density("prior_mean", "prior_covariance"),
        posterior=density("mean", "covariance"),
        components=np.array(values["components"]),
        component_names=names("component"),
        noise_prior=density("noise_prior_mean", "noise_prior_covariance"),
        noise=density("noise_mean", "noise_covariance"),
        between=np.array(values["between"]),
        free_energy=float(values["free_energy"]),
        participants=_estimates(values, names) if "every" in values else (),
        status=GroupStatus[str(attributes["status"])],
        iterations=int(values["iterations"]),
        compat=cast(Compat, str(attributes["compat"])),
        mixture=_mixture_of(values) if "node_spread" in values else None,
        influence=np.array(values["influence"]) if "influence" in values else None,
        participant_of=names("participant_of") if "participant_of" in values else None,
    )
    spec = Spec(names("to"), names("input"), *(values[mask] for mask in "abcd")) if "a" in values else None
    return group, spec


def _design(
    participants: tuple[str, ...],
    covariates: tuple[str, ...],
    matrix: np.ndarray,
    centres: Mapping[str, float],
    kinds: Mapping[str, tuple[str, str]],
    attributes: Mapping[str, Any],
) -> Design:
    """With what is known of its formula, if it is from one."""
    if "form" not in attributes:
        return Design(participants, covariates, matrix, centres, kinds)
    form = CanonicalForm.from_plain(json.loads(attributes["form"]))
    levels = {name: np.array(own) for name, own in json.loads(attributes["levels"]).items()}
    prior = DesignPrior(form.prior_mean, form.prior_covariance)
    return Design(participants, covariates, matrix, centres, kinds, str(attributes["formula"]), form, levels, prior)


def _effects(group: GroupPosterior, spec: Spec | None) -> Variables:
    known = {} if spec is None else dict(zip(spec.parameter_names, units(spec), strict=True))
    shape = ("effect",)
    per_unit = "parameter_unit per unit of the covariate"
    return {
        "mean": (shape, group.posterior.mean, about("posterior mean", per_unit)),
        "sd": (shape, group.posterior.sd, about("posterior sd", per_unit)),
        "covariance": (("effect", "effect_"), group.posterior.covariance, about("posterior covariance")),
        "probability": (
            ("parameter", "covariate"),
            group.probability,
            about("P(effect > 0): posterior beyond zero", "1"),
        ),
        "prior_mean": (shape, group.prior.mean, about("prior mean", per_unit)),
        "prior_covariance": (("effect", "effect_"), group.prior.covariance, about("prior covariance")),
        "field": (("parameter",), np.array(group.fields), about("field of a parameter")),
        "parameter_unit": (
            ("parameter",),
            np.array([str(known.get(name, "")) for name in group.parameters]),
            about("unit, empty where it is not known"),
        ),
        "free_energy": ((), group.free_energy, about("bound on the log evidence", "nats")),
        "iterations": ((), group.iterations, about("iterations taken")),
    }


def _model(group: GroupPosterior) -> Variables:
    whose: Variables = {}
    if group.participant_of is not None:
        whose["participant_of"] = (("subject",), np.array(group.participant_of), about("whose visit a row is"))
    return whose | {
        "design": (("subject", "covariate"), group.design.matrix, about("between-participant design X")),
        "within": (("first_level", "parameter"), group.within, about("within-participant design W")),
        "components": (
            ("component", "first_level", "first_level_"),
            group.components,
            about("precision components Q of the between-participant covariance"),
        ),
        "between": (("first_level", "first_level_"), group.between, about("between-participant covariance Σ")),
    }


def _noise(group: GroupPosterior) -> Variables:
    square = ("component", "component_")
    return {
        "noise_mean": (("component",), group.noise.mean, about("posterior mean of the log precisions γ", "1")),
        "noise_covariance": (square, group.noise.covariance, about("their posterior covariance", "1")),
        "noise_prior_mean": (("component",), group.noise_prior.mean, about("their prior mean", "1")),
        "noise_prior_covariance": (square, group.noise_prior.covariance, about("their prior covariance", "1")),
    }


def _mixture(group: GroupPosterior) -> Variables:
    """Every connection's effects at every node of its spread between participants; nothing where these are Gaussian."""
    one = group.mixture
    if one is None or group.influence is None:
        return {}
    nodes, square = ("parameter", "node"), ("covariate", "covariate_")
    interval = ("parameter", "covariate", "end")
    return {
        "influence": (
            ("subject", "parameter"),
            group.influence,
            about("weight of a participant beside a regular one with these data", "1"),
        ),
        "interval": (interval, group.interval(LEVEL), about(f"central {LEVEL:.0%} posterior interval, from and to")),
        "node_spread": (
            ("node",) if one.u.ndim == 1 else ("node", "kind_of_spread"),
            one.u,
            about(
                "ln of the spread over node_unit: between participants; or of visits, of participants, of own effects, "
                "and of which term's most (0: of all alike)",
                "1",
            ),
        ),
        "node_unit": (("parameter",), one.unit, about("prior standard deviation of a parameter")),
        "node_weight": (nodes, one.weight, about("posterior probability of a spread", "1")),
        "node_log_evidence": (nodes, one.log_evidence, about("ln p(y | spread)", "nats")),
        "node_mean": ((*nodes, "covariate"), one.means, about("posterior mean of the effects at a spread")),
        "node_covariance": ((*nodes, *square), one.covariances, about("their posterior covariance")),
        "node_prior_mean": (("parameter", "covariate"), one.prior_mean, about("prior mean of the effects")),
        "node_prior_covariance": (("parameter", *square), one.prior_covariance, about("their prior covariance")),
    }


def _mixture_of(values: Mapping[str, np.ndarray]) -> NodeMixture:
    return NodeMixture(
        *(
            np.array(values[f"node_{name}"])
            for name in ("spread", "unit", "log_evidence", "mean", "covariance", "prior_mean", "prior_covariance")
        )
    )


def _all_parameters(participants: tuple[Estimate, ...]) -> tuple[str, ...]:
    """All parameters that any participant has, in the order they come up."""
    return tuple(dict.fromkeys(name for estimate in participants for name in estimate.parameters))


def _participants(participants: tuple[Estimate, ...]) -> Variables:
    """Every participant's estimate under the empirical prior, on one set of parameters."""
    if not participants:
        return {}
    every = _all_parameters(participants)
    fields = dict(item for estimate in participants for item in zip(estimate.parameters, estimate.fields, strict=True))
    place = {name: i for i, name in enumerate(every)}
    count, size = len(participants), len(every)
    rank = np.full((count, size), -1)
    means = {kind: np.full((count, size), np.nan) for kind in ("prior", "posterior")}
    covariances = {kind: np.full((count, size, size), np.nan) for kind in ("prior", "posterior")}
    for i, estimate in enumerate(participants):
        odd = [name for name, field in zip(estimate.parameters, estimate.fields, strict=True) if fields[name] != field]
        if odd:
            raise ValueError(
                f"{estimate.name}: {odd[0]} is in another field than with other participants; give all the same"
            )
        places = np.array([place[name] for name in estimate.parameters], dtype=int)
        rank[i, places] = np.arange(places.size)
        for kind, density in (("prior", estimate.prior), ("posterior", estimate.posterior)):
            means[kind][i, places] = density.mean
            covariances[kind][i][np.ix_(places, places)] = density.covariance
    rows, squares = ("subject", "every"), ("subject", "every", "every_")
    under = "under the group's empirical prior"
    return {
        "participant_name": (
            ("subject",),
            np.array([estimate.name for estimate in participants]),
            about("name of the estimate"),
        ),
        "participant_place": (rows, rank, about("place among a participant's parameters; -1 where there is none")),
        "every_field": (("every",), np.array([fields[name] for name in every]), about("field of a parameter")),
        "participant_mean": (rows, means["posterior"], about(f"posterior mean {under}")),
        "participant_covariance": (squares, covariances["posterior"], about(f"posterior covariance {under}")),
        "participant_prior_mean": (rows, means["prior"], about("empirical prior mean")),
        "participant_prior_covariance": (squares, covariances["prior"], about("empirical prior covariance")),
        "participant_free_energy": (
            ("subject",),
            np.array([estimate.free_energy for estimate in participants]),
            about(f"bound on the log evidence {under}", "nats"),
        ),
    }


def _estimates(values: Mapping[str, np.ndarray], names: Any) -> tuple[Estimate, ...]:
    every, fields = names("every"), names("every_field")
    found = []
    for i, name in enumerate(names("participant_name")):
        rank = values["participant_place"][i]
        places = np.argsort(rank, kind="stable")[np.count_nonzero(rank < 0) :]
        prior, posterior = (
            Gaussian(values[f"{kind}_mean"][i][places], values[f"{kind}_covariance"][i][np.ix_(places, places)])
            for kind in ("participant_prior", "participant")
        )
        found.append(
            Estimate(
                name,
                tuple(every[p] for p in places),
                tuple(fields[p] for p in places),
                prior,
                posterior,
                float(values["participant_free_energy"][i]),
            )
        )
    return tuple(found)
