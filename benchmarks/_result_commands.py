"""The commands whose results must stay the same, and a run of all of them through the console script."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ._table import write_json

RECORD = "record.json"  # what was run, in the folder of a recording
SECONDS = 7200  # after which a command counts as stuck; the demo takes 20 minutes where others work as well
# The same output whatever the machine does beside: one thread for sums, lines as long as they want to be, no colours.
ENVIRONMENT = {
    "COLUMNS": "400",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "TZ": "UTC",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
MODELS = """model\tfamily\tB[amygdala<-vmPFC, faces]\tB[vmPFC<-amygdala, faces]
full\tboth\t1\t1
top-down\tone\t1\t0
bottom-up\tone\t0\t1
neither\tnone\t0\t0
"""


@dataclass(frozen=True)
class Command:
    """One call of the console script.

    Arguments:
        name: of the folder that it runs in.
        arguments: what it is given. Paths are relative to that folder: `../data` is the shared data, `../demo/study`
            the demo's study, `../models.tsv` a table of four models; what contains `*` is expanded.
    """

    name: str
    arguments: tuple[str, ...]

    def expanded(self, folder: Path) -> list[str]:
        """The arguments with every pattern replaced by the paths that match; a path that is not there is an error."""
        given: list[str] = []
        for text in self.arguments:
            if not text.startswith("../"):
                given.append(text)
                continue
            found = sorted(folder.parent.glob(text[3:]))
            if not found:
                raise FileNotFoundError(text[3:])
            given += [f"../{path.relative_to(folder.parent).as_posix()}" for path in found]
        return given


def all_commands() -> tuple[Command, ...]:
    """Every command, in the order in which one uses what another wrote."""
    return (
        _command("demo", "demo --seed 0 --out study"),
        *_first_level(),
        *_group("", "../invert/results", "--compat none"),
        *_group("-spm12", "../invert-spm12/results", "--compat spm12"),
        *_group_variants(),
        *_study(),
        *_tables(),
        _command(
            "check-posterior",
            "check-posterior ../invert/results/sub-01_ses-1.nc --series ../data/simulated_trial --chains 2 --warmup 50"
            " --draws 50 --out pictures --json result.json",
        ),
        _command(
            "calibrate",
            "calibrate ../data/simulated_trial/DCM_sub-01_ses-1.mat --datasets 4 --groups 2 --participants 12 --snr 1"
            " --out calibration --json result.json",
        ),
    )


def record(folder: Path, shared: Path, program: Path, only: Sequence[str] = ("*",)) -> dict[str, Any]:
    """Run the commands and keep everything they write.

    Arguments:
        folder: for the recording: a folder for each command with its files, and what it printed.
        shared: the data; a link to it in `folder` keeps its place out of what is printed.
        program: the console script, of this checkout or another.
        only: patterns of the names of commands to run; others stay as they were recorded before.

    Returns what `record.json` holds: places, every command with seconds and exit code, and what was left out and why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "data"
    if not link.is_symlink():
        link.symlink_to(shared.resolve(), target_is_directory=True)
    (folder / "models.tsv").write_text(MODELS, encoding="utf-8")
    content: dict[str, Any] = {"commands": {}, "left_out": {}}
    if (folder / RECORD).is_file():
        content |= json.loads((folder / RECORD).read_text(encoding="utf-8"))
    content |= {"folder": str(folder.resolve()), "shared": str(shared.resolve()), "program": str(program)}
    for command in all_commands():
        if not any(fnmatch(command.name, pattern) for pattern in only):
            continue
        content["commands"].pop(command.name, None)
        content["left_out"].pop(command.name, None)
        try:
            content["commands"][command.name] = done = _run(command, folder, program)
        except FileNotFoundError as missing:
            content["left_out"][command.name] = f"needs {missing}, which is not there"
            print(f"{command.name:24} left out: {content['left_out'][command.name]}", flush=True)
        else:
            print(f"{command.name:24} {done['seconds']:6.1f} s  exit code {done['exit_code']}", flush=True)
        write_json(folder / RECORD, content)
    return content


def _run(command: Command, folder: Path, program: Path) -> dict[str, Any]:
    place = folder / command.name
    arguments = command.expanded(place)  # before anything is made or removed
    if place.exists():
        raise SystemExit(f"{place} is there already; remove it, or record into another folder")
    place.mkdir()
    begin = time.perf_counter()
    with (place / "stdout.txt").open("wb") as out, (place / "stderr.txt").open("wb") as err:
        done = subprocess.run(
            [program, *arguments], cwd=place, stdout=out, stderr=err, timeout=SECONDS, env=os.environ | ENVIRONMENT
        )
    (place / "exit_code.txt").write_text(f"{done.returncode}\n")
    return {"arguments": arguments, "seconds": time.perf_counter() - begin, "exit_code": done.returncode}


def _command(name: str, line: str, *more: str) -> Command:
    return Command(name, (*line.split(), *more))


