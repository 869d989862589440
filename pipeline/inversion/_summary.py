"""What is shown of inversions and of comparisons with SPM: cells of tables, sentences, and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcm import Diagnostics, Failure, Posterior, Status, diagnose

from ..common import describe_device, describe_precision, format_duration, labels_by_remark, release
from ..tables import effect_text
from ._compare import BETTER, MISSED, NOISE, SAME_OPTIMUM, SAME_PATH, ComparisonReport, SpmComparison
from ._invert import FileOutcome, result_path
from ._plan import InversionPlan

LOW_VARIANCE = 10.0  # percent explained, as in SPM's check of a DCM
STRONG_CONNECTION = 1 / 8  # Hz, likewise
INVERSION_COLUMNS = (
    "participant",
    "result",
    "F (nats)",
    "explained variance",
    "largest connection",
    "iterations",
    "remarks",
)
COMPARISON_COLUMNS = (
    "participant",
    "F",
    "F of SPM",
    "ΔF (nats)",
    "max |ΔEp| (Hz)",
    "r of Ep",
    "error at SPM's Ep",
    "explained",
    "by SPM",
    "iterations",
    "optimum",
)


def inversion_row(outcome: FileOutcome) -> tuple[str, ...]:
    """The cells of one file, under `INVERSION_COLUMNS`."""
    posterior = outcome.result
    if isinstance(posterior, Failure):
        return (outcome.file.name, "failed", "–", "–", "–", "–", posterior.reason.removeprefix("failed: "))
    found = diagnose(posterior)
    words = {"CONVERGED": "converged", "MAX_ITERATIONS": "not converged"}[posterior.status.name]
    if outcome.origin == "kept":
        words += " (kept)"
    return (
        outcome.file.name,
        words,
        f"{posterior.free_energy:.2f}",
        f"{found.explained_variance_total:.1f} %",
        largest_connection(posterior),
        str(posterior.iterations),
        "; ".join([*inversion_remarks(posterior, found), *(["see the line above"] if outcome.file.remarks else [])]),
    )


def inversion_remarks(posterior: Posterior, found: Diagnostics) -> list[str]:
    """`Diagnostics.warnings` in a few words each, for a table that has the numbers beside them."""
    said = {
        "stopped at the limit: raise --max-iterations": posterior.status is Status.MAX_ITERATIONS,
        "fits poorly": found.explained_variance_total < LOW_VARIANCE,
        "no strong connection": found.largest_connection < STRONG_CONNECTION,
        "data moved no parameter": found.identifiable == 0,
        f"prior conflict: {found.prior_conflict}": bool(found.prior_conflict),
        f"{found.starts_disagree}: raise --starts": bool(found.starts_disagree),
        f"never varies: {', '.join(found.constant_inputs)}": bool(found.constant_inputs),
    }
    refined = posterior.refinement
    if refined is not None:
        few = f"not refined: only {refined.effective_sample:.0f} of {refined.draws} draws count"
        said[few] = not refined.used
    small = [f"{found.small_series}: --priors none"] if found.small_series else []
    noise = [text.split(";")[0] for text in found.noise_conflict]
    return small + [words for words, applies in said.items() if applies] + noise


def mode_lines(outcomes: Sequence[FileOutcome]) -> list[str]:
    """The mode in which each result was made, said once for all of the same."""
    made = labels_by_remark(
        (outcome.file.name, outcome.result.mode) for outcome in outcomes if isinstance(outcome.result, Posterior)
    )
    return (
        [f"mode: {next(iter(made))}"]
        if len(made) == 1
        else [f"mode of {names}: {mode}" for mode, names in made.items()]
    )


def largest_connection(posterior: Posterior) -> str:
    """The strongest connection between regions, in words and Hz."""
    spec, layout = posterior.spec, posterior.spec.layout
    between = ~np.eye(spec.n, dtype=bool).ravel(order="F")
    among = np.concatenate([np.flatnonzero(between) + block * spec.n**2 for block in range(1 + spec.m)])
    if not among.size:
        return "–"
    strongest = among[np.argmax(np.abs(posterior.mean[: layout.field_slice("B").stop][among]))]
    to, by = int(strongest % spec.n), int(strongest // spec.n)
    name = f"{spec.regions[by % spec.n]} → {spec.regions[to]}"
    change = by // spec.n
    under = f" by {spec.inputs[change - 1]}" if change else ""
    return f"{name}{under} {effect_text(float(posterior.mean[strongest]))} Hz"


def inversion_counts(outcomes: Sequence[FileOutcome], errors: Sequence[str]) -> str:
    """How many files were inverted, kept, failed and unreadable, in a line."""
    counts = {
        origin: sum(outcome.origin == origin for outcome in outcomes) for origin in ("inverted", "redone", "kept")
    }
    failed = sum(isinstance(outcome.result, Failure) for outcome in outcomes)
    parts = [f"{counts['inverted'] + counts['redone'] - failed} inverted"]
    if counts["kept"]:
        parts.append(f"{counts['kept']} kept from an earlier run")
    if failed:
        parts.append(f"{failed} failed")
    if errors:
        parts.append(f"{len(errors)} unreadable")
    return ", ".join(parts)


def inversion_json(
    outcomes: Sequence[FileOutcome],
    errors: Sequence[str],
    folder: Path,
    plan: InversionPlan,
    timing: dict[str, float],
) -> dict[str, Any]:
    """The settings, and every result in numbers."""
    return {
        "effconn": release(),
        "device": describe_device(),
        "precision": describe_precision(),
        "compat": plan.compat,
        "integrator": plan.settings.integrator,
        "derivatives": plan.settings.derivatives,
        "noise": plan.settings.noise,
        "priors": plan.settings.priors,
        "starts": plan.settings.starts,
        "kept": sum(outcome.origin == "kept" for outcome in outcomes),
        "errors": list(errors),
        "participants": [_entry(outcome, folder) for outcome in outcomes],
        "seconds": timing,
    }


def _entry(outcome: FileOutcome, folder: Path) -> dict[str, Any]:
    posterior, settings = outcome.result, outcome.settings
    entry: dict[str, Any] = {"name": outcome.file.name, "file": str(outcome.file.path), "index": outcome.file.index}
    entry |= {"integrator": settings.integrator, "origin": outcome.origin, "remarks": list(outcome.file.remarks)}
    if isinstance(posterior, Failure):
        return entry | {"status": failure_status(posterior.reason), "result": None}
    found = diagnose(posterior)
    return entry | {
        "status": posterior.status.value,
        "result": str(result_path(folder, outcome.file)),
        "mode": posterior.mode,
        "f": posterior.free_energy,
        "explained_variance": found.explained_variance_total,
        "largest_connection_hz": found.largest_connection,
        "iterations": posterior.iterations,
        "autocorrelation": posterior.autocorrelation.tolist(),
        "start_free_energies": posterior.start_free_energies.tolist(),
        "refinement": refinement_numbers(posterior),
        "warnings": list(found.warnings),
    }


def refinement_numbers(posterior: Posterior) -> dict[str, float | bool] | None:
    """What refining by sampling found; None where it was not asked for."""
    if posterior.refinement is None:
        return None
    return {key: value for key, value in vars(posterior.refinement).items() if not key.startswith("gaussian")}


def failure_status(reason: str) -> str:
    """A failure as JSON states it."""
    return reason if reason.startswith("failed") else f"failed: {reason}"


def comparison_summary(report: ComparisonReport) -> list[str]:
    """What the comparisons come to, a sentence each."""
    compared = report.compared
    if not compared:
        return ["no file holds an estimate of SPM12 to compare with"]
    of = f"of {len(compared)}"
    reached = [
        comparison for comparison in compared if comparison.delta_f is not None and comparison.delta_f >= -SAME_OPTIMUM
    ]
    found, missed = (
        [comparison.name for comparison in compared if comparison.verdict == verdict] for verdict in (MISSED, BETTER)
    )
    noise = [comparison.name for comparison in compared if comparison.verdict == NOISE]
    lines = []
    if report.derivatives == "spm":
        same = sum(comparison.same_path for comparison in compared)
        lines.append(f"{same} {of} within {SAME_PATH} of SPM12 in both F (nats) and Ep (A, B, C; Hz)")
        lines += [
            f"{comparison.name}: {_path_difference(comparison)}"
            for comparison in compared
            if comparison.copies_inverted
        ]
    lines.append(f"{len(reached)} {of} with F ≥ F of SPM12 − {SAME_OPTIMUM}")
    if found:
        lines.append(f"{MISSED}: {', '.join(found)}")
    if missed:
        more = "; more starts may find it (--starts 8)" if report.starts == 1 else ""
        lines.append(f"{BETTER}: {', '.join(missed)}{more}")
    if noise:
        lines.append(f"the same optimum, with the noise estimated elsewhere: {', '.join(noise)}")
    compiling, running = (format_duration(report.seconds[key]) for key in ("compile", "run"))
    starts = f"{report.starts} start{'s' if report.starts > 1 else ''}"
    how = f"mode {report.compat}, {report.derivatives} derivatives, {starts}"
    return [*lines, f"{how}, {report.device}, {report.precision}; {compiling} compiling, {running} running"]


def _path_difference(comparison: SpmComparison) -> str:
    if comparison.paths_part_at is None:
        return "another path than SPM12's, although its own does not depend on the data's last digits"
    return f"paths part at iteration {comparison.paths_part_at}: last digits decide"


def comparison_row(comparison: SpmComparison) -> tuple[str, ...]:
    """The cells of comparison file, under `COMPARISON_COLUMNS`."""
    if comparison.delta_f is None:
        return (comparison.name, *["–"] * 9, "not comparable")
    end = "" if comparison.status == "converged" else f" ({comparison.status.replace('_', ' ')})"
    return (
        comparison.name,
        _number(comparison.f, ".3f"),
        _number(comparison.f_spm, ".3f"),
        _number(comparison.delta_f, "+.4f"),
        _number(comparison.max_abs_delta_ep, ".1e"),
        _number(comparison.corr_ep, ".6f"),
        _number(comparison.prediction_error_at_spm, ".0e"),
        _number(comparison.explained_variance, ".1f") + " %",
        _number(comparison.explained_variance_spm, ".1f") + " %",
        str(comparison.iterations) + end,
        comparison.verdict,
    )


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
