"""Calibration of a user's own design: data simulated from it, inverted as it would be, and held against the truth."""

from ._coverage import Coverage, measure_coverage, share

__all__ = ["Coverage", "measure_coverage", "share"]
