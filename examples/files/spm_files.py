"""
Files of SPM
============

A model is written as a ``DCM_*.mat`` that SPM opens, read back, inverted in SPM12's mode, and written as SPM would
leave it after estimation.
"""

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import effconn

effconn.start_jax()
folder = Path(mkdtemp())

# %%
# A specified model, as SPM's "specify DCM" leaves it.
blocks = (np.arange(120 * 16) * 0.125 % 40 < 20).astype(float)[:, None]
spec = effconn.make_spec(["V1", "V5"], ["motion"], c={"motion": ["V1"]})
planted = spec.parameters({"A[V5<-V1]": 0.4, "C[V1<-motion]": 0.6})
run = effconn.simulate(spec, planted, blocks, 0.125, 2.0, snr=2.0, seed=2)
effconn.write_dcm(folder / "DCM_sub-01.mat", effconn.Subject("sub-01", spec, run.data))

# %%
# Whatever SPM or effconn wrote is read the same way; ``subject`` is what is inverted.
file = effconn.read_dcm(folder / "DCM_sub-01.mat")
print(file.subject)

# %%
# effconn's own answer, and SPM12's.
ours = effconn.invert(file.subject)
spm12 = effconn.invert(file.to_subject("spm12"), effconn.Settings("spm12"))
print(ours["A[V5<-V1]"])
print(spm12["A[V5<-V1]"])

# %%
# Estimated files open in SPM's review; reading one gives the posterior that it holds.
effconn.write_dcm(folder / "DCM_sub-01_estimated.mat", file, spm12)
again = effconn.read_dcm(folder / "DCM_sub-01_estimated.mat")
print(np.abs(again.posterior.mean - spm12.mean).max())
