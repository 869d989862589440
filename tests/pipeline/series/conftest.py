"""Files of region series laid out as their programs write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import series_layouts

Writer = Callable[..., Path]


@pytest.fixture(scope="session")
def write_xcpd() -> Writer:
    """Writes a run as XCP-D does: parcels, sidecars of series and images, outliers, motion."""
    return series_layouts.write_xcpd


@pytest.fixture(scope="session")
def write_conn() -> Writer:
    """Writes CONN's file of regions, three tissues first."""
    return series_layouts.write_conn
