"""`effconn check-posterior`: Gaussian posteriors beside draws from the same models."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dcm import ChainSettings, Compat, InversionError, sample_posterior

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
from ..figures import save_figure
from ..posterior_check import Checkable, PosteriorCheck, check_figure, compare_posterior, read_checkable
from ..tables import effect_text

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


@dataclass(frozen=True)
class CheckOptions:
    """What to check and where results go.

    Fields:
        files: results, DCM files or folders.
        series: where else to look for what results were made from.
        compat: how files are inverted that are not inverted yet.
        chains: how to draw.
        out: folder for pictures; None for none.
        json: file for the numbers; None for none.
    """

    files: Sequence[Path]
    series: Sequence[Path]
    compat: Compat
    chains: ChainSettings
    out: Path | None
    json: Path | None


def chain_settings(**chosen: int) -> ChainSettings:
    """`dcm.ChainSettings`, with what it refuses turned into a usage error."""
    try:
        return ChainSettings(**chosen)
    except ValueError as error:
        raise UsageError(str(error)) from error


def run_check_posterior(options: CheckOptions) -> int:
    """Check, print, and return the exit code: 0 where every file could be checked, 1 otherwise."""
    if importlib.util.find_spec("numpyro") is None:
        raise UsageError("sampling needs NumPyro, which is not installed; pip install numpyro")
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out {options.out} is a file; give a folder")
    for place in options.series:
        if not place.exists():
            raise UsageError(f"--series {place} does not exist; check the path")
    found, errors = read_checkable(options.files, options.series, options.compat)
    for line in errors:
        print_message(line)
    if not found:
        raise UsageError("no posterior could be read; see the lines above")
    checks = []
    for number, one in enumerate(found, start=1):
        try:
            checks.append(_checked(one, options.chains, f"{one.name} ({number} of {len(found)})"))
        except (InversionError, ValueError) as error:
            reason = str(error).removeprefix(f"{one.name}: ")
            errors.append(f"{one.name}: cannot be sampled: {reason}; invert it again")
            print_message(errors[-1])
            continue
        _print(checks[-1], one)
        if options.out is not None:
            save_figure(check_figure(checks[-1], one.posterior.spec), options.out, f"check_{file_name_text(one.name)}")
    if options.json is not None:
        write_json(options.json, _json(checks, found, errors))
    return 1 if errors else 0


def _checked(one: Checkable, chains: ChainSettings, what: str) -> PosteriorCheck:
    start = time.perf_counter()
    with progress(f"drawing from {what}") as bar:
        draws = sample_posterior(one.subject, one.posterior, chains, bar, count_cores())
    return compare_posterior(one.name, one.posterior, draws, time.perf_counter() - start)


def _print(check: PosteriorCheck, one: Checkable) -> None:
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
    settings, draws = one.posterior.settings, check.draws
    print_table(COLUMNS, rows, title=f"{check.name}{f' ({one.remark})' if one.remark else ''}")
    print_line(f"{check.name}: {check.sentence}")
    print_line(
        f"{draws.draws.shape[0]} chains of {draws.draws.shape[1]} draws, {draws.divergences} divergent, "
        f"{draws.evaluations} evaluations of the model, {format_duration(check.seconds)}; "
        f"{settings.integrator} equations, noise {settings.noise}"
    )


def _json(checks: Sequence[PosteriorCheck], found: Sequence[Checkable], errors: Sequence[str]) -> dict[str, object]:
    by_name = {one.name: one for one in found}
    return {
        "effconn": release(),
        "device": describe_device(),
        "precision": describe_precision(),
        "checks": [
            {"compat": by_name[one.name].posterior.settings.compat, "remark": by_name[one.name].remark} | one.to_json()
            for one in checks
        ],
        "errors": list(errors),
    }
