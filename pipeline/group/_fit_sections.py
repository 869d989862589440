"""Sections of a group fit's report: effects with their intervals, connectivity by region, who counts, the design."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dcm import Spec
from peb import MEAN, Design, GroupPosterior, column_contrast, describe_effect

from ..figures import design_figure, effects_figure, influence_figure, matrix_figure, probability_figure
from ..page import Picture, Section, slug
from ..verdicts import CovariateVerdict
from ._effect_tables import effect_numbers
from ._group_inputs import GroupInputs


def fit_sections(
    inputs: GroupInputs, group: GroupPosterior, judged: Mapping[str, CovariateVerdict]
) -> tuple[Section, ...]:
    sections = (
        effects_section(group, inputs, judged),
        matrices_section(group, inputs, judged),
        influence_section(group, inputs.spec),
        design_section(inputs.design, "visits" if inputs.participant_of else "participants"),
    )
    return tuple(section for section in sections if section is not None)


def effects_section(group: GroupPosterior, inputs: GroupInputs, judged: Mapping[str, CovariateVerdict]) -> Section:
    """Every effect with its interval and its verdict, and the P(effect > 0) that this is from."""
    above = np.stack([judged[covariate].above_zero for covariate in group.design.covariates], axis=1)
    shown, called = effect_numbers(group, judged), _called(group, judged)
    names, covariates = group.parameters, group.design.covariates
    spec, titles = inputs.spec, effect_titles(group.design, inputs)
    return Section(
        "Effects on connections",
        "The mean is what participants have in common; the effect of a covariate is the change for one unit of it.",
        (
            Picture(
                "effects",
                "Effects with 90 % intervals",
                "Filled: the verdict is yes. The colour is the sign. An interval may exclude zero and the verdict be "
                "open: the more connections are asked about, the surer each must be. A narrow interval around zero is "
                "news too: there is little to find there.",
                effects_figure(
                    names,
                    covariates,
                    shown.mean,
                    shown.sd,
                    spec=spec,
                    titles=titles,
                    interval=shown.interval,
                    called=called,
                ),
            ),
            Picture(
                "probabilities",
                "How probable each effect is",
                "The share of the posterior above zero: near 1 or 0 for a sure effect, around ½ where the data do not "
                "tell its sign. Beyond the lines the verdict is yes; they lie the further out the more connections are "
                "asked about.",
                probability_figure(
                    names, covariates, above, definition="posterior beyond zero", spec=spec, titles=titles
                ),
            ),
        ),
    )


def effect_titles(design: Design, inputs: GroupInputs) -> dict[str, str]:
    """Columns → their effects in few words, such as ``ketamine − placebo``: of a formula's factors, and the mean of a
    contrast of visits.
    """
    if inputs.compared:
        return {**_titles_of_factors(design), MEAN: "{} − {}".format(*inputs.compared)}
    return _titles_of_factors(design)


def _titles_of_factors(design: Design) -> dict[str, str]:
    if design.form is None:
        return {}
    asked = {name: column_contrast(design, name).canonical for name in design.covariates}
    cores = {
        name: describe_effect(design.form, weights, briefly=True)
        for name, weights in asked.items()
        if weights is not None
    }
    return {
        name: core.removeprefix("change per unit of ").replace(" minus ", " − ")
        for name, core in cores.items()
        if core.count(" minus ") == 1 or core.startswith("mean of ")
    }


def _called(group: GroupPosterior, judged: Mapping[str, CovariateVerdict]) -> np.ndarray:
    """(parameter, covariate), whether the verdict is yes."""
    return np.array(
        [[kind == "yes" for kind in judged[covariate].found.each] for covariate in group.design.covariates]
    ).T


def matrices_section(
    group: GroupPosterior, inputs: GroupInputs, judged: Mapping[str, CovariateVerdict]
) -> Section | None:
    """Connectivity as matrices, one picture for each covariate; None where the group is not over a DCM's A or B."""
    spec = inputs.spec
    if spec is None or not {"A", "B"} & set(group.fields):
        return None
    shown, called = effect_numbers(group, judged), _called(group, judged)
    titles = effect_titles(group.design, inputs)
    drawn = tuple(
        Picture(
            f"matrix-{slug(covariate)}-{k}",
            f"{titles.get(covariate, covariate)}: from the column's region to the row's",
            "Bold and deep: the verdict is yes. Hatched: not in the model. The diagonal is the log scale of a region's "
            "self-inhibition: above zero means more of it.",
            matrix_figure(
                group.parameters,
                shown.mean[:, k],
                shown.sd[:, k],
                spec,
                covariate=covariate,
                title=titles.get(covariate, ""),
                interval=shown.interval[:, k],
                called=called[:, k],
            ),
        )
        for k, covariate in enumerate(group.design.covariates)
    )
    return Section("Connectivity", "The same effects, laid out by region.", drawn)


def influence_section(group: GroupPosterior, spec: Spec | None) -> Section | None:
    """Who counts for how much; None where all count alike."""
    if group.influence is None:
        return None
    whose = group.participant_of or group.design.participants
    names = tuple(dict.fromkeys(whose))
    rows = [whose.index(name) for name in names]
    return Section(
        "Influence of participants",
        "A participant who lies far from what the others and the design expect counts for less, connection by "
        "connection.",
        (
            Picture(
                "influence",
                "Who pulls, and how much",
                "1 is the weight that a participant's own precision deserves. Named: below a half somewhere; look at "
                "these participants' data.",
                influence_figure(names, group.parameters, group.influence[rows], spec=spec),
            ),
        ),
    )


def design_section(design: Design, rows: str = "participants") -> Section | None:
    """The design matrix; None where it is the mean alone. `rows` says what its rows are."""
    if len(design.covariates) < 2:
        return None
    words = "; ".join(f"{column}: {said}" for column, said in design.explanations.items())
    return Section(
        "Design",
        f"What distinguishes {rows}, a column each.",
        (Picture("design", "Design matrix", f"Rows are {rows}. {words}.", design_figure(design)),),
    )
