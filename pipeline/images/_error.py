"""What a user reads where a run or a region cannot be used."""

from __future__ import annotations


class ExtractionError(ValueError):
    """A run that nothing can be taken from: run, region where it is one, cause and remedy in one line."""


class RegionError(ValueError):
    """A region that cannot be drawn: its name, cause and remedy in one line."""
