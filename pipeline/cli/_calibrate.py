"""`effconn calibrate`: simulated data sets of a study's design, inverted as the study's own are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..common import UsageError, print_message, progress, read_number, read_whole_number
from ..execution import RECORDS_FOLDER
from ._guard import guarded
from ._options import Debug, Json

HELP = (
    "Simulate data from a study's own design with known truths, invert them as the study's are, and show how "
    "often intervals hold the truth, signs are right, models are distinguished, and the group question is answered."
)
EXAMPLE = "effconn calibrate study.toml --datasets 300"
MOST, MOST_PARTICIPANTS = 100_000, 1000  # data sets; participants of a group


@guarded
def command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="STUDY.toml | DCM_*.mat …", help="A study, or SPM's DCM files of one model.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Default: calibration in the study's results, or here.")
    ] = None,
    datasets: Annotated[int, typer.Option(help="Data sets simulated of the main model, in all.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn.")] = 0,
    snr: Annotated[
        str | None,
        typer.Option(metavar="0.5,1,3", help="Signal-to-noise ratios. Default: the study's own, else these three."),
    ] = None,
    compat: Annotated[
        str | None, typer.Option(metavar="none|spm12|spm25", help="Invert in this mode instead of the study's.")
    ] = None,
    groups: Annotated[int, typer.Option(help="Groups simulated for each point of the power curve; 0 for none.")] = 40,
    participants: Annotated[
        str | None, typer.Option(metavar="12,24,40,60", help="Of these groups, beside the study's own number.")
    ] = None,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Simulate, invert, show; 0 where all data sets were inverted, else 1."""
    from ..calibration import (
        USUAL_SIZES,
        CalibrationRun,
        InversionStore,
        invert_datasets,
        make_datasets,
        measure_power,
        mode_from_name,
        mode_from_study,
        read_file_design,
        read_study_design,
        recover_models,
        report_calibration,
    )
    from ..page import hold_output_folder, print_and_save

    for option, value, least in (("--datasets", datasets, 1), ("--seed", seed, 0), ("--groups", groups, 0)):
        if not least <= value <= MOST:
            raise UsageError(f"{option} must be a whole number from {least} to {MOST:,}, not {value}")
    ratios = read_ratios(snr) if snr is not None else None
    sizes = read_sizes(participants) if participants is not None else USUAL_SIZES
    mode = mode_from_name(compat) if compat is not None else None
    _check_paths(paths)
    if paths[0].suffix.lower() == ".toml":
        design, study = read_study_design(paths[0], print_message, ratios)
        mode = mode or mode_from_study(next(iter(study.dcms.values())))
        folder = out or study.study.out / "calibration"
    else:
        design = read_file_design(paths, print_message, ratios)
        mode = mode or mode_from_name("none")
        folder = out or Path("calibration")
    mode = mode.for_model(design.spec)
    with hold_output_folder(folder):
        for line in design.assumptions:
            print_message(line)
        print_message(mode.description)
        made, redrawn = make_datasets(design, mode, datasets, ratios or design.ratios, seed, print_message)
        store = InversionStore(folder / RECORDS_FOLDER / "inverted")
        with progress(f"inverting {len(made)} simulated data sets") as bar:
            kept = invert_datasets(design, mode, made, store, say=print_message, on_progress=bar)
        if kept:
            print_message(f"{kept} inversions were kept from an earlier run")
        run = CalibrationRun(design, mode, tuple(made), redrawn, kept)
        with progress("simulating groups") as bar:
            power = measure_power(run, seed, groups, sizes, bar)
        print_and_save(
            report_calibration(run, recover_models(run), power, seed), folder, json or folder / "calibration.json"
        )
    return 1 if run.failures else 0


def read_ratios(text: str) -> tuple[float, ...]:
    """Signal-to-noise ratios from a list such as ``0.5,1,3``; `UsageError` where one is none."""
    ratios = []
    for part in text.split(","):
        value = read_number(part.strip())
        if value is None or not (math.isfinite(value) and 0.01 <= value <= 1000):
            raise UsageError(f"--snr takes numbers from 0.01 to 1000 such as 0.5,1,3, not {part.strip()!r}")
        ratios.append(value)
    return tuple(dict.fromkeys(ratios))


def read_sizes(text: str) -> tuple[int, ...]:
    """Numbers of participants from a list such as ``20,40``; `UsageError` where one is none."""
    sizes = []
    for part in text.split(","):
        value = read_whole_number(part.strip())
        if value is None or not 4 <= value <= MOST_PARTICIPANTS:
            raise UsageError(f"--participants takes whole numbers from 4 to 1000 such as 20,40, not {part.strip()!r}")
        sizes.append(value)
    return tuple(sizes)


def _check_paths(paths: Sequence[Path]) -> None:
    """Raises `UsageError` where files are missing, or a study is not given alone."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist; give a STUDY.toml or DCM_*.mat files")
    studies = [path for path in paths if path.suffix.lower() == ".toml"]
    if studies and len(paths) > 1:
        raise UsageError(f"give one study or DCM_*.mat files, not {studies[0]} and {len(paths) - 1} more")
