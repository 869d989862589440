"""Does the demo find what was planted?  ``python -m benchmarks.demo [--seeds 0-9] [--quick | --whole] [--series]``

The synthetic trial, from images to report, once for each seed: how often 90 % intervals hold the planted value over
visits and over the group's effects, whether what was planted is called and with the right sign, and whether the pages
contradict each other. By default the 21 participants of the demo, with the faces task alone, which is all that its DCM
and its group rest on; ``--quick`` is `effconn demo --quick`, ``--whole`` all of `effconn demo`. Standard errors are
over participants, as visits of one are not independent. Exits with 1 where pages contradict each other, or coverage
over visits is not within 85–95 % by more than two standard errors. ``--series`` also inverts every visit's series as
they were measured and as SPM's DCMs take them, whitened: what that does to driving inputs (C).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dcm import SPM12_ECHO_TIME, Failure, Subject, invert_cohort
from pipeline.common import print_message, progress, start_jax
from pipeline.images import read_extraction
from pipeline.results import Z
from pipeline.stages import ExtraSectionSource, RunOptions, run_study
from pipeline.study import read_study
from pipeline.synthetic import QUICK, StudyDesign, read_truth, study_recovery_section, truth_files, write_study
from pipeline.synthetic._planted_effects import circuit_model

from ._options import whole_number
from ._table import table, write_json

LIMITS = (85.0, 95.0)  # percent, of 90 % intervals over visits
SERIES = {"as measured": False, "whitened": True}
# How the truth's question on a difference between the arms begins → the question of the analysis.
SAME = {
    "Does treatment change the connection": "Do the arms differ in the change?",
    "Is that change related to improvement": "Do the arms differ in the effect of improvement on the change?",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every seed, print, and say whether anything is out of order."""
    options = _options(arguments)
    start_jax()
    design = QUICK if options.quick else StudyDesign()
    if not options.quick and not options.whole:
        design = replace(design, stroop_scans=0, rest_scans=0)
    rows = []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as spare:
            folder = Path(spare) if options.out is None else options.out / f"seed-{seed}"
            rows.append(measure(run_demo(folder, design, seed)) | {"seed": seed})
            if options.series:
                rows[-1]["series"] = {kind: invert_series(folder, white) for kind, white in SERIES.items()}
        print_message(f"seed {seed}: {_line(rows[-1])}")
        if options.json is not None:
            write_json(options.json, {"quick": options.quick, "whole": options.whole, "seeds": rows})
    print(report(rows))
    coverage, error = _mean([share for row in rows for share in row["people"]])
    contradictions = [contradiction for row in rows for contradiction in row["contradictions"]]
    return 1 if contradictions or not LIMITS[0] - 2 * error <= coverage <= LIMITS[1] + 2 * error else 0


def run_demo(folder: Path, design: StudyDesign, seed: int) -> Mapping[str, Any]:
    """The report of one seed's study, as its JSON file has it."""
    path = write_study(folder, design=design, seed=seed)
    beside = ExtraSectionSource(partial(study_recovery_section, read_truth(folder)), truth_files(folder))
    found = run_study(read_study(path), RunOptions(jobs=1), lambda line: None, progress, beside)
    if found.page is None or found.failed:
        sys.exit(f"seed {seed}: {'; '.join(failure.reason for failure in found.failed) or 'no page was made'}")
    content: dict[str, Any] = json.loads(found.page.with_suffix(".json").read_text(encoding="utf-8"))
    return content


def invert_series(folder: Path, whitened: bool) -> dict[str, list[float]]:
    """By visit: percent of the 90 % intervals of C that hold what was planted, C found over C planted, and mean ρ."""
    truth, spec = read_truth(folder), circuit_model()
    runs = [read_extraction(path) for path in sorted(folder.glob("results/sub-*/ses-*/func/*task-faces*.nc"))]
    data = [run.dcm_data(spec.regions, SPM12_ECHO_TIME, whitened=whitened) for run in runs]
    subjects = [Subject(run.visit, spec, bold) for run, bold in zip(runs, data, strict=True)]
    figures: dict[str, list[float]] = {"held": [], "gain": [], "rho": []}
    for subject, found in zip(subjects, invert_cohort(subjects), strict=True):
        if isinstance(found, Failure):
            sys.exit(f"{folder.name}: {found.reason}")
        places = [i for i, name in enumerate(found.names) if name.startswith("C[")]
        planted = np.array([truth.connectivity[subject.name][found.names[i]] for i in places])
        mean, sd = found.mean[found.free][places], np.sqrt(np.diag(found.covariance))[places]
        figures["held"].append(100 * float(np.mean(np.abs(mean - planted) <= Z * sd)))
        figures["gain"].append(float(mean.sum() / planted.sum()))
        figures["rho"].append(float(found.autocorrelation.mean()))
    return figures


