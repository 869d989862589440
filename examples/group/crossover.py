"""
A crossover: visits, participants, groups
=========================================

Every participant has the drug at one visit and placebo at the other, in either order. What does the drug do? Three
levels in one model: visits within participants, who differ in their connectivity and in what the drug does to them.
"""

# %%
# Twelve participants in two sequences. The drug weakens amygdala ← vmPFC under faces by 0.5 Hz, more in some and less
# in others; a second visit adds 0.1 Hz. Two participants did not come again.
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
rows, subjects = [], []
for number in range(1, 13):
    name, sequence = f"sub-{number:02}", ["AB", "BA"][number % 2]
    own, own_effect = 0.5 + 0.2 * rng.normal(), -0.5 + 0.15 * rng.normal()
    for period in (1, 2) if number not in (4, 11) else (1,):
        drug = "ketamine" if (sequence == "AB") == (period == 1) else "placebo"
        strength = own + own_effect * (drug == "ketamine") + 0.1 * (period == 2)
        planted = spec.parameters(
            {"A[amygdala<-vmPFC]": 0.3, "B[amygdala<-vmPFC, faces]": strength, "C[vmPFC<-task]": 0.5}
        )
        run = effconn.simulate(
            spec, planted, np.column_stack([blocks, faces]), 0.125, 2.0, snr=1.5, seed=10 * number + period
        )
        visit = f"{name}_ses-{period}"
        subjects.append(effconn.Subject(visit, spec, run.data))
        rows.append((visit, name, sequence, f"period {period}", drug))
visits = pd.DataFrame(rows, columns=["visit", "participant_id", "sequence", "period", "drug"])
posteriors = effconn.invert_cohort(subjects)

# %%
# A row of the design is a visit. Effects of the drug and the period are within participants, that of the sequence is
# between them; who has one visit only still tells how participants differ.
estimates = effconn.peb.from_dcm(dict(zip(visits["visit"], posteriors, strict=True)), fields=["B"])
design = effconn.peb.Design.from_formula(
    visits, "1 + drug + period + sequence", participant="visit", reference={"drug": "placebo"}
)
group = effconn.peb.fit_visits(estimates, design, list(visits["participant_id"]))
print(*group.remarks, sep="\n")
group.summary()

# %%
# The contrast that was asked about; −0.5 Hz was planted in amygdala ← vmPFC, nothing in the other connection.
effect = effconn.peb.parse_contrast("ketamine - placebo", design)
density = effconn.peb.evaluate_contrast(group, effect).density
for parameter, mean, (low, high), above in zip(
    group.parameters, density.mean, density.interval(0.9), density.above_zero, strict=True
):
    print(f"{parameter}: {mean:.2f} Hz (90 % interval {low:.2f} to {high:.2f}), P(effect > 0) {above:.3f}")

# %%
# Every effect with its 90 % interval.
effconn.plot_effects(group)
plt.show()
