"""
Who gets better?
================

An elastic net on a table of measures, judged twice: in the participants it was fitted to, and in participants left out
of everything, scaling and tuning included.
"""

# %%
# A table as any study has it: one row for each participant and session. Improvement depends on the change of one of six
# measures.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import effconn

rng = np.random.default_rng(0)
n = 40
change = rng.normal(size=(n, 6))
before = rng.normal(size=(n, 6))
rows = []
for session, values in (("before", before), ("after", before + change)):
    for place in range(n):
        rows.append(
            {
                "participant_id": f"sub-{place + 1:02}",
                "session": session,
                "improvement": 8 - 4 * change[place, 0] + 2 * rng.normal() if session == "before" else np.nan,
                **{f"conn_{k + 1}": values[place, k] for k in range(6)},
            }
        )
table = pd.DataFrame(rows)

# %%
# The change of every measure as predictors of improvement. Tuning is repeated without each of ten groups of
# participants, whose outcomes the model has never seen. In a study, leave `permutations` at its 1000.
result = effconn.elastic_net(
    table,
    "before(improvement)",
    "change(conn_*)",
    sessions=("before", "after"),
    unit="points",
    folds=10,
    permutations=50,
    bootstraps=50,
    alphas=(0.5, 1.0),
)
print(result.performance[["quantity", "value", "meaning"]].to_string(index=False))

# %%
# Every predictor with its coefficient, in points per standard deviation, its bootstrap interval, and how often it is
# retained in bootstraps and in folds.
print(
    result.summary()[["predictor", "coefficient", "low", "high", "bootstraps", "folds", "stable"]].to_string(
        index=False
    )
)

# %%
# Observed and predicted improvement, by models that never saw the participant, and the coefficients.
figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
effconn.plot_predictions(result, axes[0])
effconn.plot_coefficients(result, axes[1])
plt.show()