def _first_level() -> list[Command]:
    """Inversions in every mode, of files that are whole, odd or damaged; and what SPM12 made of the same files."""
    trial, real = "../data/simulated_trial/DCM_*.mat", "../data/spm12_visual_language"
    nonlinear = "../data/spm12_nonlinear/nonlinear_sim1.mat"
    outputs = "--out results --json result.json"
    estimated = f"{real}/estimated/DCM_sub-0[1-6].mat"
    return [
        _command("invert", f"invert {trial} {outputs}"),
        _command("invert-spm12", f"invert {trial} --compat spm12 {outputs}"),
        _command("invert-real", f"invert {real}/raw/DCM_sub-3[12].mat {outputs}"),
        _command("invert-spm25", f"invert {real}/raw/DCM_sub-31.mat --compat spm25 --starts 2 {outputs}"),
        _command("invert-nonlinear", f"invert {nonlinear} {outputs}"),
        _command(
            "invert-refined",
            f"invert ../data/simulated_trial/DCM_sub-01_*.mat --refine sampling --noise white {outputs}",
        ),
        _command(
            "invert-damaged",
            f"invert ../data/cases/damaged/*.mat ../data/cases/09-series-in-fractions/*.mat {outputs}",
        ),
        _command(
            "invert-refused", f"invert ../data/spm12_two_state/*.mat ../data/spm12_spectral/DCM_rest_0*.mat {outputs}"
        ),
        _command("compare-spm", f"compare-spm {estimated} {nonlinear} --json result.json"),
        _command("compare-spm-derivatives", f"compare-spm {estimated} --derivatives spm --json result.json"),
    ]


def _group(mode: str, results: str, compat: str) -> list[Command]:
    """Every group analysis of the simulated trial's changes."""
    design = "--design ../data/simulated_trial/participants.tsv --change ses-1,ses-2 --fields B"
    given = f"{results} {design} {compat} --out group --json result.json"
    return [
        _command(f"peb-fit{mode}", f"peb fit {given} --interactions arm:improvement"),
        _command(f"peb-arms{mode}", f"peb arms {given}" + (" --sample" if mode == "" else "")),
        _command(f"peb-leave-one-out{mode}", f"peb leave-one-out {given} --covariate improvement"),
        _command(f"peb-permute{mode}", f"peb permute {given} --covariate improvement --permutations 99 --seed 1"),
        _command(f"peb-search{mode}", f"peb search {given}"),
        _command(f"peb-compare{mode}", f"peb compare {given} --models ../models.tsv"),
    ]


def _group_variants() -> list[Command]:
    """Gaussian participants, inverting again, SPM's own files, designs and model spaces."""
    estimated, order = "../data/spm12_visual_language/estimated", "../data/cases/02-by-order-unpadded-names"
    outputs = "--out group --json result.json"
    design = "--design ../data/simulated_trial/participants.tsv --change ses-1,ses-2"
    return [
        _command(
            "peb-fit-gaussian", f"peb fit ../invert/results {design} --between gaussian --components fields {outputs}"
        ),
        _command(
            "peb-fit-reinvert",
            "peb fit ../invert/results/sub-0[1-8]_ses-1.nc --fields B --reinvert --series ../data/simulated_trial "
            + outputs,
        ),
        _command("peb-fit-by-order", f"peb fit {order}/results --design {order}/X.mat --by-order {outputs}"),
        _command(
            "peb-search-estimated", f"peb search {estimated} --fields A,B --components fields --compat spm12 {outputs}"
        ),
        _command(
            "peb-compare-estimated",
            f"peb compare {estimated} --models ../data/spm12_visual_language/model_space.mat --fields B --compat spm12 "
            + outputs,
        ),
    ]


def _study() -> list[Command]:
    """What asks about a study, and one from images."""
    case = "../data/cases/05-unused-event-without-duration"
    return [
        _command("features", "features ../demo/study/study.toml --out features.tsv --json result.json"),
        _command("check", "check ../demo/study/study.toml --json result.json"),
        _command("check-mask", "check ../data/cases/01-mask-in-percent/study.toml --json result.json"),
        _command("init", "init ../demo/study/bids"),
        _command("init-real", "init ../data/piop2"),
        _command("run", f"run {case}/study.toml --out results --json result.json"),
        _command("bids", f"bids {case}/bids results participant --study {case}/study.toml --participant-label 01"),
    ]


def _tables() -> list[Command]:
    """Predictions from tables: of a model by name and by formula, with two visits and with one."""
    cheap = "--permutations 9 --bootstraps 5 --alphas 0.5,1 --out prediction --json result.json"
    visits = "--session stage --sessions T0,T1 --arm group --arms ACTIVE,SHAM --folds 10"
    formula = "before(conn_*) + before(vmpfc*) + arm + arm:before(conn_*) + before(age)"
    demo = "--session session --sessions ses-1,ses-2 --arm arm --arms ketamine,midazolam"
    scores = "../demo/study/results/tables/participants.tsv"
    return [
        _command(
            "predict-formula",
            f"predict ../data/sudmex_tms/data2w.csv --outcome fall(vas) {visits} {cheap} --formula",
            formula,
        ),
        _command(
            "predict-one-visit", f"predict ../data/glmnet/simulated.csv --outcome improvement {cheap} --formula", "*"
        ),
        _command(
            "predict-model",
            "predict ../features/features.tsv --outcome fall(response_faces_task_amygdala) --model change-by-arm"
            f" --measures gppi_faces_*vmPFC*,response_stroop_* {demo} {cheap} --imputations 3",
        ),
        _command(
            "predict-published",
            f"predict {scores} --outcome score_improvement --formula score_severity --published-only {cheap}",
        ),
    ]
