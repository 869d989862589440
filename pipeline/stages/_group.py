"""The third stage: posteriors of all visits → what the group says, one folder for each analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from peb import SamplingSettings

from ..bids import Inventory, write_design
from ..common import UsageError, release, start_jax
from ..execution import Unit, UnitRecorder
from ..group import GroupInputs, GroupOptions, group_settings, read_group
from ..page import Delivery, store_delivery
from ..study import GroupAnalysis, Sessions, Study
from ._layout import Layout

STAGE = "group"


@dataclass(frozen=True)
class Analysis:
    """One analysis, as a worker gets it.

    Fields:
        name: its heading in the configuration.
        how: its settings.
        arm, arms: column and both names, the first less the second.
        sessions: before and after.
        posteriors: of the main model, of the sessions concerned.
        design: table of participants.
        folder: of its results.
    """

    name: str
    how: GroupAnalysis
    arm: str
    arms: tuple[str, str]
    sessions: Sessions
    posteriors: tuple[Path, ...]
    design: Path
    folder: Path


def group_units(study: Study, inventory: Inventory, posteriors: Mapping[str, Path], layout: Layout) -> list[Unit]:
    """A unit for every analysis.

    Arguments:
        posteriors: visit → file, of the main model.
    """
    return [_unit(_analysis(study, inventory, posteriors, layout, name)) for name in study.group]


def _analysis(
    study: Study, inventory: Inventory, posteriors: Mapping[str, Path], layout: Layout, name: str
) -> Analysis:
    how = study.group[name]
    folder = layout.group(name)
    design = write_design(study, inventory, how, folder / "design.tsv")
    wanted = {"before": [study.sessions.before], "after": [study.sessions.after]}.get(
        how.of, [study.sessions.before, study.sessions.after]
    )
    paths = tuple(path for visit, path in posteriors.items() if visit.split("_", 1)[1] in wanted)
    people = study.participants
    return Analysis(name, how, people.arm, people.arms, study.sessions, paths, design, folder)


def _unit(job: Analysis) -> Unit:
    recipe = {
        "analysis": job.how.model_dump(mode="json"),
        "arm": [job.arm, *job.arms],
        "sessions": [job.sessions.before, job.sessions.after],
        "visits": [path.stem for path in job.posteriors],
        **{package: release(package) for package in ("effconn", "jax", "numpy", "numpyro", "matplotlib")},
    }
    return Unit(STAGE, job.name, recipe, (*job.posteriors, job.design), job)


def analyse(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Analyse, and write everything an analysis hands over. The work of this stage."""
    start_jax()
    for unit in units:
        job: Analysis = unit.payload
        try:
            delivery = _deliver(job)
            recorder.done(unit, store_delivery(delivery, job.folder))
        except (UsageError, ValueError) as error:
            recorder.failed(unit, str(error))


def _deliver(job: Analysis) -> Delivery:
    options = _options(job)
    inputs = read_group(options, lambda line: None)
    if options.reinvert:
        from ..group import invert_again

        inputs = invert_again(options, inputs, lambda line: None)
    delivery = _ANALYSES[job.how.analysis](job, inputs)
    return delivery if job.how.of == "change" else _of_session(delivery, getattr(job.sessions, job.how.of))


def _of_session(delivery: Delivery, session: str) -> Delivery:
    """The same, saying which session it is about: beside the changes it would be taken for one."""
    answers = tuple(replace(one, question=f"In {session}: {one.question}") for one in delivery.answers)
    return replace(delivery, title=f"{delivery.title}, {session}", answers=answers)


def _options(job: Analysis) -> GroupOptions:
    how = job.how
    covariates = [*how.covariates]
    if how.predict is not None and how.predict not in covariates:
        covariates.append(how.predict)
    pairs = [(first.strip(), second.strip()) for first, second in (one.split(":") for one in how.interactions)]
    if how.analysis == "arms":
        covariates = [job.arm, *(name for name in covariates if name != job.arm)]
        pairs += [(job.arm, name) for name in covariates[1:] if {job.arm, name} not in map(set, pairs)]
    return GroupOptions(
        paths=job.posteriors,
        design=job.design,
        covariates=covariates,
        interactions=pairs,
        plus=job.arms[:1],
        named=tuple(name for name in covariates if name == job.arm),  # arms called 0 and 1 are no numbers
        fields=how.fields,
        sessions=(job.sessions.before, job.sessions.after) if how.of == "change" else None,
        matched_only=True,
        all_different=True,  # whose runs are whose is the participants' table's to say
        settings=group_settings(how.compat, how.between, how.components, how.between_prior),
        smallest_effect=how.smallest_effect,
        reinvert=how.reinvert,
    )


def _arms(job: Analysis, inputs: GroupInputs) -> Delivery:
    from ..group import compare_arms, deliver_arms

    sampling = SamplingSettings(seed=job.how.seed) if job.how.sample else None
    return deliver_arms(inputs, compare_arms(inputs, job.arm, sampling, order=job.arms))


def _fit(job: Analysis, inputs: GroupInputs) -> Delivery:
    from ..group import deliver_fit, fit_group

    return deliver_fit(inputs, *fit_group(inputs))


def _left_out(job: Analysis, inputs: GroupInputs) -> Delivery:
    from ..group import deliver_prediction, predict

    return deliver_prediction(inputs, predict(inputs, str(job.how.predict), None, job.how.seed))


def _permute(job: Analysis, inputs: GroupInputs) -> Delivery:
    from ..group import deliver_permutation, permute

    return deliver_permutation(inputs, permute(inputs, str(job.how.predict), (), job.how.permutations, job.how.seed))


def _search(job: Analysis, inputs: GroupInputs) -> Delivery:
    from ..group import deliver_search, search_models

    return deliver_search(inputs, *search_models(inputs))


_ANALYSES: dict[str, Any] = {
    "arms": _arms,
    "fit": _fit,
    "leave-one-out": _left_out,
    "permute": _permute,
    "search": _search,
}
