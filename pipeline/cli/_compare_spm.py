"""`effconn compare-spm`: files that SPM12 has estimated, inverted again and compared with its estimates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..common import UsageError, print_line, print_message, print_table, progress, write_json
from ._guard import guarded
from ._options import DcmFiles, Debug, Derivatives, Json, Mode, StartSeed

HELP = "Invert files that SPM12 has estimated once more, from SPM's start, and hold the results against SPM's."
EXAMPLE = "effconn compare-spm estimated/DCM_*.mat --derivatives spm --json comparison.json"


@guarded
def command(
    files: DcmFiles,
    compat: Annotated[
        Mode, typer.Option(help="Which release the files are compared with: 'spm12' or 'spm25'.")
    ] = "spm12",
    derivatives: Derivatives = "exact",
    starts: Annotated[
        int, typer.Option(min=1, max=1000, help="Starting points; the first is SPM's. The best optimum is kept.")
    ] = 1,
    seed: StartSeed = 0,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Compare and print; 0 where every file could be compared, 1 otherwise."""
    return run_compare(files, compat, derivatives, starts, seed, json)


def run_compare(
    paths: Sequence[Path], compat: Mode, derivatives: Derivatives, starts: int, seed: int, json_file: Path | None
) -> int:
    """Compare, print, and return the exit code."""
    from dcm import Settings

    from ..inversion import (
        COMPARISON_COLUMNS,
        compare_with_spm,
        comparison_row,
        comparison_summary,
        read_inputs,
        remark_lines,
    )

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
        report = compare_with_spm(files, settings, bar)
    print_table(COMPARISON_COLUMNS, [comparison_row(comparison) for comparison in report.participants], left=(0, 10))
    for comparison in report.participants:
        if comparison.delta_f is None:
            print_line(f"{comparison.name}: not comparable; {comparison.status.removeprefix('failed: ')}")
    for line in comparison_summary(report):
        print_line(line)
    if json_file is not None:
        write_json(json_file, report.to_json())
    return 1 if errors or len(report.compared) < len(report.participants) else 0
