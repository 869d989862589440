"""
Compare two arms
================

Two sessions, two arms: what did the drug do to a connection? Changes are exact differences of two posteriors.
"""

# %%
# Twelve participants in each arm. The drug weakens amygdala ← vmPFC under faces by 0.4 Hz, placebo does nothing.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()
rng = np.random.default_rng(0)

blocks = (np.arange(120 * 16) * 0.125 % 40 < 20).astype(float)
faces = blocks * (np.arange(blocks.size) // 320 % 2 == 0)
spec = effconn.make_spec(
    ["vmPFC", "amygdala"],
    ["task", "faces"],
    b={"faces": ["amygdala <- vmPFC", "vmPFC <- amygdala"]},
    c={"task": ["vmPFC"]},
)
participants = pd.DataFrame(
    {"participant_id": [f"sub-{n:02}" for n in range(1, 25)], "arm": ["drug"] * 12 + ["placebo"] * 12}
)
changes = {"drug": -0.4, "placebo": 0.0}
subjects = []
for seed, (name, arm) in enumerate(participants.itertuples(index=False)):
    before = 0.4 + 0.15 * rng.normal()
    after = before + changes[arm] + 0.1 * rng.normal()
    for session, strength in enumerate((before, after)):
        planted = spec.parameters(
            {"A[amygdala<-vmPFC]": 0.3, "B[amygdala<-vmPFC, faces]": strength, "C[vmPFC<-task]": 0.5}
        )
        run = effconn.simulate(
            spec, planted, np.column_stack([blocks, faces]), 0.125, 2.0, snr=1.5, seed=2 * seed + session
        )
        subjects.append(effconn.Subject(f"{name}_{session + 1}", spec, run.data))
posteriors = effconn.invert_cohort(subjects)

# %%
# The change of each participant, after − before.
names = list(participants["participant_id"])
before, after = (
    effconn.peb.from_dcm(dict(zip(names, posteriors[session::2], strict=True)), fields=["B"]) for session in (0, 1)
)
differences = [effconn.peb.change(*pair, name) for name, *pair in zip(names, before, after, strict=True)]

# %%
# A group of each arm, whose spreads may differ, and their difference.
design = effconn.peb.Design.from_frame(participants)
placebo, drug = effconn.peb.fit_each_level(differences, design, "arm[placebo]")
[comparison] = effconn.peb.arms_from_separate_groups(drug, placebo)
comparison.summary()

# %%
effconn.plot_arms(comparison)
plt.show()
