"""
Group analysis
==============

Two sessions, two arms, a score: what did treatment do to connectivity, which connections vary with improvement, and
could improvement have been predicted?
"""

# %%
# First level
# -----------
# Ten participants in each arm, two sessions. The drug weakens amygdala ← vmPFC under faces; those in whom it does so
# more get better. Everybody is inverted at once.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()
rng = np.random.default_rng(3)

blocks = (np.arange(120 * 16) * 0.125 % 40 < 20).astype(float)
faces = blocks * (np.arange(blocks.size) // 320 % 2 == 0)
spec = effconn.make_spec(
    ["vmPFC", "amygdala"],
    ["task", "faces"],
    b={"faces": ["amygdala <- vmPFC", "vmPFC <- amygdala"]},
    c={"task": ["vmPFC"]},
)
names = [f"sub-{n:02}" for n in range(1, 21)]
arms = np.repeat(["drug", "placebo"], 10)
strength = 0.4 + 0.1 * rng.normal(size=20)
fall = np.where(arms == "drug", 0.4, 0.0) + 0.15 * rng.normal(size=20)
improvement = 10 + 15 * fall + 2 * rng.normal(size=20)


def simulate_session(name: str, value: float, seed: int) -> effconn.Subject:
    """One session in which faces strengthen amygdala ← vmPFC by `value`, Hz."""
    planted = {"A[amygdala<-vmPFC]": 0.3, "B[amygdala<-vmPFC, faces]": value, "C[vmPFC<-task]": 0.5}
    run = effconn.simulate(
        spec, spec.parameters(planted), np.column_stack([blocks, faces]), 0.125, 2.0, snr=1.5, seed=seed
    )
    return effconn.Subject(name, spec, run.data)


before = effconn.invert_cohort([simulate_session(*row) for row in zip(names, strength, range(20), strict=True)])
after = effconn.invert_cohort(
    [simulate_session(*row) for row in zip(names, strength - fall, range(20, 40), strict=True)]
)

# %%
# The change of each participant
# ------------------------------
# Whoever could not be inverted is a ``Failure`` in the list, with the reason, and has to be left out of both sessions
# and of the table: ``[name for name, found in zip(names, before) if isinstance(found, effconn.Posterior)]``.
#
# Posteriors, means and covariances, are the data of the group level. The change after − before is exact: its mean is
# the difference of means, its covariance the sum of covariances.
pairs = zip(
    names,
    effconn.peb.from_dcm(dict(zip(names, before, strict=True)), ["B"]),
    effconn.peb.from_dcm(dict(zip(names, after, strict=True)), ["B"]),
    strict=True,
)
changes = [effconn.peb.change(first, second, name) for name, first, second in pairs]

# %%
# The arms
# --------
# A group of each arm, whose spreads may differ, and the difference of their means.
table = pd.DataFrame({"participant_id": names, "arm": arms, "improvement": improvement})
design = effconn.peb.Design.from_frame(table, ["arm"])
placebo, drug = effconn.peb.fit_each_level(changes, design, "arm[placebo]")
[comparison] = effconn.peb.arms_from_separate_groups(drug, placebo)
effconn.plot_arms(comparison)

# %%
comparison.summary()

# %%
# Which connections vary with improvement?
# ----------------------------------------
# Numbers are centred; an effect is in Hz for each point of improvement.
design = effconn.peb.Design.from_frame(table, ["improvement"])
group = effconn.peb.fit(changes, design)
effconn.plot_effects(group)

# %%
# Which of these effects does the evidence ask for?
effconn.peb.search(group).summary()

# %%
# Could it have been predicted?
# -----------------------------
# Each participant is left out once, and the others' group predicts the improvement from the change in connectivity.
found = effconn.peb.leave_one_out(changes, design, covariate="improvement")
print(found)
effconn.plot_leave_one_out(found, centre=design.centres["improvement"], unit="points")
plt.show()
