"""Do intervals hold what they promise? Parameters from the prior, data from the model, inversion, and a count.

Everything is drawn: θ from its prior, λ_i ~ N(6, 1/128), y = g(θ) + noise of precision e^λ. The inversion scales
series whose range exceeds 4, and the model speaks about scaled series, so a data set whose range exceeds 4 is rejected.
That is a rule about y alone: what the posterior says given y is as true for the data that remain. It also rejects the
draws that blow up, whose prediction is large or not finite. Mean-centring only moves the constant's confound, on which
the prior is flat.
"""

from __future__ import annotations

import numpy as np

import dcm
from dcm import Posterior, Settings, Subject

from ._check import Check

REPETITION_TIME, BINS, SCANS = 2.0, 8, 120
RANGE = 4.0  # beyond which the inversion scales the data
QUANTILES = {50: 0.6745, 90: 1.6449, 99: 2.5758}  # of the normal distribution, for two-sided intervals in percent
FIELDS = ("A", "B", "C", "transit", "decay", "epsilon")
Drawn = tuple[np.ndarray, np.ndarray, Subject]  # θ and λ as planted, and the data


def checks(quick: bool) -> list[Check]:
    """Coverage of the default settings, and what tighter ones and more starts change."""
    drawn, rejected = draw(8 if quick else 200)
    variants = {"default": Settings("spm12")}
    if not quick:
        variants |= {
            "tolerance 0.001": Settings("spm12", tolerance=1e-3),
            "4 starts": Settings("spm12", starts=4, tolerance=1e-3),
        }
    rows = [Check("calibration: share of draws with a range over 4, rejected", rejected)]
    for name, settings in variants.items():
        rows += _coverage(drawn, settings, name, quick)
    return rows


def model() -> dcm.Spec:
    """Two regions both ways, a modulated connection and a modulated self-connection, one region driven."""
    b = np.zeros((2, 2, 2))
    b[1, 0, 1] = b[0, 0, 1] = 1
    return dcm.Spec(["first", "second"], ["drive", "context"], np.ones((2, 2)), b, [[1, 0], [0, 0]])


def inputs() -> np.ndarray:
    """(bin, input): a drive in blocks of 10 s, a context in every other pair of them, mean-centred."""
    second = np.arange(SCANS * BINS) * REPETITION_TIME / BINS
    u = np.column_stack([second % 20 < 10, second % 80 < 40]).astype(float)
    return u - u.mean(axis=0)


def draw(count: int) -> tuple[list[Drawn], float]:
    """As many data sets as asked for, and the share of draws that were rejected."""
    spec, u = model(), inputs()
    density = dcm.prior(spec, "spm12")
    deviation = np.sqrt(np.diag(density.covariance))
    frame = dcm.Data(
        np.random.default_rng(0).standard_normal((SCANS, spec.n)), u, REPETITION_TIME / BINS, REPETITION_TIME
    )
    drawn: list[Drawn] = []
    seed = 0
    while len(drawn) < count:
        rng = np.random.default_rng([1, seed])
        seed += 1
        theta = density.mean + deviation * rng.standard_normal(deviation.size)
        noise = density.noise_mean + np.sqrt(density.noise_variance) * rng.standard_normal(spec.n)
        signal = dcm.predict_series(spec, spec.layout.to_tree(theta), frame, integrator="bilinear")
        y = signal + np.exp(-noise / 2) * rng.standard_normal(signal.shape)
        if np.isfinite(y).all() and np.ptp(y - y.mean(axis=0)) <= RANGE:
            data = dcm.Data(y, u, REPETITION_TIME / BINS, REPETITION_TIME)
            drawn.append((theta, noise, Subject(f"draw {seed}", spec, data)))
    return drawn, 1 - count / seed


def _coverage(drawn: list[Drawn], settings: Settings, variant: str, quick: bool) -> list[Check]:
    outcomes = dcm.invert_cohort([subject for _, _, subject in drawn], settings)
    done = [
        (outcome, theta, noise)
        for outcome, (theta, noise, _) in zip(outcomes, drawn, strict=True)
        if isinstance(outcome, Posterior)
    ]
    z = np.array([(theta[p.free] - p.mean[p.free]) / np.sqrt(np.diag(p.covariance)) for p, theta, _ in done])
    z_noise = np.array([(noise - p.noise_mean) / np.sqrt(np.diag(p.noise_covariance)) for p, _, noise in done])
    layout = done[0][0].spec.layout
    fields = np.array([layout.field_of(int(entry)) for entry in done[0][0].free])
    least, most = (0.0, 100.0) if quick else (85.0, 95.0)
    found = f"{len(done)} data sets, {z.shape[1]} parameters"
    words = f"calibration, {variant}: coverage of"
    rows = [Check(f"{words} {level} % intervals, %", _share(z, level), note=found) for level in (50, 99)]
    rows.append(Check(f"{words} 90 % intervals, %", _share(z, 90), most=most, least=least, note=found))
    rows += [Check(f"{words} 90 % intervals of {field}, %", _share(z[:, fields == field], 90)) for field in FIELDS]
    far = float((np.abs(z).max(axis=1) > 5).mean())
    return [
        *rows,
        Check(f"{words} 90 % intervals of the noise λ, %", _share(z_noise, 90)),
        Check(f"calibration, {variant}: share of data sets with a parameter over 5 sd off", far),
        Check(f"calibration, {variant}: inversions that failed", float(len(drawn) - len(done)), most=0.0),
    ]


def _share(z: np.ndarray, level: int) -> float:
    return float(100 * (np.abs(z) < QUANTILES[level]).mean())
