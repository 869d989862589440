"""
Invert one participant
======================

Two regions, blocks of faces and shapes. Known connections make the series; the inversion finds them again, with
intervals.
"""

# %%
# 64-bit numbers first: free energies of −5,000 need differences of 0.1.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()

# %%
# The experiment: an events table, as BIDS and nilearn have it. ``task`` is on in all blocks, ``faces`` in half of them.
scans, repetition_time = 120, 2.0
events = pd.DataFrame({"onset": np.arange(0.0, 240.0, 40.0), "duration": 20.0, "trial_type": ["faces", "shapes"] * 3})
inputs = effconn.inputs_from_events(
    events, scans, repetition_time, inputs={"task": ["faces", "shapes"], "faces": "faces"}
)

# %%
# The model in words, to ← from: the task drives vmPFC, and faces may change either direction. They change one.
spec = effconn.make_spec(
    ["vmPFC", "amygdala"],
    inputs.columns,
    b={"faces": ["amygdala <- vmPFC", "vmPFC <- amygdala"]},
    c={"task": ["vmPFC"]},
)
planted = {"A[amygdala<-vmPFC]": 0.3, "B[amygdala<-vmPFC, faces]": 0.4, "C[vmPFC<-task]": 0.5}
run = effconn.simulate(spec, spec.parameters(planted), inputs, repetition_time / 16, repetition_time, snr=1.5, seed=1)

# %%
# Inversion: a Gaussian over the parameters, and the free energy as the model's evidence.
posterior = effconn.invert(effconn.Subject("sub-01", spec, run.data))
print(posterior)
posterior.summary()

# %%
# One connection, and the probability that faces strengthen it.
found = posterior["B[amygdala<-vmPFC, faces]"]
print(found)
print("planted 0.40 Hz, 90 % interval", np.round(found.interval(0.9), 2))

# %%
# Does the model explain the series?
effconn.plot_fit(posterior, data=run.data)

# %%
# Which connections did the data tell something about? Prior in grey, posterior in colour.
effconn.plot_posterior(posterior)
plt.show()
