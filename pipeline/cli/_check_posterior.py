"""`effconn check-posterior`: Gaussian posteriors beside draws from the same models."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..common import (
    UsageError,
    count_cores,
    describe_device,
    describe_precision,
    file_name_text,
    format_duration,
    print_line,
    print_message,
    print_table,
    progress,
    release,
    write_json,
)
from ._guard import guarded
from ._options import Debug, Json, Mode, StartSeed

if TYPE_CHECKING:
    from dcm import ChainSettings

    from ..posterior_check import PosteriorCheck, StoredPosterior

HELP = (
    "Draw from the posteriors of chosen visits without approximation (NUTS), and say whether the Gaussian ones "
    "can be believed: means, standard deviations and tails side by side."
)
EXAMPLE = "effconn check-posterior results/sub-01.nc --out checks --json checks.json"
COLUMNS = (
    "connection",
    "mean",
    "sampled",
    "SD",
    "sampled",
    "5 %",
    "sampled",
    "95 %",
    "sampled",
    "held",
    "R-hat",
    "ESS",
)


@guarded
def command(
    files: Annotated[list[Path], typer.Argument(help="NAME.nc, DCM_*.mat, GCM_*.mat, or folders of such.")],
    series: Annotated[
        list[Path] | None,
        typer.Option("--series", help="File or folder that holds what results were made from, if not beside them."),
    ] = None,
    compat: Annotated[Mode, typer.Option(help="How files are inverted that are not inverted yet.")] = "none",
    chains: Annotated[int, typer.Option(help="Chains; at least 2.")] = 4,
    warmup: Annotated[int, typer.Option(help="Draws of each chain that are not kept; a multiple of 25.")] = 300,
    draws: Annotated[int, typer.Option(help="Draws of each chain that are kept; a multiple of 25.")] = 500,
    seed: StartSeed = 0,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for a picture of each.")] = None,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Check and print; 0 where every file could be checked, 1 otherwise."""
    from dcm import ChainSettings

    try:
        settings = ChainSettings(chains=chains, warmup=warmup, draws=draws, seed=seed)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return run_check_posterior(files, series or [], compat, settings, out, json)


def run_check_posterior(
    files: Sequence[Path],
    series: Sequence[Path],
    compat: Mode,
    chains: ChainSettings,
    out: Path | None,
    json_file: Path | None,
) -> int:
    """Check, print, and return the exit code.

    Arguments:
        files: results, DCM files or folders.
        series: where else to look for what results were made from.
        compat: how files are inverted that are not inverted yet.
        chains: how to draw.
        out: folder for pictures; None for none.
        json_file: for the numbers; None for none.
    """
    from dcm import InversionError

    from ..figures import save_figure
    from ..posterior_check import check_figure, read_posteriors

    if importlib.util.find_spec("numpyro") is None:
        raise UsageError("sampling needs NumPyro, which is not installed; pip install numpyro")
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; give a folder")
    for path in series:
        if not path.exists():
            raise UsageError(f"--series {path} does not exist; check the path")
    posteriors, errors = read_posteriors(files, series, compat)
    for line in errors:
        print_message(line)
    if not posteriors:
        raise UsageError("no posterior could be read; see the lines above")
    checks = []
    for number, stored in enumerate(posteriors, start=1):
        name = stored.name
        try:
            check = _check(stored, chains, f"{name} ({number} of {len(posteriors)})")
        except (InversionError, ValueError) as error:
            reason = str(error).removeprefix(f"{name}: ")
            errors.append(f"{name}: cannot be sampled: {reason}; invert it again")
            print_message(errors[-1])
            continue
        checks.append(check)
        _print_check(check, stored)
        if out is not None:
            save_figure(check_figure(check, stored.posterior.spec), out, f"check_{file_name_text(name)}")
    if json_file is not None:
        write_json(json_file, _json(checks, posteriors, errors))
    return 1 if errors else 0


def _check(stored: StoredPosterior, chains: ChainSettings, title: str) -> PosteriorCheck:
    from dcm import sample_posterior

    from ..posterior_check import compare_posterior

    start = time.perf_counter()
    with progress(f"drawing from {title}") as bar:
        draws = sample_posterior(stored.subject, stored.posterior, chains, bar, count_cores())
    return compare_posterior(stored.name, stored.posterior, draws, time.perf_counter() - start)


def _print_check(check: PosteriorCheck, stored: StoredPosterior) -> None:
    from ..tables import effect_text

    rows = [
        (
            row.name,
            *(effect_text(value) for value in (row.mean, row.sampled_mean)),
            *(f"{value:.3f}" for value in (row.sd, row.sampled_sd)),
            *(effect_text(value) for value in (row.low, row.sampled_low, row.high, row.sampled_high)),
            f"{100 * row.held:.0f} %",
            f"{row.r_hat:.3f}",
            f"{row.sample_size:.0f}",
        )
        for row in check.connections
    ]
    settings, draws = stored.posterior.settings, check.draws
    print_table(COLUMNS, rows, title=f"{check.name}{f' ({stored.remark})' if stored.remark else ''}")
    print_line(f"{check.name}: {check.sentence}")
    print_line(
        f"{draws.draws.shape[0]} chains of {draws.draws.shape[1]} draws, {draws.divergences} divergent, "
        f"{draws.evaluations} evaluations of the model, {format_duration(check.seconds)}; "
        f"{settings.integrator} equations, noise {settings.noise}"
    )


def _json(
    checks: Sequence[PosteriorCheck], posteriors: Sequence[StoredPosterior], errors: Sequence[str]
) -> dict[str, object]:
    by_name = {stored.name: stored for stored in posteriors}
    return {
        "effconn": release(),
        "device": describe_device(),
        "precision": describe_precision(),
        "checks": [
            {"compat": by_name[check.name].posterior.settings.compat, "remark": by_name[check.name].remark}
            | check.to_json()
            for check in checks
        ],
        "errors": list(errors),
    }
