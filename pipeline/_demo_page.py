"""The demo's page: what was planted, what was found, and how sure one may be. Words follow from the numbers."""

from __future__ import annotations

import numpy as np

from dcm import Posterior

from ._demo_answers import answers
from ._demo_group import SETTINGS, GroupResult
from ._demo_pictures import sections
from ._demo_result import NOISE_VARIANCE, DemoResult
from ._demo_tables import group_records
from ._group_fit import notices as group_notices
from ._provenance import device, precision, release
from ._report import Page, Table
from ._trial import ARMS, drift_confounds

COLUMNS = ("Participant", "Arm", "Session", "F, nats", "Explained, %", "Iterations", "Status", "Warnings")
NUMERIC = frozenset({2, 3, 4, 5})


def build_page(result: DemoResult) -> Page:
    """All of the page but its file."""
    design = result.trial.design
    failures = result.failures
    notices = [
        (
            "Simulated data.",
            "No patient's data are on this page, and nothing on it says anything about ketamine. It shows whether the "
            "method finds an effect that was put in.",
        )
    ]
    if failures:
        listed = "; ".join(f"{failure.name}: {failure.reason}" for failure in failures)
        notices.append((f"{len(failures)} of {len(result.outcomes)} visits could not be inverted.", listed))
    return Page(
        title="A treatment trial, simulated, and what effconn found in it",
        subtitle=f"{design.participants} participants, {design.ketamine} given ketamine and {design.midazolam} given "
        "midazolam, looked at faces and shapes before and after treatment. Connectivity between vmPFC and amygdala was "
        "planted, brain signals were simulated from it, dynamic causal models were inverted to find it again, and a "
        "group level compared the arms.",
        notices=(*notices, *group_notices(result.group.inputs, result.group.arms.warnings)),
        answers=answers(result),
        sections=sections(result),
        tables=(*(one.table() for one in group_records(result.group)), _visits(result)),
        facts=_facts(result),
        files=(
            ("connectivity.tsv", "posterior mean, standard deviation and planted value of every parameter"),
            *((f"{one.name}.tsv", one.title.lower()) for one in group_records(result.group)),
            ("truth.tsv", "planted parameters"),
            ("participants.tsv", "arm and improvement"),
            ("figures/", "every picture as SVG and PNG"),
        ),
        generator=f"effconn {release()}",
    )


def _visits(result: DemoResult) -> Table:
    rows, marked = [], set()
    for visit, outcome, found in zip(result.trial.visits, result.outcomes, result.diagnostics, strict=True):
        who = (visit.participant, visit.arm, str(visit.session))
        if isinstance(outcome, Posterior) and found is not None:
            fit = (f"{outcome.free_energy:.1f}".replace("-", "−"), f"{found.explained_variance_total:.0f}")
            end = (str(outcome.iterations), outcome.status.value, "; ".join(found.warnings) or "none")
            rows.append((*who, *fit, *end))
        else:
            marked.add(len(rows))
            reason = getattr(outcome, "reason", "")
            rows.append((*who, "–", "–", "–", "failed", reason))
    return Table(
        "Every visit",
        "F is the free energy, a lower bound on the log evidence; it can be compared between models of the same data, "
        "not between visits. SPM warns where less than 10 % of the variance is explained.",
        COLUMNS,
        tuple(rows),
        NUMERIC,
        frozenset(marked),
    )


def _facts(result: DemoResult) -> tuple[tuple[str, str], ...]:
    trial, design = result.trial, result.trial.design
    columns = drift_confounds(design.scans, design.repetition_time).shape[1]
    versions = ", ".join(f"{name} {release(name)}" for name in ("effconn", "jax", "numpy", "scipy", "matplotlib"))
    planted = "; ".join(
        f"{trial.spec.regions[to]} ← {trial.spec.regions[1 - to]} "
        + ", ".join(f"{design.slope(to, arm):g} ({arm})".replace("-", "−") for arm in ARMS)
        for to in (1, 0)
    )
    paradigm = (
        f"{design.scans} scans of {design.repetition_time:g} s, blocks of {design.block:g} s after pauses of "
        f"{design.rest:g} s, every other block faces; inputs at {design.repetition_time / design.bins_per_scan:g} s"
    )
    noise = (
        f"white, signal-to-noise {design.snr_low:g} to {design.snr_high:g} (standard deviations), and slow drift; "
        f"{columns} confounds (constant and cosines below 1/128 Hz)"
    )
    priors = (
        f"SPM12's, except the prior variance of the noise's log-precision: {NOISE_VARIANCE:g}, not 1/128. SPM12's "
        "takes noise to be near 0.05 % of signal; here it is several times that, and intervals would be too narrow"
    )
    cohort = f"variational Laplace, exact derivatives, one start; all {len(result.outcomes)} visits as one cohort"
    return (
        ("Model", "A full; B(faces) on both connections between the regions; C(task) on both regions; inputs centred"),
        ("Data", paradigm),
        ("Noise", noise),
        (
            "Planted change of B(faces), Hz per point of improvement",
            f"{planted}; scatter {design.scatter:g} Hz about these lines",
        ),
        ("Planted haemodynamics", "vary between participants as much as the prior allows (standard deviation 1/16)"),
        ("Priors", priors),
        ("Inversion", cohort),
        *_group_facts(result.group),
        ("Seed", f"{trial.seed}: effconn demo --seed {trial.seed} makes the same numbers again"),
        ("Time, compilation included", "; ".join(f"{stage} {time:.1f} s" for stage, time in result.seconds.items())),
        ("Device", f"{device()}, {precision()}"),
        ("Versions", versions),
    )


def _group_facts(group: GroupResult) -> tuple[tuple[str, str], ...]:
    found, spm = group.arms.group, group.spm_prior
    wide, narrow = (float(np.sqrt(np.diag(one.between).mean())) for one in (found, spm))
    gain = found.free_energy - spm.free_energy
    better = f"{abs(gain):.1f} nats {'more' if gain > 0 else 'less'} evidence"
    return (
        (
            "Group level",
            "parametric empirical Bayes over the change of B(faces), session 2 less session 1, of "
            f"{len(found.participants)} participants: mean, arm, improvement (centred at {group.centre:.1f} points) "
            "and arm × improvement; one variance between participants; at the optimum, all uncertainty kept "
            "(--compat exact)",
        ),
        (
            "Prior of the variance between participants",
            f"wide (variance {SETTINGS.noise_variance:g} of its log-precision, --between-prior wide). With SPM12's "
            f"1/16 the standard deviation between participants is {narrow:.2f} Hz; with this one it is {wide:.2f} Hz, "
            f"at {better}. Planted: {group.planted_scatter:g} Hz",
        ),
        (
            "Arm comparison",
            "from one group with interactions, as pictured; again by a group for each arm and a third level over both; "
            "the first also drawn from by NUTS",
        ),
    )
