"""What a calibration hands over: answers first, tables, pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from peb import ALPHA, SMALLEST_EFFECT

from ..page import AnalysisReport, Answer, Column, Records
from ..study import MAIN
from ..verdicts import STRONG_EVIDENCE, judge_coverage, judge_model_choice, judge_power
from ._datasets import CalibrationRun, DesignCell
from ._parameter_recovery import LEAST_CHANGE, Coverage, ModelRecovery, measure_coverage, reduction_errors
from ._pictures import calibration_sections
from ._power import Power

NAME = "calibration"
FIELDS = ("B", "A", "C")
STATED_EFFECT = 0.5  # Hz, the effect whose power the first sentence tells

CELL_COLUMNS = (
    Column("field", "Field"),
    Column("snr", "SNR", "g"),
    Column("origin", "Truths"),
    Column("datasets", "Data sets", "d"),
    Column("coverage", "90 % intervals hold, %", ".1f"),
    Column("coverage_se", "±", ".1f"),
    Column("sd_z", "SD of z", ".2f"),
    Column("sd_z_se", "SE of SD of z", ".2f", "file"),
    Column("bias", "Bias, Hz", "+.3f"),
    Column("correlation", "Correlation", ".2f"),
    Column("wrong_sign_99", "Wrong sign at P > 0.99, %", ".1f"),
    Column("wrong_sign_99_se", "SE of wrong sign", ".1f", "file"),
    Column("right_sign_99", "Right sign, %", ".1f"),
    Column("zeros", "True zeros", "d", "file"),
    Column("zeros_beyond_90", "Zeros called at 90 %", ".1f"),
    Column("zeros_beyond_90_se", "SE of zeros called", ".1f", "file"),
)
MODEL_COLUMNS = (
    Column("true", "True model"),
    Column("against", "Against"),
    Column("snr", "SNR", "g"),
    Column("datasets", "Choices", "d"),
    Column("chosen", "True one chosen, %", ".1f"),
    Column("chosen_se", "±", ".1f"),
    Column("wrong", "Wrong by > 3 nats, %", ".1f"),
    Column("wrong_se", "± ", ".1f"),
    Column("how", "F by"),
)
POWER_COLUMNS = (
    Column("n", "Participants", "d"),
    Column("effect", "True effect, Hz", "g"),
    Column("power", "Found, %", ".0f"),
    Column("power_se", "±", ".0f"),
    Column("false", "False alarm, %", ".0f"),
    Column("false_se", "± ", ".0f"),
    Column("none", "“No difference”, %", ".0f"),
    Column("groups", "Groups", "d", "file"),
)


def report_calibration(
    run: CalibrationRun, models: Sequence[ModelRecovery], power: Sequence[Power], seed: int
) -> AnalysisReport:
    """The answers, the tables and how to draw the pictures."""
    cells = [
        {"field": field, "snr": cell.snr, "origin": cell.origin, **_row_of(found)}
        for cell in run.cells
        for field in FIELDS
        if (found := field_coverage(run, cell, field)) is not None
    ]
    design = run.design
    count = sum(dataset.cell.model == MAIN for dataset in run.datasets)
    notices = []
    if run.failures:
        notices.append((f"{len(run.failures)} inversions failed.", f"The first: {run.failures[0]}"))
    return AnalysisReport(
        name=NAME,
        title=f"Calibration of {design.name}",
        subtitle=f"{count} data sets simulated from this design with known truths, and inverted as its own data are.",
        answers=tuple(_calibration_answers(run, cells, models, power)),
        records=(
            Records("cells", "Coverage, signs and recovery", _cells_lead(run), CELL_COLUMNS, cells),
            Records(
                "models",
                "Is the true model chosen?",
                _models_lead(),
                MODEL_COLUMNS,
                [_row_of(recovery) for recovery in models],
                brief=bool(models),
            ),
            Records(
                "power",
                "Power of the group question",
                _power_lead(run),
                POWER_COLUMNS,
                [_row_of(point) for point in power],
                brief=bool(power),
            ),
        ),
        draw=lambda: calibration_sections(run, cells, power),
        facts=_facts(run, seed),
        notices=tuple(notices),
        summary={
            "design": design.name,
            "mode": run.mode.name,
            "datasets": count,
            "seed": seed,
            "redrawn": run.redrawn,
            "autocorrelation": design.correlation,
            "assumed": list(design.assumptions),
            "failed": len(run.failures),
            "reduction_errors": reduction_errors(run),
        },
    )


def field_coverage(run: CalibrationRun, cell: DesignCell, field: str) -> Coverage | None:
    """Coverage of one field in one cell; None where the field has no free parameter, or nothing was inverted."""
    layout = run.design.spec.layout
    rows = [
        (dataset.truth[entry], mean, sd, dataset.number)
        for dataset in run.of(cell)
        for entry, mean, sd in zip(
            *(getattr(dataset.inverted[MAIN], key) for key in ("free", "mean", "sd")), strict=True
        )
        if layout.field_of(entry) == field
    ]
    if not rows:
        return None
    truth, mean, sd, number = np.array(rows).T
    return measure_coverage(truth, mean, sd, number.astype(int))


def _calibration_answers(
    run: CalibrationRun, cells: Sequence[dict[str, Any]], models: Sequence[ModelRecovery], power: Sequence[Power]
) -> list[Answer]:
    main = [cell for cell in cells if cell["field"] == ("B" if any(cell["field"] == "B" for cell in cells) else "A")]
    if not main:
        return [Answer("Are the intervals of this design calibrated?", "open", "Nothing could be inverted.")]
    answers = [_coverage_answer(run, main, power)]
    finite = [recovery for recovery in models if not math.isnan(recovery.snr)]
    if finite:
        worst = max(finite, key=lambda recovery: recovery.wrong)
        chosen = sorted(recovery.chosen for recovery in finite)
        least, most = f"{chosen[0]:.0f}", f" to {chosen[-1]:.0f}"
        most = most if most != f" to {least}" else ""
        parts = "; ".join(f"{recovery.true} at SNR {recovery.snr:g}: {recovery.chosen:.0f} %" for recovery in finite)
        headline = (
            f"A wrong model wins by more than {STRONG_EVIDENCE:g} nats in at most {worst.wrong:.0f} % "
            f"(± {worst.wrong_se:.0f}) of data sets; the true one has the higher F in {least}{most} %."
        )
        verdict = judge_model_choice(worst.wrong, max(recovery.wrong_se for recovery in finite))
        answers.append(
            Answer("Does the free energy select the true model?", verdict, headline, (f"The true one wins: {parts}.",))
        )
    own_size = [point for point in power if point.n == run.design.question.participants]
    if own_size:
        parts = ", ".join(f"{point.power:.0f} % (± {point.power_se:.0f}) at {point.effect:g} Hz" for point in own_size)
        enough = next(point for point in own_size if point.effect == STATED_EFFECT)
        others = "; ".join(f"{point.n}: {point.power:.0f} %" for point in power if point.effect == STATED_EFFECT)
        false = f"a false alarm in {own_size[0].false:.0f} %"
        headline = f"With {own_size[0].n} participants a true effect is found in {parts}; {false}."
        question = f"{run.design.question.text} Are there enough participants?"
        answers.append(
            Answer(
                question,
                judge_power(enough.power, enough.power_se),
                headline,
                (f"{STATED_EFFECT:g} Hz by number of participants: {others}.",),
            )
        )
    return answers


def _coverage_answer(run: CalibrationRun, main: Sequence[dict[str, Any]], power: Sequence[Power]) -> Answer:
    """In one sentence, from the cell that is nearest to the study: its own ratio, truths around its estimates."""
    cell = main[-1] if run.design.estimates else main[len(main) // 2]
    worst = min(main, key=lambda cell: cell["coverage"])
    what = "change of a connection (B)" if cell["field"] == "B" else "connection (A)"
    headline = (
        f"At a signal-to-noise ratio of {cell['snr']:g}, 90 % intervals hold the true {what} in "
        f"{cell['coverage']:.0f} % (± {cell['coverage_se']:.0f}) of cases"
    )
    if cell["wrong_sign_99"] is not None:
        headline += f", signs called at P > 0.99 are wrong in {cell['wrong_sign_99']:.1f} %"
    own_size = [
        point for point in power if point.n == run.design.question.participants and point.effect == STATED_EFFECT
    ]
    if own_size:
        what = "difference" if run.design.question.kind == "arms" else "effect"
        true = f"a true {what} of {STATED_EFFECT:g} Hz"
        headline += f", and {own_size[0].n} participants find {true} in {own_size[0].power:.0f} % of studies"
    verdict = judge_coverage([(cell["coverage"], cell["coverage_se"]) for cell in main])
    detail = f"The least of all cells: {worst['coverage']:.0f} % (± {worst['coverage_se']:.0f}) at {worst['snr']:g}."
    return Answer("Are the intervals of this design calibrated?", verdict, f"{headline}.", (detail,))


def _cells_lead(run: CalibrationRun) -> str:
    where = " or of one of the study's estimates" if run.design.estimates else ""
    return (
        f"Truths lie within 2 standard deviations of the prior{where}; each change of a connection (B) is 0 in half of "
        "the data sets. z is (truth − mean) / SD, whose standard deviation should be 1; bias is in the direction of "
        "the truth. Errors (±) are Monte-Carlo standard errors."
    )


def _models_lead() -> str:
    return (
        f"Data made by one model, and by which model F is higher. A change that is there is one of {LEAST_CHANGE:g} Hz "
        "or more. By reduction: F of the smaller model follows from the larger one's posterior."
    )


def _power_lead(run: CalibrationRun) -> str:
    question = run.design.question
    visits = "the difference of two visits" if question.visits == 2 else "one visit"
    return (
        f"{question.text} Groups simulated from the first level's posterior standard deviations, {visits} each, with "
        f"{question.spread:g} Hz between participants (SD), the effect on one connection, and errors of connections "
        "taken as independent; analysed by the group model. A connection is called where 2 min(P, 1 − P) times the "
        f"number of connections is at most {ALPHA:g}; “no difference” is the answer where every effect is surely "
        f"smaller than {SMALLEST_EFFECT:g} Hz."
    )


def _facts(run: CalibrationRun, seed: int) -> tuple[tuple[str, str], ...]:
    template, design = run.design.templates[0], run.design
    noise = f"serial correlation {design.correlation:g} (AR(1)), as strong as the ratio says in every region"
    runs = "one run's inputs" if len(design.templates) == 1 else f"{len(design.templates)} runs' inputs"
    first = " in the first" if len(design.templates) > 1 else ""
    timing = f"{runs}; {template.scans} scans of {template.repetition_time:g} s{first}"
    return (
        ("Simulated by", "the full nonlinear equations, inputs with their natural zero"),
        ("Noise", noise),
        ("Design", timing),
        ("Mode", run.mode.description),
        ("Drawn again", f"{run.redrawn:.0%} of drawn truths, which were unstable or left a region silent"),
        ("Seed", str(seed)),
        *(_reduction_facts(run)),
        *((f"Assumed {i + 1}", line) for i, line in enumerate(design.assumptions)),
    )


def _reduction_facts(run: CalibrationRun) -> tuple[tuple[str, str], ...]:
    errors = np.abs(reduction_errors(run))
    if not errors.size:
        return ()
    headline = (
        f"F without the first change, by reduction and with that model inverted by itself, differ by "
        f"{np.median(errors):.2f} nats as a rule and {errors.max():.2f} at most, in {errors.size} data sets"
    )
    return (("Reduction checked", headline),)


def _row_of(found: object) -> dict[str, Any]:
    """A result's fields, None where a number is missing."""
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value for key, value in vars(found).items()
    }
