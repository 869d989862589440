"""
Connectivity at rest
====================

Correlations of denoised, band-passed series, as Fisher z: the measure that the rest runs of a study give.
"""

# %%
# Three regions with a slow fluctuation in common, and motion that adds to all of them.
import matplotlib.pyplot as plt
import numpy as np

import effconn

rng = np.random.default_rng(1)
scans, repetition_time = 300, 2.0
slow = np.convolve(rng.normal(size=scans + 20), np.hanning(21), mode="valid")[:scans]
motion = np.cumsum(rng.normal(size=(scans, 2)), axis=0) / 5
series = np.column_stack([slow + rng.normal(size=scans), slow + rng.normal(size=scans), rng.normal(size=scans)])
series += motion @ rng.normal(size=(2, 3))

# %%
names = ["vmPFC", "amygdala", "V1"]
raw = np.arctanh(np.corrcoef(series.T) - np.eye(3))
cleaned = effconn.rest_connectivity(series, motion, repetition_time)
figure, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
for ax, values, title in zip(axes, (raw, cleaned), ("raw", "motion removed, 0.008 to 0.09 Hz"), strict=True):
    image = ax.imshow(values, cmap="RdBu_r", vmin=-1.5, vmax=1.5)
    ax.set_title(title)
    ax.set_xticks(range(3), names)
    ax.set_yticks(range(3), names)
figure.colorbar(image, ax=axes, label="Fisher z")
plt.show()
