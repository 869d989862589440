"""What the causal models and the predictive ones say of the same connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..page import EFFECT, PROBABILITY, Column, Records, Section
from ._result import StudyResult

COLUMNS = (
    Column("connection", "Connection"),
    Column("road", "Kind of model"),
    Column("what", "What is asked"),
    Column("effect", "Effect", EFFECT),
    Column("unit", "Unit"),
    Column("low", "90 % from", EFFECT),
    Column("high", "to", EFFECT),
    Column("above", "P(> 0)", PROBABILITY),
    Column("verdict", "Verdict"),
    Column("kept", "In bootstraps", ".0%"),
)
CAUSAL, PREDICTIVE = "causal (DCM, PEB)", "predictive (elastic net)"


def roads_section(result: StudyResult) -> Section | None:
    """Every connection that both kinds of model say something about; None where there is none."""
    found = roads_records(result)
    if not found.rows:
        return None
    lead = (
        "Dynamic causal models ask how an effect comes about and weigh it by posterior probability; the elastic net "
        "asks which measures tell people apart, whatever the cause, and is judged on people left out. Both "
        "rest on the same participants, and measures of the predictive models may be estimates of the causal ones: "
        "that they agree is no independent confirmation, and that they part does not prove either wrong."
    )
    return Section("Causal and predictive answers side by side", lead, tables=(found.table(),), anchor="roads")


def roads_records(result: StudyResult) -> Records:
    """One row for each connection and answer, without connections that only one kind of model has."""
    rows = []
    for to, source in _connections(result):
        causal = list(_causal(result, f"{to} ← {source}"))
        predictive = list(_predictive(result, to, source))
        if causal and predictive:
            rows += [*causal, *({**row, "connection": f"{to} ← {source}"} for row in predictive)]
    lead = "Predictive effects are per standard deviation of a predictor; 0 is not retained, whatever it may be."
    return Records("roads", "The same connections by both kinds of model", lead, COLUMNS, rows)


def _connections(result: StudyResult) -> list[tuple[str, str]]:
    """(to, from) of every two regions of the model."""
    regions = result.study.dcm.regions if result.study.dcm is not None else ()
    return [(to, source) for to in regions for source in regions if to != source]


def _causal(result: StudyResult, connection: str) -> Iterator[dict[str, Any]]:
    """Differences between the arms, in the mean and in effects of covariates, on one connection."""
    for name, delivery in result.deliveries.items():
        how = result.study.group[name].analysis
        for records in delivery.records:
            if records.name == "arms" and how == "arms":
                first, second = records.columns[3].heading, records.columns[4].heading
                for row in records.rows:
                    if row.get("verdict") is not None and f"{row['connection']} ".startswith(f"{connection} "):
                        what = f"{name}: {row['covariate']}, {first} − {second}"
                        yield _row(row["connection"], what, row, row["difference"])


def _row(connection: str, what: str, row: Any, effect: float) -> dict[str, Any]:
    above = row["probability_beyond_zero"]
    shown = {key: row[key] for key in ("low", "high", "verdict")} | {"above": above, "kept": None}
    return {
        "connection": connection,
        "road": CAUSAL,
        "what": what,
        "effect": effect,
        "unit": row["unit"],
        **shown,
    }


def _predictive(result: StudyResult, to: str, source: str) -> Iterator[dict[str, Any]]:
    """Predictors that are measures of one connection, and of no other whose regions' names hold these."""
    wanted = re.compile(rf"_{re.escape(to)}_from_{re.escape(source)}(?![\w-])")
    longer = [f"_{other}_from_" for other in result.study.regions if other.endswith(f"_{to}")]
    for model, delivery in result.predictions.items():
        how = result.study.predict[model]
        unit = result.study.scores[how.outcome].unit if how.outcome in result.study.scores else ""
        for records in delivery.records:
            for row in records.rows if records.name == "predictors" else ():
                predictor = row["predictor"]
                if wanted.search(predictor) and not any(other in predictor for other in longer):
                    yield {
                        "road": PREDICTIVE,
                        "what": f"{model}: {predictor}",
                        "effect": row["coefficient"],
                        "unit": f"{unit}/SD" if unit else "per SD",
                        "low": row["low"],
                        "high": row["high"],
                        "above": None,
                        "verdict": {"yes": "stable", "no": "not stable"}.get(str(row.get("stable")))
                        if row["coefficient"]
                        else None,
                        "kept": row["bootstraps"],
                    }
