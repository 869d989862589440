"""
Look at connectivity
====================

The same posterior as a matrix, to × from, and as a graph, in which colour is the sign, width the strength, and faded
arrows are uncertain.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import effconn

effconn.start_jax()

regions = ["V1", "V5", "SPC"]
blocks = (np.arange(120 * 16) * 2.0 / 16 % 40 < 20).astype(float)
attention = blocks * (np.arange(blocks.size) // 640 % 2 == 0)
spec = effconn.make_spec(
    regions,
    ["motion", "attention"],
    a=["V5 <- V1", "V1 <- V5", "SPC <- V5", "V5 <- SPC"],
    b={"attention": ["V5 <- V1", "V5 <- SPC"]},
    c={"motion": ["V1"]},
)
planted = {
    "A[V5<-V1]": 0.5,
    "A[SPC<-V5]": 0.4,
    "A[V1<-V5]": -0.2,
    "B[V5<-V1, attention]": 0.4,
    "C[V1<-motion]": 0.6,
}
run = effconn.simulate(
    spec, spec.parameters(planted), np.column_stack([blocks, attention]), 0.125, 2.0, snr=2.0, seed=3
)
posterior = effconn.invert(effconn.Subject("sub-01", spec, run.data))

# %%
# The endogenous connectivity A, and what attention changes (B).
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
effconn.plot_connectivity(posterior, axes[0], matrix="A")
effconn.plot_connectivity(posterior, axes[1], matrix="B[attention]")

# %%
# As a graph.
figure, axes = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
effconn.plot_graph(posterior, axes[0], matrix="A")
effconn.plot_graph(posterior, axes[1], matrix="B[attention]")
plt.show()
