"""Side by side with what else inverts such a model: ``python -m benchmarks.alternatives [--cdn PYTHON] [--json FILE]``.

The same simulated participants of four regions: effconn; NUTS (NumPyro) with the same forward model and priors, begun
at effconn's posterior and in its coordinates, without which it takes many times as long; and, where PYTHON is an
interpreter that has it, cdn-fmri (Cao, Sandstede & Luo 2019: a bilinear neural equation under a fixed haemodynamic
response, fitted by penalised least squares). Seconds of one participant, after compilation; how far the connections
between regions are from those planted; and how far NUTS's means are from effconn's, in SDs, in the median.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import dcm
from dcm._batch import Batch

from ._case import one_batch
from ._models import BINS, REPETITION_TIME, SCANS, block_inputs, cohort, planted
from ._options import whole_number
from ._table import table, write_json

REGIONS, PARTICIPANTS, DRAWN = 4, 8, 2  # NUTS draws for the first two only
CHAINS = 2
SNR = 5.0  # at which there is something to find in a participant
COLUMNS = ("method", "participants", "seconds", "compile_s", "rms_error_Hz", "correlation", "distance_SD", "note")
CDN = """
import json, sys, time
from cdn.cdn_analysis import cdn_multi_sub
import numpy as np
from six.moves import cPickle
folders, tr = json.loads(sys.argv[1]), float(sys.argv[2])
began = time.time()
cdn_multi_sub([f + '/out/' for f in folders], [f + '/bold.txt' for f in folders], [f + '/events/' for f in folders],
              (0, 1), tr, lam=[0.01, 0.1, 1.0, 10.0], mu=[0], lam_1=[0.0, 0.01], plot_r=False)
