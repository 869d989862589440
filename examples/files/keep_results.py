"""
Keep and open results
=====================

Results are NetCDF: effconn opens them as objects, xarray as labelled arrays, ArviZ as inference data.
"""

# %%
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import numpy as np

import effconn

effconn.start_jax()
folder = Path(mkdtemp())

blocks = (np.arange(120 * 16) * 0.125 % 40 < 20).astype(float)[:, None]
spec = effconn.make_spec(["V1", "V5"], ["motion"], c={"motion": ["V1"]})
planted = spec.parameters({"A[V5<-V1]": 0.4, "C[V1<-motion]": 0.6})
run = effconn.simulate(spec, planted, blocks, 0.125, 2.0, snr=2.0, seed=2)
posterior = effconn.invert(effconn.Subject("sub-01", spec, run.data))

# %%
# Saved whole or not at all, with a checksum that ends the file.
effconn.save_result(posterior, folder / "sub-01.nc")
again = effconn.open_result(folder / "sub-01.nc")
print(again)

# %%
# As xarray has it: every array with the names of its regions, inputs and parameters.
effconn.to_dataset(posterior)

# %%
# As ArviZ has it: draws of the Gaussian posterior and prior, and of the series they predict.
import arviz as az

draws = effconn.to_arviz(posterior, draws=400)
az.plot_forest(draws, var_names=["A", "C"], combined=True, backend_kwargs={"layout": "constrained"})
plt.show()
