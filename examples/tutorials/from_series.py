"""
From region series, in Python
=============================

Region series from anywhere (a nilearn masker, XCP-D, CONN, a table) and an events table are all it takes. This tutorial
goes from these two to a posterior that you have checked, and compares two models.
"""

# %%
# Before anything else, switch on 64-bit numbers.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()

# %%
# What you have
# -------------
# A data frame of series, scan × region, in percent signal change; confounds with a row a scan; the events. Here they
# are made, so that the truth is known: faces strengthen amygdala ← vmPFC by 0.4 Hz. With your own data read them by
# ``pd.read_csv("sub-01_timeseries.tsv", sep="\t")``; ``events`` may be the path of a BIDS events file. Of fMRIPrep's
# confounds choose columns, and fill in the first scan, where what is computed from scan to scan has no value:
# ``pd.read_csv("..._desc-confounds_timeseries.tsv", sep="\t")[["trans_x", "framewise_displacement"]].fillna(0)``.
repetition_time, scans = 2.0, 120
events = pd.DataFrame({"onset": np.arange(0.0, 240.0, 40.0), "duration": 20.0, "trial_type": ["faces", "shapes"] * 3})


def make_series() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Series with motion in them, and the motion."""
    conditions = {"task": ["faces", "shapes"], "faces": "faces"}
    inputs = effconn.inputs_from_events(events, scans, repetition_time, inputs=conditions)
    spec = effconn.make_spec(
        ["vmPFC", "amygdala"], inputs.columns, b={"faces": ["amygdala <- vmPFC"]}, c={"task": ["vmPFC"]}
    )
    truth = {"A[amygdala<-vmPFC]": 0.3, "B[amygdala<-vmPFC, faces]": 0.4, "C[vmPFC<-task]": 0.5}
    run = effconn.simulate(spec, spec.parameters(truth), inputs, repetition_time / 16, repetition_time, snr=1.5, seed=5)
    motion = pd.DataFrame(np.random.default_rng(6).normal(size=(scans, 2)), columns=["trans_x", "rot_z"])
    return pd.DataFrame(run.data.bold, columns=spec.regions) + 0.1 * motion.to_numpy(), motion


series, motion = make_series()
series.head()

# %%
# The model
# ---------
# Inputs pool trial types: ``task`` is on whenever something is shown, ``faces`` only for faces. Connections are written
# to ← from. Drifts slower than 128 s are confounds by default, beside the motion given.
subject = effconn.subject_from_series(
    series,
    events,
    repetition_time,
    inputs={"task": ["faces", "shapes"], "faces": "faces"},
    b={"faces": ["amygdala <- vmPFC", "vmPFC <- amygdala"]},
    c={"task": ["vmPFC"]},
    confounds=motion,
    name="sub-01",
)
print(subject)

# %%
# The posterior
# -------------
posterior = effconn.invert(subject)
posterior.summary()

# %%
# Look before you believe: does the model explain the series, did the starts agree, is there a warning?
print(effconn.diagnose(posterior).warnings or "no warnings")
effconn.plot_fit(posterior, data=subject.data)

# %%
# The answer in one line, and as a graph.
print(posterior["B[amygdala<-vmPFC, faces]"])
effconn.plot_graph(posterior, matrix="B[faces]")

# %%
# Two models
# ----------
# Is the connection back needed? The same data under a model without it: the difference of free energies is the log of
# the Bayes factor, and 3 nats are 20 to 1.
simpler = effconn.invert(
    effconn.subject_from_series(
        series,
        events,
        repetition_time,
        inputs={"task": ["faces", "shapes"], "faces": "faces"},
        b={"faces": ["amygdala <- vmPFC"]},
        c={"task": ["vmPFC"]},
        confounds=motion,
        name="sub-01",
    )
)
print(f"simpler − full: {simpler.free_energy - posterior.free_energy:+.1f} nats")
plt.show()