taken = time.time() - began
results = [cPickle.load(open(f + '/out/results/result.pkl', 'rb'))['A'].tolist() for f in folders]
print('RESULT ' + json.dumps([taken, results]))
"""
Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alternatives", description=__doc__)
    parser.add_argument("--cdn", type=Path, metavar="PYTHON", help="an interpreter that has cdn-fmri")
    parser.add_argument(
        "--draws", type=whole_number(10), default=500, help="of each NUTS chain, and as many to warm up"
    )
    parser.add_argument("--scans", type=whole_number(20), default=SCANS)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    subjects = cohort(REGIONS, PARTICIPANTS, options.scans, SNR)
    truth = np.array([planted(subject.spec, i).A for i, subject in enumerate(subjects)])
    nothing = {"method": "none: every connection 0", "participants": len(subjects)}
    rows: list[Row] = [nothing | _accuracy(np.zeros_like(truth), truth)]
    effconn, posteriors = _effconn(subjects, truth)
    rows.append(effconn)
    rows.append(_nuts(subjects[:DRAWN], truth[:DRAWN], posteriors[:DRAWN], options.draws))
    if options.cdn is not None:
        rows.append(_cdn(subjects, truth, options.cdn))
    print(table(rows, COLUMNS))
    if options.json is not None:
        write_json(options.json, {"rows": rows})
    return 0


def _effconn(subjects: Sequence[dcm.Subject], truth: np.ndarray) -> tuple[Row, list[dcm.Posterior]]:
    def run() -> list[dcm.Posterior]:
        return [dcm.invert(subject, dcm.Settings("spm12")) for subject in subjects]  # one at a time, as the others

    first, _ = _timed(run)
    taken, posteriors = _timed(run)
    means = np.array([_connections(posterior.spec, posterior.mean) for posterior in posteriors])
    note = f"{sum(posterior.iterations for posterior in posteriors)} iterations in all"
    row = {
        "method": "effconn",
        "participants": len(subjects),
        "seconds": taken / len(subjects),
        "compile_s": first - taken,
        "note": note,
    }
    return row | _accuracy(means, truth), posteriors


def _nuts(subjects: Sequence[dcm.Subject], truth: np.ndarray, laplace: Sequence[dcm.Posterior], draws: int) -> Row:
    """Means and SDs of draws from the same posterior, one participant after the other."""
    from numpyro.diagnostics import summary

    batch = one_batch(subjects, dcm.Settings("spm12"))
    sampler = _sampler(batch, draws)
    taken, means, distances, note = [], [], [], []
    for k, posterior in enumerate(laplace):
        problem = jax.tree.map(jnp.asarray, jax.tree.map(itemgetter(k), batch.problems))
        seconds, (theta, divergences) = _timed(partial(sampler, problem, posterior))
        taken.append(seconds)
        drawn = np.concatenate(theta)
        mean = posterior.prior.mean.copy()
        mean[posterior.free] = drawn.mean(axis=0)
        means.append(_connections(posterior.spec, mean))
        distances.append(np.abs(mean - posterior.mean)[posterior.free] / drawn.std(axis=0))
        found = summary({"theta": theta})["theta"]
        note.append(f"R-hat {found['r_hat'].max():.3f}, {divergences} divergences")
    row: Row = {"method": f"NUTS, {CHAINS} × {draws} draws", "participants": len(subjects), "seconds": min(taken)}
    row |= _accuracy(np.array(means), truth)
    return row | {"distance_SD": float(np.median(distances)), "note": "; ".join(note) + "; compilation included"}


def _sampler(batch: Batch, draws: int) -> Callable[[Any, dcm.Posterior], tuple[np.ndarray, int]]:
    """Draws of the free θ, (chain, draw, free), and how many diverged; λ is drawn too, β integrated out.

    ln p(y, θ, λ) = Σ_i ½ (ν λ_i − e^λ_i ‖(I − P) (y_i − g_i)‖²) + ln p(θ) + ln p(λ), with P the projection on the
    confounds and ν the scans less the confounds. The gradient is from the exact Jacobian.
    """
    from numpyro.infer import MCMC, NUTS

    model = batch.model

    def density(problem: Any, theta: jax.Array, noise: jax.Array, with_gradient: bool) -> Any:
        free = problem.prior_mean + theta
        g, jacobian = model.predict_with_jacobian(problem.prior_vector, free, problem.timing, problem.echo_time)
        basis = problem.confounds / jnp.sqrt(problem.confound_power)
        left = problem.bold - g
        left = left - basis @ (basis.T @ left)
        squares, tau = (left**2).sum(axis=0), jnp.exp(noise)
        degrees = len(left) - basis.shape[1]
        off, tight = noise - problem.noise_mean, problem.prior_precision @ theta
        value = ((degrees * noise - tau * squares).sum() - theta @ tight - problem.noise_precision * off @ off) / 2
        if not with_gradient:
            return value
        by_theta = jnp.einsum("vi,i,vip->p", left, tau, jacobian) - tight
        return value, (by_theta, (degrees - tau * squares) / 2 - problem.noise_precision * off)

    @jax.custom_vjp
    def log_density(problem: Any, theta: jax.Array, noise: jax.Array) -> jax.Array:
        value: jax.Array = density(problem, theta, noise, False)
        return value

    def forward(problem: Any, theta: jax.Array, noise: jax.Array) -> Any:
        value, gradient = density(problem, theta, noise, True)
        return value, (problem, gradient)

    def backward(kept: Any, cotangent: jax.Array) -> Any:
        problem, gradient = kept
        none = jax.tree.map(jnp.zeros_like, problem)
        zero = jax.tree.map(lambda leaf: None if leaf.dtype.kind != "f" else leaf, none)
        return (zero, *(cotangent * part for part in gradient))

    log_density.defvjp(forward, backward)

    def run(problem: Any, laplace: dcm.Posterior) -> tuple[np.ndarray, int]:
        mean, root = laplace.mean[laplace.free], np.linalg.cholesky(laplace.covariance)
        noise, spread = laplace.noise_mean, np.sqrt(np.diag(laplace.noise_covariance))

        def potential(z: dict[str, jax.Array]) -> jax.Array:
            return -log_density(problem, mean - problem.prior_mean + root @ z["theta"], noise + spread * z["noise"])

        rng = np.random.default_rng(0)
        first = {name: rng.standard_normal((CHAINS, mode.size)) for name, mode in (("theta", mean), ("noise", noise))}
        chains = MCMC(
            NUTS(potential_fn=potential),
            num_warmup=draws,
            num_samples=draws,
            num_chains=CHAINS,
            chain_method="sequential",
            progress_bar=False,
        )
        chains.run(jax.random.PRNGKey(0), init_params=first, extra_fields=("diverging",))
        drawn = mean + np.asarray(chains.get_samples(group_by_chain=True)["theta"]) @ root.T
        return drawn, int(np.sum(chains.get_extra_fields()["diverging"]))

    return run


def _cdn(subjects: Sequence[dcm.Subject], truth: np.ndarray, python: Path) -> Row:
    """cdn-fmri in its own interpreter, on series from which the confounds were taken, with blocks as events."""
    with tempfile.TemporaryDirectory(prefix="effconn-") as temporary:
        folders = []
        for subject in subjects:
            folder = Path(temporary) / subject.name
            (folder / "events").mkdir(parents=True)
            effects, *_ = np.linalg.lstsq(subject.data.confounds, subject.data.bold)
            np.savetxt(folder / "bold.txt", (subject.data.bold - subject.data.confounds @ effects).T)
            for k, events in enumerate(_events(subject.data.scans)):
                np.savetxt(folder / "events" / f"ev{k}.txt", events)
            folders.append(str(folder))
        command = [str(python), "-c", CDN, json.dumps(folders), str(REPETITION_TIME)]
        done = subprocess.run(command, cwd=temporary, capture_output=True, text=True, timeout=600)
    line = next((printed for printed in done.stdout.splitlines() if printed.startswith("RESULT ")), None)
    if line is None:
        return {"method": "cdn-fmri", "note": f"failed: {done.stderr.strip().splitlines()[-1:]}"}
    taken, found = json.loads(line.removeprefix("RESULT "))
    note = "fixed haemodynamics, no uncertainty, no F"
    row = {"method": "cdn-fmri", "participants": len(subjects), "seconds": taken / len(subjects), "note": note}
    return row | _accuracy(np.array(found), truth)


def _events(scans: int) -> list[np.ndarray]:
    """Onset, duration and height of the blocks of pictures and of words, s, the first scan being at 0."""
    events = []
    for inputs in block_inputs(scans)[:, 1:].T:
        edges = np.diff(np.r_[0, inputs > 0, 0].astype(int))
        begin, end = (np.flatnonzero(edges == sign).astype(float) for sign in (1, -1))
        onset = np.maximum(begin * REPETITION_TIME / BINS - REPETITION_TIME, 0)
        end = end * REPETITION_TIME / BINS - REPETITION_TIME
        events.append(np.column_stack([onset, end - onset, np.ones(begin.size)]))
    return events


def _accuracy(found: np.ndarray, truth: np.ndarray) -> Row:
    """Of the connections between regions that are there, over participants."""
    there = (truth != 0) & ~np.eye(REGIONS, dtype=bool)
    error = float(np.sqrt(np.mean((found - truth)[there] ** 2)))
    same = np.ptp(found[there]) == 0
    return {
        "rms_error_Hz": error,
        "correlation": None if same else float(np.corrcoef(found[there], truth[there])[0, 1]),
    }


def _connections(spec: dcm.Spec, theta: np.ndarray) -> np.ndarray:
    return np.asarray(spec.layout.to_tree(jnp.asarray(theta)).A)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


if __name__ == "__main__":
    sys.exit(main())
