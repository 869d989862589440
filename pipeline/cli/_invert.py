"""`effconn invert`: what it prints and the JSON it writes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcm import Diagnostics, Failure, Posterior, Status, diagnose

from ..common import (
    CompileClock,
    UsageError,
    describe_device,
    describe_precision,
    describe_repeated_participants,
    find_repeated_participants,
    format_duration,
    labels_by_remark,
    merge_remarks,
    print_line,
    print_message,
    print_table,
    progress,
    release,
    write_json,
)
from ..execution import RECORDS_FOLDER, lock_folder
from ..inversion import Outcome, Plan, check_folder, invert_files, read_inputs, remark_lines, result_path
from ..tables import effect_text

LOW_VARIANCE = 10.0  # percent explained, as in SPM's check of a DCM
STRONG_CONNECTION = 1 / 8  # Hz, likewise


def run_invert(paths: Sequence[Path], folder: Path, plan: Plan, json_file: Path | None) -> int:
    """Invert, print, and return the exit code: 0 where every file was inverted, 1 where any failed."""
    clock, start = CompileClock(), time.perf_counter()
    files, errors = read_inputs(paths, plan.echo_time, estimates=False)
    for line in errors:
        print_message(line)
    if not files:
        raise UsageError("no file could be read as a DCM; see the lines above")
    for line in (*remark_lines(files), *merge_remarks((one.name, said) for one in files for said in plan.remarks(one))):
        print_message(line)
    if groups := find_repeated_participants([file.name for file in files]):
        print_message(
            f"{describe_repeated_participants(groups)}; each is inverted by itself, and effconn peb will ask what "
            "they are"
        )
    check_folder(files, folder, plan)
    gated = [file.name for file in files if file.spec.d.any()]
    if gated and plan.as_spm and plan.integrator is None:
        print_message(
            f"nonlinear integrator, with exact derivatives, for {', '.join(gated)}: the model has gating connections"
        )
    with lock_folder(folder / RECORDS_FOLDER) as held:
        held.remove_unfinished_files(folder)

        def mention(outcome: Outcome) -> None:
            _mention(outcome)
            held.check()

        with progress(f"inverting {len(files)} models") as bar:
            outcomes = invert_files(files, folder, plan, on_outcome=mention, on_progress=bar)
    seconds = time.perf_counter() - start
    _table(outcomes)
    for line in mode_lines(outcomes):
        print_line(line)
    kept = sum(one.origin == "kept" for one in outcomes)
    failed = [one for one in outcomes if isinstance(one.result, Failure)]
    _summary(outcomes, errors, folder, seconds)
    if json_file is not None:
        timing = {"total": seconds, "compile": clock.seconds(start)}
        write_json(json_file, _json(outcomes, errors, folder, plan, kept, timing))
    return 1 if errors or failed else 0


def _mention(outcome: Outcome) -> None:
    if outcome.note:
        print_message(f"{outcome.file.name}: the earlier result {outcome.note}")
    if isinstance(outcome.result, Failure):
        print_message(f"{outcome.file.name}: {outcome.result.reason}")


def _table(outcomes: Sequence[Outcome]) -> None:
    columns = ("participant", "result", "F (nats)", "explained variance", "largest connection", "iterations", "remarks")
    print_table(columns, [_row(outcome) for outcome in outcomes], left=(0, 1, 4, 6))


def _row(outcome: Outcome) -> tuple[str, ...]:
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
        "; ".join([*remarks(posterior, found), *(["see the line above"] if outcome.file.remarks else [])]),
    )


def remarks(posterior: Posterior, found: Diagnostics) -> list[str]:
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
    noise = [one.split(";")[0] for one in found.noise_conflict]
    return small + [words for words, applies in said.items() if applies] + noise


def mode_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """The mode in which each result was made, said once for all of the same."""
    made = labels_by_remark((one.file.name, one.result.mode) for one in outcomes if isinstance(one.result, Posterior))
    return [f"mode: {next(iter(made))}"] if len(made) == 1 else [f"mode of {who}: {mode}" for mode, who in made.items()]


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


def _summary(outcomes: Sequence[Outcome], errors: Sequence[str], folder: Path, seconds: float) -> None:
    counts = {origin: sum(one.origin == origin for one in outcomes) for origin in ("inverted", "redone", "kept")}
    failed = sum(isinstance(one.result, Failure) for one in outcomes)
    parts = [f"{counts['inverted'] + counts['redone'] - failed} inverted"]
    if counts["kept"]:
        parts.append(f"{counts['kept']} kept from an earlier run")
    if failed:
        parts.append(f"{failed} failed")
    if errors:
        parts.append(f"{len(errors)} unreadable")
    print_message(f"{', '.join(parts)}; results in {folder} ({format_duration(seconds)})")


def _json(
    outcomes: Sequence[Outcome],
    errors: Sequence[str],
    folder: Path,
    plan: Plan,
    kept: int,
    timing: dict[str, float],
) -> dict[str, Any]:
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
        "kept": kept,
        "errors": list(errors),
        "participants": [_entry(outcome, folder) for outcome in outcomes],
        "seconds": timing,
    }


def _entry(outcome: Outcome, folder: Path) -> dict[str, Any]:
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


REPLACED = {
    "--prior": "--priors",
    "--noise-prior": "--priors (none: a wide prior of the noise; spm12: SPM's, with the file's hE and hC)",
}


def check_replaced(given: Mapping[str, str | None]) -> None:
    """Raises `UsageError`, naming what replaced it, where an option of an earlier version was given."""
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} is gone; {REPLACED[option]} replaced it, and --compat spm12 is SPM12 in all")


def make_plan(**chosen: Any) -> Plan:
    """A `Plan`, with what it refuses turned into a usage error."""
    try:
        return Plan(**chosen)
    except ValueError as error:
        raise UsageError(str(error)) from error
