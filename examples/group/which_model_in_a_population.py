"""
Which model does the population use?
====================================

Two models of every participant, compared as random effects: participants may differ in which model made their data.
"""

# %%
# Twelve participants; in nine of them faces change amygdala ← vmPFC, in three the connection back.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import effconn

effconn.start_jax()

blocks = (np.arange(120 * 16) * 0.125 % 40 < 20).astype(float)
faces = blocks * (np.arange(blocks.size) // 320 % 2 == 0)
regions, inputs = ["vmPFC", "amygdala"], ["task", "faces"]
models = {
    name: effconn.make_spec(regions, inputs, b={"faces": [connection]}, c={"task": ["vmPFC"]})
    for name, connection in {"top-down": "amygdala <- vmPFC", "bottom-up": "vmPFC <- amygdala"}.items()
}
subjects = []
for seed in range(12):
    truth = "top-down" if seed < 9 else "bottom-up"
    connection = "amygdala<-vmPFC" if truth == "top-down" else "vmPFC<-amygdala"
    planted = models[truth].parameters(
        {
            "A[amygdala<-vmPFC]": 0.2,
            "A[vmPFC<-amygdala]": 0.2,
            f"B[{connection}, faces]": 0.5,
            "C[vmPFC<-task]": 0.5,
        }
    )
    run = effconn.simulate(models[truth], planted, np.column_stack([blocks, faces]), 0.125, 2.0, snr=1.5, seed=seed)
    subjects += [effconn.Subject(f"sub-{seed + 1:02}", spec, run.data) for spec in models.values()]

# %%
# Every model of every participant, in one call; the free energy is the evidence.
inverted = effconn.invert_cohort(subjects)
posteriors = {name: inverted[place :: len(models)] for place, name in enumerate(models)}
free_energy = pd.DataFrame({name: [found.free_energy for found in each] for name, each in posteriors.items()})
free_energy.sub(free_energy.mean(axis=1), axis=0).round(1)

# %%
# Frequencies of the models in the population, and the probability that each is the most frequent.
found = effconn.peb.random_effects(posteriors)
figure, ax = plt.subplots(figsize=(4, 3), layout="constrained")
ax.bar(list(models), found.frequency)
ax.set_ylabel("expected share of the population")
plt.show()

# %%
found.summary()
