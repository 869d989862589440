"""`effconn compare-spm`: the table and the lines under it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcm import Compat, Derivatives, Settings

from ..common import UsageError, format_duration, print_line, print_message, print_table, progress, write_json
from ..inversion import (
    BETTER,
    MISSED,
    NOISE,
    SAME_OPTIMUM,
    SAME_PATH,
    Comparison,
    ComparisonReport,
    compare,
    read_inputs,
    remark_lines,
)

COLUMNS = (
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


def run_compare(
    paths: Sequence[Path], compat: Compat, derivatives: Derivatives, starts: int, seed: int, json_file: Path | None
) -> int:
    """Compare, print, and return the exit code: 0 where every file could be compared, 1 otherwise."""
    if compat == "none":
        raise UsageError(
            "--compat none is no SPM, whose numbers are compared here; give --compat spm12 or spm25, or invert the "
            "files with effconn invert"
        )
    settings = Settings(compat, derivatives=derivatives, starts=starts, seed=seed)
    files, errors = read_inputs(paths)
    for line in errors:
        print_message(line)
    if not files:
        raise UsageError("no file could be read as a DCM; see the lines above")
    for line in remark_lines(files):
        print_message(line)
    with progress(f"inverting {len(files)} models") as bar:
        report = compare(files, settings, bar)
    print_report(report)
    if json_file is not None:
        write_json(json_file, report.to_json())
    return 1 if errors or len(report.compared) < len(report.participants) else 0


def print_report(report: ComparisonReport) -> None:
    """The table, and what it comes to."""
    print_table(COLUMNS, [_row(one) for one in report.participants], left=(0, 10))
    for one in report.participants:
        if one.delta_f is None:
            print_line(f"{one.name}: not comparable; {one.status.removeprefix('failed: ')}")
    for line in summary(report):
        print_line(line)


def summary(report: ComparisonReport) -> list[str]:
    """What the comparisons come to, a sentence each."""
    compared = report.compared
    if not compared:
        return ["no file holds an estimate of SPM12 to compare with"]
    of = f"of {len(compared)}"
    reached = [one for one in compared if one.delta_f is not None and one.delta_f >= -SAME_OPTIMUM]
    found, missed = ([one.name for one in compared if one.verdict == verdict] for verdict in (MISSED, BETTER))
    noise = [one.name for one in compared if one.verdict == NOISE]
    lines = []
    if report.derivatives == "spm":
        same = sum(one.same_path for one in compared)
        lines.append(f"{same} {of} within {SAME_PATH} of SPM12 in both F (nats) and Ep (A, B, C; Hz)")
        lines += [f"{one.name}: {_parting(one)}" for one in compared if one.twins]
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


def _parting(one: Comparison) -> str:
    if one.paths_part_at is None:
        return "another path than SPM12's, although its own does not depend on the data's last digits"
    return f"paths part at iteration {one.paths_part_at}: last digits decide"


def _row(one: Comparison) -> tuple[str, ...]:
    if one.delta_f is None:
        return (one.name, *["–"] * 9, "not comparable")
    end = "" if one.status == "converged" else f" ({one.status.replace('_', ' ')})"
    return (
        one.name,
        _number(one.f, ".3f"),
        _number(one.f_spm, ".3f"),
        _number(one.delta_f, "+.4f"),
        _number(one.max_abs_delta_ep, ".1e"),
        _number(one.corr_ep, ".6f"),
        _number(one.prediction_error_at_spm, ".0e"),
        _number(one.explained_variance, ".1f") + " %",
        _number(one.explained_variance_spm, ".1f") + " %",
        str(one.iterations) + end,
        one.verdict,
    )


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
