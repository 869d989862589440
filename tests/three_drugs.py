"""First-level results of 24 participants under three drugs, of which ketamine changes a connection, and their table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dcm import Posterior, Settings, Spec, Status, prior
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
        found = Posterior(
            spec=SPEC,
            prior=base,
            mean=mean,
            covariance=np.diag(sd**2),
            free=base.free,
            noise_mean=np.zeros(2),
            noise_covariance=np.eye(2),
            autocorrelation=np.zeros(2),
            autocorrelation_sd=np.zeros(2),
            confound_effects=np.zeros((1, 2)),
            prediction=np.ones((4, 2)),
            residual=np.ones((4, 2)),
            free_energy=-10.0,
            settled_free_energy=-10.0,
            status=Status.CONVERGED,
            iterations=3,
            free_energy_history=np.array([-10.0]),
            data_scale=1.0,
            start=0,
            start_free_energies=np.array([-10.0]),
            settings=Settings(),
        )
        write_dataset(folder / f"{name}.nc", posterior_dataset(found, name=name, attrs={}))
    return folder


def write_drug_table(folder: Path) -> Path:
    """Drug, a site that is a number, and age of everybody."""
    path = folder / "participants.tsv"
    rows = [f"sub-{i + 1:02d}\t{DRUGS[i % 3]}\t{i % 4 + 1}\t{age(i)}" for i in range(PARTICIPANTS)]
    path.write_text("participant_id\tdrug\tsite\tage\n" + "\n".join(rows) + "\n")
    return path
