"""
Several starting points
=======================

The free energy of a DCM can have more than one optimum. By default three points are started from, and the best is
kept; how they ended is part of the result.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import effconn

effconn.start_jax()

blocks = (np.arange(120 * 16) * 0.125 % 40 < 20).astype(float)[:, None]
spec = effconn.make_spec(["V1", "V5"], ["motion"], c={"motion": ["V1"]})
planted = spec.parameters({"A[V5<-V1]": 0.4, "C[V1<-motion]": 0.6})
run = effconn.simulate(spec, planted, blocks, 0.125, 2.0, snr=0.7, seed=2)
subject = effconn.Subject("sub-01", spec, run.data)

posterior = effconn.invert(subject, effconn.Settings(starts=8))
print(posterior)

# %%
# The path of the free energy, and where each start ended.
effconn.plot_free_energy(posterior)
plt.show()

# %%
# Diagnostics say in words what to look at.
diagnostics = effconn.diagnose(posterior)
print(f"explained variance: {np.round(diagnostics.explained_variance, 1)} %")
print("warnings:", "; ".join(diagnostics.warnings) or "none")
