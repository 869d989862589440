"""Inversions: what each model explains of its visit, and what SPM would warn about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dcm import Diagnostics, Posterior, diagnose

from ..figures import LOW_VARIANCE, variance_figure
from ..page import EFFECT, SPREAD, Column, Picture, Records, Section
from ._fold import fold
from ._result import StudyResult

MOST = 60  # participants in the picture
COLUMNS = (
    Column("visit", "Visit"),
    Column("arm", "Arm"),
    Column("free_energy", "F, nats", ".1f"),
    Column("explained_variance", "Explained variance (mean removed), %", ".0f"),
    Column("largest_connection", "Largest connection, Hz", SPREAD),
    Column("iterations", "Iterations", "d"),
    Column("status", "Ended"),
    Column("warnings", "Warnings"),
)


def fits_section(result: StudyResult, found: Mapping[str, Diagnostics]) -> Section | None:
    """Explained variance by visit, the mean removed; None where nothing was inverted."""
    if not found:
        return None
    return Section(
        "How much the models explain",
        "As SPM's check of a DCM, effconn warns where less than 10 % of the variance is explained, where no connection "
        "between regions exceeds 1/8 Hz, or where the data moved no parameter. Such visits say little, and the group "
        "level weighs them accordingly. It also warns of parameters far out in their prior, of noise at odds with its "
        "own, and of starts that leave doubt about the best.",
        (_picture(result, found),),
        (),
        folded=(fold(fit_records(result, found)),),
        anchor="fits",
    )


def diagnoses(result: StudyResult) -> dict[str, Diagnostics]:
    """Visit → fit of the main model, first arm first."""
    return {visit: diagnose(result.main[visit]) for visit in visits(result)}


def visits(result: StudyResult) -> list[str]:
    """Visits with a posterior of the main model, by arm, participant and session."""
    every = [f"{participant.name}_{session}" for participant in result.people for session in result.sessions]
    return [visit for visit in every if visit in result.main]


def fit_records(result: StudyResult, found: Mapping[str, Diagnostics]) -> Records:
    """One row a visit; marked where there are warnings."""
    arm_of = result.arm_of
    rows: list[dict[str, Any]] = [
        {
            "visit": visit,
            "arm": arm_of[visit.removesuffix(f"_{_session(result, visit)}")],
            "free_energy": float(result.main[visit].free_energy),
            "explained_variance": diagnostics.explained_variance_total,
            "largest_connection": diagnostics.largest_connection,
            "iterations": result.main[visit].iterations,
            "status": result.main[visit].status.value,
            "warnings": "; ".join(diagnostics.warnings) or "none",
        }
        for visit, diagnostics in found.items()
    ]
    lead = (
        "F is the free energy, a lower bound on the log evidence; it compares models of the same data, not visits. "
        "Marked: there are warnings."
    )
    marked = frozenset(i for i, diagnostics in enumerate(found.values()) if diagnostics.warnings)
    return Records("fits", "Every visit", lead, COLUMNS, rows, marked=marked)


def connectivity_records(result: StudyResult) -> Records:
    """One row a model, visit and free parameter."""
    rows = [
        {"model": model, "visit": visit, "parameter": name, "mean": float(mean), "sd": float(sd)}
        for model, posteriors in result.posteriors.items()
        for visit, posterior in posteriors.items()
        for name, mean, sd in zip(posterior.names, posterior.mean[posterior.free], _sd(posterior), strict=True)
    ]
    columns = (
        Column("model", "Model"),
        Column("visit", "Visit"),
        Column("parameter", "Parameter"),
        Column("mean", "Posterior mean", EFFECT),
        Column("sd", "SD", SPREAD),
    )
    lead = "Hz between regions; log scales for self-inhibition and haemodynamics."
    return Records("connectivity", "Every parameter of every visit", lead, columns, rows)


def _sd(posterior: Posterior) -> np.ndarray:
    return np.sqrt(np.diag(posterior.covariance))


def _session(result: StudyResult, visit: str) -> str:
    return next(session for session in result.sessions if visit.endswith(f"_{session}"))


def _picture(result: StudyResult, found: Mapping[str, Diagnostics]) -> Picture:
    names = [
        participant.name
        for participant in result.people
        if any(f"{participant.name}_{s}" in found for s in result.sessions)
    ]
    explained = np.array([[_explained(found, f"{name}_{s}") for s in result.sessions] for name in names])
    low = int((explained < LOW_VARIANCE).sum())
    caption = (
        "The prediction's sum of squares about its mean, as a share of the prediction's and the residual's. "
        f"Median {np.nanmedian(explained):.0f} %; {low} of {len(found)} visits below {LOW_VARIANCE:g} %, where a fit "
        "means little. Look for participants whose two sessions differ much: their change rests on the poorer one."
    )
    if len(names) > MOST:
        worst = np.sort(np.argsort(np.nanmin(explained, axis=1), kind="stable")[:MOST])
        names, explained = [names[i] for i in worst], explained[worst]
        caption += f" Only the {MOST} participants with the least are drawn."
    figure = variance_figure(names, explained, result.sessions)
    return Picture("variance", "Explained variance (mean removed)", caption, figure)


def _explained(found: Mapping[str, Diagnostics], visit: str) -> float:
    return found[visit].explained_variance_total if visit in found else float("nan")
