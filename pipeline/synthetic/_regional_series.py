"""The events of each task, and the series of six regions: the circuit by its DCM, the others by their responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import signal

from dcm import Parameters, SerialNoise, Spec, simulate

from ..images import spm_kernel
from ._planted_effects import CIRCUIT_REGIONS, circuit_model
from ._study_design import BLOCK, PAUSE, Arm, StudyDesign, TaskName

MICROTIME_BINS = 16  # microtime bins in a repetition time
FACES_TRIAL = 3.0  # s; six of them fill a block
STROOP_TRIAL = 1.0  # s; how long a trial of the Stroop is shown
STROOP_REST = 12.0  # s; from the last Stroop trial to the end of the run


@dataclass(frozen=True)
class Event:
    """One trial; times in s. `intensity` is what it was shown with, where that differs from trial to trial."""

    onset: float
    duration: float
    trial_type: str
    response_time: float | None
    intensity: float | None = None


def draw_events(design: StudyDesign, task: TaskName, rng: np.random.Generator) -> tuple[Event, ...]:
    """The trials of one run; none at rest."""
    length = design.scans(task) * design.spacing(task)
    if task == "faces":
        return draw_blocks(length, rng)
    return _draw_stroop(length, rng) if task == "stroop" else ()


def inputs_of(
    events: Sequence[Event], conditions: Sequence[Sequence[str]], bins: int, bin_width: float
) -> Float[np.ndarray, "bin input"]:
    """1 in the bins in which a trial of a condition, a set of trial types, is on, and 0 in all others."""
    inputs = np.zeros((bins, len(conditions)))
    for event in events:
        first, last = round(event.onset / bin_width), round((event.onset + event.duration) / bin_width)
        for column, trial_types in enumerate(conditions):
            if event.trial_type in trial_types:
                inputs[first:last, column] = 1
    return inputs


def draw_blocks(length: float, rng: np.random.Generator) -> tuple[Event, ...]:
    """Pauses and blocks in turn, shapes first; matching faces takes longer than matching shapes."""
    events = []
    for number in range(int(length // (PAUSE + BLOCK))):
        trial_type, usual = ("faces", 1.1) if number % 2 else ("shapes", 0.8)
        start = number * (PAUSE + BLOCK) + PAUSE
        events += [
            Event(start + k * FACES_TRIAL, FACES_TRIAL, trial_type, _draw_response_time(usual, rng))
            for k in range(int(BLOCK / FACES_TRIAL))
        ]
    return tuple(events)


def _draw_stroop(length: float, rng: np.random.Generator) -> tuple[Event, ...]:
    """As many congruent as incongruent trials, 2.5 to 4.5 s apart; a trial without an answer now and then."""
    onsets = [6.0]
    while (onset := onsets[-1] + float(rng.integers(25, 46)) / 10) < length - STROOP_REST:
        onsets.append(round(onset, 1))
    kinds = np.resize(["congruent", "incongruent"], len(onsets))
    rng.shuffle(kinds)
    return tuple(
        Event(
            onset,
            STROOP_TRIAL,
            str(kind),
            _draw_response_time(0.85 if kind == "incongruent" else 0.7, rng, lapses=0.04),
        )
        for onset, kind in zip(onsets, kinds, strict=True)
    )


def _draw_response_time(usual: float, rng: np.random.Generator, lapses: float = 0.0) -> float | None:
    """Log-normal about what is usual, s; None where nothing was pressed."""
    drawn, lapse = usual * float(np.exp(rng.normal(0.0, 0.2))), rng.random()
    return None if lapse < lapses else round(drawn, 3)


REGIONS = ("dACC", "rACC", "vmPFC", "hippocampus", "insula", "amygdala")
CONDITIONS: Mapping[TaskName, tuple[str, ...]] = {
    "faces": ("shapes", "faces"),
    "stroop": ("congruent", "incongruent"),
    "rest": (),
}
USUAL_RESPONSES: Mapping[TaskName, Mapping[str, tuple[float, float]]] = {
    "faces": {"dACC": (0.2, 0.3), "rACC": (0.1, 0.4), "hippocampus": (0.1, 0.5), "insula": (0.2, 0.45)},
    "stroop": {
        "dACC": (0.8, 1.9),
        "rACC": (0.4, 0.9),
        "vmPFC": (-0.4, -0.9),
        "hippocampus": (0.2, 0.2),
        "insula": (0.8, 1.6),
        "amygdala": (0.4, 0.8),
    },
}
"""Usual responses to the two conditions, percent of the mean per unit of the convolved boxcar; in the faces task the
circuit's own follow from its DCM."""
RESPONSE_SD = 0.15  # of a response, percent: between participants, and half of it from session to session
REST_CORRELATION = 0.35  # of every two regions at rest; vmPFC and amygdala are closer
REST_PAIR = 0.6
AUTOCORRELATION = 0.3  # of noise from scan to scan
REST_SD, NOISE_SD = 0.35, 0.18  # percent; of slow fluctuations at rest, and of a region's noise in every run

Responses = Mapping[TaskName, Float[np.ndarray, "region condition"]]


