"""
Check a posterior by sampling
=============================

The inversion gives a Gaussian. The No-U-Turn Sampler draws from the same posterior without that assumption; ArviZ
reads the draws.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()

blocks = (np.arange(120 * 16) * 0.125 % 40 < 20).astype(float)[:, None]
spec = effconn.make_spec(["V1", "V5"], ["motion"], c={"motion": ["V1"]})
planted = spec.parameters({"A[V5<-V1]": 0.4, "C[V1<-motion]": 0.6})
run = effconn.simulate(spec, planted, blocks, 0.125, 2.0, snr=1.0, seed=4)
subject = effconn.Subject("sub-01", spec, run.data)
posterior = effconn.invert(subject)

# %%
# A short chain for the page; take the defaults for a result.
draws = effconn.sample_posterior(subject, posterior, effconn.ChainSettings(chains=2, warmup=50, draws=150))
pd.DataFrame(
    {"mean": posterior.mean[posterior.free], "sd": posterior.sd, "mean of draws": draws.mean, "sd of draws": draws.sd},
    index=list(posterior.names),
).round(3)

# %%
# The same in ArviZ.
import arviz as az

az.plot_forest(effconn.to_arviz(draws), combined=True, backend_kwargs={"layout": "constrained"})
plt.show()
