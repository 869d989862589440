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
# The models
# ----------
# Inputs pool trial types: ``task`` is on whenever something is shown, ``faces`` only for faces. Connections are written
# to ← from. Drifts slower than 128 s are confounds by default, beside the motion given. Faces may change both
# directions, or only amygdala ← vmPFC.
def make_subject(name: str, modulated: list[str]) -> effconn.Subject:
    """The series under a model in which faces change the connections given."""
    return effconn.subject_from_series(
        series,
        events,
        repetition_time,
        inputs={"task": ["faces", "shapes"], "faces": "faces"},
        b={"faces": modulated},
        c={"task": ["vmPFC"]},
        confounds=motion,
        name=name,
    )


subject = make_subject("sub-01, full", ["amygdala <- vmPFC", "vmPFC <- amygdala"])
simpler = make_subject("sub-01, simpler", ["amygdala <- vmPFC"])
print(subject)

# %%
# The posterior
# -------------
# ``effconn.invert`` takes one subject, ``effconn.invert_cohort`` any number of subjects and models at once.
posterior, of_simpler = effconn.invert_cohort([subject, simpler])
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
# Which model?
# ------------
# Need faces change the connection back? The difference of free energies is the log of the Bayes factor, and 3 nats are
# 20 to 1.
print(f"simpler − full: {of_simpler.free_energy - posterior.free_energy:+.1f} nats")
plt.show()
