"""Effects averaged over models: what a comparison of models and a search both end in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from peb import Gaussian, GroupPosterior

from ..page import EFFECT, PROBABILITY, SPREAD, Column, Records
from ..results import connections
from ..spm import write_bma
from ..verdicts import CovariateVerdict, describe_effect_rule
from ._fit import effect_unit, save_group
from ._inputs import GroupInputs

AVERAGE_COLUMNS = (
    Column("covariate", "Covariate"),
    Column("connection", "Connection"),
    Column("mean", "Average", EFFECT),
    Column("sd", "SD", SPREAD),
    Column("probability", "Pp with v without", PROBABILITY),
    Column("verdict", "Verdict"),
    Column("unit", "Unit", where="file"),
    Column("parameter", "Parameter", where="file"),
)


def average_records(
    inputs: GroupInputs,
    group: GroupPosterior,
    average: Gaussian,
    probability: np.ndarray,
    unseen: Sequence[str],
    judged: Mapping[str, CovariateVerdict],
) -> Records:
    """Effects averaged over models; `probability` is (covariate, parameter), `unseen` effects are left empty.

    Verdicts are those on the full model or on a group of each kind, as wherever else the same is asked.
    """
    size = len(group.parameters)
    words = connections(group.parameters, inputs.spec)
    told = ~np.isin(group.effects, unseen)
    mean, sd = np.where(told, average.mean, np.nan), np.where(told, average.sd, np.nan)
    chances = np.where(told, probability.ravel(), np.nan)
    rows = [
        {
            "covariate": covariate,
            "connection": words[i].words,
            "mean": float(mean[place]),
            "probability": float(chances[place]),
            "verdict": judged[covariate].found.each[i],
            "unit": effect_unit(group.design, covariate, words[i].unit),
            "sd": float(sd[place]),
            "parameter": group.parameters[i],
        }
        for k, covariate in enumerate(group.design.covariates)
        for i, place in enumerate(range(k * size, (k + 1) * size))
    ]
    lead = (
        "Averaged over models by their probability; Hz between regions, a log scale for self-inhibition. "
        "Pp with v without is the probability of the models that "
        "have the effect. The verdict is on the full model, or on a group of each kind. "
        f"{describe_effect_rule(inputs.smallest_effect)}."
    )
    sure = frozenset(i for i, row in enumerate(rows) if row["verdict"] == "yes")
    return Records("average", "Effects averaged over models", lead, AVERAGE_COLUMNS, rows, sure=sure)


def unseen_warnings(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    covariates = ", ".join(dict.fromkeys(name.split(": ")[0] for name in names))
    return [
        f"SPM12's conventions do not reduce the effects of {covariates}, whose units make their prior variance "
        "very small; "
        "they stay in every model, and SPM12 reports them as 0; here they are left empty. --compat none "
        "reduces them like the others."
    ]


def save_average(
    inputs: GroupInputs, group: GroupPosterior, average: Gaussian, probability: np.ndarray, folder: Path
) -> list[tuple[str, str]]:
    files = save_group(inputs, group, folder)
    write_bma(
        folder / f"BMA_{group.name}.mat",
        group,
        average,
        probability=np.nan_to_num(probability.ravel(), nan=1.0),
        spec=inputs.spec,
    )
    return [*files, (f"BMA_{group.name}.mat", "the average for SPM12 (spm_dcm_peb_review)")]
