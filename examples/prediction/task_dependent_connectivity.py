"""
Task-dependent connectivity (gPPI)
==================================

Generalised psychophysiological interactions on region series: does coupling with a seed differ between conditions?
Beside a DCM on the same series, it is a measure without a model of direction.
"""

# %%
# Faces strengthen amygdala ← vmPFC, shapes do not.
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()

scans, repetition_time = 240, 2.0
events = pd.DataFrame({"onset": np.arange(0.0, 480.0, 20.0), "duration": 10.0, "trial_type": ["faces", "shapes"] * 12})
inputs = effconn.inputs_from_events(events, scans, repetition_time)
spec = effconn.make_spec(
    ["vmPFC", "amygdala"],
    inputs.columns,
    b={"faces": ["amygdala <- vmPFC"]},
    c={"faces": ["vmPFC"], "shapes": ["vmPFC"]},
)
planted = spec.parameters(
    {
        "A[amygdala<-vmPFC]": 0.2,
        "B[amygdala<-vmPFC, faces]": 0.5,
        "C[vmPFC<-faces]": 0.5,
        "C[vmPFC<-shapes]": 0.5,
    }
)
run = effconn.simulate(spec, planted, inputs, repetition_time / 16, repetition_time, snr=2.0, seed=0)

# %%
# The interaction of the seed with each condition, in a model of every other region.
found = effconn.gppi(
    run.data.bold,
    inputs.to_numpy(),
    effconn.convolve_inputs(inputs, repetition_time).to_numpy(),
    effconn.cosine_drifts(scans, repetition_time, 128.0),
    effconn.spm_kernel(repetition_time),
    np.array([[1.0, -1.0]]),  # faces − shapes
    regions=spec.regions,
)
pd.DataFrame(
    found.directed[0], index=[f"to {name}" for name in spec.regions], columns=[f"from {name}" for name in spec.regions]
).round(2)