def measure(content: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of one seed from the JSON file of its report."""
    inside: dict[str, list[bool]] = {}
    faces: list[bool] = []
    for row in content["truth-connectivity"]:
        held = row["inside"] == "yes"
        inside.setdefault(row["visit"].split("_")[0], []).append(held)
        if row["parameter"].startswith("B["):
            faces.append(held)
    truth = [answer for answer in content["answers"] if answer["question"].endswith(", as planted?")]
    return {
        "people": [100 * float(np.mean(parts)) for parts in inside.values()],
        "faces": 100 * float(np.mean(faces)),
        "effects": [row["low"] <= row["planted_difference"] <= row["high"] for row in content["truth-arms"]],
        "verdicts": [answer["verdict"] for answer in truth],
        "contradictions": contradictions(content["answers"]),
    }


def contradictions(answers: Sequence[Mapping[str, str]]) -> list[str]:
    """Questions that are answered twice and not alike; what the truth calls and the analysis of the arms does not."""
    found = []
    verdicts: dict[str, set[str]] = {}
    for answer in answers:
        verdicts.setdefault(answer["question"], set()).add(answer["verdict"])
    found += [f"{question} {' and '.join(sorted(said))}" for question, said in verdicts.items() if len(said) > 1]
    for begin, question in SAME.items():
        called = [answer["verdict"] for answer in answers if answer["question"].startswith(begin)]
        said = [answer for answer in answers if answer["question"] == question]
        found += [
            f"{answer['question']} {answer['verdict']}, beside the planted connection's {called[0]}"
            for answer in said
            if called and called[0] in ("yes", "no") and answer["verdict"] != "yes"
        ]
    return found


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table as text, and what all seeds come to."""
    shown = []
    for row in rows:
        mean, error = _mean(row["people"])
        differs, goes, other = row["verdicts"]
        shown.append(
            {
                "seed": row["seed"],
                "visits_90%": f"{mean:.1f} ({error:.1f})",
                "B_90%": f"{row['faces']:.0f}",
                "group_90%": f"{sum(row['effects'])} of {len(row['effects'])}",
                "arms_differ": differs,
                "slopes_differ": goes,
                "other_slopes": other,
                "contradictions": len(row["contradictions"]),
            }
        )
    mean, error = _mean([share for row in rows for share in row["people"]])
    faces, faces_error = _mean([row["faces"] for row in rows])
    effects = [held for row in rows for held in row["effects"]]
    verdicts = np.array([row["verdicts"] for row in rows])
    lines = [
        f"90 % intervals that hold the planted value: {mean:.1f} % ({error:.1f}) over visits, of B {faces:.1f} % "
        f"({faces_error:.1f}); of the group's differences {sum(effects)} of {len(effects)}.",
        f"Of {len(rows)} seeds: the arms' difference is called, as planted, in {_count(verdicts[:, 0])}, that of "
        f"their slopes in {_count(verdicts[:, 1])}, the other connection's slope in both arms in "
        f"{_count(verdicts[:, 2])}; a wrong sign in {(verdicts == 'no').sum()} of {verdicts.size} answers.",
        *(f"seed {row['seed']}: {contradiction}" for row in rows for contradiction in row["contradictions"]),
        *_series(rows),
    ]
    return "\n".join([table(shown, tuple(shown[0])), "", *lines])


def _series(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the two kinds of series come to, a line each."""
    lines = []
    for kind in SERIES if all("series" in row for row in rows) else ():
        held, gain, rho = (
            _mean([value for row in rows for value in row["series"][kind][name]]) for name in ("held", "gain", "rho")
        )
        lines.append(
            f"Series {kind}: {held[0]:.1f} % ({held[1]:.1f}) of the intervals of C hold; C is found at {gain[0]:.2f} "
            f"({gain[1]:.2f}) of what was planted, ρ at {rho[0]:.2f} ({rho[1]:.2f})."
        )
    return lines


def _count(verdicts: np.ndarray) -> str:
    return str(int((verdicts == "yes").sum()))


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.inf


def _line(row: Mapping[str, Any]) -> str:
    mean, error = _mean(row["people"])
    return f"{mean:.1f} % ({error:.1f}) over visits, B {row['faces']:.0f} %; {', '.join(row['verdicts'])}"


def seeds(text: str) -> list[int]:
    """One seed, or from and to: 0-9."""
    ends = [whole_number(0)(part) for part in text.split("-")]
    if len(ends) > 2 or ends[0] > ends[-1]:
        raise argparse.ArgumentTypeError(f"{text} is no seed, and not two with the lesser first, such as 0-9")
    return list(range(ends[0], ends[-1] + 1))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=seeds, default=list(range(10)), metavar="FIRST-LAST", help="0-9 if not given")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="eight participants: effconn demo --quick")
    sizes.add_argument("--whole", action="store_true", help="every task and analysis: effconn demo")
    parser.add_argument("--series", action="store_true", help="measured series beside whitened ones")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the studies there, and go on with what is there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of every seed to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
