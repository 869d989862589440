"""
Prediction
==========

Can a score be predicted from measures of the brain, in participants whom the model has never seen? This tutorial fits
an elastic net, looks at what it can and cannot say, and shows what the same model says of noise.
"""

# %%
# The table
# ---------
# One row for each participant and session, as ``effconn features`` writes it and as any study has it. Here are thirty
# participants with four measures at two sessions; improvement depends on the change of the first.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import effconn

rng = np.random.default_rng(1)
n = 30


def make_table(effect: float) -> pd.DataFrame:
    """A table in which improvement rises by `effect` points with the change of the first measure."""
    before, change = rng.normal(size=(2, n, 4))
    improvement = 10 + effect * change[:, 0] + 2 * rng.normal(size=n)
    frames = []
    for session, values in (("before", before), ("after", before + change)):
        frame = pd.DataFrame(values, columns=[f"gppi_{k + 1}" for k in range(4)])
        frame.insert(0, "participant_id", [f"sub-{k + 1:02}" for k in range(n)])
        frame.insert(1, "session", session)
        frame["improvement"] = improvement
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


table = make_table(effect=3.0)
table.head()

# %%
# The model
# ---------
# A formula says what predicts what: ``change(gppi_*)`` is the change of every measure whose name begins so. All that is
# learned (scaling, tuning of both penalties, imputation) is learned again without each fold. In a study leave
# `permutations` and `bootstraps` at their defaults; here they are few, so that this page is quick to build.
options = {"sessions": ("before", "after"), "folds": 10, "permutations": 50, "bootstraps": 20, "alphas": (0.5, 1.0)}
result = effconn.elastic_net(table, "before(improvement)", "change(gppi_*)", unit="points", **options)
print(result)

# %%
# Two numbers beside each other
# -----------------------------
# How well the model fits the participants it was made from, as such models are often published, and how well it
# predicts those it has not seen, which is the number that counts. Q² above 0 is better than guessing the mean.
result.performance[["quantity", "value", "meaning"]]

# %%
# Which measures, and how surely: the share of bootstraps and folds that retain a predictor.
result.summary()

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
effconn.plot_predictions(result, axes[0])
effconn.plot_coefficients(result, axes[1])

# %%
# The same on noise
# -----------------
# No measure has anything to do with improvement. In the participants it was fitted to, the model may look good; out of
# sample it does not.
noise = effconn.elastic_net(make_table(effect=0.0), "before(improvement)", "change(gppi_*)", **options)
noise.performance[["quantity", "value", "meaning"]]

# %%
plt.show()
