"""Which share of a posterior every interval holds."""

from __future__ import annotations

from scipy import stats

LEVEL = 0.90
Z = float(stats.norm.ppf((1 + LEVEL) / 2))  # half-width of a posterior interval, in standard deviations
