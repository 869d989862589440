"""
effconn's mode and SPM12's
==========================

SPM12's steps on the noise need not reach their optimum: what that does to F, and what the default does instead.

SPM leaves part of the curvature out of its Newton steps on the noise's log-precision λ. Where the noise is far from its
prior mean, λ goes to and fro and F is evaluated on whichever side it was left on. `settled_free_energy` is F at the
same connectivity with λ at its optimum, so it is what compares two optima. The default takes λ there at every step.
"""

# %%
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()

blocks = (np.arange(120 * 16) * 0.125 % 40 < 20).astype(float)[:, None]
spec = effconn.make_spec(["V1", "V5"], ["motion"], c={"motion": ["V1"]})
planted = spec.parameters({"A[V1<-V5]": 0.1, "A[V5<-V1]": 0.4, "C[V1<-motion]": 0.8})

# %%
# Noise of a standard deviation of several tenths of a percent, as in real series, is e⁴ times the prior's guess.
run = effconn.simulate(spec, planted, blocks, bin_width=0.125, repetition_time=2.0, snr=0.5, seed=1)
subject = effconn.Subject("loud", spec, run.data)
posteriors = {compat: effconn.invert(subject, effconn.Settings(compat)) for compat in ("spm12", "none")}
pd.DataFrame(
    {
        compat: {
            "F, nats": posterior.free_energy,
            "settled F, nats": posterior.settled_free_energy,
            "λ of V1": posterior.noise_mean[0],
            "λ of V5": posterior.noise_mean[1],
        }
        for compat, posterior in posteriors.items()
    }
).round(2)

# %%
# The connection itself, with its 90 % interval: effconn's is wider, and holds the truth (0.4 Hz) as often as it says.
for compat, posterior in posteriors.items():
    found = posterior["A[V5<-V1]"]
    print(f"compat {compat:6} {found}, 90 % interval {np.round(found.interval(0.9), 2)}")
