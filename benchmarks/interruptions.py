"""Runs killed at late moments and gone on with: ``python -m benchmarks.interruptions [--kills N] [--only WHAT]``.

`effconn run`, `invert` and `predict` on the quick demo, each once in one go and once killed by SIGKILL `--kills` times
while it writes (the study in its late stages: group, measures, statistics, predictions, report). Every file that the
two leave is compared byte by byte; of records of what was made, all but the times of the files. Exit code 1 on a
difference.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._interrupted import compare_folders
from ._table import table, write_json

STATISTICS = """
[statistics]
outcomes = ["improvement"]
measures = ["dcm_B_*"]
subscales = ["improvement"]

[outputs]
spm = true
"""
COLUMNS = ("command", "killed_in", "kills", "files", "bytes", "differ", "left_aside", "seconds")
WHAT = ("run", "invert", "predict")
LATE = {  # stage of a study → where a run writes then
    "group": ("group",),
    "measure": ("tables",),
    "statistics": ("statistics",),
    "predict": ("predict", ".effconn/shuffles"),
    "report": ("figures", "report.html"),
}


@dataclass(frozen=True)
class Killing:
    """A command that is killed as it begins to write.

    Fields:
        command: its arguments.
        out: folder of its results.
        watched: places within, one for each part of the work.
        done: whether a part is done already, so that it need not be waited for.
    """

    command: Sequence[str]
    out: Path
    watched: dict[str, tuple[str, ...]]
    done: Callable[[Path, str], bool]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interruptions", description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="of each command (default 10)")
    parser.add_argument("--only", choices=WHAT, action="append", help="one command alone")
    parser.add_argument("--folder", type=Path, help="where to work; kept (default: a temporary folder)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="effconn-") as temporary:
        rows = _measure(options, (options.folder or Path(temporary)).resolve())
    print(table(rows, COLUMNS))
    for row in rows:
        for name in row["differing"][:10]:
            print(f"{row['command']}: {name} differs")
    if options.json is not None:
        write_json(options.json, {"rows": rows})
    return 0 if not any(row["differ"] or row["left_aside"] for row in rows) else 1


def _measure(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    study = folder / "study"
    if not (study / "study.toml").exists():
        from pipeline.common import start_jax
        from pipeline.synthetic import QUICK, write_study

        start_jax()
        file = write_study(study, design=QUICK, seed=options.seed)
        file.write_text(file.read_text(encoding="utf-8") + STATISTICS, encoding="utf-8")
    whole = folder / "whole" / "results"
    _effconn("run", study / "study.toml", "--out", whole, "--jobs", "2")
    rng = np.random.default_rng(options.seed)
    asked = options.only or WHAT
    rows = []
    for what, (killing, reference) in _killings(folder, study, whole).items():
        if what in asked:
            rows.append({"command": f"effconn {what}"} | _row(killing, reference, options.kills, rng))
    return rows


def _killings(folder: Path, study: Path, whole: Path) -> dict[str, tuple[Killing, Path]]:
    killed = {what: folder / f"killed-{what}" / "results" for what in WHAT}
    once = {what: folder / what / "results" for what in WHAT}  # of the same name, which is among the settings
    for place in (*killed.values(), *once.values()):
        shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, killed["run"], ignore=shutil.ignore_patterns("group", *_late_names()))
    files = sorted((whole / "dcm" / "main").glob("DCM_*.mat"))
    invert = ("invert", *map(str, files), "--out")
    asked = "--outcome improvement --model change --measures dcm_B_* --permutations 300 --bootstraps 50 --jobs 2"
    predict = ("predict", str(whole / "tables" / "features.tsv"), *asked.split(), "--out")
    run = ("run", str(study / "study.toml"), "--jobs", "2", "--out")
    return {
        "run": (Killing((*run, str(killed["run"])), killed["run"], LATE, _recorded), whole),
        "invert": (
            Killing((*invert, str(killed["invert"])), killed["invert"], {"inversion": (".",)}, lambda *_: False),
            _once(invert, once["invert"]),
        ),
        "predict": (
            Killing(
                (*predict, str(killed["predict"])),
                killed["predict"],
                {"shuffles": (".effconn/shuffles",), "page": (".", "figures")},
                lambda out, part: part == "shuffles" and len(list(out.glob(".effconn/shuffle/*.json"))) >= 30,
            ),
            _once(predict, once["predict"]),
        ),
    }


def _late_names() -> tuple[str, ...]:
    return ("measure", "statistics", "predict", "report", "shuffle", "shuffles", "tables", "figures", "report.*")


def _recorded(out: Path, stage: str) -> bool:
    """Whether a stage of a study has all its records; there are three group analyses and one unit of the others."""
    return len(list((out / ".effconn" / stage).glob("*.json"))) >= (3 if stage == "group" else 1)


def _once(command: Sequence[str], out: Path) -> Path:
    _effconn(*command, out)
    return out


def _row(killing: Killing, reference: Path, kills: int, rng: np.random.Generator) -> dict[str, Any]:
    start = time.perf_counter()
    hit: list[str] = []
    parts = list(killing.watched)
    for kill in range(kills):
        part = parts[min(kill * len(parts) // kills, len(parts) - 1)]
        if _kill(killing, part, delay=float(rng.uniform(0, 0.4)) if kill % 2 else 0.0):
            hit.append(part)
    _effconn(*killing.command)
    found = compare_folders(reference, killing.out)
    return {
        "killed_in": ", ".join(f"{part} {hit.count(part)}" for part in dict.fromkeys(hit)),
        "kills": len(hit),
        "files": found.files,
        "bytes": found.size,
        "differ": len(found.differing),
        "differing": found.differing,
        "left_aside": found.left_aside,
        "seconds": time.perf_counter() - start,
    }


def _kill(killing: Killing, part: str, delay: float) -> bool:
    """Start the command, and kill it `delay` seconds after it wrote something there; whether it was still at work."""
    before = _written(killing.out, part_of := killing.watched[part])
    running = subprocess.Popen(
        [*_command(), *killing.command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while running.poll() is None and _written(killing.out, part_of) == before and not killing.done(killing.out, part):
        time.sleep(0.002)
    time.sleep(delay)
    at_work = running.poll() is None
    if at_work:
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    return at_work


def _written(out: Path, places: Sequence[str]) -> set[Path]:
    """Files in these places, unfinished ones too; in the folder of results itself (.) without what is within."""
    found: set[Path] = set()
    for name in places:
        place = out / name
        found.update(place.glob("*.*") if name == "." else place.rglob("*"))
        found.update([place] if place.is_file() else [])
    return found


def _effconn(*arguments: str | Path) -> None:
    done = subprocess.run([*_command(), *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"effconn {arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def _command() -> list[str]:
    return [sys.executable, "-m", "pipeline.cli"]


if __name__ == "__main__":
    sys.exit(main())
