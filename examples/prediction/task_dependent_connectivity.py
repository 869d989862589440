"""
Task-dependent connectivity (gPPI)
==================================

Generalised psychophysiological interactions on region series: does coupling with a seed differ between conditions?
Beside a DCM on the same series, it is a measure without a model of direction.
"""

# %%
# Faces strengthen amygdala ← vmPFC, shapes do not. A third input makes vmPFC fluctuate within the blocks: an
# interaction is a slope on what varies within a condition, and says little of a region that is only on or off.
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()

scans, repetition_time = 240, 2.0
events = pd.DataFrame({"onset": np.arange(0.0, 480.0, 40.0), "duration": 20.0, "trial_type": ["faces", "shapes"] * 6})
conditions = effconn.inputs_from_events(events, scans, repetition_time)
fluctuation = np.repeat(np.random.default_rng(0).normal(size=scans), 16)  # another value each scan
inputs = conditions.assign(fluctuation=fluctuation)
spec = effconn.make_spec(
    ["vmPFC", "amygdala"],
    inputs.columns,
    b={"faces": ["amygdala <- vmPFC"]},
    c={"faces": ["vmPFC"], "shapes": ["vmPFC"], "fluctuation": ["vmPFC"]},
)
planted = spec.parameters(
    {
        "A[amygdala<-vmPFC]": 0.2,
        "B[amygdala<-vmPFC, faces]": 0.5,
        "C[vmPFC<-faces]": 0.5,
        "C[vmPFC<-shapes]": 0.5,
        "C[vmPFC<-fluctuation]": 0.5,
    }
)
run = effconn.simulate(spec, planted, inputs, repetition_time / 16, repetition_time, snr=2.0, seed=0)

# %%
# The interaction of the seed with each condition, in a model of every other region. Coupling from vmPFC to the amygdala
# is stronger under faces. The other direction shows a difference too, though none was planted: a regression of one
# series on another does not tell directions apart, which is what a DCM is for.
found = effconn.gppi(
    run.data.bold,
    conditions.to_numpy(),
    effconn.convolve_inputs(conditions, repetition_time).to_numpy(),
    effconn.cosine_drifts(scans, repetition_time, 128.0),
    effconn.spm_kernel(repetition_time),
    np.array([[1.0, -1.0]]),  # faces − shapes
    regions=spec.regions,
)
pd.DataFrame(
    found.directed[0], index=[f"to {name}" for name in spec.regions], columns=[f"from {name}" for name in spec.regions]
).round(2)