def draw_responses(
    design: StudyDesign, arm: Arm, improvement: float, rng: np.random.Generator
) -> tuple[Responses, Responses]:
    """Planted responses of one participant before and after treatment, percent; NaN where the DCM decides.

    What depends on improvement is the response to incongruent trials, and so the response to conflict.
    """
    before: dict[TaskName, np.ndarray] = {}
    after: dict[TaskName, np.ndarray] = {}
    for task in (task for task in design.tasks if task in USUAL_RESPONSES):
        usual = np.array([USUAL_RESPONSES[task].get(region, (np.nan, np.nan)) for region in REGIONS])
        before[task] = usual + rng.normal(0.0, RESPONSE_SD, usual.shape)
        after[task] = before[task] + rng.normal(0.0, RESPONSE_SD / 2, usual.shape)
    if "stroop" in after:
        slopes = np.array([design.response_slope(region, arm) for region in REGIONS])
        after["stroop"][:, CONDITIONS["stroop"].index("incongruent")] += slopes * improvement
    return before, after


def faces_series(
    design: StudyDesign, planted: Parameters, events: Sequence[Event], responses: np.ndarray, rng: np.random.Generator
) -> Float[np.ndarray, "scan region"]:
    """Signal and noise of the regions in the faces task, percent: y = g(θ) + e in the circuit, x β + e elsewhere.

    g are the full nonlinear equations, inputs as presented. e is that of `draw_noise`, with standard deviation
    sd(g) / snr in the circuit and `NOISE_SD` elsewhere.
    """
    scans, spacing = design.faces_scans, design.repetition_time
    paradigm = inputs_of(events, (("shapes", "faces"), ("faces",)), scans * MICROTIME_BINS, spacing / MICROTIME_BINS)
    made = circuit_signal(circuit_model(), planted, paradigm, spacing)
    expected = _expected_responses(design, "faces", events, np.nan_to_num(responses))
    noise = np.full(len(REGIONS), NOISE_SD)
    places = [REGIONS.index(region) for region in CIRCUIT_REGIONS]
    expected[:, places] = made
    noise[places] = made.std(axis=0) / rng.uniform(design.snr_low, design.snr_high)
    return expected + draw_noise(scans, rng) * noise


def circuit_signal(
    spec: Spec, planted: Parameters, paradigm: Float[np.ndarray, "bin input"], repetition_time: float
) -> Float[np.ndarray, "scan region"]:
    """What the planted parameters make of the inputs by the full nonlinear equations, without noise, percent."""
    width = repetition_time / MICROTIME_BINS
    return simulate(spec, planted, paradigm, width, repetition_time, snr=np.inf, seed=0, integrator="nonlinear").signal


def stroop_series(
    design: StudyDesign, events: Sequence[Event], responses: np.ndarray, rng: np.random.Generator
) -> Float[np.ndarray, "scan region"]:
    """Responses to the trials of the Stroop, and noise, percent."""
    expected = _expected_responses(design, "stroop", events, responses)
    return expected + NOISE_SD * draw_noise(design.stroop_scans, rng)


def rest_series(design: StudyDesign, rng: np.random.Generator) -> Float[np.ndarray, "scan region"]:
    """Slow fluctuations that regions share as `rest_correlation` says, and noise, percent."""
    return resting_signal(design.rest_scans, rest_correlation(), rng)


def resting_signal(
    scans: int, correlation: Float[np.ndarray, "region region"], rng: np.random.Generator
) -> Float[np.ndarray, "scan region"]:
    """Slow fluctuations of this correlation, and noise of each region's own, percent."""
    regions = correlation.shape[0]
    drawn = rng.normal(size=(scans + 50, regions)) @ np.linalg.cholesky(correlation).T
    slow = signal.lfilter([1.0], [1.0, -0.8], drawn, axis=0)[50:] * np.sqrt(1 - 0.8**2)
    return slow * REST_SD + NOISE_SD * draw_noise(scans, rng, regions)


def draw_noise(scans: int, rng: np.random.Generator, regions: int = len(REGIONS)) -> Float[np.ndarray, "scan region"]:
    """Noise of every region, serially correlated as fMRI's is: AR(1), of standard deviation 1."""
    return SerialNoise((AUTOCORRELATION,)).draw(rng, scans, regions)


def rest_correlation() -> Float[np.ndarray, "region region"]:
    """Planted correlation of the regions' fluctuations at rest."""
    correlation = np.full((len(REGIONS), len(REGIONS)), REST_CORRELATION)
    first, second = (REGIONS.index(region) for region in CIRCUIT_REGIONS)
    correlation[first, second] = correlation[second, first] = REST_PAIR
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _expected_responses(
    design: StudyDesign, task: TaskName, events: Sequence[Event], responses: np.ndarray
) -> Float[np.ndarray, "scan region"]:
    """Boxcars of the conditions, convolved with SPM12's kernel and sampled in the middle of scans, × responses."""
    scans, width = design.scans(task), design.spacing(task) / MICROTIME_BINS
    boxcars = inputs_of(events, [(condition,) for condition in CONDITIONS[task]], scans * MICROTIME_BINS, width)
    convolved = signal.fftconvolve(boxcars, spm_kernel(design.spacing(task), MICROTIME_BINS)[:, None], axes=0)
    return convolved[MICROTIME_BINS // 2 : scans * MICROTIME_BINS : MICROTIME_BINS] @ responses.T
