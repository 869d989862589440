"""
Who gets better?
================

An elastic net on a table of measures, judged twice: in the participants it was fitted to, and in participants left out
of everything, scaling and tuning included.
"""

# %%
# A table as any study has it: one row a participant and session. Improvement goes with the change of one of six
# measures.
import numpy as np
import pandas as pd

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
