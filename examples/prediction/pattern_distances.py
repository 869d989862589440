"""
Distances of patterns (crossnobis)
==================================

How different are the patterns of two conditions within a region? Cross-validated distances are zero on average where
they do not differ, whatever the noise.
"""

# %%
# Sixty voxels, four runs, three conditions; ``faces`` and ``shapes`` differ, ``shapes`` and ``houses`` do not.
import matplotlib.pyplot as plt
import numpy as np

import effconn

rng = np.random.default_rng(0)
runs, voxels = 4, 60
names = ["faces", "shapes", "houses"]
shared = rng.normal(size=voxels)
truth = np.stack([shared + 0.6 * rng.normal(size=voxels), shared, shared])

found, biased = [], []
for _ in range(200):
    patterns = truth + rng.normal(size=(runs, 3, voxels))
    distances = effconn.crossnobis(patterns)
    found.append([distances[0, 1], distances[1, 2]])
    mean = patterns.mean(axis=0)
    biased.append([((mean[0] - mean[1]) ** 2).mean(), ((mean[1] - mean[2]) ** 2).mean()])

# %%
# Left, the usual squared distance: noise makes everything look different. Right, cross-validated.
figure, axes = plt.subplots(1, 2, sharey=True, figsize=(7, 3), layout="constrained")
for ax, values, title in zip(axes, (biased, found), ("squared distance", "crossnobis"), strict=True):
    ax.boxplot(np.array(values), tick_labels=["faces v shapes", "shapes v houses"])
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set_title(title)
plt.show()
print("mean crossnobis of equal patterns:", np.round(np.mean(found, axis=0)[1], 3))
