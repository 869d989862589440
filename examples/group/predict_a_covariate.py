"""
Predict a covariate of left-out participants
============================================

Is connectivity enough to tell a participant's score? Each participant is left out once; the group of the others
predicts the score from that participant's own posterior.
"""

# %%
# Sixteen participants with known connections: how strongly faces change amygdala ← vmPFC varies with a score.
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
participants = pd.DataFrame({"participant_id": [f"sub-{n:02}" for n in range(1, 17)], "score": rng.normal(size=16)})
subjects = []
for seed, (name, score) in enumerate(participants.itertuples(index=False)):
    planted = spec.parameters(
        {
            "A[amygdala<-vmPFC]": 0.3,
            "B[amygdala<-vmPFC, faces]": 0.4 + 0.3 * score + 0.1 * rng.normal(),
            "C[vmPFC<-task]": 0.5,
        }
    )
    run = effconn.simulate(spec, planted, np.column_stack([blocks, faces]), 0.125, 2.0, snr=1.5, seed=seed)
    subjects.append(effconn.Subject(name, spec, run.data))

posteriors = dict(zip(participants["participant_id"], effconn.invert_cohort(subjects), strict=True))
design = effconn.peb.Design.from_frame(participants)
estimates = effconn.peb.from_dcm(posteriors, fields=["B"])

# %%
found = effconn.peb.leave_one_out(estimates, design, covariate="score", parameters=["B[amygdala<-vmPFC, faces]"])
print(found)
effconn.plot_leave_one_out(found)
plt.show()
