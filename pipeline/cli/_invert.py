"""`effconn invert`: SPM's DCM files in, posteriors and estimated DCM files out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..common import (
    CompileClock,
    UsageError,
    describe_repeated_participants,
    find_repeated_participants,
    format_duration,
    merge_remarks,
    print_line,
    print_message,
    print_table,
    progress,
    write_json,
)
from ..execution import RECORDS_FOLDER, lock_folder
from ._guard import guarded
from ._options import DcmFiles, Debug, Derivatives, Json, Mode, StartSeed

if TYPE_CHECKING:
    from ..inversion import FileOutcome, InversionPlan

HELP = (
    "Invert SPM's DCM files: NAME.nc (NetCDF) and DCM_NAME.mat (which SPM opens) for each. "
    "What DIR holds already for the same input and settings is kept."
)
EXAMPLE = "effconn invert study/DCM_*.mat --out results --starts 8"
ReplacedOption = Annotated[str | None, typer.Option(hidden=True)]  # of earlier versions: the message names the new one
REPLACED = {
    "--prior": "--priors",
    "--noise-prior": "--priors (none: a wide prior of the noise; spm12: SPM's, with the file's hE and hC)",
}


@guarded
def command(
    files: DcmFiles,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")],
    compat: Annotated[
        Mode,
        typer.Option(
            help="'none': intervals that hold what they say; 'spm12', 'spm25': the numbers of that release. It decides "
            "whatever is not given below.",
        ),
    ] = "none",
    noise: Annotated[
        Literal["ar1", "white", "spm12", "spm25"] | None,
        typer.Option(help="Model of the noise: 'ar1' serially correlated, 'white', or as SPM. Default: ar1, or SPM's."),
    ] = None,
    priors: Annotated[
        Literal["none", "spm12", "spm25"] | None,
        typer.Option(help="Priors: our own ('none'), or SPM's with the file's hE and hC. Default: those of the mode."),
    ] = None,
    integrator: Annotated[
        Literal["bilinear", "nonlinear"] | None,
        typer.Option(
            help="'nonlinear': the full equations; 'bilinear': their expansion that SPM inverts. Default: nonlinear; "
            "as SPM bilinear where no connection is gated.",
        ),
    ] = None,
    centre: Annotated[
        Literal["file", "yes", "no"] | None,
        typer.Option(
            help="Centre the inputs, so that A is the connectivity averaged over the run. Default: no, as SPM what the "
            "file says.",
        ),
    ] = None,
    starts: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Starting points, the prior mean first; the best optimum is kept. Default: 3, as SPM 1.",
        ),
    ] = None,
    seed: StartSeed = 0,
    derivatives: Derivatives = "exact",
    echo_time: Annotated[
        Literal["spm12", "scanner"], typer.Option(help="'spm12': its fixed 0.04 s; 'scanner': the file's TE.")
    ] = "spm12",
    max_iterations: Annotated[int | None, typer.Option(min=1, help="Default: 128, as SPM what the file says.")] = None,
    tolerance: Annotated[float, typer.Option(help="Gain in F, nats, below which an iteration has converged.")] = 0.1,
    refine: Annotated[
        Literal["none", "sampling"],
        typer.Option(
            help="'sampling': means and covariances of weighted draws from the Gaussian, 2,000 more evaluations."
        ),
    ] = "none",
    prior: ReplacedOption = None,
    noise_prior: ReplacedOption = None,
    no_spm: Annotated[bool, typer.Option("--no-spm", help="Write no DCM_*.mat, only NetCDF.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Invert anew what is already there.")] = False,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Invert files as the options say; 0 where every file was inverted, 1 where any failed."""
    _refuse_replaced({"--prior": prior, "--noise-prior": noise_prior})
    plan = _plan(
        compat=compat,
        integrator=integrator,
        derivatives=derivatives,
        noise=noise,
        priors=priors,
        starts=starts,
        seed=seed,
        tolerance=tolerance,
        refine=refine,
        max_iterations=max_iterations,
        centre=centre,
        echo_time=echo_time,
        spm_files=not no_spm,
        again=force,
    )
    return run_invert(files, out, plan, json)


def run_invert(paths: list[Path], folder: Path, plan: InversionPlan, json_file: Path | None) -> int:
    """Invert, print, and return the exit code."""
    from ..inversion import (
        INVERSION_COLUMNS,
        check_folder,
        inversion_counts,
        inversion_json,
        inversion_row,
        invert_files,
        mode_lines,
        read_inputs,
        remark_lines,
    )

    clock, start = CompileClock(), time.perf_counter()
    files, errors = read_inputs(paths, plan.echo_time, estimates=False)
    for line in errors:
        print_message(line)
    if not files:
        raise UsageError("no file could be read as a DCM; see the lines above")
    plan_remarks = merge_remarks((file.name, remark) for file in files for remark in plan.remarks(file))
    for line in (*remark_lines(files), *plan_remarks):
        print_message(line)
    if groups := find_repeated_participants([file.name for file in files]):
        repeated = describe_repeated_participants(groups)
        print_message(f"{repeated}; each is inverted by itself, and effconn peb will ask what they are")
    check_folder(files, folder, plan)
    gated = [file.name for file in files if file.spec.d.any()]
    if gated and plan.as_spm and plan.integrator is None:
        names = ", ".join(gated)
        print_message(f"nonlinear integrator, with exact derivatives, for {names}: the model has gating connections")
    with lock_folder(folder / RECORDS_FOLDER) as locked:
        locked.remove_unfinished_files(folder)

        def report_outcome(outcome: FileOutcome) -> None:
            _print_outcome(outcome)
            locked.check()

        with progress(f"inverting {len(files)} models") as bar:
            outcomes = invert_files(files, folder, plan, on_outcome=report_outcome, on_progress=bar)
    seconds = time.perf_counter() - start
    print_table(INVERSION_COLUMNS, [inversion_row(outcome) for outcome in outcomes], left=(0, 1, 4, 6))
    for line in mode_lines(outcomes):
        print_line(line)
    print_message(f"{inversion_counts(outcomes, errors)}; results in {folder} ({format_duration(seconds)})")
    if json_file is not None:
        timing = {"total": seconds, "compile": clock.seconds(start)}
        write_json(json_file, inversion_json(outcomes, errors, folder, plan, timing))
    return 1 if errors or any(outcome.failure for outcome in outcomes) else 0


def _print_outcome(outcome: FileOutcome) -> None:
    if outcome.note:
        print_message(f"{outcome.file.name}: the earlier result {outcome.note}")
    if outcome.failure:
        print_message(f"{outcome.file.name}: {outcome.failure}")


def _refuse_replaced(given: Mapping[str, str | None]) -> None:
    """Raises `UsageError`, naming what replaced it, where an option of an earlier version was given."""
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} is gone; {REPLACED[option]} replaced it, and --compat spm12 is SPM12 in all")


def _plan(**options: Any) -> InversionPlan:
    """An `InversionPlan`, with what it refuses turned into a usage error."""
    from ..inversion import InversionPlan

    try:
        return InversionPlan(**options)
    except ValueError as error:
        raise UsageError(str(error)) from error
