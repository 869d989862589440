"""
Task-dependent connectivity (gPPI)
==================================

Generalised psychophysiological interactions on region series: does coupling with a seed differ between conditions?
"""

# %%

import effconn

help(effconn.gppi)
