"""First-level results of 24 participants under three drugs, of which ketamine changes a connection, and their table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from made_up_posterior import posterior_at

from dcm import Settings, Spec, prior
from pipeline.results import posterior_dataset, write_dataset

SPEC = Spec(
    ("vmPFC", "amygdala"),
    ("task", "faces"),
    np.ones((2, 2)),
    np.stack([np.zeros((2, 2)), 1 - np.eye(2)], 2),
    np.array([[1, 0], [1, 0]]),
)
DOWN, UP = "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]"
DRUGS = ("ketamine", "midazolam", "placebo")
PARTICIPANTS = 24


def age(i: int) -> int:
    return 30 + (7 * i) % 19


def write_results(folder: Path) -> Path:
    """Under ketamine B of amygdala ← vmPFC is 0.8 Hz lower than under the two others."""
    rng = np.random.default_rng(0)
    base = prior(SPEC)
    place = SPEC.parameter_names.index(DOWN)
    for i in range(PARTICIPANTS):
        mean = base.mean.copy()
        mean[place] = 0.4 - 0.8 * (DRUGS[i % 3] == "ketamine") + 0.15 * rng.normal()
        sd = np.full(base.free.size, 0.05)
        mean[base.free] += sd * rng.normal(size=sd.size)
        name = f"sub-{i + 1:02d}"
        found = posterior_at(SPEC, mean, np.diag(sd**2), settings=Settings())
        write_dataset(folder / f"{name}.nc", posterior_dataset(found, name=name, attrs={}))
    return folder


def write_drug_table(folder: Path) -> Path:
    """Drug, a site that is a number, and age of everybody."""
    path = folder / "participants.tsv"
    rows = [f"sub-{i + 1:02d}\t{DRUGS[i % 3]}\t{i % 4 + 1}\t{age(i)}" for i in range(PARTICIPANTS)]
    path.write_text("participant_id\tdrug\tsite\tage\n" + "\n".join(rows) + "\n")
    return path
