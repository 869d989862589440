"""Images → arrays: regions on a run's grid, design, first-level GLM, eigenvariates, microtime inputs."""

from ._extraction import Extraction

__all__ = ["Extraction"]
