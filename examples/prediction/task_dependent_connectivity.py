"""
Task-dependent connectivity (gPPI)
==================================

Generalised psychophysiological interactions on region series: does coupling with a seed differ between conditions?
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import effconn

help(effconn.gppi)
